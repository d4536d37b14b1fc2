//! The figures of a side and of a block.

use std::time::Duration;

use hdrhistogram::Histogram;

use super::{Block, Side};
use crate::Percentiles;
use crate::latency::histogram;

/// Targets per second over the blocks of a side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throughput {
    /// All targets divided by all time, which is the mean of the blocks weighted by their length.
    pub mean: f64,
    /// The standard deviation of the blocks; `None` if there are fewer than two.
    pub stdev: Option<f64>,
    /// The slowest block.
    pub min: f64,
    /// The fastest block.
    pub max: f64,
}

impl Block {
    /// Targets per second; `None` if no time passed.
    pub fn per_second(&self) -> Option<f64> {
        (!self.wall.is_zero()).then(|| self.targets as f64 / self.wall.as_secs_f64())
    }
}

impl Default for Side {
    /// A side without measurements.
    fn default() -> Self {
        Self {
            name: String::new(),
            latency: histogram(),
            latency_asked_second: histogram(),
            blocks: Vec::new(),
            failed: 0,
            is_serial: false,
        }
    }
}

impl Side {
    /// Records the latency of a target. More than an hour counts as an hour.
    pub fn record(&mut self, latency_ns: u64) {
        self.latency.saturating_record(latency_ns);
    }

    /// Records the latency of a target again, if the other side had asked before.
    pub fn record_asked_second(&mut self, latency_ns: u64) {
        self.latency_asked_second.saturating_record(latency_ns);
    }

    /// The number of targets in its blocks.
    pub fn targets(&self) -> u64 {
        self.blocks.iter().map(|block| block.targets).sum()
    }

    /// Whether at least half of its targets had no usable answer.
    pub fn is_mostly_failed(&self) -> bool {
        self.failed * 2 >= self.targets().max(1)
    }

    /// The total time of its blocks.
    pub fn wall(&self) -> Duration {
        self.blocks.iter().map(|block| block.wall).sum()
    }

    /// The CPU time of the process during its blocks, user and system.
    pub fn cpu(&self) -> Duration {
        self.blocks.iter().map(|block| block.cpu).sum()
    }

    /// Targets per second over all blocks; `None` if there are no targets or no time passed.
    pub fn per_second(&self) -> Option<f64> {
        let targets = self.targets();
        let wall = self.wall();
        (targets > 0 && !wall.is_zero()).then(|| targets as f64 / wall.as_secs_f64())
    }

    /// CPU time per target in nanoseconds, user and system; `None` if there are no targets.
    pub fn cpu_per_target_ns(&self) -> Option<f64> {
        let targets = self.targets();
        (targets > 0).then(|| self.cpu().as_nanos() as f64 / targets as f64)
    }

    /// Targets per second with their spread over the blocks; `None` if
    /// [`per_second`](Self::per_second) is.
    pub fn throughput(&self) -> Option<Throughput> {
        let mean = self.per_second()?;
        let rates: Vec<f64> = self.blocks.iter().filter_map(Block::per_second).collect();
        Some(Throughput {
            mean,
            stdev: stdev(&rates),
            min: rates.iter().copied().fold(f64::INFINITY, f64::min),
            max: rates.iter().copied().fold(0.0, f64::max),
        })
    }

    /// Percentiles of the latency; `None` if there are no values.
    pub fn percentiles(&self) -> Option<Percentiles> {
        Percentiles::of(&self.latency)
    }

    /// The latency in blocks that this side asked before the other; `None` if the two histograms do
    /// not belong together.
    pub(super) fn latency_asked_first(&self) -> Option<Histogram<u64>> {
        let mut first = self.latency.clone();
        first.subtract(&self.latency_asked_second).ok()?;
        Some(first)
    }
}

/// The standard deviation of a sample; `None` for fewer than two values.
pub(super) fn stdev(values: &[f64]) -> Option<f64> {
    if values.len() < 2 {
        return None;
    }
    let number = values.len() as f64;
    let mean = values.iter().sum::<f64>() / number;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((squares / (number - 1.0)).sqrt())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{block, side};
    use super::*;

    #[test]
    fn the_mean_weighs_blocks_by_their_time() {
        let side = side("a", &[block(100, 1000), block(900, 3000)]);
        let throughput = side.throughput().unwrap();
        assert_eq!(throughput.mean, 250.0);
        assert_eq!((throughput.min, throughput.max), (100.0, 300.0));
        assert!((throughput.stdev.unwrap() - 20_000_f64.sqrt()).abs() < 1e-9);
        assert_eq!(side.per_second(), Some(250.0));
        assert_eq!(side.wall(), Duration::from_secs(4));
    }

    #[test]
    fn cpu_is_divided_by_the_targets_of_all_blocks() {
        let mut side = side("a", &[block(100, 1000), block(900, 3000)]);
        side.blocks[0].cpu = Duration::from_millis(1);
        side.blocks[1].cpu = Duration::from_millis(2);
        assert_eq!(side.cpu_per_target_ns(), Some(3000.0));
    }

    #[test]
    fn without_targets_or_time_there_are_no_figures() {
        for blocks in [&[][..], &[block(0, 1000)], &[block(5, 0)]] {
            let side = side("a", blocks);
            assert_eq!(side.throughput(), None);
            assert_eq!(side.per_second(), None);
        }
        assert_eq!(side("a", &[block(0, 1000)]).cpu_per_target_ns(), None);
        assert_eq!(side("a", &[]).percentiles(), None);
        let one = side("a", &[block(5, 1000)]).throughput().unwrap();
        assert_eq!(one.stdev, None);
    }

    #[test]
    fn percentiles_are_those_of_all_blocks() {
        let mut side = side("a", &[block(1000, 1000)]);
        side.latency.clear();
        for span_us in 1..=1000 {
            side.latency.record(span_us * 1000).unwrap();
        }
        let read = side.percentiles().unwrap();
        for (value_ns, exact_ns) in [
            (read.p50_ns, 500_000_u64),
            (read.p90_ns, 900_000),
            (read.p95_ns, 950_000),
            (read.p99_ns, 990_000),
            (read.p99_9_ns, 999_000),
            (read.max_ns, 1_000_000),
        ] {
            assert!(value_ns.abs_diff(exact_ns) <= exact_ns / 1000, "{exact_ns}");
        }
    }
}
