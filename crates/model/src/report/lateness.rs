//! How late an event loop was.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A histogram of delays of an event loop, with bucket bounds 1 µs, 2 µs, 4 µs and so on, up to
/// half an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LatenessHistogram {
    /// Index `n` counts values below 2^`n` µs that are not counted at a lower index.
    counts: [u64; BUCKETS],
    max: Duration,
}

/// Buckets of [`LatenessHistogram`].
const BUCKETS: usize = 32;

impl LatenessHistogram {
    /// Counts a value.
    #[inline]
    pub fn record(&mut self, lateness: Duration) {
        let micros = u64::try_from(lateness.as_micros()).unwrap_or(u64::MAX);
        let bucket = (u64::BITS - micros.leading_zeros()) as usize;
        self.counts[bucket.min(BUCKETS - 1)] += 1;
        self.max = self.max.max(lateness);
    }

    /// Adds the counts of another histogram.
    pub fn add(&mut self, other: &Self) {
        for (count, added) in self.counts.iter_mut().zip(other.counts) {
            *count += added;
        }
        self.max = self.max.max(other.max);
    }

    /// The number of values.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The maximum.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The upper bound of the bucket that holds a quantile (0 to 1). `None` if there are no values.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let total = self.total();
        let rank = ((total as f64 * quantile).ceil() as u64).clamp(1, total.max(1));
        let mut below = 0;
        let bucket = self.counts.iter().position(|&count| {
            below += count;
            below >= rank && count > 0
        })?;
        Some(Duration::from_micros(1 << bucket).min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_of_lags_is_the_end_of_its_class() {
        let mut lateness = LatenessHistogram::default();
        assert_eq!(lateness.quantile(0.5), None);
        for micros in [0, 1, 3, 3, 900] {
            lateness.record(Duration::from_micros(micros));
        }
        for (quantile, micros) in [(0.0, 1), (0.2, 1), (0.4, 2), (0.5, 4), (0.8, 4), (1.0, 900)] {
            let expected = Duration::from_micros(micros);
            assert_eq!(lateness.quantile(quantile), Some(expected), "{quantile}");
        }
        let mut sum = LatenessHistogram::default();
        sum.record(Duration::MAX);
        sum.add(&lateness);
        assert_eq!((sum.total(), sum.max()), (6, Duration::MAX));
    }
}
