//! How a run stands while it goes on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use canvass_model::{LoopSample, Time};
use canvass_report::{LatencyRecorder, Tally};

/// The time after which a rate has forgotten all but a third of what was before.
const RATE_MEMORY_S: f64 = 0.7;

/// How a run stands at a moment.
#[derive(Clone)]
pub struct Snapshot {
    /// When, by the clock of the run.
    pub at: Time,
    /// How many outcomes there will be, where that is known.
    pub total: Option<u64>,
    /// The outcomes so far, by verdict, status and cause.
    pub tally: Arc<Tally>,
    /// How long they took. The run goes on with a copy while this one is held, so hold it no longer
    /// than it takes to read.
    pub latency: Arc<LatencyRecorder>,
    /// Outcomes still to come of what was read from the source.
    pub in_flight: u64,
    /// Outcomes that every sink has made durable.
    pub durable: u64,
    /// Outcomes per second lately.
    pub rate_per_second: f64,
    /// Each event loop: what its windows allow, and how many targets it has under way.
    pub loops: Vec<LoopSample>,
}

impl Snapshot {
    /// Queries that the windows of all event loops allow in flight together.
    pub fn window(&self) -> u64 {
        self.loops.iter().map(|sample| sample.window).sum()
    }

    /// Queries per second that they allow together.
    pub fn allowed_per_second(&self) -> f64 {
        self.loops.iter().map(|sample| sample.rate_per_second).sum()
    }
}

/// Measures the rate of outcomes, with weights that fade over time, and publishes it.
#[derive(Debug)]
pub(crate) struct RateMeter {
    published: Arc<PublishedRate>,
    per_second: Option<f64>,
    since: Instant,
    counted: usize,
}

/// The latest rate of a [`RateMeter`], as the bits of an `f64`.
#[derive(Debug, Default)]
pub(crate) struct PublishedRate(AtomicU64);

impl PublishedRate {
    pub(crate) fn per_second(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl RateMeter {
    pub(crate) fn new(now: Instant, published: Arc<PublishedRate>) -> Self {
        Self {
            published,
            per_second: None,
            since: now,
            counted: 0,
        }
    }

    pub(crate) fn count(&mut self, outcomes: usize) {
        self.counted += outcomes;
    }

    /// Takes what was counted since the last call into the rate.
    pub(crate) fn tick(&mut self, now: Instant) {
        let span_s = now.saturating_duration_since(self.since).as_secs_f64();
        if span_s == 0.0 {
            return;
        }
        let lately = self.counted as f64 / span_s;
        let weight = 1.0 - (-span_s / RATE_MEMORY_S).exp();
        let rate = self
            .per_second
            .map_or(lately, |rate| rate + (lately - rate) * weight);
        self.per_second = Some(rate);
        self.since = now;
        self.counted = 0;
        self.published.0.store(rate.to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_follows_what_is_counted_and_forgets() {
        let mut now = Instant::now();
        let published = Arc::<PublishedRate>::default();
        let mut meter = RateMeter::new(now, Arc::clone(&published));
        assert_eq!(published.per_second(), 0.0);
        let mut tick = |outcomes| {
            meter.count(outcomes);
            now += Duration::from_millis(100);
            meter.tick(now);
            published.per_second()
        };
        for _ in 0..50 {
            assert!((tick(100) - 1000.0).abs() < 1.0);
        }
        assert!(
            (0..50)
                .map(|_| tick(0))
                .is_sorted_by(|one, next| one > next)
        );
        assert!(tick(0) < 1.0);
    }
}
