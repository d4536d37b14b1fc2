//! A limit on requests.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A token bucket: a request takes a token, and there is a new one after each interval, up to a
/// number. It starts full.
#[derive(Debug)]
pub(crate) struct RateLimit {
    interval: Duration,
    burst: u32,
    /// When the bucket will be full again if no request comes.
    full_at: Mutex<Instant>,
}

impl RateLimit {
    pub(super) fn new(interval: Duration, burst: u32) -> Self {
        Self {
            interval,
            burst,
            full_at: Mutex::new(Instant::now()),
        }
    }

    /// Takes a token at `now`. Returns whether there was one.
    pub(crate) fn allows(&self, now: Instant) -> bool {
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let next = (*full_at).max(now) + self.interval;
        let is_allowed = next - now <= self.interval.saturating_mul(self.burst);
        if is_allowed {
            *full_at = next;
        }
        is_allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_for_each_interval() {
        let second = Duration::from_secs(1);
        let limit = RateLimit::new(second, 2);
        let start = Instant::now() + second;
        let allowed = |after| limit.allows(start + after);
        assert!(allowed(Duration::ZERO) && allowed(Duration::ZERO));
        assert!(!allowed(Duration::ZERO) && !allowed(second / 2));
        assert!(allowed(second) && !allowed(second));
        assert!(allowed(second * 9) && allowed(second * 9) && !allowed(second * 9));
        assert!(!RateLimit::new(second, 0).allows(start));
    }
}
