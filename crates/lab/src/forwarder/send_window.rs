//! Limits the datagrams in the server's receive buffer.
//!
//! A delay of this machine turns evenly spaced queries into a burst, and the server loses what its
//! receive buffer cannot hold. So the number of queries sent and not yet answered is limited, and
//! further queries wait. A query that is not answered for long has left the buffer; so only the
//! last moments count, and even a server that never answers gets at least 9,600 queries per second.

use std::time::Duration;

use canvass_model::Time;

/// Queries sent recently and not answered. On Linux a socket holds 277 short datagrams unless a
/// larger buffer was requested (`net.core.rmem_default`), which some servers do not do.
const UNANSWERED_MAX: u32 = 192;
/// A query counts for one to two intervals of this length.
const INTERVAL: Duration = Duration::from_millis(10);

/// Unanswered queries of the current interval and the one before.
#[derive(Debug)]
pub(super) struct SendWindow {
    interval: IntervalNumber,
    ends: Time,
    current: u32,
    previous: u32,
}

/// The interval in which a query was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct IntervalNumber(u64);

impl SendWindow {
    pub(super) fn new() -> Self {
        Self {
            interval: IntervalNumber(0),
            ends: Time::ZERO,
            current: 0,
            previous: 0,
        }
    }

    /// Begins a new interval if the current one is over.
    pub(super) fn advance(&mut self, now: Time) {
        if now < self.ends {
            return;
        }
        if now < self.ends + INTERVAL {
            self.previous = self.current;
            self.interval.0 += 1;
        } else {
            // Nothing was sent in the interval before the new one.
            self.previous = 0;
            self.interval.0 += 2;
        }
        self.current = 0;
        self.ends = now + INTERVAL;
    }

    /// Whether another query may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.current + self.previous < UNANSWERED_MAX
    }

    /// Counts a query that is sent, and returns its interval.
    pub(super) fn count_sent(&mut self) -> IntervalNumber {
        self.current += 1;
        self.interval
    }

    /// Stops counting a query of the given interval.
    pub(super) fn count_answered(&mut self, interval: IntervalNumber) {
        if interval == self.interval {
            self.current -= 1;
        } else if interval.0 + 1 == self.interval.0 {
            self.previous -= 1;
        }
    }

    /// The time from which on fewer queries count even if none is answered.
    pub(super) fn next_room(&self) -> Time {
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(millis: u64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    fn fill(window: &mut SendWindow) -> Vec<IntervalNumber> {
        std::iter::from_fn(|| window.has_room().then(|| window.count_sent())).collect()
    }

    #[test]
    fn each_answer_makes_room_for_one() {
        let mut window = SendWindow::new();
        window.advance(at_ms(100));
        let left = fill(&mut window);
        assert_eq!(left.len(), UNANSWERED_MAX as usize);
        window.advance(at_ms(109));
        assert!(!window.has_room());
        window.count_answered(left[0]);
        window.count_answered(left[1]);
        assert_eq!(fill(&mut window).len(), 2);
        // They count until the end of the next interval.
        window.advance(at_ms(110));
        assert!(!window.has_room());
        window.count_answered(left[2]);
        assert_eq!(fill(&mut window).len(), 1);
        assert_eq!(window.next_room(), at_ms(120));
        window.advance(at_ms(120));
        assert_eq!(fill(&mut window).len(), UNANSWERED_MAX as usize - 1);
    }

    #[test]
    fn an_answer_that_took_long_makes_no_room_twice() {
        for later_ms in [20, 21, 35, 1000] {
            let mut window = SendWindow::new();
            window.advance(at_ms(100));
            let left = fill(&mut window);
            window.advance(at_ms(110));
            window.advance(at_ms(100 + later_ms));
            assert_eq!(fill(&mut window).len(), UNANSWERED_MAX as usize);
            for left in left {
                window.count_answered(left);
            }
            assert!(!window.has_room(), "{later_ms}");
        }
    }
}
