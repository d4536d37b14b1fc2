//! The result of a chunk as octets: what a worker commits and a submitter merges.

use std::io::Read;

use canvass_model::Time;
use canvass_report::{Part, PartCounts};
use serde::{Deserialize, Serialize};
use zstd::bulk::Compressor;

use crate::chunk::ChunkHeader;

/// The maximum size of the lines of a chunk, in octets: 16 KiB for each of as many jobs as a chunk has.
const LINES_OCTETS_MAX: u64 = 1 << 30;
/// The level of compression: lines are much alike, and this one takes the least time.
const ZSTD_LEVEL: i32 = 1;

/// How lines are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Packing {
    /// As they are.
    Plain,
    /// A zstd frame.
    Zstd,
}

/// The result of a chunk, without its lines.
#[derive(Clone, Serialize, Deserialize)]
pub struct ChunkResult {
    /// The chunk.
    pub header: ChunkHeader,
    /// The counts of its outcomes.
    pub counts: PartCounts,
    /// The number of outcomes that have a line.
    pub written: u64,
    /// How many jobs the worker does per second.
    pub jobs_per_second: f64,
    /// The length of the lines in octets.
    pub lines_octets: u64,
    /// How the lines are packed.
    pub packing: Packing,
}

/// Why octets are not the result of a chunk.
#[derive(Debug, thiserror::Error)]
#[error("damaged result: {0}")]
pub struct ResultError(String);

/// Packs lines, one result after the other.
pub(crate) enum LinePacker {
    /// See [`Packing::Plain`].
    Plain,
    /// See [`Packing::Zstd`]. Its tables are made once.
    Zstd(Compressor<'static>),
}

impl LinePacker {
    pub(crate) fn new(packing: Packing) -> Self {
        match packing {
            Packing::Plain => Self::Plain,
            Packing::Zstd => {
                let compressor = Compressor::new(ZSTD_LEVEL);
                Self::Zstd(compressor.expect("the level is one that there is"))
            }
        }
    }

    pub(crate) fn packing(&self) -> Packing {
        match self {
            Self::Plain => Packing::Plain,
            Self::Zstd(_) => Packing::Zstd,
        }
    }
}

impl ChunkResult {
    /// Encodes the result with its lines, which `packer` packs as [`packing`](Self::packing) says.
    pub(crate) fn encode(&self, lines: &[u8], packer: &mut LinePacker) -> Vec<u8> {
        let mut octets = postcard::to_stdvec(self).expect("counts can be saved");
        match packer {
            LinePacker::Plain => octets.extend_from_slice(lines),
            LinePacker::Zstd(compressor) => {
                let packed = compressor.compress(lines);
                octets.extend(packed.expect("memory is no bad output"));
            }
        }
        octets
    }

    /// Decodes a result with its lines.
    ///
    /// # Errors
    /// The octets are no result, or its counts are not those of all outcomes.
    pub fn decode(octets: &[u8]) -> Result<(Self, Vec<u8>), ResultError> {
        let damaged = |error: &dyn ToString| ResultError(error.to_string());
        let (result, packed): (Self, _) =
            postcard::take_from_bytes(octets).map_err(|error| damaged(&error))?;
        let mut lines = Vec::new();
        match result.packing {
            Packing::Plain => lines.extend_from_slice(packed),
            Packing::Zstd => zstd::stream::Decoder::new(packed)
                .and_then(|decoder| decoder.take(LINES_OCTETS_MAX).read_to_end(&mut lines))
                .map(drop)
                .map_err(|error| damaged(&error))?,
        }
        let outcomes = result.counts.tally.total();
        if lines.len() as u64 != result.lines_octets {
            return Err(damaged(&"lines are missing"));
        }
        if outcomes != result.header.outcomes || result.written > outcomes {
            return Err(damaged(&"it does not have every outcome"));
        }
        Ok((result, lines))
    }

    /// The result as a part of a run, received at `at`.
    pub fn into_part(self, lines: Vec<u8>, at: Time) -> Part {
        Part {
            first: self.header.first,
            jobs: self.header.jobs.into(),
            at,
            lines,
            written: self.written,
            counts: self.counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_that_is_decoded_is_the_one_that_was_encoded_however_its_lines_are_packed() {
        for packing in [Packing::Plain, Packing::Zstd] {
            let mut packer = LinePacker::new(packing);
            // A packer is used for one result after the other.
            for lines in ["first\nsecond\n", ""] {
                let result = ChunkResult {
                    header: ChunkHeader {
                        first: 7,
                        jobs: 2,
                        outcomes: 0,
                    },
                    counts: PartCounts::default(),
                    written: 0,
                    jobs_per_second: 2.0,
                    lines_octets: lines.len() as u64,
                    packing,
                };
                let octets = result.encode(lines.as_bytes(), &mut packer);
                let (decoded, decoded_lines) = ChunkResult::decode(&octets).unwrap();
                assert_eq!(decoded.header, result.header);
                assert_eq!(decoded_lines, lines.as_bytes());
            }
        }
    }

    #[test]
    fn a_result_without_some_of_its_lines_is_damaged() {
        let mut packer = LinePacker::new(Packing::Plain);
        let result = ChunkResult {
            header: ChunkHeader {
                first: 0,
                jobs: 1,
                outcomes: 0,
            },
            counts: PartCounts::default(),
            written: 0,
            jobs_per_second: 1.0,
            lines_octets: 6,
            packing: Packing::Plain,
        };
        let octets = result.encode(b"first\n", &mut packer);
        assert!(ChunkResult::decode(&octets).is_ok());
        assert!(ChunkResult::decode(&octets[..octets.len() - 1]).is_err());
    }
}
