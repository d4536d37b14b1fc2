//! Zstandard (RFC 8878): a sequence of frames, block by block.

use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use super::{CodingFault, PIECE_BYTES, Sink};

pub(super) const NAME: &str = "zstd";

/// The largest window of this content coding (RFC 9659 §3).
const WINDOW_BYTES_MAX: u64 = 8 << 20;

/// The most octets of a block (RFC 8878 §3.1.1.2.4).
const BLOCK_BYTES_MAX: usize = 128 << 10;

const MAGIC: u32 = 0xfd2f_b528;

/// The first of sixteen magic numbers of skippable frames (RFC 8878 §3.1.2).
const SKIPPABLE: u32 = 0x184d_2a50;

pub(super) struct Zstd {
    decoder: Box<FrameDecoder>,
    state: State,
    /// The beginning of a unit that is not whole yet.
    pending: Vec<u8>,
    /// Where a piece of a block is decoded.
    piece: Box<[u8]>,
    frame: FrameHeader,
    frame_decoded_bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before a frame: its magic number and header are the next unit.
    Frame,
    /// In a frame: a block is the next unit, with the checksum of the frame if it is the last.
    Block,
    /// In a skippable frame.
    Skip { left: u32 },
}

impl Zstd {
    pub(super) fn new() -> Self {
        Self {
            decoder: Box::new(FrameDecoder::new()),
            state: State::Frame,
            pending: Vec::new(),
            piece: vec![0; PIECE_BYTES].into(),
            frame: FrameHeader::default(),
            frame_decoded_bytes: 0,
        }
    }

    pub(super) fn decode(&mut self, mut octets: &[u8], sink: Sink<'_>) -> Result<(), CodingFault> {
        loop {
            if let State::Skip { left } = &mut self.state {
                let skipped = octets.len().min(*left as usize);
                octets = &octets[skipped..];
                *left -= skipped as u32;
                if *left > 0 {
                    return Ok(());
                }
                self.state = State::Frame;
            }
            if self.pending.is_empty() {
                // A unit that is whole in the input is not buffered.
                let Some(unit) = self
                    .unit_octets(octets)?
                    .filter(|unit| *unit <= octets.len())
                else {
                    self.pending.extend_from_slice(octets);
                    return Ok(());
                };
                self.unit(&octets[..unit], sink)?;
                octets = &octets[unit..];
                continue;
            }
            let Some(unit) = self.unit_octets(&self.pending)? else {
                let Some((next, rest)) = octets.split_first() else {
                    return Ok(());
                };
                self.pending.push(*next);
                octets = rest;
                continue;
            };
            let wanted = unit - self.pending.len();
            let (more, rest) = octets.split_at(wanted.min(octets.len()));
            self.pending.extend_from_slice(more);
            octets = rest;
            if more.len() < wanted {
                return Ok(());
            }
            let mut pending = std::mem::take(&mut self.pending);
            self.unit(&pending, sink)?;
            pending.clear();
            self.pending = pending;
        }
    }

    /// Whether a frame is complete, and no other has started.
    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Frame && self.pending.is_empty()
    }

    /// The length of the unit at the start of `octets`, once they determine it. It is never less
    /// than the octets needed for that.
    fn unit_octets(&self, octets: &[u8]) -> Result<Option<usize>, CodingFault> {
        match self.state {
            State::Frame => frame_start_octets(octets),
            State::Block | State::Skip { .. } => {
                let Some(header) = octets.first_chunk::<3>() else {
                    return Ok(None);
                };
                let block = BlockHeader::read(*header)?;
                let checksum = if block.last && self.frame.has_checksum {
                    4
                } else {
                    0
                };
                Ok(Some(3 + block.octets + checksum))
            }
        }
    }

    /// Decodes a whole unit.
    fn unit(&mut self, octets: &[u8], sink: Sink<'_>) -> Result<(), CodingFault> {
        if self.state == State::Frame {
            return self.begin_frame(octets);
        }
        let finished = self
            .decoder
            .decode_blocks(octets, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(|_| bad("a block cannot be read"))?;
        self.drain(sink)?;
        if finished {
            self.end_frame()?;
        }
        Ok(())
    }

    fn begin_frame(&mut self, octets: &[u8]) -> Result<(), CodingFault> {
        let (magic, rest) = octets.split_first_chunk::<4>().expect("a unit is whole");
        if u32::from_le_bytes(*magic) != MAGIC {
            let left = rest.first_chunk::<4>().expect("a unit is whole");
            let left = u32::from_le_bytes(*left);
            self.state = State::Skip { left };
            return Ok(());
        }
        self.frame = FrameHeader::read(rest)?;
        self.frame_decoded_bytes = 0;
        self.decoder
            .reset(octets)
            .map_err(|_| bad("the header of a frame cannot be read"))?;
        self.state = State::Block;
        Ok(())
    }

    /// Passes on what no further block of the frame refers to.
    fn drain(&mut self, sink: Sink<'_>) -> Result<(), CodingFault> {
        use std::io::Read;
        loop {
            match self.decoder.read(&mut self.piece) {
                Ok(0) => return Ok(()),
                Ok(decoded) => {
                    self.frame_decoded_bytes += decoded as u64;
                    sink(&self.piece[..decoded])?;
                }
                Err(_) => return Err(bad("a block cannot be read")),
            }
        }
    }

    fn end_frame(&mut self) -> Result<(), CodingFault> {
        let stated = self.decoder.get_checksum_from_data();
        if self.frame.has_checksum && stated != self.decoder.get_calculated_checksum() {
            return Err(bad("the checksum of a frame is wrong"));
        }
        let octets = self.frame.content_bytes;
        if octets.is_some_and(|octets| octets != self.frame_decoded_bytes) {
            return Err(bad("the length of a frame is wrong"));
        }
        self.state = State::Frame;
        Ok(())
    }
}

/// A frame header (RFC 8878 §3.1.1.1).
#[derive(Clone, Copy, Debug, Default)]
struct FrameHeader {
    has_checksum: bool,
    content_bytes: Option<u64>,
}

impl FrameHeader {
    /// Parses a whole header, without the magic number.
    fn read(octets: &[u8]) -> Result<Self, CodingFault> {
        let (descriptor, rest) = octets.split_first().expect("a unit is whole");
        if descriptor & 1 << 3 != 0 {
            return Err(bad("the header of a frame cannot be read"));
        }
        let [window_octets, dictionary_octets, content_octets] = header_parts(*descriptor);
        let (window, rest) = rest.split_at(window_octets);
        let (dictionary, content) = rest.split_at(dictionary_octets);
        if dictionary.iter().any(|octet| *octet != 0) {
            return Err(bad("it needs a dictionary"));
        }
        let mut content_bytes = None;
        if content_octets > 0 {
            let mut wide = [0; 8];
            wide[..content_octets].copy_from_slice(content);
            // A field of two octets has an offset of 256.
            let least = if content_octets == 2 { 256 } else { 0 };
            content_bytes = Some(u64::from_le_bytes(wide).saturating_add(least));
        }
        let window_bytes = match window {
            [window] => {
                let base = 1u64 << (10 + (window >> 3));
                base + base / 8 * u64::from(window & 7)
            }
            _ => content_bytes.unwrap_or(0),
        };
        if window_bytes > WINDOW_BYTES_MAX {
            return Err(bad("its window is larger than 8 MiB"));
        }
        Ok(Self {
            has_checksum: descriptor & 1 << 2 != 0,
            content_bytes,
        })
    }
}

/// A block header (RFC 8878 §3.1.1.2).
struct BlockHeader {
    last: bool,
    /// The size of the coded block.
    octets: usize,
}

impl BlockHeader {
    fn read([low, middle, high]: [u8; 3]) -> Result<Self, CodingFault> {
        let bits = u32::from_le_bytes([low, middle, high, 0]);
        let size = (bits >> 3) as usize;
        if size > BLOCK_BYTES_MAX {
            return Err(bad("a block is larger than 128 KiB"));
        }
        Ok(Self {
            last: bits & 1 != 0,
            octets: match bits >> 1 & 3 {
                // RLE: one octet, repeated.
                1 => 1,
                3 => return Err(bad("a block is of no known type")),
                _ => size,
            },
        })
    }
}

/// The length of magic number and header, once `octets` determine it.
fn frame_start_octets(octets: &[u8]) -> Result<Option<usize>, CodingFault> {
    let Some((magic, rest)) = octets.split_first_chunk::<4>() else {
        return Ok(None);
    };
    let magic = u32::from_le_bytes(*magic);
    if magic & !15 == SKIPPABLE {
        return Ok(Some(8));
    }
    if magic != MAGIC {
        return Err(bad("it does not begin as zstd does"));
    }
    Ok(rest
        .first()
        .map(|descriptor| 5 + header_parts(*descriptor).iter().sum::<usize>()))
}

/// The sizes of the window descriptor, the dictionary id and the content size (RFC 8878
/// §3.1.1.1.1).
fn header_parts(descriptor: u8) -> [usize; 3] {
    let single_segment = descriptor & 1 << 5 != 0;
    [
        usize::from(!single_segment),
        [0, 1, 2, 4][usize::from(descriptor & 3)],
        match descriptor >> 6 {
            0 => usize::from(single_segment),
            flag => 1 << flag,
        },
    ]
}

fn bad(what: &'static str) -> CodingFault {
    CodingFault::Bad { coding: NAME, what }
}
