//! Whether an upstream answers datagrams with "ask over a stream" (TC) so often that it is better
//! asked over streams at once.
//!
//! That is how response rate limiting lets honest clients through: over its rate it drops some
//! answers and truncates the others (*slip*), and it does not limit streams. Truncated answers come
//! fast, so the rate search takes them for success. A list whose answers are long has the same cure.

use std::time::Duration;

use canvass_model::Time;

/// So many of the last 64 replies to datagrams are too many.
const SLIPS_MIN: u32 = 16;
/// How long streams are preferred: longer than the window of response rate limiting (15 s in BIND
/// and NSD). It doubles each time that datagrams are no better after it.
const PREFERRED_FIRST: Duration = Duration::from_secs(20);
const PREFERRED_MAX: Duration = Duration::from_secs(320);

/// The last replies of one upstream to datagrams.
#[derive(Debug, Default)]
pub(super) struct SlipWatch {
    /// One bit for each, the last one lowest; set if it was truncated.
    replies: u64,
    /// Until when streams are preferred.
    until: Time,
    span: Duration,
}

impl SlipWatch {
    /// A reply to a datagram was received. Returns whether streams are preferred from now on.
    pub(super) fn on_reply(&mut self, now: Time, is_truncated: bool) -> bool {
        self.replies = self.replies << 1 | u64::from(is_truncated);
        if self.replies.count_ones() < SLIPS_MIN || self.prefers_streams(now) {
            return false;
        }
        let doubled = self.span * 2;
        self.span = doubled.clamp(PREFERRED_FIRST, PREFERRED_MAX);
        self.until = now + self.span;
        self.replies = 0;
        true
    }

    pub(super) fn until(&self) -> Time {
        self.until
    }

    /// Whether streams are preferred.
    pub(super) fn prefers_streams(&self, now: Time) -> bool {
        now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after_s(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn a_few_truncated_answers_are_those_of_long_names() {
        let mut slips = SlipWatch::default();
        let every_tenth = (0..10_000).any(|at| slips.on_reply(Time::ZERO, at % 10 == 0));
        assert!(!every_tenth);
    }

    #[test]
    fn streams_are_preferred_for_longer_each_time() {
        let mut slips = SlipWatch::default();
        let mut began = 0;
        for span in [20, 40, 80, 160, 320, 320] {
            let turned = (1..=64).find(|_| slips.on_reply(after_s(began), true));
            assert_eq!(turned, Some(SLIPS_MIN));
            assert!(slips.prefers_streams(after_s(began + span - 1)));
            // What was under way says nothing new.
            assert!((0..64).all(|_| !slips.on_reply(after_s(began + 1), false)));
            began += span;
            assert!(!slips.prefers_streams(after_s(began)));
        }
    }
}
