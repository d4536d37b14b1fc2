//! Adds histograms to histograms.

use hdrhistogram::Histogram;

use super::{LatencyRecorder, histogram};

impl LatencyRecorder {
    /// Adds what was counted elsewhere. The sum is as if all outcomes had been counted here.
    pub fn merge(&mut self, other: &Self) {
        self.scheduled |= other.scheduled;
        for (probe, measures) in other.probes.iter().enumerate() {
            for (measure, counted) in measures.iter().enumerate() {
                if let Some(counted) = counted {
                    self.add(probe, measure, counted);
                }
            }
        }
    }

    /// Adds what was counted elsewhere for a probe and a measure, by their places in [`TAGS`].
    pub(crate) fn add(&mut self, probe: usize, measure: usize, counted: &Histogram<u64>) {
        let kept = self.probes[probe][measure].get_or_insert_with(histogram);
        let bounds = |one: &Histogram<u64>| (one.low(), one.high(), one.sigfig());
        if bounds(kept) == bounds(counted) {
            kept.add(counted).expect("both have the same bounds");
        } else {
            add_steps(kept, counted);
        }
    }
}

/// Adds the values of a histogram with other bounds or counters.
pub(crate) fn add_steps<C: hdrhistogram::Counter>(
    kept: &mut Histogram<C>,
    counted: &Histogram<u64>,
) {
    for step in counted.iter_recorded() {
        let count = C::from_u64(step.count_at_value())
            .or_else(|| C::from_u32(u32::MAX))
            .expect("counters have 32 bits or 64");
        kept.saturating_record_n(step.value_iterated_to(), count);
    }
}
