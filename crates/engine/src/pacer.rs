//! A cap on the rate of a whole shard (`--rate`).

use canvass_model::Time;

/// How far a late turn may be made up for.
const BURST_S: f64 = 0.002;

/// Lets at most so many pass a second.
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

    /// `None` when one may pass now, else when to ask again.
    pub(crate) fn hold(&mut self, now: Time) -> Option<Time> {
        let rate = self.rate?;
        let span_s = now.since(self.refilled).as_secs_f64();
        self.refilled = now;
        self.tokens = (self.tokens + span_s * rate).min((rate * BURST_S).max(1.0));
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
}
