//! The clock of a run.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use canvass_model::Time;

/// The clock of a run: its start, on the monotonic and on the wall clock.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    /// When this part of the run began.
    pub began: Instant,
    /// When the run began: [`Time::ZERO`].
    pub zero: Instant,
    wall: SystemTime,
}

impl Clock {
    /// The clock of a run that begins now.
    pub(super) fn start() -> Self {
        let began = Instant::now();
        Self {
            began,
            zero: began,
            wall: SystemTime::now(),
        }
    }

    /// The clock of the run whose first part began at `wall`. If the wall clock was set back since then,
    /// the time in between counts as none.
    pub(super) fn since(self, wall: SystemTime) -> Self {
        let before = self.wall.duration_since(wall).unwrap_or_default();
        Self {
            zero: self.began.checked_sub(before).unwrap_or(self.began),
            wall,
            ..self
        }
    }

    pub(crate) fn now(&self) -> Time {
        Time::ZERO + self.zero.elapsed()
    }

    pub(super) fn wall(&self) -> SystemTime {
        self.wall
    }

    pub(super) fn unix_ns_at_zero(&self) -> i128 {
        let since_1970 = self.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
        i128::try_from(since_1970.as_nanos()).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_goes_on_from_the_first_part_of_a_run() {
        let part = Clock::start();
        let hour = Duration::from_secs(3600);
        let whole = part.since(part.wall() - hour);
        assert!(whole.now() >= Time::ZERO + hour);
        assert_eq!(whole.wall() + hour, part.wall());
        assert_eq!(whole.zero + hour, part.zero);
        assert_eq!(
            whole.unix_ns_at_zero() + 3_600_000_000_000,
            part.unix_ns_at_zero()
        );
        // The wall clock was set back.
        let later = part.since(part.wall() + hour);
        assert!(later.now() < Time::ZERO + hour);
        assert_eq!(later.zero, part.zero);
    }
}
