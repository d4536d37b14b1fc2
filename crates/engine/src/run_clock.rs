//! The time since the start of a run, by the clock that only goes forward; and what the clock of the
//! day says in terms of it, for the times of arrival that the system gives.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use canvass_model::Time;

/// The clock of a run.
#[derive(Debug)]
pub(crate) struct RunClock {
    began: Instant,
    /// The start of the run by the clock of the day, in nanoseconds since 1970. That clock can be set.
    began_day_ns: Option<u64>,
}

impl RunClock {
    /// The clock of a run that began at `began`, which is [`Time::ZERO`].
    pub(crate) fn new(began: Instant) -> Self {
        Self {
            began,
            began_day_ns: None,
        }
    }

    /// The time now.
    #[inline]
    pub(crate) fn now(&self) -> Time {
        Time::from_nanos(self.began.elapsed().as_nanos() as u64)
    }

    /// Has the clock of the day be read again when it is next needed.
    pub(crate) fn forget_day(&mut self) {
        self.began_day_ns = None;
    }

    /// The time that the clock of the day calls `day_ns`, in nanoseconds since 1970.
    #[inline]
    pub(crate) fn by_day(&mut self, day_ns: u64) -> Time {
        let began = self.began;
        let began_day_ns = *self.began_day_ns.get_or_insert_with(|| {
            let day = SystemTime::now().duration_since(UNIX_EPOCH);
            let day_ns = day.unwrap_or_default().as_nanos() as u64;
            day_ns.saturating_sub(began.elapsed().as_nanos() as u64)
        });
        Time::from_nanos(day_ns.saturating_sub(began_day_ns))
    }
}
