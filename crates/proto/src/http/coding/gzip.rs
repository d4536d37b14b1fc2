//! Gzip (RFC 1952): a sequence of members, each with its checksum.

use flate2::Crc;

use super::flate::Inflate;
use super::{CodingFault, Sink};

pub(super) const NAME: &str = "gzip";

pub(super) struct Gzip {
    at: At,
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
enum At {
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
            at: At::Fixed,
            gathered: [0; 10],
            gathered_octets: 0,
            flags: 0,
            crc: Crc::new(),
            inflate: Inflate::new(false),
        }
    }

    pub(super) fn decode(&mut self, mut octets: &[u8], sink: Sink<'_>) -> Result<(), CodingFault> {
        while let [next, rest @ ..] = octets {
            if self.at == At::Content {
                let crc = &mut self.crc;
                let ended = self.inflate.run(octets, NAME, &mut |decoded| {
                    crc.update(decoded);
                    sink(decoded)
                })?;
                let Some(used) = ended else { return Ok(()) };
                octets = &octets[used..];
                self.at = At::Trailer;
                continue;
            }
            self.at = self.frame_octet(*next)?;
            octets = rest;
        }
        Ok(())
    }

    /// Whether a member is complete, and no other has started.
    pub(super) fn is_complete(&self) -> bool {
        self.at == At::Fixed && self.gathered_octets == 0
    }

    /// Takes an octet of the header or the trailer.
    fn frame_octet(&mut self, octet: u8) -> Result<At, CodingFault> {
        if !matches!(self.at, At::HeaderCrc | At::Trailer) {
            self.crc.update(&[octet]);
        }
        Ok(match self.at {
            At::Fixed => {
                let place = self.gathered_octets;
                match place {
                    0 | 1 if octet != [0x1f, 0x8b][place] => {
                        return Err(bad("it does not begin as gzip does"));
                    }
                    2 if octet != 8 => return Err(bad("its method is not deflate")),
                    3 if octet & FLAGS_RESERVED != 0 => return Err(bad("it has unknown flags")),
                    3 => self.flags = octet,
                    _ => {}
                }
                match self.gather(octet, 10) {
                    None => At::Fixed,
                    Some(_) => self.after(At::Fixed),
                }
            }
            At::ExtraLength => match self.gather(octet, 2) {
                None => At::ExtraLength,
                Some([low, high, ..]) => match u16::from_le_bytes([low, high]) {
                    0 => self.after(At::Extra { left: 0 }),
                    left => At::Extra { left },
                },
            },
            At::Extra { left: 1 } => self.after(self.at),
            At::Extra { left } => At::Extra { left: left - 1 },
            At::Name | At::Comment if octet == 0 => self.after(self.at),
            At::Name | At::Comment => self.at,
            At::HeaderCrc => match self.gather(octet, 2) {
                None => At::HeaderCrc,
                Some([low, high, ..]) => {
                    if u16::from_le_bytes([low, high]) != self.crc.sum() as u16 {
                        return Err(bad("the checksum of its header is wrong"));
                    }
                    self.after(At::HeaderCrc)
                }
            },
            At::Trailer => match self.gather(octet, 8) {
                None => At::Trailer,
                Some([a, b, c, d, e, f, g, h, ..]) => {
                    if u32::from_le_bytes([a, b, c, d]) != self.crc.sum() {
                        return Err(bad("its checksum is wrong"));
                    }
                    if u32::from_le_bytes([e, f, g, h]) != self.crc.amount() {
                        return Err(bad("its length is wrong"));
                    }
                    self.crc.reset();
                    At::Fixed
                }
            },
            At::Content => unreachable!("inflate reads that"),
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
    fn after(&mut self, part: At) -> At {
        let has = |flag: u8| self.flags & flag != 0;
        let place = match part {
            At::Fixed => 0,
            At::Extra { .. } => 1,
            At::Name => 2,
            At::Comment => 3,
            _ => 4,
        };
        let parts = [
            (FLAG_EXTRA, At::ExtraLength),
            (FLAG_NAME, At::Name),
            (FLAG_COMMENT, At::Comment),
            (FLAG_HEADER_CRC, At::HeaderCrc),
        ];
        let next = parts[place..].iter().find(|(flag, _)| has(*flag));
        next.map_or_else(
            || {
                self.crc.reset();
                self.inflate.restart();
                At::Content
            },
            |(_, part)| *part,
        )
    }
}

fn bad(what: &'static str) -> CodingFault {
    CodingFault::Bad { coding: NAME, what }
}
