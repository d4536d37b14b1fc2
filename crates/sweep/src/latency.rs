//! How long the probes of each group took, and how late rounds began.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use canvass_model::{Outcome, Phase};
use prometheus_client::metrics::histogram::{Histogram, NativeHistogramConfig};

/// The upper bounds of the classic buckets of latencies, in seconds.
const LATENCY_BOUNDS_S: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];
/// The same for how late rounds begin.
const LAG_BOUNDS_S: [f64; 10] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0];
/// The growth of the native buckets, and their maximum number in one histogram.
const NATIVE_FACTOR: f64 = 1.1;
const NATIVE_BUCKETS_MAX: usize = 160;

/// How long probes took, and how late rounds began.
#[derive(Clone, Debug)]
pub struct SweepLatencies {
    groups: BTreeMap<Arc<str>, GroupLatencies>,
    lag: Histogram,
}

/// How long the probes of a group took, in seconds. Clones share their counts.
#[derive(Clone, Debug)]
pub struct GroupLatencies {
    total: Histogram,
    /// By [`Phase::index`].
    phases: [Option<Histogram>; Phase::TIMED.len()],
}

impl Default for SweepLatencies {
    fn default() -> Self {
        Self {
            groups: BTreeMap::new(),
            lag: histogram(LAG_BOUNDS_S),
        }
    }
}

impl SweepLatencies {
    /// How long the probes of each group took.
    pub fn groups(&self) -> impl Iterator<Item = (&Arc<str>, &GroupLatencies)> {
        self.groups.iter()
    }

    /// The time from when a round was due to the first packet of its probe, in seconds.
    pub fn lag(&self) -> &Histogram {
        &self.lag
    }

    /// Counts the outcome of a round of a target in `group`.
    pub(crate) fn record(&mut self, group: &Arc<str>, outcome: &Outcome) {
        if let Some(sent) = outcome.first_send {
            self.lag.observe(sent.since(outcome.due).as_secs_f64());
        }
        if !self.groups.contains_key(group) {
            let latencies = GroupLatencies {
                total: histogram(LATENCY_BOUNDS_S),
                phases: Default::default(),
            };
            self.groups.insert(Arc::clone(group), latencies);
        }
        if let Some(latencies) = self.groups.get_mut(group) {
            latencies.record(outcome);
        }
    }

    /// Drops what was counted of other groups.
    pub(crate) fn keep_groups(&mut self, groups: &HashSet<&str>) {
        self.groups.retain(|group, _| groups.contains(&**group));
    }
}

impl GroupLatencies {
    /// The time from the first packet of a probe to its end.
    pub fn total(&self) -> &Histogram {
        &self.total
    }

    /// The time in each phase that at least one probe has reached.
    pub fn phases(&self) -> impl Iterator<Item = (Phase, &Histogram)> {
        let phases = Phase::TIMED.into_iter().zip(&self.phases);
        phases.filter_map(|(phase, histogram)| Some((phase, histogram.as_ref()?)))
    }

    fn record(&mut self, outcome: &Outcome) {
        if let Some(latency) = outcome.latency() {
            self.total.observe(latency.as_secs_f64());
        }
        for (phase, slot) in Phase::TIMED.into_iter().zip(&mut self.phases) {
            if let Some(span) = outcome.phases.span(phase) {
                let histogram = slot.get_or_insert_with(|| histogram(LATENCY_BOUNDS_S));
                histogram.observe(span.as_secs_f64());
            }
        }
    }
}

fn histogram<const N: usize>(bounds_s: [f64; N]) -> Histogram {
    let native = NativeHistogramConfig::new(NATIVE_FACTOR).max_buckets(NATIVE_BUCKETS_MAX);
    Histogram::new_classic_and_native(bounds_s, native)
}
