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
    /// How long an answer may take.
    late_after: Duration,
    pub(super) in_flight_max: u32,
    sent: u32,
    timely: u32,
    /// How many had been sent when the time began that ends at `look_at`: their answers are due
    /// then.
    due: u32,
    /// When to look; [`Time::MAX`] if nothing was sent since the last look.
    pub(super) look_at: Time,
}

impl Trial {
    /// A trial of a server where a round trip by datagram usually takes `usual`.
    pub(super) fn new(usual: Duration) -> Self {
        Self {
            late_after: usual * 2 + LATE_SLACK,
            in_flight_max: IN_FLIGHT_FIRST,
            sent: 0,
            timely: 0,
            due: 0,
            look_at: Time::MAX,
        }
    }

    pub(super) fn on_sent(&mut self, now: Time) {
        self.sent += 1;
        if self.look_at == Time::MAX || self.sent == IN_FLIGHT_FIRST {
            self.due = self.sent;
            self.look_at = now + self.late_after;
        }
    }

    /// A query was answered. Returns whether the server is proven.
    pub(super) fn on_answer(&mut self, round_trip: Duration) -> bool {
        if round_trip > self.late_after {
            return false;
        }
        self.timely += 1;
        self.in_flight_max += 1;
        self.in_flight_max >= IN_FLIGHT_PROVEN
    }

    /// Returns whether too few of those whose answers are due were answered in time.
    pub(super) fn look(&mut self, now: Time) -> bool {
        let is_late = f64::from(self.timely) < f64::from(self.due) * TIMELY_MIN;
        self.look_at = if self.sent > self.due {
            now + self.late_after
        } else {
            Time::MAX
        };
        self.due = self.sent;
        is_late
    }
}
