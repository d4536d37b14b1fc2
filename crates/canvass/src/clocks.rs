//! The clocks of this process: that of a run, and that of its CPU time.

use std::time::{Duration, Instant};

use canvass_model::Time;
use rustix::time::{ClockId, clock_gettime};

/// The time now in a run that began then.
pub fn run_time(began: Instant) -> Time {
    Time::from_nanos(began.elapsed().as_nanos() as u64)
}

/// What this process has used so far, user and system together.
pub fn process_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
