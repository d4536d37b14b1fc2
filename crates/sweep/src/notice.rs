//! What a sweep says when something changes.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cut_off::CutOffChange;
use crate::state::{Change, State};
use crate::watch::{Event, Watch};

/// Something that changed, with what a line or an alert needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// When.
    pub at: SystemTime,
    /// What.
    pub what: What,
}

/// What changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The state of a target.
    State {
        /// The key of the target.
        target: Arc<str>,
        /// Its group.
        group: Arc<str>,
        /// From what, to what, and why.
        change: Change,
        /// How long it was in the state before; `None` if it was in no other since the start.
        lasted: Option<Duration>,
        /// Whether an alert is due.
        alerts: bool,
        /// Whether its alerts are silenced.
        silenced: bool,
    },
    /// Whether this machine is cut off from its targets.
    CutOff {
        /// It began or ended.
        change: CutOffChange,
        /// How many targets fail.
        failing: u64,
        /// Out of how many that are not down.
        in_use: u64,
    },
}

impl Notice {
    /// What `event` of `watch` is about.
    pub(crate) fn of(watch: &Watch, event: Event) -> Option<Self> {
        let wall = |at| UNIX_EPOCH + Duration::from_nanos(watch.unix_ns(at));
        Some(match event {
            Event::Changed {
                target,
                at,
                change,
                lasted,
                alerts,
            } => {
                let watched = &watch.get(target)?.target;
                Self {
                    at: wall(at),
                    what: What::State {
                        target: Arc::clone(&watched.key),
                        group: Arc::clone(&watched.group),
                        change,
                        lasted,
                        alerts,
                        silenced: false,
                    },
                }
            }
            Event::StillDown { target, at } => {
                let watched = watch.get(target)?;
                let change = Change {
                    from: State::Down,
                    to: State::Down,
                    reason: watched.tracker.reason().map(Into::into),
                };
                Self {
                    at: wall(at),
                    what: What::State {
                        target: Arc::clone(&watched.target.key),
                        group: Arc::clone(&watched.target.group),
                        change,
                        lasted: watched.tracker.since_unix_ns().map(|since| {
                            Duration::from_nanos(watch.unix_ns(at).saturating_sub(since))
                        }),
                        alerts: true,
                        silenced: false,
                    },
                }
            }
            Event::CutOff {
                change,
                at,
                failing,
                in_use,
            } => Self {
                at: wall(at),
                what: What::CutOff {
                    change,
                    failing,
                    in_use,
                },
            },
        })
    }
}
