//! What is expected of the answers of a target beyond what its probe judges itself.

use std::sync::Arc;

use canvass_model::Outcome;
use canvass_run::{Assertions, Judge};

use crate::serials::Primary;

/// What is expected of the answers of a target beyond what its probe judges itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetAssertions {
    /// Of each answer.
    pub outcome: Assertions,
    /// The target that has the same zone, which its serial must keep up with.
    pub primary: Option<Primary>,
}

impl TargetAssertions {
    /// Itself, unless nothing is expected.
    pub fn if_any(self) -> Option<Arc<Self>> {
        let is_empty = self.outcome.is_empty() && self.primary.is_none();
        (!is_empty).then(|| Arc::new(self))
    }
}

/// Judges one round of targets, without states: each outcome by itself.
pub struct RoundAssertions(Vec<Option<Arc<TargetAssertions>>>);

impl RoundAssertions {
    /// The assertions of targets, by the numbers of their jobs.
    pub fn new(by_seq: impl IntoIterator<Item = Option<Arc<TargetAssertions>>>) -> Self {
        Self(by_seq.into_iter().collect())
    }
}

impl Judge for RoundAssertions {
    fn judge(&self, outcomes: &mut [Outcome]) {
        for outcome in outcomes {
            let seq = usize::try_from(outcome.job.seq).unwrap_or(usize::MAX);
            if let Some(Some(assertions)) = self.0.get(seq) {
                assertions.outcome.apply(outcome);
            }
        }
    }
}
