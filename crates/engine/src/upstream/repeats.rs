//! How many of the queries to one upstream repeat earlier ones, and how long those stay in flight.

use std::time::Duration;

/// Queries after which older ones count half.
const QUERIES_MAX: f64 = 512.0;

/// The recent queries to one upstream that repeat earlier ones.
///
/// Most of what is sent again cannot be answered: a name that is never answered is sent again and
/// again, and waits longer each time. Such queries take room in flight, but say nothing of the rate
/// that the upstream bears.
#[derive(Debug, Default)]
pub(super) struct Repeats {
    sent: f64,
    repeated: f64,
    landed: f64,
    in_flight_s: f64,
}

impl Repeats {
    /// A query was sent.
    pub(super) fn on_sent(&mut self, is_repeated: bool) {
        if self.sent >= QUERIES_MAX {
            self.sent /= 2.0;
            self.repeated /= 2.0;
        }
        self.sent += 1.0;
        self.repeated += f64::from(u8::from(is_repeated));
    }

    /// A query that repeats an earlier one is no longer in flight, after this long.
    pub(super) fn on_landed(&mut self, in_flight: Duration) {
        if self.landed >= QUERIES_MAX {
            self.landed /= 2.0;
            self.in_flight_s /= 2.0;
        }
        self.landed += 1.0;
        self.in_flight_s += in_flight.as_secs_f64();
    }

    /// The share of queries that are repeated.
    pub(super) fn share(&self) -> f64 {
        if self.sent > 0.0 {
            self.repeated / self.sent
        } else {
            0.0
        }
    }

    /// How long one stays in flight, in seconds; `usual_s` as long as none has landed.
    pub(super) fn in_flight_s(&self, usual_s: f64) -> f64 {
        if self.landed > 0.0 {
            self.in_flight_s / self.landed
        } else {
            usual_s
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_follows_what_is_sent_lately() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.share(), 0.0);
        for _ in 0..1_000 {
            repeats.on_sent(false);
        }
        for at in 0..2_000 {
            repeats.on_sent(at % 2 == 0);
        }
        assert!((0.45..=0.55).contains(&repeats.share()), "{repeats:?}");
    }

    #[test]
    fn the_span_is_the_mean_of_what_landed_lately() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.in_flight_s(0.3), 0.3);
        for _ in 0..1_000 {
            repeats.on_landed(Duration::from_millis(100));
        }
        for _ in 0..3_000 {
            repeats.on_landed(Duration::from_secs(1));
        }
        assert!(repeats.in_flight_s(0.0) > 0.9, "{repeats:?}");
    }
}
