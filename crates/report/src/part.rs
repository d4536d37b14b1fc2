//! Outcomes that another process has recorded.

use canvass_model::Time;
use serde::{Deserialize, Serialize};

use crate::{Bin, LatencyRecorder, NotableTargets, Tally};

/// The outcomes of consecutive jobs, as another process has recorded them: their lines and their counts.
#[derive(Clone)]
pub struct Part {
    /// The sequence number of the first job.
    pub first: u64,
    /// The number of jobs, whose numbers follow each other.
    pub jobs: u64,
    /// When the part was received.
    pub at: Time,
    /// The lines, whole ones, in the format of the run and without a header. Fewer than outcomes if the
    /// run leaves some out.
    pub lines: Vec<u8>,
    /// The number of outcomes whose lines these are.
    pub written: u64,
    /// The counts.
    pub counts: PartCounts,
}

/// The counts of a [`Part`].
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct PartCounts {
    /// Outcomes by verdict, status and cause.
    pub tally: Tally,
    /// Their latency.
    pub latency: LatencyRecorder,
    /// Their verdicts and phases.
    pub bin: Bin,
    /// Those of their targets that a page names.
    pub notable: NotableTargets,
}

impl Part {
    /// The number of outcomes.
    pub fn outcomes(&self) -> u64 {
        self.counts.tally.total()
    }
}
