//! The result of a chunk as octets: what a worker commits and a submitter merges.

use std::io::Read;

use canvass_model::Time;
use canvass_report::{Part, PartCounts};
use serde::{Deserialize, Serialize};

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

impl ChunkResult {
    /// Encodes the result with its lines.
    pub fn encode(&self, lines: &[u8]) -> Vec<u8> {
        let mut octets = postcard::to_stdvec(self).expect("counts can be saved");
        match self.packing {
            Packing::Plain => octets.extend_from_slice(lines),
            Packing::Zstd => {
                let packed = zstd::bulk::compress(lines, ZSTD_LEVEL);
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
