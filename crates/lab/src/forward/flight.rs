//! How many datagrams may stand in the server's receive buffer.
//!
//! No IO and no clock. A path in front of a server makes bursts of what came evenly whenever
//! this machine has held it up, and what a server's buffer does not hold is lost. So what has
//! left and is not answered is kept under a bound, and the rest waits here. An answer that takes
//! long says nothing about the buffer, since its query was read from it; so only the last moments
//! count, and a server that never answers gets 9,600 queries a second at least.

use std::time::Duration;

use canvass_model::Time;

/// Queries sent lately and not answered. A socket on Linux holds 277 short datagrams unless it
/// asked for more (`net.core.rmem_default`), and some servers do not ask.
const UNANSWERED_MAX: u32 = 192;
/// Queries count for one to two spans of this length.
const SPAN: Duration = Duration::from_millis(10);

/// What left in the last two spans of time.
#[derive(Debug)]
pub(super) struct Flight {
    span: SpanNumber,
    ends: Time,
    current: u32,
    previous: u32,
}

/// The span in which a query left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpanNumber(u64);

impl Flight {
    pub fn new() -> Self {
        Self {
            span: SpanNumber(0),
            ends: Time::ZERO,
            current: 0,
            previous: 0,
        }
    }

    /// Lets time pass.
    pub fn advance(&mut self, now: Time) {
        if now < self.ends {
            return;
        }
        if now < self.ends + SPAN {
            self.previous = self.current;
            self.span.0 += 1;
        } else {
            // A whole span in which nothing left lies between.
            self.previous = 0;
            self.span.0 += 2;
        }
        self.current = 0;
        self.ends = now + SPAN;
    }

    /// Whether one more may leave.
    pub fn has_room(&self) -> bool {
        self.current + self.previous < UNANSWERED_MAX
    }

    /// Counts a query that leaves, and returns when that is.
    pub fn leave(&mut self) -> SpanNumber {
        self.current += 1;
        self.span
    }

    /// Counts the answer to a query.
    pub fn answered(&mut self, left: SpanNumber) {
        if left == self.span {
            self.current -= 1;
        } else if left.0 + 1 == self.span.0 {
            self.previous -= 1;
        }
    }

    /// When fewer will count, whether they are answered or not.
    pub fn next_room(&self) -> Time {
        self.ends
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at_ms(millis: u64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    fn fill(flight: &mut Flight) -> Vec<SpanNumber> {
        std::iter::from_fn(|| flight.has_room().then(|| flight.leave())).collect()
    }

    #[test]
    fn each_answer_makes_room_for_one() {
        let mut flight = Flight::new();
        flight.advance(at_ms(100));
        let left = fill(&mut flight);
        assert_eq!(left.len(), UNANSWERED_MAX as usize);
        flight.advance(at_ms(109));
        assert!(!flight.has_room());
        flight.answered(left[0]);
        flight.answered(left[1]);
        assert_eq!(fill(&mut flight).len(), 2);
        // They count until the end of the span after theirs.
        flight.advance(at_ms(110));
        assert!(!flight.has_room());
        flight.answered(left[2]);
        assert_eq!(fill(&mut flight).len(), 1);
        assert_eq!(flight.next_room(), at_ms(120));
        flight.advance(at_ms(120));
        assert_eq!(fill(&mut flight).len(), UNANSWERED_MAX as usize - 1);
    }

    #[test]
    fn an_answer_that_took_long_makes_no_room_twice() {
        for later_ms in [20, 21, 35, 1000] {
            let mut flight = Flight::new();
            flight.advance(at_ms(100));
            let left = fill(&mut flight);
            flight.advance(at_ms(110));
            flight.advance(at_ms(100 + later_ms));
            assert_eq!(fill(&mut flight).len(), UNANSWERED_MAX as usize);
            for left in left {
                flight.answered(left);
            }
            assert!(!flight.has_room(), "{later_ms}");
        }
    }
}
