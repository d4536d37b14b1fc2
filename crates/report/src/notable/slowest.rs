//! The slowest targets.

use std::cmp::Reverse;
use std::time::Duration;

use canvass_model::{Outcome, Phases};
use serde::{Deserialize, Serialize};

use super::{NamedTarget, SLOWEST_MAX, request_number};

/// A slow target and where its time went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SlowTarget {
    /// The target.
    pub(crate) named: NamedTarget,
    /// The service time.
    pub(crate) took: Duration,
    /// The time from when it was due.
    pub(crate) response: Duration,
    /// The time spent in each phase.
    pub(crate) phases: Phases,
}

/// The slowest targets of all that were recorded, the slowest first. Of targets that took equally
/// long, those that were asked for first are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slowest(Vec<SlowTarget>);

impl Slowest {
    pub(super) fn record(&mut self, outcome: &Outcome) {
        let Some(took) = outcome.latency() else {
            return;
        };
        let rank = (Reverse(took), outcome.job.seq);
        let is_full = self.0.len() == SLOWEST_MAX;
        if is_full && self.0.last().is_some_and(|last| last.rank() <= rank) {
            return;
        }
        if request_number(outcome).is_some() {
            let seq = outcome.job.seq;
            if let Some(same) = self.0.iter().position(|slow| slow.named.seq == seq) {
                if self.0[same].took >= took {
                    return;
                }
                self.0.remove(same);
            }
        }
        let place = self.0.partition_point(|slow| slow.rank() <= rank);
        self.0.insert(
            place,
            SlowTarget {
                named: NamedTarget::of(outcome),
                took,
                response: outcome.response(),
                phases: outcome.phases,
            },
        );
        self.0.truncate(SLOWEST_MAX);
    }

    /// Adds the slowest of other targets.
    pub(super) fn merge(&mut self, other: &Self) {
        self.0.extend_from_slice(&other.0);
        self.0.sort_by_key(SlowTarget::rank);
        self.0.truncate(SLOWEST_MAX);
    }

    pub(super) fn targets(&self) -> &[SlowTarget] {
        &self.0
    }
}

impl SlowTarget {
    fn rank(&self) -> (Reverse<Duration>, u64) {
        (Reverse(self.took), self.named.seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use canvass_model::Answer;
    use proptest::prelude::*;

    fn took(seq: u64, span_ns: u64) -> Outcome {
        let mut outcome = fixture::http_answered();
        outcome.job.seq = seq;
        outcome.finished = outcome.first_send.unwrap() + Duration::from_nanos(span_ns);
        outcome
    }

    proptest! {
        #[test]
        fn they_are_those_of_a_sort(spans_ns in prop::collection::vec(0..20_u64, 0..60)) {
            let mut slowest = Slowest::default();
            for (seq, &span_ns) in (0..).zip(&spans_ns) {
                slowest.record(&took(seq, span_ns));
            }
            let mut sorted: Vec<(u64, u64)> = (0..).zip(spans_ns).collect();
            sorted.sort_by_key(|&(seq, span_ns)| (Reverse(span_ns), seq));
            sorted.truncate(SLOWEST_MAX);
            let kept = slowest.targets().iter();
            let kept = kept.map(|slow| (slow.named.seq, slow.took.as_nanos() as u64));
            prop_assert_eq!(kept.collect::<Vec<_>>(), sorted);
        }
    }

    #[test]
    fn a_target_that_is_requested_repeatedly_has_one_place() {
        let mut slowest = Slowest::default();
        for (seq, span_ns, repeat) in [(0, 50, 1), (1, 40, 1), (0, 70, 2), (0, 60, 3), (1, 90, 2)] {
            let mut outcome = took(seq, span_ns);
            if let Answer::Http(answer) = &mut outcome.answer {
                answer.repeat = Some(repeat);
            }
            slowest.record(&outcome);
        }
        let kept = slowest.targets().iter();
        let kept: Vec<_> = kept
            .map(|slow| (slow.named.seq, slow.took.as_nanos()))
            .collect();
        assert_eq!(kept, [(1, 90), (0, 70)]);
    }
}
