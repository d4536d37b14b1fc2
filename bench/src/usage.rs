//! What a piece of work cost: the clock's time, and this process's on the processor.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// Work that goes on.
pub struct Stopwatch {
    began: Instant,
    user: Duration,
    system: Duration,
}

/// Work that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// By the clock.
    pub wall: Duration,
    /// On the processor, outside the kernel.
    pub user: Duration,
    /// On the processor, inside the kernel.
    pub system: Duration,
}

impl Stopwatch {
    /// Begins.
    pub fn start() -> Self {
        let (user, system) = processor_time();
        Self {
            began: Instant::now(),
            user,
            system,
        }
    }

    /// What was spent since.
    pub fn stop(&self) -> Cost {
        let (user, system) = processor_time();
        Cost {
            wall: self.began.elapsed(),
            user: user.saturating_sub(self.user),
            system: system.saturating_sub(self.system),
        }
    }
}

impl Cost {
    /// The cost of `queries`, of which or beside which `lost` had no answer.
    pub fn to_json(self, queries: u64, lost: u64) -> Value {
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

fn processor_time() -> (Duration, Duration) {
    // SAFETY: rusage is plain numbers, for which zeros are a value.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the pointer is to a whole rusage that outlives the call.
    let result = unsafe { libc::getrusage(libc::RUSAGE_SELF, &raw mut usage) };
    assert_eq!(result, 0, "getrusage knows RUSAGE_SELF everywhere");
    let duration =
        |time: libc::timeval| Duration::new(time.tv_sec as u64, time.tv_usec as u32 * 1000);
    (duration(usage.ru_utime), duration(usage.ru_stime))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_told_by_query_and_by_second() {
        let cost = Cost {
            wall: Duration::from_secs(2),
            user: Duration::from_millis(300),
            system: Duration::from_millis(700),
        };
        let told = cost.to_json(1_000_000, 3);
        assert_eq!(told["cpu_us_per_query"], 1.0);
        assert_eq!(told["per_second"], 500_000.0);
        assert_eq!(told["lost"], 3);
    }

    #[test]
    fn work_is_seen() {
        let stopwatch = Stopwatch::start();
        let mut cost = stopwatch.stop();
        while cost.user + cost.system < Duration::from_millis(20) {
            cost = stopwatch.stop();
        }
        assert!(cost.wall >= Duration::from_millis(10));
    }
}
