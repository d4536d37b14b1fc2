//! The state of a run at one moment.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use canvass_engine::LatestSample;
use canvass_model::{LoopSample, Time};
use canvass_queue::{Ledger, ListProgress};
use canvass_report::{LatencyRecorder, Tally};

use crate::plan::Clock;
use crate::recheck::Spill;
use crate::sinks::Shared;

/// The time constant of the average: after this time, earlier outcomes weigh 1/e.
const RATE_MEMORY_S: f64 = 0.7;

/// The state of a run at one moment.
#[derive(Clone)]
pub struct Snapshot {
    /// The time on the clock of the run.
    pub at: Time,
    /// The total number of outcomes to expect, if it is known.
    pub total: Option<u64>,
    /// About how many outcomes to expect, if their number is not known and the list is in a file.
    pub total_estimated: Option<u64>,
    /// The counts of outcomes so far, by verdict, status and cause.
    pub tally: Arc<Tally>,
    /// The latency histograms so far. While this is held, the run has to copy them, so drop it soon.
    pub latency: Arc<LatencyRecorder>,
    /// The number of pending outcomes of targets that were read from the source.
    pub in_flight: u64,
    /// The number of outcomes that failed and are parked, to be asked again at the end.
    pub parked: u64,
    /// The number of outcomes that every sink has made durable.
    pub durable: u64,
    /// The recent number of outcomes per second.
    pub rate_per_second: f64,
    /// A sample of each event loop: its windows, and its targets under way.
    pub loops: Vec<LoopSample>,
}

/// Reads the state of a run, from any thread.
#[derive(Clone)]
pub struct RunReader {
    pub(crate) clock: Clock,
    /// The total number of outcomes, with those of earlier parts of the run.
    pub(crate) total: Option<u64>,
    /// How far the list was read, if it is in a file.
    pub(crate) list: Option<ListProgress>,
    /// The number of outcomes of each target.
    pub(crate) outcomes_per_target: u64,
    /// The number of outcomes of earlier parts, with those that they have parked.
    pub(crate) earlier: u64,
    pub(crate) spill: Option<Spill>,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) tally: Shared<Tally>,
    pub(crate) latency: Shared<LatencyRecorder>,
    pub(crate) rate: Arc<PublishedRate>,
    pub(crate) latest: Arc<[Arc<LatestSample>]>,
}

impl RunReader {
    /// Returns the current state of the run.
    pub fn snapshot(&self) -> Snapshot {
        // Parked outcomes are taken out of the spill after they have been counted, so that those of a batch
        // may be in both for a moment, and not in neither.
        let parked = self.spill.as_ref().map_or(0, Spill::parked);
        let tally = self.tally.get();
        Snapshot {
            at: self.clock.now(),
            total: self.total,
            total_estimated: self.total_estimated(),
            // Read after the tally: every outcome in it was fed before.
            in_flight: (self.earlier + self.ledger.fed()).saturating_sub(tally.total() + parked),
            parked,
            durable: self.ledger.acknowledged(),
            latency: self.latency.get(),
            rate_per_second: self.rate.per_second(),
            loops: self.latest.iter().map(|latest| latest.get()).collect(),
            tally,
        }
    }

    fn total_estimated(&self) -> Option<u64> {
        let list = self.list.as_ref().filter(|_| self.total.is_none())?;
        let targets = list.jobs_estimated()?;
        Some(targets.saturating_mul(self.outcomes_per_target))
    }
}

impl Snapshot {
    /// The number of queries in flight that the windows allow, over all event loops.
    pub fn window(&self) -> u64 {
        self.loops.iter().map(|sample| sample.window).sum()
    }

    /// The number of queries per second that the windows allow, over all event loops.
    pub fn allowed_per_second(&self) -> f64 {
        self.loops.iter().map(|sample| sample.rate_per_second).sum()
    }
}

/// Measures the rate of outcomes as an exponentially weighted average, and publishes it.
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

    /// Updates the rate with the outcomes counted since the last call.
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
