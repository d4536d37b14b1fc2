//! A copy of what is shown of a target.

use std::sync::Arc;

use canvass_sweep::{LastResult, State, Watched};

/// What is shown of a target.
#[derive(Clone, Debug)]
pub(crate) struct TargetRow {
    pub key: Arc<str>,
    pub group: Arc<str>,
    pub module: Box<str>,
    pub state: State,
    /// When the state last changed, in nanoseconds since 1970 (UTC).
    pub since_unix_ns: Option<u64>,
    pub in_maintenance: bool,
    /// Why the last round was not good; only if it was asked for.
    pub reason: Option<Box<str>>,
    pub last: Option<LastResult>,
}

impl TargetRow {
    /// With the reason, which costs a copy of its text.
    pub(crate) fn explained(watched: &Watched) -> Self {
        Self {
            reason: watched.tracker.reason().map(Into::into),
            ..Self::of(watched)
        }
    }

    /// Without the reason.
    pub(crate) fn of(watched: &Watched) -> Self {
        Self {
            key: Arc::clone(&watched.target.key),
            group: Arc::clone(&watched.target.group),
            module: watched.target.module().into(),
            state: watched.tracker.state(),
            since_unix_ns: watched.tracker.since_unix_ns(),
            in_maintenance: watched.target.in_maintenance,
            reason: None,
            last: watched.last,
        }
    }
}
