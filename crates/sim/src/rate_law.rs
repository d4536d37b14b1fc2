//! The law of `--rate` and `--rate-per-resolver`, or of a share of them.

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::{Time, Transport};

/// The span in which a rate is kept.
const SPAN: Duration = Duration::from_millis(100);

/// Checks that queries keep to a rate.
#[derive(Debug)]
pub(crate) struct RateLaw {
    rate_per_second: f64,
    /// From when on there is which share of it.
    shares: Vec<(Time, f64)>,
    /// Datagrams sent within the last span.
    sent: VecDeque<Time>,
    total: u64,
}

impl RateLaw {
    pub(crate) fn new(rate_per_second: f64, shares: &[(Time, f64)]) -> Self {
        Self {
            rate_per_second,
            shares: [&[(Time::ZERO, 1.0)], shares].concat(),
            sent: VecDeque::new(),
            total: 0,
        }
    }

    /// The most datagrams between two times, both ends included, if they are `span` apart: its part of the
    /// rate, rounded down, and 0.2 % of that or one. One more for each share that begins meanwhile.
    fn span_max(&self, from: Time, span: Duration) -> usize {
        let part = self.part(from, from + span);
        let begun = self
            .shares
            .iter()
            .filter(|(at, _)| from < *at && *at <= from + span);
        (part + 1e-6) as usize + (part / 500.0).max(1.0) as usize + begun.count()
    }

    /// The rate times the time, with its shares.
    fn part(&self, from: Time, to: Time) -> f64 {
        let ends = self.shares.iter().skip(1).map(|(at, _)| *at);
        let parts = self.shares.iter().zip(ends.chain([Time::MAX]));
        let part_s = parts.map(|((begin, share), end)| {
            let span = to.min(end).since(from.max(*begin));
            span.as_secs_f64() * share
        });
        part_s.sum::<f64>() * self.rate_per_second
    }

    /// Adds a query. Returns whether it breaks the law. Over TCP queries that were queued while a
    /// connection was opened or blocked leave at once, so only the total counts.
    pub(crate) fn is_broken(&mut self, now: Time, transport: Transport) -> bool {
        self.total += 1;
        let begun = self.shares.iter().filter(|(at, _)| *at <= now).count();
        let whole = self.part(Time::ZERO, now) + begun as f64;
        if transport == Transport::Udp {
            self.sent.push_back(now);
            while self.sent.front().is_some_and(|first| *first + SPAN < now) {
                self.sent.pop_front();
            }
        }
        // The whole is a sum of floating-point numbers in the shard.
        let span_max = self.span_max(now.minus_nanos(SPAN.as_nanos() as u64), SPAN);
        self.sent.len() > span_max || self.total as f64 > whole + 0.001
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_kept(rate_per_second: f64, times_ms: impl IntoIterator<Item = u64>) -> bool {
        let mut law = RateLaw::new(rate_per_second, &[]);
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

    #[test]
    fn a_share_is_a_law_from_its_beginning() {
        let at_ms = |at_ms: u64| Time::from_nanos(at_ms * 1_000_000);
        let shares = [(at_ms(1_000), 0.25), (at_ms(2_000), 0.0)];
        let is_kept = |interval_ms: usize, end_ms| {
            let mut law = RateLaw::new(100.0, &shares);
            let mut times = (1_000..end_ms).step_by(interval_ms);
            times.all(|time| !law.is_broken(at_ms(time), Transport::Udp))
        };
        assert!(is_kept(40, 2_000) && !is_kept(20, 2_000));
        assert!(!is_kept(40, 2_300));
    }
}
