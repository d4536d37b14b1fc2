//! The share of its caps that a run may use.

use canvass_engine::CapShare;

use crate::plan::Clock;
use crate::stop::StopHandle;

/// Sets the share of its caps that a run may use, from any thread. Cheap to clone. May outlive the run.
#[derive(Clone, Debug)]
pub struct ShareHandle {
    share: CapShare,
    clock: Clock,
    stop: StopHandle,
}

impl ShareHandle {
    pub(crate) fn new(share: CapShare, clock: Clock, stop: StopHandle) -> Self {
        Self { share, clock, stop }
    }

    /// Sets the share, from 0 to 1. A run begins with all of its caps.
    ///
    /// The event loops follow in their next turn. From then on, the rates and the numbers of targets that are
    /// done at once are at most this part of the caps of the plan
    /// ([`Plan::caps`](crate::Plan::caps)), and reach it. A schedule of targets passes by so much more
    /// slowly, so that none of them are in arrears when the share rises. Limits that the caller of the
    /// builder has not set stay as they are, and a plan without caps goes on with any share.
    ///
    /// Slots for what is done at once are rounded down, so that shares that make up 1 never have more than
    /// the cap together. With a share of 0, or less than one slot of any cap
    /// ([`Caps::share_min`](crate::Caps::share_min)), no target is begun. Targets under way are
    /// completed: their retries keep to the rates of the last share that was enough.
    pub fn set(&self, share: f64) {
        if self.share.set(self.clock.now(), share) {
            self.stop.wake();
        }
    }
}
