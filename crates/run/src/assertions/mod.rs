//! What is expected of an outcome beyond what its probe judges itself: its records and its times.

mod latency;
mod records;
#[cfg(test)]
mod tests;

use canvass_model::{Outcome, Unmet, Verdict};

pub use latency::{LatencyMax, Span, SpanError};
pub use records::{RecordAssertions, SoaTimes, is_behind, soa};

use crate::judge::Judge;

/// What is expected of outcomes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assertions {
    /// How long each may take at most.
    pub latency_max: Vec<LatencyMax>,
    /// What the records of an answer to a question must be.
    pub records: RecordAssertions,
}

impl Assertions {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.latency_max.is_empty() && self.records.is_empty()
    }

    /// The first assertion that an outcome does not meet: records, then times. A failure has neither,
    /// and what does not meet another expectation already is not judged again.
    pub fn unmet(&self, outcome: &Outcome) -> Option<Unmet> {
        if outcome.verdict == Verdict::Failed || outcome.answer.unmet().is_some() {
            return None;
        }
        self.records.unmet(outcome).or_else(|| {
            let mut limits = self.latency_max.iter();
            limits.find_map(|limit| limit.unmet(outcome))
        })
    }

    /// Makes an outcome negative that does not meet an assertion.
    pub fn apply(&self, outcome: &mut Outcome) {
        if let Some(unmet) = self.unmet(outcome) {
            contradict(outcome, unmet);
        }
    }
}

/// Makes an outcome negative for an expectation that does not hold. Its status stays.
pub fn contradict(outcome: &mut Outcome, unmet: Unmet) {
    outcome.verdict = Verdict::Negative;
    outcome.answer.set_unmet(unmet);
}

impl Judge for Assertions {
    fn judge(&self, outcomes: &mut [Outcome]) {
        for outcome in outcomes {
            self.apply(outcome);
        }
    }
}
