//! What happens to targets, and to the sweep.

use std::time::Duration;

use canvass_model::Time;

use crate::TargetId;
use crate::cut_off::CutOffChange;
use crate::state::Change;

/// What happened to a target, or to the sweep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The state of a target has changed.
    Changed {
        /// The target.
        target: TargetId,
        /// When.
        at: Time,
        /// From what, to what, and why.
        change: Change,
        /// How long it was in the state before; `None` if it was in no other since the start.
        lasted: Option<Duration>,
        /// Whether an alert is due: it is down, or is up after an alert that it was down.
        alerts: bool,
    },
    /// A target that went down in silence is still down, and the silence is over.
    StillDown {
        /// The target.
        target: TargetId,
        /// When.
        at: Time,
    },
    /// Most targets fail at once, or do no more: this machine is cut off, and no target goes down
    /// meanwhile.
    CutOff {
        /// Whether that began or ended.
        change: CutOffChange,
        /// When.
        at: Time,
        /// How many targets fail.
        failing: u64,
        /// Out of how many.
        in_use: u64,
    },
}
