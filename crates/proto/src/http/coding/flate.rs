//! Deflate (RFC 1951), and the content coding `deflate` (RFC 9110 §8.4.1.2).

use flate2::{Decompress, FlushDecompress, Status};

use super::{CodingFault, PIECE_BYTES, Sink};

pub(super) const NAME: &str = "deflate";

/// The content coding `deflate`: the zlib format (RFC 1950), or raw deflate, which some servers
/// send instead.
pub(super) struct Deflate(State);

enum State {
    /// The first octet, if any, does not tell which of the two it is.
    Unknown(Option<u8>),
    Running(Inflate),
    Complete,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self(State::Unknown(None))
    }

    pub(super) fn decode(&mut self, mut octets: &[u8], sink: Sink<'_>) -> Result<(), CodingFault> {
        while let [next, rest @ ..] = octets {
            match &mut self.0 {
                State::Unknown(None) => {
                    self.0 = State::Unknown(Some(*next));
                    octets = rest;
                }
                State::Unknown(Some(first)) => {
                    let start = [*first, *next];
                    let mut inflate = Inflate::new(is_zlib(start));
                    // Two octets can be a whole stream of raw deflate.
                    let ended = inflate.run(&start, NAME, sink)?;
                    octets = rest;
                    self.0 = match ended {
                        None => State::Running(inflate),
                        Some(2) => State::Complete,
                        Some(_) => return Err(trailing()),
                    };
                }
                State::Running(inflate) => match inflate.run(octets, NAME, sink)? {
                    None => return Ok(()),
                    Some(used) => {
                        octets = &octets[used..];
                        self.0 = State::Complete;
                    }
                },
                State::Complete => return Err(trailing()),
            }
        }
        Ok(())
    }

    pub(super) fn is_complete(&self) -> bool {
        matches!(self.0, State::Complete)
    }
}

/// Decodes one deflate stream after the other.
pub(super) struct Inflate {
    decompress: Decompress,
    /// Where a piece is decoded. A call may have a few octets only, so it does not pay to clear one
    /// for each.
    piece: Box<[u8]>,
}

impl Inflate {
    /// With the header and checksum of zlib, or raw.
    pub(super) fn new(zlib: bool) -> Self {
        Self {
            decompress: Decompress::new(zlib),
            piece: vec![0; PIECE_BYTES].into(),
        }
    }

    /// Prepares for another raw stream.
    pub(super) fn restart(&mut self) {
        self.decompress.reset(false);
    }

    /// Decodes octets. If the stream ends among them, returns how many belong to it.
    pub(super) fn run(
        &mut self,
        octets: &[u8],
        coding: &'static str,
        sink: Sink<'_>,
    ) -> Result<Option<usize>, CodingFault> {
        let bad = |what| CodingFault::Bad { coding, what };
        let Self { decompress, piece } = self;
        let (in_before, mut out_before) = (decompress.total_in(), decompress.total_out());
        loop {
            let used = (decompress.total_in() - in_before) as usize;
            let status = decompress.decompress(&octets[used..], piece, FlushDecompress::None);
            let decoded = (decompress.total_out() - out_before) as usize;
            out_before += decoded as u64;
            // What precedes the wrong octet counts, as if it had been received by itself.
            sink(&piece[..decoded])?;
            let status = status.map_err(|_| bad("not a deflate stream"))?;
            let used_now = (decompress.total_in() - in_before) as usize;
            if status == Status::StreamEnd {
                return Ok(Some(used_now));
            }
            if decoded < piece.len() {
                if used_now == octets.len() {
                    return Ok(None);
                }
                if decoded == 0 && used_now == used {
                    return Err(bad("not a deflate stream"));
                }
            }
        }
    }
}

/// Whether a stream starts with a zlib header (RFC 1950 §2.2): the method deflate, and a check over
/// the two octets. Raw deflate that starts so would be a stored block with non-zero padding, which
/// no encoder writes.
fn is_zlib([method_and_window, flags]: [u8; 2]) -> bool {
    method_and_window & 15 == 8
        && method_and_window >> 4 <= 7
        && u16::from_be_bytes([method_and_window, flags]) % 31 == 0
}

fn trailing() -> CodingFault {
    CodingFault::Bad {
        coding: NAME,
        what: "it goes on after its end",
    }
}
