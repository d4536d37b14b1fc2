//! The part of its caps that a run may use, when they hold for several runs together.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use canvass_model::Time;

use crate::caps::Caps;
use crate::pacer::SPAN;
use crate::schedule_clock::ScheduleClock;

/// How long a query waits for its pace at most until it looks again, if the share may rise.
pub(crate) const SHARE_LOOK: Duration = Duration::from_millis(100);

/// The part of its caps ([`Caps`]) that a run may use: all of them at first.
///
/// Rates and numbers of slots are that part of the caps, with slots rounded down. With a share of 0, or
/// of less than a slot ([`Caps::share_min`]), no target is begun. Those under way are completed, at the
/// rate and with the slots of the last share that was enough.
#[derive(Clone, Debug)]
pub struct CapShare(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    caps: Caps,
    /// Rises with each change.
    version: AtomicU64,
    part: Mutex<Part>,
}

/// What a share amounts to.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The part of each cap, above 0 and at most 1.
    pub(crate) of_caps: f64,
    /// Whether targets are begun.
    pub(crate) admits: bool,
    pub(crate) clock: ScheduleClock,
}

impl CapShare {
    pub(crate) fn new(caps: Caps) -> Self {
        Self(Arc::new(Shared {
            caps,
            version: AtomicU64::new(0),
            part: Mutex::new(Part {
                of_caps: 1.0,
                admits: true,
                clock: ScheduleClock::default(),
            }),
        }))
    }

    /// Sets the share, 0 to 1, from `now` on. Returns whether that changes anything: then the shards must be
    /// woken.
    pub fn set(&self, now: Time, share: f64) -> bool {
        let share = if share.is_nan() {
            0.0
        } else {
            share.clamp(0.0, 1.0)
        };
        let caps = &self.0.caps;
        let mut part = self.locked();
        let admits = caps.admits(share);
        let of_caps = match admits {
            true if caps.is_empty() => 1.0,
            true => share,
            false => part.of_caps,
        };
        if of_caps == part.of_caps && admits == part.admits {
            return false;
        }
        let speed = if admits { of_caps } else { 0.0 };
        let before = if part.admits { part.of_caps } else { 0.0 };
        part.of_caps = of_caps;
        part.admits = admits;
        if 0.0 < speed && speed < before {
            // Nothing passes until so much of what did at the higher rate is out of the last span.
            part.clock.set_speed(now, 0.0);
            let wait = SPAN.mul_f64(1.0 - speed / before);
            part.clock.set_speed(now + wait, speed);
        } else {
            part.clock.set_speed(now, speed);
        }
        self.0.version.fetch_add(1, Ordering::Release);
        true
    }

    /// The number of changes until now.
    #[inline]
    pub(crate) fn version(&self) -> u64 {
        self.0.version.load(Ordering::Acquire)
    }

    /// The part of each cap, above 0 and at most 1.
    pub(crate) fn of_caps(&self) -> f64 {
        self.locked().of_caps
    }

    fn locked(&self) -> MutexGuard<'_, Part> {
        self.0.part.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A share as a shard has seen it last.
#[derive(Debug)]
pub(crate) struct ShareView {
    share: CapShare,
    version: u64,
    part: Part,
}

impl ShareView {
    pub(crate) fn new(share: CapShare) -> Self {
        let version = share.version();
        let part = share.locked().clone();
        Self {
            share,
            version,
            part,
        }
    }

    /// Looks whether it has changed, and returns that.
    #[inline]
    pub(crate) fn refresh(&mut self) -> bool {
        let version = self.share.version();
        if version == self.version {
            return false;
        }
        self.version = version;
        self.part = self.share.locked().clone();
        true
    }

    /// What it amounts to.
    #[inline]
    pub(crate) fn part(&self) -> &Part {
        &self.part
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_nothing_keeps_the_part_for_what_is_under_way() {
        let share = CapShare::new(Caps {
            rate_per_second: Some(100.0),
            ..Caps::default()
        });
        let mut view = ShareView::new(share.clone());
        assert!(!share.set(Time::ZERO, 1.0) && !view.refresh());
        for (given, of_caps, admits) in [
            (0.25, 0.25, true),
            (0.0, 0.25, false),
            (f64::NAN, 0.25, false),
            (7.0, 1.0, true),
        ] {
            share.set(Time::ZERO, given);
            view.refresh();
            let part = view.part();
            assert_eq!((part.of_caps, part.admits), (of_caps, admits), "{given}");
        }
    }

    #[test]
    fn without_caps_it_means_nothing() {
        let share = CapShare::new(Caps::default());
        let mut view = ShareView::new(share.clone());
        assert!(!share.set(Time::ZERO, 0.0) && !view.refresh());
    }
}
