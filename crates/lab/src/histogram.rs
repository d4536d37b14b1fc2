//! Histograms of durations with log-linear buckets, written by one thread and read by others.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The base-2 logarithm of the buckets per doubling: 32 of them give a precision of 3 %.
const SUB_BITS: u32 = 5;
/// Durations from 2^40 ns (18 minutes) on share the last buckets.
const DOUBLINGS: usize = 36;
const BUCKETS: usize = (DOUBLINGS + 1) << SUB_BITS;

/// A histogram. Only one thread may call [`record`](Self::record).
#[derive(Debug)]
pub(crate) struct Histogram {
    buckets: Box<[AtomicU64]>,
    max_ns: AtomicU64,
}

/// The content of a histogram. Percentiles are upper bounds, at most 3 % too high.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HistogramSummary {
    /// The number of values.
    pub count: u64,
    /// The median.
    pub p50: Duration,
    /// The 99th percentile.
    pub p99: Duration,
    /// The exact maximum.
    pub max: Duration,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(),
            max_ns: AtomicU64::new(0),
        }
    }

    pub(crate) fn record(&self, span: Duration) {
        let nanos = u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        // A load and a store suffice because there is only one writer.
        let bucket = &self.buckets[bucket_of(nanos)];
        bucket.store(bucket.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        if nanos > self.max_ns.load(Ordering::Relaxed) {
            self.max_ns.store(nanos, Ordering::Relaxed);
        }
    }

    pub(crate) fn summary(&self) -> HistogramSummary {
        let counts: Vec<u64> = self
            .buckets
            .iter()
            .map(|bucket| bucket.load(Ordering::Relaxed))
            .collect();
        let count = counts.iter().sum();
        let max_ns = self.max_ns.load(Ordering::Relaxed);
        let quantile = |share: f64| {
            let rank = (share * count as f64).ceil() as u64;
            let mut seen = 0;
            let bucket = counts.iter().position(|in_bucket| {
                seen += in_bucket;
                seen >= rank && seen > 0
            });
            Duration::from_nanos(bucket.map_or(0, upper_bound).min(max_ns))
        };
        HistogramSummary {
            count,
            p50: quantile(0.50),
            p99: quantile(0.99),
            max: Duration::from_nanos(max_ns),
        }
    }
}

fn bucket_of(nanos: u64) -> usize {
    let doubling = (nanos >> SUB_BITS)
        .checked_ilog2()
        .map_or(0, |log| log as usize + 1);
    if doubling == 0 {
        return nanos as usize;
    }
    let sub = (nanos >> (doubling - 1)) as usize & ((1 << SUB_BITS) - 1);
    ((doubling << SUB_BITS) + sub).min(BUCKETS - 1)
}

/// The highest value of a bucket.
fn upper_bound(bucket: usize) -> u64 {
    let (doubling, sub) = (bucket >> SUB_BITS, bucket & ((1 << SUB_BITS) - 1));
    if doubling == 0 {
        return sub as u64;
    }
    (((1 << SUB_BITS) + sub as u64 + 1) << (doubling - 1)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_empty_histogram_is_all_zero() {
        assert_eq!(Histogram::new().summary(), HistogramSummary::default());
    }

    #[test]
    fn percentiles_are_those_of_what_was_recorded() {
        let histogram = Histogram::new();
        for micros in 1..=1000 {
            histogram.record(Duration::from_micros(micros));
        }
        let summary = histogram.summary();
        assert_eq!(
            (summary.count, summary.max),
            (1000, Duration::from_millis(1))
        );
        for (value, micros) in [(summary.p50, 500), (summary.p99, 990)] {
            let ratio = value.as_secs_f64() / Duration::from_micros(micros).as_secs_f64();
            assert!((1.0..1.04).contains(&ratio), "{value:?} is not {micros} us");
        }
    }

    proptest! {
        #[test]
        fn a_bucket_holds_its_values_closely(nanos in 0..1u64 << 40) {
            let bound = upper_bound(bucket_of(nanos));
            prop_assert!(nanos <= bound);
            prop_assert!(bound - nanos <= nanos / 32);
        }

        #[test]
        fn longer_spans_are_taken_too(nanos: u64) {
            prop_assert!(bucket_of(nanos) < BUCKETS);
        }
    }
}
