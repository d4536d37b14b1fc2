//! The ratio of the throughput of two sides, with a confidence interval.

use std::f64::consts::PI;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::side::stdev;
use super::{Block, Comparison};

/// The number of bootstrap rounds.
const ROUNDS: usize = 2_000;
/// With fewer blocks on a side there is no interval.
pub(super) const BLOCKS_MIN: usize = 4;
/// Rounds beyond each end of the interval if there are many blocks: 2.5 %.
const ROUNDS_BEYOND: usize = ROUNDS / 40;
/// The same by degrees of freedom, from those of the fewest blocks on: the share that a normal
/// distribution has beyond Student's 97.5 % point.
const ROUNDS_BEYOND_FEW: [usize; 13] = [1, 5, 10, 14, 18, 21, 23, 25, 27, 29, 30, 31, 33];
/// Swings that are slow: half a wave over the whole comparison, and a whole one.
const SWINGS_SLOW: u32 = 2;
/// Student's 97.5 % point over the normal one, with a degree of freedom for each slow swing.
const STUDENT_OF_SWINGS: f64 = 4.302_65 / 1.959_96;

/// Targets per second of one side divided by those of another.
///
/// The interval is the wider of two. The first is a bootstrap over blocks: 2,000 times, blocks of
/// each side are drawn with replacement and the ratio is taken of them; 2.5 % of these ratios lie
/// below the interval and 2.5 % above. For few blocks such an interval would be too narrow, so it
/// is widened by the ratio of Student's distribution to the normal one (the expanded percentile
/// interval).
///
/// This assumes independent blocks, but the blocks of a side that adapts resemble their neighbours.
/// The second interval therefore takes the drift of the sides against each other from round to round
/// into account: its part with the two lowest frequencies (the first two cosines of a type-II
/// transform, which estimate the variance of a mean of dependent values). The logarithms of the draws
/// are scaled to that variance, and again by Student's distribution with two degrees of freedom.
/// Changes that all sides share in a round are not drift.
///
/// One of two equal sides is reported as faster in about 1 of 100 comparisons if blocks are
/// independent, and in 1 of 25 if there are four blocks and only those of one side vary. If
/// neighbours correlate by 0.5, it is 1 of 10 with four blocks and 1 of 20 with eight or more; if
/// they correlate by 0.8, 1 of 4 with four blocks, 1 of 6 with eight and 1 of 10 with sixteen. An
/// effect that lasts from the first block to the last cannot show in an interval over blocks.
///
/// The bounds and the standard deviation are all `None` if a side has fewer than four blocks, or if
/// a draw has no targets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The ratio; `None` if a side completed no target.
    pub value: Option<f64>,
    /// The lower bound of the 95 % interval.
    pub low: Option<f64>,
    /// The upper bound of the 95 % interval.
    pub high: Option<f64>,
    /// The standard deviation of the ratio over the draws, scaled up if the sides drift.
    pub stdev: Option<f64>,
}

impl Ratio {
    /// Whether there is an interval and it excludes 1, on the same side as the ratio.
    pub fn is_measurable(&self) -> bool {
        let (Some(value), Some(low), Some(high)) = (self.value, self.low, self.high) else {
            return false;
        };
        value > 1.0 && low > 1.0 || value < 1.0 && high < 1.0
    }

    /// The inverse ratio.
    #[must_use]
    pub fn turned(&self) -> Self {
        Self {
            value: self.value.map(f64::recip),
            low: self.high.map(f64::recip),
            high: self.low.map(f64::recip),
            // The first term of the expansion of 1/x about the value.
            stdev: self
                .stdev
                .zip(self.value)
                .map(|(stdev, value)| stdev / value.powi(2)),
        }
    }
}

impl Comparison {
    /// Targets per second of the first side divided by those of `others[other]`. The interval is
    /// reproducible: its draws are seeded with [`Comparison::seed`].
    ///
    /// # Panics
    /// `other` is out of bounds.
    pub fn ratio(&self, other: usize) -> Ratio {
        let (a, b) = (&self.a, &self.others[other].side);
        let value = a.per_second().zip(b.per_second()).map(|(a, b)| a / b);
        let spread = value.and_then(|value| Spread::of(value, &a.blocks, &b.blocks, self.seed));
        Ratio {
            value,
            low: spread.map(|spread| spread.low),
            high: spread.map(|spread| spread.high),
            stdev: spread.map(|spread| spread.stdev),
        }
    }
}

/// The distribution of a ratio over the draws.
#[derive(Clone, Copy)]
struct Spread {
    low: f64,
    high: f64,
    stdev: f64,
}

impl Spread {
    /// `None` if there are too few blocks, or if a draw has no targets.
    fn of(value: f64, a: &[Block], b: &[Block], seed: u64) -> Option<Self> {
        let pools = (Pool::new(a)?, Pool::new(b)?);
        let mut rng = StdRng::seed_from_u64(seed);
        let mut ratios = (0..ROUNDS)
            .map(|_| {
                let ratio = pools.0.draw(&mut rng) / pools.1.draw(&mut rng);
                (ratio.is_finite() && ratio > 0.0).then_some(ratio)
            })
            .collect::<Option<Vec<f64>>>()?;
        ratios.sort_unstable_by(f64::total_cmp);
        let drift = drift(a, b);
        let beyond = rounds_beyond(pools.0.blocks.len().min(pools.1.blocks.len()));
        let drifted =
            |round: usize| value * (ratios[round] / value).powf(drift * STUDENT_OF_SWINGS);
        let low = ratios[beyond].min(drifted(ROUNDS_BEYOND));
        let high = ratios[ROUNDS - 1 - beyond].max(drifted(ROUNDS - 1 - ROUNDS_BEYOND));
        (low > 0.0 && high.is_finite()).then_some(Self {
            low,
            high,
            stdev: stdev(&ratios)? * drift.max(1.0),
        })
    }
}

/// The standard deviation of the ratio according to the lowest frequencies, divided by that for
/// independent blocks.
fn drift(a: &[Block], b: &[Block]) -> f64 {
    let (a, b) = (shares(a), shares(b));
    let independent = [&a, &b].map(|shares| {
        let number = shares.len() as f64;
        let squares: f64 = shares.iter().map(|share| share * share).sum();
        squares * number / (number - 1.0)
    });
    let rounds = a.len().max(b.len());
    // A side without a block in a round contributes nothing.
    let of_round = |shares: &[f64], round: usize| shares.get(round).copied().unwrap_or(0.0);
    let slow: f64 = (1..=SWINGS_SLOW)
        .map(|swing| {
            let step = PI * f64::from(swing) / rounds as f64;
            let weight: f64 = (0..rounds)
                .map(|round| {
                    let apart = of_round(&a, round) - of_round(&b, round);
                    apart * (step * (round as f64 + 0.5)).cos()
                })
                .sum();
            2.0 * weight * weight / f64::from(SWINGS_SLOW)
        })
        .sum();
    match independent.iter().sum::<f64>() {
        0.0 => 1.0,
        independent => (slow / independent).sqrt(),
    }
}

/// The influence of each block on the logarithm of the throughput of its side: its share of the
/// targets minus its share of the time. The side must have targets and time.
fn shares(blocks: &[Block]) -> Vec<f64> {
    let targets: u64 = blocks.iter().map(|block| block.targets).sum();
    let wall: Duration = blocks.iter().map(|block| block.wall).sum();
    blocks
        .iter()
        .map(|block| {
            block.targets as f64 / targets as f64 - block.wall.as_secs_f64() / wall.as_secs_f64()
        })
        .collect()
}

/// Rounds beyond each end of the interval. `blocks`, at least [`BLOCKS_MIN`], is the number of
/// blocks of the side with the fewest.
fn rounds_beyond(blocks: usize) -> usize {
    match ROUNDS_BEYOND_FEW.get(blocks - BLOCKS_MIN) {
        Some(&few) => few,
        // The minimum of Welch's degrees of freedom, as if only that side varied. Exact to one
        // round.
        None => ROUNDS_BEYOND - 270 / (blocks - 1),
    }
}

/// The blocks of a side, to draw from.
struct Pool {
    /// Targets and seconds of each.
    blocks: Vec<(f64, f64)>,
}

impl Pool {
    /// `None` for fewer than [`BLOCKS_MIN`] blocks that took any time.
    fn new(blocks: &[Block]) -> Option<Self> {
        let blocks: Vec<_> = blocks
            .iter()
            .filter(|block| !block.wall.is_zero())
            .map(|block| (block.targets as f64, block.wall.as_secs_f64()))
            .collect();
        (blocks.len() >= BLOCKS_MIN).then_some(Self { blocks })
    }

    /// Targets per second of a draw with replacement.
    fn draw(&self, rng: &mut StdRng) -> f64 {
        let (mut targets, mut seconds) = (0.0, 0.0);
        // A sample is narrower than what it was drawn from, by one part in as many as it has. One
        // block fewer in each draw makes up for that; where blocks are few it matters.
        for _ in 1..self.blocks.len() {
            let block = self.blocks[rng.random_range(0..self.blocks.len())];
            targets += block.0;
            seconds += block.1;
        }
        targets / seconds
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{block, comparison};
    use super::*;
    use proptest::prelude::*;

    /// About 1,000 targets in each block, give or take 30.
    fn throws(rng: &mut StdRng, blocks: usize) -> Vec<u64> {
        (0..blocks)
            .map(|_| 900 + (0..4).map(|_| rng.random_range(0..50)).sum::<u64>())
            .collect()
    }

    fn width(ratio: &Ratio) -> f64 {
        ratio.high.unwrap() - ratio.low.unwrap()
    }

    #[test]
    fn the_ratio_is_that_of_the_sums() {
        let mut pair = comparison(&[300, 100], &[]);
        pair.others[0].side.blocks = vec![block(10, 500), block(50, 1500)];
        let ratio = pair.ratio(0);
        assert!((ratio.value.unwrap() - 200.0 / 30.0).abs() < 1e-12);
    }

    /// How many of 400 comparisons of equal sides find one faster.
    fn distinguished(mut side: impl FnMut() -> Vec<u64>) -> usize {
        (0..400)
            .filter(|_| {
                let (a, b) = (side(), side());
                comparison(&a, &b).ratio(0).is_measurable()
            })
            .count()
    }

    /// Blocks that each keep half of how far the one before was off.
    fn drifting(rng: &mut StdRng, blocks: usize) -> Vec<u64> {
        let mut off = 0.0;
        // The first few are left out: they begin too near to the middle.
        let all = throws(rng, blocks + 8).into_iter().map(|throw| {
            off = off * 0.5 + (throw as f64 - 998.0);
            (1000.0 + off).round() as u64
        });
        all.skip(8).collect()
    }

    #[test]
    fn equal_sides_are_distinguished_no_oftener_than_one_time_in_twenty() {
        let mut rng = StdRng::seed_from_u64(1);
        for blocks in [4, 8, 24] {
            let wrong = distinguished(|| throws(&mut rng, blocks));
            assert!((1..=20).contains(&wrong), "{blocks} blocks: {wrong}");
        }
    }

    #[test]
    fn sides_that_drift_are_seldom_distinguished() {
        let mut rng = StdRng::seed_from_u64(4);
        for (blocks, wrong_max) in [(4, 44), (8, 32), (16, 32)] {
            let wrong = distinguished(|| drifting(&mut rng, blocks));
            assert!((4..=wrong_max).contains(&wrong), "{blocks} blocks: {wrong}");
        }
    }

    #[test]
    fn the_same_blocks_in_an_order_that_drifts_leave_chance_more_room() {
        let (even, rising) = (
            [60, 100, 100, 60, 60, 100, 100, 60],
            [60, 60, 60, 60, 100, 100, 100, 100],
        );
        let steady = [80; 8];
        let [even_alone, rising_alone, together] =
            [(even, steady), (rising, steady), (rising, rising)]
                .map(|(a, b)| comparison(&a, &b).ratio(0));
        assert!(width(&rising_alone) > 2.0 * width(&even_alone));
        assert!(rising_alone.stdev > even_alone.stdev);
        // A step of both at once is the weather's.
        assert!(width(&together) < width(&rising_alone));
    }

    #[test]
    fn a_difference_larger_than_the_noise_is_found() {
        let mut rng = StdRng::seed_from_u64(2);
        for _ in 0..100 {
            let twice: Vec<u64> = throws(&mut rng, 6).iter().map(|block| block * 2).collect();
            let ratio = comparison(&twice, &throws(&mut rng, 6)).ratio(0);
            assert!(ratio.is_measurable(), "{ratio:?}");
            assert!((1.8..2.2).contains(&ratio.value.unwrap()), "{ratio:?}");
            assert!(ratio.turned().is_measurable());
        }
    }

    #[test]
    fn more_blocks_make_the_interval_narrower() {
        let mut rng = StdRng::seed_from_u64(3);
        let [few, more, many] = [5, 20, 80].map(|blocks| {
            let widths = (0..20).map(|_| {
                let (a, b) = (throws(&mut rng, blocks), throws(&mut rng, blocks));
                width(&comparison(&a, &b).ratio(0))
            });
            widths.sum::<f64>() / 20.0
        });
        assert!(more < few * 0.7, "{more} of {few}");
        assert!(many < more * 0.7, "{many} of {more}");
    }

    #[test]
    fn with_few_blocks_or_an_empty_draw_there_is_no_interval() {
        for (a, b) in [
            (&[100][..], &[10, 11, 12, 11][..]),
            (&[100, 110, 105, 100], &[10, 11, 12]),
            (&[100, 100, 100], &[10, 10, 10, 10]),
            (&[100, 110, 105, 100], &[10, 11, 0, 12]),
            (&[0, 110, 105, 100], &[10, 10, 10, 10]),
        ] {
            let ratio = comparison(a, b).ratio(0);
            assert!(ratio.value.is_some());
            assert_eq!((ratio.low, ratio.high, ratio.stdev), (None, None, None));
            assert!(!ratio.is_measurable());
        }
    }

    #[test]
    fn a_side_may_have_had_no_turn_in_the_last_rounds() {
        let ratio = comparison(&[100, 110, 105, 100, 95, 90], &[10, 11, 12, 11]).ratio(0);
        let (low, high) = (ratio.low.unwrap(), ratio.high.unwrap());
        assert!(
            6.0 < low && low < 9.0 && 9.5 < high && high < 14.0,
            "{ratio:?}"
        );
    }

    #[test]
    fn without_targets_there_is_no_ratio() {
        for (a, b) in [(&[][..], &[5, 5][..]), (&[5, 5], &[0, 0]), (&[0], &[])] {
            let ratio = comparison(a, b).ratio(0);
            assert_eq!(ratio.value, None);
            assert_eq!(ratio.low, None);
        }
    }

    proptest! {
        #[test]
        fn the_same_figures_and_seed_give_the_same_interval(
            a in prop::collection::vec(1..1000_u64, 4..12),
            b in prop::collection::vec(1..1000_u64, 4..12),
            seed: u64,
        ) {
            let mut pair = comparison(&a, &b);
            pair.seed = seed;
            let ratio = pair.ratio(0);
            prop_assert_eq!(ratio, pair.ratio(0));
            let (low, high) = (ratio.low.unwrap(), ratio.high.unwrap());
            prop_assert!(0.0 < low && low <= high && high.is_finite());
            let turned = ratio.turned();
            prop_assert!(turned.low.unwrap() <= turned.high.unwrap());
            prop_assert_eq!(turned.is_measurable(), ratio.is_measurable());
        }

        #[test]
        fn blocks_that_are_all_alike_leave_chance_no_room(
            a in 1..10_000_u64, b in 1..10_000_u64, blocks in 4..20_usize,
        ) {
            let ratio = comparison(&vec![a; blocks], &vec![b; blocks]).ratio(0);
            let value = a as f64 / b as f64;
            for figure in [ratio.value, ratio.low, ratio.high] {
                prop_assert!((figure.unwrap() / value - 1.0).abs() < 1e-9);
            }
            prop_assert!(ratio.stdev.unwrap() < value * 1e-9);
        }
    }
}
