//! Gzip (RFC 1952): a sequence of members, each with its checksum.

use flate2::Crc;

use super::flate::Inflate;
use super::{CodingFault, Sink};

pub(super) const NAME: &str = "gzip";

pub(super) struct Gzip {
    state: State,
    /// Octets of the fixed part or the trailer that is being read.
    gathered: [u8; 10],
    gathered_octets: usize,
    flags: u8,
    /// Over the header first, then over the decoded content.
    crc: Crc,
    inflate: Inflate,
}

/// The parts of a member (RFC 1952 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Fixed,
    ExtraLength,
    Extra { left: u16 },
    Name,
    Comment,
    HeaderCrc,
    Content,
    Trailer,
}

const FLAG_HEADER_CRC: u8 = 1 << 1;
const FLAG_EXTRA: u8 = 1 << 2;
const FLAG_NAME: u8 = 1 << 3;
const FLAG_COMMENT: u8 = 1 << 4;
const FLAGS_RESERVED: u8 = 0b1110_0000;

impl Gzip {
    pub(super) fn new() -> Self {
        Self {
            state: State::Fixed,
            gathered: [0; 10],
            gathered_octets: 0,
            flags: 0,
            crc: Crc::new(),
            inflate: Inflate::new(false),
        }
    }

    pub(super) fn decode(&mut self, mut octets: &[u8], sink: Sink<'_>) -> Result<(), CodingFault> {
        while let [next, rest @ ..] = octets {
            if self.state == State::Content {
                let crc = &mut self.crc;
                let ended = self.inflate.run(octets, NAME, &mut |decoded| {
                    crc.update(decoded);
                    sink(decoded)
                })?;
                let Some(used) = ended else { return Ok(()) };
                octets = &octets[used..];
                self.state = State::Trailer;
                continue;
            }
            self.state = self.frame_octet(*next)?;
            octets = rest;
        }
        Ok(())
    }

    /// Whether a member is complete, and no other has started.
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Fixed && self.gathered_octets == 0
    }

    /// Takes an octet of the header or the trailer.
    fn frame_octet(&mut self, octet: u8) -> Result<State, CodingFault> {
        if !matches!(self.state, State::HeaderCrc | State::Trailer) {
            self.crc.update(&[octet]);
        }
        Ok(match self.state {
            State::Fixed => {
                let index = self.gathered_octets;
                match index {
                    0 | 1 if octet != [0x1f, 0x8b][index] => {
                        return Err(bad("it does not begin as gzip does"));
                    }
                    2 if octet != 8 => return Err(bad("its method is not deflate")),
                    3 if octet & FLAGS_RESERVED != 0 => return Err(bad("it has unknown flags")),
                    3 => self.flags = octet,
                    _ => {}
                }
                match self.gather(octet, 10) {
                    None => State::Fixed,
                    Some(_) => self.after(State::Fixed),
                }
            }
            State::ExtraLength => match self.gather(octet, 2) {
                None => State::ExtraLength,
                Some([low, high, ..]) => match u16::from_le_bytes([low, high]) {
                    0 => self.after(State::Extra { left: 0 }),
                    left => State::Extra { left },
                },
            },
            State::Extra { left: 1 } => self.after(self.state),
            State::Extra { left } => State::Extra { left: left - 1 },
            State::Name | State::Comment if octet == 0 => self.after(self.state),
            State::Name | State::Comment => self.state,
            State::HeaderCrc => match self.gather(octet, 2) {
                None => State::HeaderCrc,
                Some([low, high, ..]) => {
                    if u16::from_le_bytes([low, high]) != self.crc.sum() as u16 {
                        return Err(bad("the checksum of its header is wrong"));
                    }
                    self.after(State::HeaderCrc)
                }
            },
            State::Trailer => match self.gather(octet, 8) {
                None => State::Trailer,
                Some([a, b, c, d, e, f, g, h, ..]) => {
                    if u32::from_le_bytes([a, b, c, d]) != self.crc.sum() {
                        return Err(bad("its checksum is wrong"));
                    }
                    if u32::from_le_bytes([e, f, g, h]) != self.crc.amount() {
                        return Err(bad("its length is wrong"));
                    }
                    self.crc.reset();
                    State::Fixed
                }
            },
            State::Content => unreachable!("inflate reads that"),
        })
    }

    /// Collects the octets of a part of `wanted` octets. Returns them once they are complete.
    fn gather(&mut self, octet: u8, wanted: usize) -> Option<[u8; 10]> {
        self.gathered[self.gathered_octets] = octet;
        self.gathered_octets += 1;
        if self.gathered_octets < wanted {
            return None;
        }
        self.gathered_octets = 0;
        Some(self.gathered)
    }

    /// The part that follows `part`, according to the flags.
    fn after(&mut self, part: State) -> State {
        let has = |flag: u8| self.flags & flag != 0;
        let index = match part {
            State::Fixed => 0,
            State::Extra { .. } => 1,
            State::Name => 2,
            State::Comment => 3,
            _ => 4,
        };
        let parts = [
            (FLAG_EXTRA, State::ExtraLength),
            (FLAG_NAME, State::Name),
            (FLAG_COMMENT, State::Comment),
            (FLAG_HEADER_CRC, State::HeaderCrc),
        ];
        let next = parts[index..].iter().find(|(flag, _)| has(*flag));
        next.map_or_else(
            || {
                self.crc.reset();
                self.inflate.restart();
                State::Content
            },
            |(_, part)| *part,
        )
    }
}

fn bad(what: &'static str) -> CodingFault {
    CodingFault::Bad { coding: NAME, what }
}
