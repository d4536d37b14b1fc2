//! What a worker reports to its submitter.

use canvass_model::{LoopSample, ShardReport};
use serde::{Deserialize, Serialize};

/// What a worker reports to its submitter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkerReport {
    /// The number of outcomes that it has committed.
    pub committed: u64,
    /// Its event loops now, as one.
    pub sample: LoopSample,
    /// Its event loops since it joined the campaign, as one.
    pub shard: ShardReport,
    /// Why it has left, if it could not go on.
    pub failed: Option<String>,
}

impl WorkerReport {
    /// The report as octets.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).expect("counts can be saved")
    }

    /// Reads a report. `None` if the octets are something else: it only adds to what a person sees.
    pub fn decode(octets: &[u8]) -> Option<Self> {
        postcard::from_bytes(octets).ok()
    }
}
