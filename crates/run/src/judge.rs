//! Judges outcomes before any sink receives them.

use std::fmt;
use std::sync::Arc;

use canvass_model::Outcome;

/// Judges outcomes before any sink receives them, on the thread of the sinks.
pub trait Judge: Send + Sync {
    /// Changes what is to be changed in these outcomes. What ended, and how it is counted, follows
    /// from what they are then.
    fn judge(&self, outcomes: &mut [Outcome]);
}

/// A judge in a plan.
#[derive(Clone)]
pub(crate) struct PlannedJudge(pub(crate) Arc<dyn Judge>);

impl fmt::Debug for PlannedJudge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PlannedJudge")
    }
}
