//! Brotli (RFC 7932).

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::{CodingFault, PIECE_BYTES, Sink};

pub(super) const NAME: &str = "br";

pub(super) struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    complete: bool,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self {
            // Strict mode limits the window to 16 MiB.
            state: Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())),
            complete: false,
        }
    }

    pub(super) fn decode(&mut self, octets: &[u8], sink: Sink<'_>) -> Result<(), CodingFault> {
        let bad = |what| Err(CodingFault::Bad { coding: NAME, what });
        let mut piece = [0; PIECE_BYTES];
        let (mut left, mut used) = (octets.len(), 0);
        while !self.complete {
            let (mut piece_left, mut decoded) = (piece.len(), 0);
            let result = BrotliDecompressStream(
                &mut left,
                &mut used,
                octets,
                &mut piece_left,
                &mut decoded,
                &mut piece,
                &mut 0,
                &mut self.state,
            );
            sink(&piece[..decoded])?;
            match result {
                BrotliResult::ResultSuccess => self.complete = true,
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput => return Ok(()),
                BrotliResult::ResultFailure => return bad("not a brotli stream"),
            }
        }
        if left > 0 {
            return bad("it goes on after its end");
        }
        Ok(())
    }

    pub(super) fn is_complete(&self) -> bool {
        self.complete
    }
}
