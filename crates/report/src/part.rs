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

impl PartCounts {
    /// Forgets what was counted, and keeps the memory of the histograms.
    pub fn clear(&mut self) {
        self.latency.clear();
        *self = Self {
            latency: std::mem::take(&mut self.latency),
            ..Self::default()
        };
    }
}

impl Part {
    /// The number of outcomes.
    pub fn outcomes(&self) -> u64 {
        self.counts.tally.total()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn counts_that_were_cleared_are_as_new_ones() {
        let saved = |counts: &PartCounts| postcard::to_stdvec(counts).unwrap();
        let mut counts = PartCounts::default();
        for outcome in [fixture::ptr_answered(), fixture::http_expired()] {
            counts.tally.record(&outcome);
            counts.latency.record(&outcome);
            counts.bin.record(&outcome);
            counts.notable.record(&outcome);
        }
        counts.clear();
        assert_eq!(saved(&counts), saved(&PartCounts::default()));
    }
}
