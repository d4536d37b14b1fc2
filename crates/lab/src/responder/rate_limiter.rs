//! A token bucket per server address.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use canvass_model::Time;

use super::per_server::PerServer;

/// Token buckets of equal size. Each is stored as the time at which it will be full.
#[derive(Debug)]
pub(super) struct RateLimiter {
    interval_ns: u64,
    credit_ns: u64,
    /// How far refused queries may overdraw a bucket.
    debt_ns: u64,
    full_at: PerServer<Time>,
}

impl RateLimiter {
    /// Admits `per_second` queries on average, and `burst` at once. Refused queries overdraw a
    /// bucket by up to `debt`.
    pub(super) fn new(per_second: NonZeroU32, burst: NonZeroU32, debt: Duration) -> Self {
        let interval_ns = 1_000_000_000 / u64::from(per_second.get());
        Self {
            interval_ns,
            credit_ns: interval_ns * u64::from(burst.get() - 1),
            debt_ns: debt.as_nanos() as u64,
            full_at: PerServer::new(),
        }
    }

    /// Takes a token from the bucket of `server`. Returns whether there was one.
    pub(super) fn admit(&mut self, now: Time, server: IpAddr) -> bool {
        let Some(full_at) = self.full_at.get(server, |full_at| *full_at > now) else {
            return false;
        };
        let taken_ns = full_at.nanos_since(now);
        if taken_ns > self.credit_ns {
            if taken_ns < self.credit_ns + self.debt_ns {
                *full_at = full_at.plus_nanos(self.interval_ns);
            }
            return false;
        }
        *full_at = (*full_at).max(now).plus_nanos(self.interval_ns);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::super::per_server::SERVERS_MAX;
    use super::*;

    const SERVER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn limiter(per_second: u32, burst: u32) -> RateLimiter {
        RateLimiter::new(
            NonZeroU32::new(per_second).unwrap(),
            NonZeroU32::new(burst).unwrap(),
            Duration::ZERO,
        )
    }

    #[test]
    fn refused_queries_overdraw_a_bucket_up_to_its_debt() {
        let one = NonZeroU32::MIN;
        let mut limiter = RateLimiter::new(one, one, Duration::from_secs(3));
        let after_s = |seconds| Time::ZERO + Duration::from_secs(seconds);
        assert!(limiter.admit(after_s(0), SERVER));
        assert!((0..100).all(|_| !limiter.admit(after_s(0), SERVER)));
        assert!(!limiter.admit(after_s(2), SERVER));
        assert!(limiter.admit(after_s(4), SERVER));
    }

    #[test]
    fn a_burst_passes_and_then_the_rate() {
        let mut limiter = limiter(1000, 10);
        let admitted = (0..100)
            .filter(|_| limiter.admit(Time::ZERO, SERVER))
            .count();
        assert_eq!(admitted, 10);
        let admitted = (1..=10_000)
            .filter(|step| limiter.admit(Time::from_nanos(step * 100_000), SERVER))
            .count();
        assert_eq!(admitted, 1000);
    }

    #[test]
    fn servers_have_buckets_of_their_own() {
        let mut limiter = limiter(1, 1);
        assert!(limiter.admit(Time::ZERO, SERVER));
        assert!(!limiter.admit(Time::ZERO, SERVER));
        assert!(limiter.admit(Time::ZERO, IpAddr::from([127, 0, 0, 2])));
    }

    #[test]
    fn memory_for_servers_is_bounded_and_freed() {
        let mut limiter = limiter(1, 1);
        let server = |n: u32| IpAddr::from((0x7f00_0000 + n).to_be_bytes());
        let full = SERVERS_MAX as u32;
        assert!((0..full).all(|n| limiter.admit(Time::ZERO, server(n))));
        assert!(!limiter.admit(Time::ZERO, server(full)));
        let later = Time::from_nanos(2_000_000_000);
        assert!(limiter.admit(later, server(full)));
        assert_eq!(limiter.full_at.len(), 1);
    }
}
