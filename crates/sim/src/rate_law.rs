//! The law of `--rate` and `--rate-per-resolver`.

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::{Time, Transport};

/// The span in which a rate is kept.
const SPAN: Duration = Duration::from_millis(100);

/// Checks that queries keep to a rate.
#[derive(Debug)]
pub(crate) struct RateLaw {
    rate_per_second: f64,
    /// The most datagrams in any span, both ends included: a tenth of the rate, rounded down, and
    /// 0.2 % of that or one.
    span_max: usize,
    /// Datagrams sent within the last span.
    sent: VecDeque<Time>,
    total: u64,
}

impl RateLaw {
    pub(crate) fn new(rate_per_second: f64) -> Self {
        let part = rate_per_second / 10.0;
        Self {
            rate_per_second,
            span_max: part as usize + (part / 500.0).max(1.0) as usize,
            sent: VecDeque::new(),
            total: 0,
        }
    }

    /// Adds a query. Returns whether it breaks the law. Over TCP queries that were queued while a
    /// connection was opened or blocked leave at once, so only the total counts.
    pub(crate) fn is_broken(&mut self, now: Time, transport: Transport) -> bool {
        self.total += 1;
        let elapsed_s = now.since(Time::ZERO).as_secs_f64();
        let whole = self.rate_per_second * elapsed_s + 1.0;
        if transport == Transport::Udp {
            self.sent.push_back(now);
            while self.sent.front().is_some_and(|first| *first + SPAN < now) {
                self.sent.pop_front();
            }
        }
        // The whole is a sum of floating-point numbers in the shard.
        self.sent.len() > self.span_max || self.total as f64 > whole + 0.001
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(rate_per_second: f64, times_ms: impl IntoIterator<Item = u64>) -> bool {
        let mut law = RateLaw::new(rate_per_second);
        times_ms
            .into_iter()
            .all(|at_ms| !law.is_broken(Time::from_nanos(at_ms * 1_000_000), Transport::Udp))
    }

    #[test]
    fn it_is_a_law_about_any_100_ms_and_about_the_whole() {
        assert!(is_kept(100.0, (0..1_000).map(|place| place * 10)));
        // One more from time to time is in the whole.
        assert!(!is_kept(
            100.0,
            (0..1_000).map(|place| place * 10 - place / 50)
        ));
        // Eleven at once, if nothing was sent for 100 ms, and no twelve.
        assert!(is_kept(100.0, [1_000; 11]));
        assert!(!is_kept(100.0, [1_000; 12]));
        assert!(!is_kept(100.0, [[1_000; 11].as_slice(), &[1_100]].concat()));
        assert!(is_kept(100.0, [[1_000; 11].as_slice(), &[1_101]].concat()));
        assert!(is_kept(5.0, [1_000, 1_101]) && !is_kept(5.0, [1_000, 1_099]));
    }
}
