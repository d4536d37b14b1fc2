//! The cost of work: elapsed time and CPU time of this process.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A running measurement.
pub(crate) struct Stopwatch {
    began: Instant,
    user: Duration,
    system: Duration,
}

/// The cost of finished work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    /// Elapsed time.
    pub wall: Duration,
    /// CPU time in user mode.
    pub user: Duration,
    /// CPU time in the kernel.
    pub system: Duration,
}

impl Stopwatch {
    /// Starts a measurement.
    pub(crate) fn start() -> Self {
        let (user, system) = processor_time();
        Self {
            began: Instant::now(),
            user,
            system,
        }
    }

    /// Returns the cost since the start.
    pub(crate) fn stop(&self) -> Cost {
        let (user, system) = processor_time();
        Cost {
            wall: self.began.elapsed(),
            user: user.saturating_sub(self.user),
            system: system.saturating_sub(self.system),
        }
    }
}

impl Cost {
    /// The cost in total and per query, for `queries` queries, and the number of those lost.
    pub(crate) fn to_json(self, queries: u64, lost: u64) -> Value {
        let processor_s = (self.user + self.system).as_secs_f64();
        json!({
            "queries": queries,
            "lost": lost,
            "wall_s": self.wall.as_secs_f64(),
            "user_s": self.user.as_secs_f64(),
            "sys_s": self.system.as_secs_f64(),
            "cpu_us_per_query": processor_s * 1e6 / queries as f64,
            "per_second": queries as f64 / self.wall.as_secs_f64(),
        })
    }
}

#[expect(unsafe_code, reason = "neither std nor rustix has getrusage")]
fn processor_time() -> (Duration, Duration) {
    // SAFETY: rusage consists of integers, for which zero is valid.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to an rusage that outlives the call.
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    assert_eq!(result, 0, "getrusage supports RUSAGE_SELF");
    let duration =
        |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    (duration(usage.ru_utime), duration(usage.ru_stime))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_per_query_and_per_second() {
        let cost = Cost {
            wall: Duration::from_secs(2),
            user: Duration::from_millis(300),
            system: Duration::from_millis(700),
        };
        let json = cost.to_json(1_000_000, 3);
        assert_eq!(json["cpu_us_per_query"], 1.0);
        assert_eq!(json["per_second"], 500_000.0);
        assert_eq!(json["lost"], 3);
    }

    #[test]
    fn cpu_time_is_counted() {
        let stopwatch = Stopwatch::start();
        let mut cost = stopwatch.stop();
        while cost.user + cost.system < Duration::from_millis(20) {
            cost = stopwatch.stop();
        }
    }
}
