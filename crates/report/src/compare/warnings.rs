//! Warnings about a comparison.

use hdrhistogram::Histogram;

use super::{Comparison, OtherSide, Side};
use crate::human::{count, span_ns};
use crate::theme::visible;

/// Fewer targets on a side are a small sample.
const TARGETS_FEW: u64 = 100;
/// Fewer blocks on a side are a small sample.
const BLOCKS_FEW: usize = 4;
/// A standard deviation over this share of the mean is worth a warning.
const NOISE_SHARE: f64 = 0.25;
/// From this share of targets without a usable answer on, there is a warning.
const FAILED_SHARE: f64 = 0.01;
/// From this share of all processor time on, this machine was the limit.
const BUSY_SHARE: f64 = 0.9;
/// A median below this share of another indicates a cache, if the difference is significant: a
/// cache saves at least a round trip.
const CACHED_SHARE: f64 = 0.5;
/// The minimum number of targets for a median.
const MEDIAN_OF_MIN: u64 = 20;
/// The half width of the confidence interval of a median, in standard deviations.
const MEDIAN_DEVIATIONS: f64 = 3.0;

impl Comparison {
    /// All warnings, each a sentence without a full stop: first
    /// [`Comparison::warnings`](Self#structfield.warnings), then those that follow from the figures
    /// (a small sample, a cache, a noisy or busy machine).
    pub fn all_warnings(&self) -> Vec<String> {
        let mut all = self.warnings.clone();
        let first = visible(&self.a.name);
        all.extend(small_sample(&self.a, &first));
        all.extend(failures(&self.a, &first));
        all.extend(self.throughput_warnings(&self.a, &first));
        for OtherSide { side, .. } in &self.others {
            let name = visible(&side.name);
            all.extend(small_sample(side, &name));
            all.extend(failures(side, &name));
            all.extend(cache(side, &name, &first));
            all.extend(self.throughput_warnings(side, &name));
        }
        all
    }

    fn throughput_warnings(&self, side: &Side, name: &str) -> impl Iterator<Item = String> {
        noise(side, name).into_iter().chain(self.busy(side, name))
    }

    fn busy(&self, side: &Side, name: &str) -> Option<String> {
        let processors = self.processors?.get();
        let used = side.cpu().as_secs_f64() / side.wall().as_secs_f64();
        (used.is_finite() && used >= BUSY_SHARE * processors as f64).then(|| {
            format!(
                "{name} ran with {used:.1} of {} busy: this machine was the limit, not the peers",
                count(processors as u64, "processor", "processors"),
            )
        })
    }
}

fn small_sample(side: &Side, name: &str) -> Option<String> {
    let (targets, blocks) = (side.targets(), side.blocks.len());
    (targets < TARGETS_FEW || blocks < BLOCKS_FEW).then(|| {
        format!(
            "{name}: a small sample ({} in {}); a longer list or a larger --budget gives more",
            count(targets, "target", "targets"),
            count(blocks as u64, "block", "blocks"),
        )
    })
}

fn failures(side: &Side, name: &str) -> Option<String> {
    let targets = side.targets();
    (side.failed > 0 && side.failed as f64 >= FAILED_SHARE * targets as f64).then(|| {
        format!(
            "{name}: {} of {} had no usable answer; the speed of failures is not the speed of lookups",
            side.failed,
            count(targets, "target", "targets"),
        )
    })
}

/// Warns if a side was significantly faster for targets that the first had asked before. Only for
/// sides that ask one target at a time: otherwise latency is mostly queueing, which differs from
/// block to block.
fn cache(side: &Side, name: &str, other: &str) -> Option<String> {
    if !side.is_serial {
        return None;
    }
    let first = Median::of(&side.latency_asked_first()?)?;
    let second = Median::of(&side.latency_asked_second)?;
    let clearly = second.highest_ns < first.lowest_ns
        && (second.value_ns as f64) < CACHED_SHARE * first.value_ns as f64;
    clearly.then(|| {
        format!(
            "{name} took {} (median) for targets that {other} had asked before, and {} for others: \
             a shared cache favours {name} there",
            span_ns(second.value_ns),
            span_ns(first.value_ns),
        )
    })
}

fn noise(side: &Side, name: &str) -> Option<String> {
    let throughput = side.throughput()?;
    let share = throughput.stdev? / throughput.mean;
    (share > NOISE_SHARE).then(|| {
        format!(
            "{name}: the standard deviation of the blocks is {:.0} % of their mean: a noisy machine \
             or network, or a peer that changed during the comparison",
            share * 100.0
        )
    })
}

/// A median with its confidence interval.
struct Median {
    lowest_ns: u64,
    value_ns: u64,
    highest_ns: u64,
}

impl Median {
    /// From order statistics, for any distribution. `None` if there are too few values.
    fn of(latency: &Histogram<u64>) -> Option<Self> {
        if latency.len() < MEDIAN_OF_MIN {
            return None;
        }
        // The number of values below the true median is binomial with p = 1/2.
        let reach = MEDIAN_DEVIATIONS * 0.5 / (latency.len() as f64).sqrt();
        Some(Self {
            lowest_ns: latency.value_at_quantile(0.5 - reach),
            value_ns: latency.value_at_quantile(0.5),
            highest_ns: latency.value_at_quantile(0.5 + reach),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{block, comparison};
    use super::*;
    use std::num::NonZeroUsize;
    use std::time::Duration;

    fn record(side: &mut Side, first_us: u64, second_us: u64, times: u64) {
        side.is_serial = true;
        side.latency.clear();
        side.latency_asked_second.clear();
        for _ in 0..times {
            side.latency.record(first_us * 1000).unwrap();
            side.latency.record(second_us * 1000).unwrap();
            side.latency_asked_second.record(second_us * 1000).unwrap();
        }
    }

    #[test]
    fn a_sound_comparison_has_none() {
        assert_eq!(comparison(&[1000; 4], &[25; 4]).all_warnings(), [""; 0]);
    }

    #[test]
    fn failures_are_told_from_one_in_a_hundred_on() {
        let mut pair = comparison(&[1000; 4], &[250; 4]);
        pair.a.failed = 39;
        pair.others[0].side.failed = 10;
        let [only] = &pair.all_warnings()[..] else {
            panic!("{:?}", pair.all_warnings());
        };
        assert!(
            only.starts_with("getnameinfo, one at a time: 10 of 1000 targets"),
            "{only}"
        );
    }

    #[test]
    fn a_side_with_a_queue_of_its_own_tells_of_no_cache() {
        let mut pair = comparison(&[1000; 4], &[250; 4]);
        record(&mut pair.others[0].side, 5000, 500, 1000);
        assert_eq!(pair.all_warnings().len(), 1);
        pair.others[0].side.is_serial = false;
        assert_eq!(pair.all_warnings(), [""; 0]);
    }

    #[test]
    fn what_the_runner_knew_comes_first() {
        let mut pair = comparison(&[1000; 4], &[5; 4]);
        pair.warnings.push("it was stopped".to_owned());
        assert_eq!(
            pair.all_warnings(),
            [
                "it was stopped",
                "getnameinfo, one at a time: a small sample (20 targets in 4 blocks); a longer \
                 list or a larger --budget gives more",
            ]
        );
    }

    #[test]
    fn few_blocks_are_a_small_sample_however_many_targets_they_have() {
        let warnings = comparison(&[100_000; 3], &[1; 100]).all_warnings();
        assert_eq!(warnings.len(), 1);
        assert!(
            warnings[0].contains("300000 targets in 3 blocks"),
            "{warnings:?}"
        );
        let nothing = comparison(&[0], &[]).all_warnings();
        assert!(nothing[1].contains("0 targets in 0 blocks"), "{nothing:?}");
    }

    #[test]
    fn a_side_that_gains_by_asking_second_has_a_cache() {
        let mut pair = comparison(&[1000; 4], &[25; 4]);
        record(&mut pair.others[0].side, 20_000, 100, 50);
        assert_eq!(
            pair.all_warnings(),
            [
                "getnameinfo, one at a time took 100 µs (median) for targets that canvass (udp, \
                 window 412) had asked before, and 20.0 ms for others: a shared cache favours \
                 getnameinfo, one at a time there"
            ]
        );
        record(&mut pair.others[0].side, 1000, 490, 1000);
        assert_eq!(pair.all_warnings().len(), 1);
    }

    #[test]
    fn the_queue_of_the_first_side_is_no_cache() {
        let mut pair = comparison(&[1000; 4], &[25; 4]);
        record(&mut pair.a, 20_000, 90, 5000);
        assert_eq!(pair.all_warnings(), [""; 0]);
    }

    #[test]
    fn a_difference_that_is_small_or_of_few_or_the_wrong_way_is_no_cache() {
        for (first_us, second_us, times) in [(1000, 510, 1000), (1000, 100, 19), (100, 1000, 1000)]
        {
            let mut pair = comparison(&[1000; 4], &[25; 4]);
            record(&mut pair.others[0].side, first_us, second_us, times);
            assert_eq!(
                pair.all_warnings(),
                [""; 0],
                "{first_us} {second_us} {times}"
            );
        }
    }

    #[test]
    fn medians_that_chance_could_have_parted_are_no_cache() {
        let mut pair = comparison(&[1000; 4], &[25; 4]);
        let side = &mut pair.others[0].side;
        side.latency.clear();
        for index in 0..40_u64 {
            // Even spreads from 0 to 2 ms and from 0 to 0.8 ms.
            side.latency.record(1 + index * 50_000).unwrap();
            side.latency.record(1 + index * 20_000).unwrap();
            side.latency_asked_second
                .record(1 + index * 20_000)
                .unwrap();
        }
        assert_eq!(pair.all_warnings(), [""; 0]);
    }

    #[test]
    fn blocks_that_differ_much_are_a_noisy_machine() {
        let warnings = comparison(&[1000, 2000, 1000, 2000], &[25, 24, 26, 25]).all_warnings();
        assert_eq!(
            warnings,
            [
                "canvass (udp, window 412): the standard deviation of the blocks is 38 % of their \
                 mean: a noisy machine or network, or a peer that changed during the comparison"
            ]
        );
    }

    #[test]
    fn a_process_that_fills_the_machine_says_so() {
        let mut pair = comparison(&[1000; 4], &[25; 4]);
        pair.processors = NonZeroUsize::new(2);
        for block in &mut pair.a.blocks {
            block.cpu = Duration::from_millis(1900);
        }
        assert_eq!(
            pair.all_warnings(),
            [
                "canvass (udp, window 412) ran with 1.9 of 2 processors busy: this machine was the \
                 limit, not the peers"
            ]
        );
        pair.processors = None;
        assert_eq!(pair.all_warnings(), [""; 0]);
        pair.processors = NonZeroUsize::new(1);
        pair.a.blocks = vec![block(1000, 0); 4];
        assert_eq!(pair.all_warnings(), [""; 0]);
    }
}
