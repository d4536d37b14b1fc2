//! Outcomes over time, in a limited number of bins.
//!
//! Bins start narrow and double in width when there are too many, so memory does not grow with the
//! length of the run.

use std::time::Duration;

use canvass_model::{Outcome, Phase, Status, Time, Verdict};
use serde::{Deserialize, Serialize};

use crate::http_class::{HTTP_CLASSES, http_class};
use crate::write::nanos;

/// The maximum number of bins; when more are needed, pairs are merged.
const BINS_MAX: usize = 240;
/// The initial width of a bin, in nanoseconds.
const WIDTH_FIRST_NS: u64 = 10_000_000;

/// The outcomes in a span of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bin {
    /// All outcomes.
    pub ended: u64,
    /// Those that were answered; 0 if verdicts are unknown.
    pub answered: u64,
    /// Those that were negative; 0 if verdicts are unknown.
    pub negative: u64,
    /// Those that failed; 0 if verdicts are unknown.
    pub failed: u64,
    /// Those that were answered with an HTTP status code of each class: 1xx, 2xx, 3xx, 4xx, 5xx.
    pub answered_http: [u64; HTTP_CLASSES],
    /// The same of those that were negative.
    pub negative_http: [u64; HTTP_CLASSES],
    /// Time spent in each phase of [`Phase::TIMED`], in nanoseconds, and how many outcomes
    /// reached it.
    pub phases_ns: [(u64, u64); Phase::TIMED.len()],
}

impl Bin {
    /// Counts an outcome.
    pub fn record(&mut self, outcome: &Outcome) {
        self.ended += 1;
        let class = match outcome.status {
            Status::Http(code) => http_class(code),
            _ => None,
        };
        match outcome.verdict {
            Verdict::Answered => {
                self.answered += 1;
                class
                    .into_iter()
                    .for_each(|class| self.answered_http[class] += 1);
            }
            Verdict::Negative => {
                self.negative += 1;
                class
                    .into_iter()
                    .for_each(|class| self.negative_http[class] += 1);
            }
            Verdict::Failed => self.failed += 1,
        }
        for (phase, (sum, count)) in Phase::TIMED.into_iter().zip(&mut self.phases_ns) {
            if let Some(span) = outcome.phases.span(phase) {
                *sum = sum.saturating_add(nanos(span));
                *count += 1;
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.ended += other.ended;
        self.answered += other.answered;
        self.negative += other.negative;
        self.failed += other.failed;
        for class in 0..HTTP_CLASSES {
            self.answered_http[class] += other.answered_http[class];
            self.negative_http[class] += other.negative_http[class];
        }
        for (sum, added) in self.phases_ns.iter_mut().zip(other.phases_ns) {
            sum.0 = sum.0.saturating_add(added.0);
            sum.1 += added.1;
        }
    }
}

/// Outcomes over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    origin: Time,
    width_ns: u64,
    bins: Vec<Bin>,
}

impl Timeline {
    /// Starts at `origin`. Outcomes that ended before it are counted in the first bin.
    pub fn new(origin: Time) -> Self {
        Self {
            origin,
            width_ns: WIDTH_FIRST_NS,
            bins: Vec::new(),
        }
    }

    /// Counts an outcome at its end.
    pub fn record(&mut self, outcome: &Outcome) {
        let mut bin = Bin::default();
        bin.record(outcome);
        self.add(outcome.finished, &bin);
    }

    /// Adds outcomes that ended at `at`, or in an interval that started then.
    pub fn add(&mut self, at: Time, bin: &Bin) {
        let since_ns = at.nanos_since(self.origin);
        let mut place = (since_ns / self.width_ns) as usize;
        while place >= BINS_MAX {
            self.halve();
            place /= 2;
        }
        if self.bins.len() <= place {
            self.bins.resize(place + 1, Bin::default());
        }
        self.bins[place].add(bin);
    }

    fn halve(&mut self) {
        self.width_ns *= 2;
        self.bins = self
            .bins
            .chunks(2)
            .map(|pair| {
                let mut sum = pair[0];
                pair.iter().skip(1).for_each(|other| sum.add(other));
                sum
            })
            .collect();
    }

    /// The start of the first bin.
    pub fn origin(&self) -> Time {
        self.origin
    }

    /// The width of a bin.
    pub fn width(&self) -> Duration {
        Duration::from_nanos(self.width_ns)
    }

    /// The bins, up to the last one with outcomes.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// Whether the verdict of every outcome is known.
    pub fn has_verdicts(&self) -> bool {
        self.bins
            .iter()
            .all(|bin| bin.ended == bin.answered + bin.negative + bin.failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use proptest::prelude::*;

    fn ended_at_ms(at_ms: u64) -> Outcome {
        let mut outcome = fixture::ptr_answered();
        outcome.finished = Time::from_nanos(at_ms * 1_000_000);
        outcome
    }

    #[test]
    fn bins_double_when_the_run_is_long() {
        let mut timeline = Timeline::new(Time::ZERO);
        timeline.record(&ended_at_ms(5));
        timeline.record(&ended_at_ms(15));
        assert_eq!(timeline.width(), Duration::from_millis(10));
        assert_eq!(timeline.bins().len(), 2);
        timeline.record(&ended_at_ms(2_400));
        assert_eq!(timeline.width(), Duration::from_millis(20));
        assert_eq!(timeline.bins()[0].ended, 2);
        assert_eq!(timeline.bins().len(), 121);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_memory_is_bounded(
            origin_ms in 0..10_000_u64,
            ends_ms in prop::collection::vec(0..100_000_000_u64, 1..200),
        ) {
            let mut timeline = Timeline::new(Time::from_nanos(origin_ms * 1_000_000));
            for &at_ms in &ends_ms {
                timeline.record(&ended_at_ms(at_ms));
            }
            prop_assert!(timeline.bins().len() <= BINS_MAX);
            let ended: u64 = timeline.bins().iter().map(|bin| bin.ended).sum();
            prop_assert_eq!(ended, ends_ms.len() as u64);
            let dns = Phase::Dns.index().unwrap();
            let reached: u64 = timeline.bins().iter().map(|bin| bin.phases_ns[dns].1).sum();
            prop_assert_eq!(reached, ended);
            prop_assert!(timeline.has_verdicts());
            let last = timeline.bins().last().unwrap();
            prop_assert!(last.ended > 0);
        }
    }
}
