//! A few queries on one stream, to see whether the server answers many of them at once.

use std::time::Duration;

use canvass_model::Time;

/// Queries in flight at the start. If they are not answered, 8 of 2,000 questions took three times
/// as long, which is 1 % of their time.
pub(super) const IN_FLIGHT_FIRST: u32 = 8;
/// With so many in flight answered in time, the server does not answer one at a time.
pub(super) const IN_FLIGHT_PROVEN: u32 = 128;
/// An answer on a stream is late if it takes longer than twice the usual time by datagram and this.
const LATE_SLACK: Duration = Duration::from_millis(10);
/// The share of answers that must not be late.
const TIMELY_MIN: f64 = 0.6;

/// A few queries on one stream.
#[derive(Debug)]
pub(super) struct Trial {
    pub(super) in_flight_max: u32,
    sent: u32,
    timely: u32,
    /// How many had been sent when the time began that ends at `look_at`: their answers are due
    /// then.
    due: u32,
    due_since: Time,
    /// When to look; [`Time::MAX`] if nothing was sent since the last look.
    pub(super) look_at: Time,
}

impl Trial {
    pub(super) fn new() -> Self {
        Self {
            in_flight_max: IN_FLIGHT_FIRST,
            sent: 0,
            timely: 0,
            due: 0,
            due_since: Time::ZERO,
            look_at: Time::MAX,
        }
    }

    /// A query was sent; a round trip by datagram takes `usual` now.
    pub(super) fn on_sent(&mut self, now: Time, usual: Duration) {
        self.sent += 1;
        if self.look_at == Time::MAX || self.sent == IN_FLIGHT_FIRST {
            self.look_for_all_sent(now, usual);
        }
    }

    /// A query was answered. Returns whether the server is proven.
    pub(super) fn on_answer(&mut self, round_trip: Duration, usual: Duration) -> bool {
        if round_trip > late_after(usual) {
            return false;
        }
        self.timely += 1;
        self.in_flight_max += 1;
        self.in_flight_max >= IN_FLIGHT_PROVEN
    }

    /// Returns whether too few of those whose answers are due were answered in time.
    pub(super) fn look(&mut self, now: Time, usual: Duration) -> bool {
        // Round trips by datagram may take longer than when it began.
        self.look_at = self.due_since + late_after(usual);
        if self.look_at > now {
            return false;
        }
        let is_late = f64::from(self.timely) < f64::from(self.due) * TIMELY_MIN;
        if self.sent > self.due {
            self.look_for_all_sent(now, usual);
        } else {
            self.look_at = Time::MAX;
        }
        is_late
    }

    fn look_for_all_sent(&mut self, now: Time, usual: Duration) {
        self.due = self.sent;
        self.due_since = now;
        self.look_at = now + late_after(usual);
    }
}

/// How long an answer may take.
fn late_after(usual: Duration) -> Duration {
    usual * 2 + LATE_SLACK
}
