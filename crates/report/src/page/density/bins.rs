//! Logarithmic bins of latency.

use hdrhistogram::Histogram;

use super::super::chart::Step;
use super::super::scale::{Axis, Scale};
use super::super::text::span_tick;

/// Bins per power of ten, the finest first. The first that does not give too many bins is used.
const BINS_PER_DECADE: [i32; 3] = [48, 24, 12];
/// More bins would show noise.
const BINS_MAX: i32 = 48;
/// Fine bins need at least this many outcomes.
const OUTCOMES_FINE_MIN: u64 = 500;
/// The minimum length of an axis, in powers of ten, so that it has ticks.
const DECADES_MIN: f64 = 0.75;

/// Consecutive bins.
pub(super) struct Bins {
    per_decade: i32,
    /// The number of the first bin. Bin 0 starts at 1 ns.
    first: i32,
    count: usize,
}

impl Bins {
    /// The bins for all values above 0, and one more on each side. Empty if there are no such values.
    pub(super) fn over(histograms: &[&Histogram<u64>]) -> Self {
        let held = || histograms.iter().filter(|histogram| histogram.max() > 0);
        let span = |bins: &Self| {
            let first = held().map(|held| bins.place(held, held.min_nz())).min();
            let last = held().map(|held| bins.place(held, held.max())).max();
            first.zip(last)
        };
        let few = held().any(|held| held.len() < OUTCOMES_FINE_MIN);
        let coarsest = BINS_PER_DECADE[BINS_PER_DECADE.len() - 1];
        let mut bins = Self {
            per_decade: coarsest,
            first: 0,
            count: 0,
        };
        for per_decade in BINS_PER_DECADE {
            bins.per_decade = per_decade;
            let Some((first, last)) = span(&bins) else {
                break;
            };
            let least = (DECADES_MIN * f64::from(per_decade)).ceil() as i32;
            let missing = (least - (last - first + 3)).max(0);
            bins.first = first - 1 - missing / 2;
            bins.count = (last - first + 3 + missing) as usize;
            if !few && bins.count <= BINS_MAX as usize {
                break;
            }
        }
        bins
    }

    /// The number of bins.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Whether there are no bins.
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The number of bins per power of ten.
    pub(super) fn per_decade(&self) -> i32 {
        self.per_decade
    }

    /// The start of a bin, which is the end of the one before.
    pub(super) fn start_ns(&self, bin: usize) -> f64 {
        let place = f64::from(self.first) + bin as f64;
        10_f64.powf(place / f64::from(self.per_decade))
    }

    /// The axis over all bins.
    pub(super) fn axis(&self) -> Axis {
        Scale::Log(self.start_ns(0), self.start_ns(self.count)).axis(span_tick)
    }

    fn place(&self, histogram: &Histogram<u64>, value: u64) -> i32 {
        // The middle of the bucket, because its lower end may be in the bin before.
        let nanos = histogram.median_equivalent(value).max(1) as f64;
        (nanos.log10() * f64::from(self.per_decade) + 1e-9).floor() as i32
    }
}

/// The number of outcomes in each bin.
pub(super) struct Density {
    counts: Vec<u64>,
    zeros: u64,
    total: u64,
}

impl Density {
    /// The counts of `histogram` in `bins`, which must cover it.
    pub(super) fn of(histogram: &Histogram<u64>, bins: &Bins) -> Self {
        let mut density = Self {
            counts: vec![0; bins.count],
            zeros: 0,
            total: histogram.len(),
        };
        for recorded in histogram.iter_recorded() {
            let value = recorded.value_iterated_to();
            let count = recorded.count_at_value();
            if value == 0 {
                density.zeros += count;
            } else {
                let place = bins.place(histogram, value) - bins.first;
                density.counts[place as usize] += count;
            }
        }
        density
    }

    /// The number of outcomes in a bin.
    pub(super) fn count(&self, bin: usize) -> u64 {
        self.counts[bin]
    }

    /// The number of values of 0, which are not on the axis.
    pub(super) fn zeros(&self) -> u64 {
        self.zeros
    }

    /// The number of all outcomes.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// The largest share of all outcomes in a bin.
    pub(super) fn share_max(&self) -> f64 {
        self.share(self.counts.iter().copied().max().unwrap_or(0))
    }

    /// The shares as steps on these axes; the vertical one is in percent.
    pub(super) fn steps(&self, bins: &Bins, x: &Axis, y: &Axis) -> Vec<Step> {
        self.counts
            .iter()
            .enumerate()
            .map(|(bin, &count)| Step {
                from: x.scale.at(bins.start_ns(bin)),
                to: x.scale.at(bins.start_ns(bin + 1)),
                height: y.scale.at(self.share(count) * 100.0),
            })
            .collect()
    }

    fn share(&self, count: u64) -> f64 {
        count as f64 / self.total.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::histogram;
    use proptest::prelude::*;

    #[test]
    fn empty_decades_are_cut() {
        let mut latency = histogram::<u64>();
        latency.record_n(1_000_000, 3).unwrap();
        latency.record_n(1_000_000_000, 2).unwrap();
        latency.saturating_record(0);
        let bins = Bins::over(&[&latency]);
        assert_eq!((bins.per_decade(), bins.len()), (12, 39));
        let density = Density::of(&latency, &bins);
        assert_eq!(density.zeros(), 1);
        assert_eq!((density.count(1), density.count(37)), (3, 2));
        assert!((bins.start_ns(1) - 1e6).abs() < 1.0);
    }

    #[test]
    fn equal_values_still_have_an_axis() {
        let mut latency = histogram::<u64>();
        latency.record_n(777, 10).unwrap();
        let bins = Bins::over(&[&latency]);
        assert!(bins.axis().labels.len() >= 2);
        assert!(Bins::over(&[&histogram()]).is_empty());
        latency = histogram();
        latency.record_n(0, 10).unwrap();
        assert!(Bins::over(&[&latency]).is_empty());
    }

    #[test]
    fn what_lies_close_together_has_finer_bins() {
        let mut latency = histogram::<u64>();
        for micros in 1_000..2_000 {
            latency.record(micros * 1_000).unwrap();
        }
        assert_eq!(Bins::over(&[&latency]).per_decade(), 48);
    }

    proptest! {
        #[test]
        fn every_outcome_lies_in_one_bin(
            values_ns in prop::collection::vec(0..4_000_000_000_000_u64, 1..900), least in 0..12_u32,
        ) {
            let mut latency = histogram::<u64>();
            for &nanos in &values_ns {
                latency.saturating_record(nanos / 10_u64.pow(least));
            }
            let bins = Bins::over(&[&latency]);
            let density = Density::of(&latency, &bins);
            let counted: u64 = density.counts.iter().sum();
            prop_assert_eq!(counted + density.zeros(), values_ns.len() as u64);
            if !bins.is_empty() {
                prop_assert_eq!((density.count(0), density.count(bins.len() - 1)), (0, 0));
                prop_assert!(bins.axis().labels.len() >= 2);
            }
        }
    }
}
