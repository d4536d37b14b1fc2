//! A limit on a rate (`--rate`, `--rate-per-resolver`).

use canvass_model::Time;

/// The span of a late turn that is made up for, and by at least one: the losses of all turns would
/// add up over a run, and its targets would be later and later.
const MADE_UP_S: f64 = 0.002;

/// Lets at most so many pass per second.
#[derive(Debug)]
pub(crate) struct Pacer {
    rate: Option<f64>,
    tokens: f64,
    refilled: Time,
}

impl Pacer {
    /// Without a rate, everything passes.
    pub(crate) fn new(rate_per_second: Option<f64>) -> Self {
        Self {
            rate: rate_per_second,
            tokens: 1.0,
            refilled: Time::ZERO,
        }
    }

    /// When to ask again; `None` when one may pass now.
    pub(crate) fn hold(&mut self, now: Time) -> Option<Time> {
        let rate = self.rate?;
        let span_s = now.since(self.refilled).as_secs_f64();
        self.refilled = now;
        let most = 1.0 + (rate * MADE_UP_S).max(1.0);
        self.tokens = (self.tokens + span_s * rate).min(most);
        let missing_s = (1.0 - self.tokens) / rate;
        (self.tokens < 1.0).then(|| now.plus_nanos((missing_s * 1e9).ceil().max(1.0) as u64))
    }

    /// One passed.
    pub(crate) fn pass(&mut self) {
        if self.rate.is_some() {
            self.tokens -= 1.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::time::Duration;

    #[test]
    fn the_rate_is_kept_over_any_span() {
        let mut pacer = Pacer::new(Some(500.0));
        let mut now = Time::ZERO;
        let mut passed = 0u32;
        while now < Time::from_nanos(2_000_000_000) {
            match pacer.hold(now) {
                None => {
                    pacer.pass();
                    passed += 1;
                }
                Some(at) => now = at,
            }
        }
        assert!((998..=1_002).contains(&passed), "{passed}");
    }

    #[test]
    fn late_turns_do_not_add_up() {
        let at_ms = |at_ms: u64| Time::from_nanos(at_ms * 1_000_000);
        let mut pacer = Pacer::new(Some(20.0));
        for number in 0..1_000 {
            // One is due every 50 ms, and every turn is late by some of it.
            let late = at_ms(number * 50 + number % 7 * 7);
            let hold = pacer.hold(late);
            assert_eq!(hold, None, "target {number}");
            pacer.pass();
        }
        // A long wait is made up for by one.
        let after = at_ms(100_000);
        assert_eq!(pacer.hold(after), None);
        pacer.pass();
        assert_eq!(pacer.hold(after), None);
        pacer.pass();
        assert_eq!(pacer.hold(after), Some(after + Duration::from_millis(50)));
    }
}
