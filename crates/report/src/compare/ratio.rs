//! How many times faster one side is, and how far chance reaches.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::side::stdev;
use super::{Block, Comparison};

/// How often the blocks are drawn anew.
const ROUNDS: usize = 2_000;
/// Rounds that lie beyond each end of the interval where blocks are many: 2.5 % of them.
const ROUNDS_BEYOND: usize = ROUNDS / 40;
/// The same by degrees of freedom, where blocks are few: the share that a normal distribution has
/// beyond Student's 97.5 % point.
const ROUNDS_BEYOND_FEW: [usize; 16] = [0, 0, 0, 1, 5, 10, 14, 18, 21, 23, 25, 27, 29, 30, 31, 33];

/// One side's targets a second over another's.
///
/// The interval is a bootstrap over blocks: 2,000 times, blocks of each side are drawn with
/// replacement and the ratio is taken of them; 2.5 % of these ratios lie below the interval and
/// 2.5 % above. Of few blocks such an interval would promise too much, so it is widened as
/// Student's distribution is against the normal one (the expanded percentile interval). Where both
/// sides vary alike and have four blocks or more, one of two equal sides is called faster about once
/// in twenty-five times; with fewer blocks, or where one side alone varies, oftener.
///
/// The bounds and the standard deviation are `None` together: where a side has fewer than two
/// blocks, or where a draw has no targets at all, so that chance could make the ratio anything.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// The ratio; `None` where a side has done no target.
    pub value: Option<f64>,
    /// The lower bound of the 95 % interval.
    pub low: Option<f64>,
    /// The upper bound of the 95 % interval.
    pub high: Option<f64>,
    /// The standard deviation of the ratio over the draws.
    pub stdev: Option<f64>,
}

impl Ratio {
    /// Whether the interval is known and excludes 1, on the side where the ratio is.
    pub fn is_measurable(&self) -> bool {
        let (Some(value), Some(low), Some(high)) = (self.value, self.low, self.high) else {
            return false;
        };
        value > 1.0 && low > 1.0 || value < 1.0 && high < 1.0
    }

    /// The ratio of the same sides the other way round.
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
    /// The first side's targets a second over those of `others[other]`. The draws for the
    /// interval begin from the comparison's seed: the same figures give the same interval.
    ///
    /// # Panics
    /// `other` is no place in `others`.
    pub fn ratio(&self, other: usize) -> Ratio {
        let (a, b) = (&self.a, &self.others[other].side);
        let value = a.per_second().zip(b.per_second()).map(|(a, b)| a / b);
        let spread = value.and_then(|_| Spread::of(&a.blocks, &b.blocks, self.seed));
        Ratio {
            value,
            low: spread.map(|spread| spread.low),
            high: spread.map(|spread| spread.high),
            stdev: spread.map(|spread| spread.stdev),
        }
    }
}

/// What chance makes of a ratio.
#[derive(Clone, Copy)]
struct Spread {
    low: f64,
    high: f64,
    stdev: f64,
}

impl Spread {
    /// `None` where there are too few blocks, or where a draw has no targets.
    fn of(a: &[Block], b: &[Block], seed: u64) -> Option<Self> {
        let (a, b) = (Pool::new(a)?, Pool::new(b)?);
        let mut rng = StdRng::seed_from_u64(seed);
        let mut ratios = (0..ROUNDS)
            .map(|_| {
                let ratio = a.draw(&mut rng) / b.draw(&mut rng);
                (ratio.is_finite() && ratio > 0.0).then_some(ratio)
            })
            .collect::<Option<Vec<f64>>>()?;
        ratios.sort_unstable_by(f64::total_cmp);
        let beyond = rounds_beyond(a.blocks.len().min(b.blocks.len()));
        Some(Self {
            low: ratios[beyond],
            high: ratios[ROUNDS - 1 - beyond],
            stdev: stdev(&ratios)?,
        })
    }
}

/// Rounds that lie beyond each end of the interval where the side with the fewest has so many
/// blocks.
fn rounds_beyond(blocks: usize) -> usize {
    // The least that Welch's degrees of freedom can be, as if that side alone varied.
    let freedom = blocks.saturating_sub(1);
    match ROUNDS_BEYOND_FEW.get(freedom) {
        Some(&few) => few,
        // Within one round of the exact number.
        None => ROUNDS_BEYOND - 270 / freedom,
    }
}

/// The blocks of a side, to draw from.
struct Pool {
    /// Targets and seconds of each.
    blocks: Vec<(f64, f64)>,
}

impl Pool {
    /// `None` for fewer than two blocks that took any time.
    fn new(blocks: &[Block]) -> Option<Self> {
        let blocks: Vec<_> = blocks
            .iter()
            .filter(|block| !block.wall.is_zero())
            .map(|block| (block.targets as f64, block.wall.as_secs_f64()))
            .collect();
        (blocks.len() >= 2).then_some(Self { blocks })
    }

    /// Targets a second of a draw with replacement.
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

    #[test]
    fn sides_alike_are_told_apart_no_oftener_than_one_time_in_twenty() {
        let mut rng = StdRng::seed_from_u64(1);
        for blocks in [4, 8, 24] {
            let wrong = (0..400)
                .filter(|_| {
                    let (a, b) = (throws(&mut rng, blocks), throws(&mut rng, blocks));
                    comparison(&a, &b).ratio(0).is_measurable()
                })
                .count();
            assert!((2..=30).contains(&wrong), "{blocks} blocks: {wrong}");
        }
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
    fn with_one_block_or_an_empty_draw_there_is_no_interval() {
        for (a, b) in [
            (&[100][..], &[10, 11, 12][..]),
            (&[100, 110], &[10]),
            (&[100, 110], &[10, 0]),
            (&[0, 110], &[10, 10]),
        ] {
            let ratio = comparison(a, b).ratio(0);
            assert!(ratio.value.is_some());
            assert_eq!((ratio.low, ratio.high, ratio.stdev), (None, None, None));
            assert!(!ratio.is_measurable());
        }
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
            a in prop::collection::vec(1..1000_u64, 2..12),
            b in prop::collection::vec(1..1000_u64, 2..12),
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
            a in 1..10_000_u64, b in 1..10_000_u64, blocks in 2..20_usize,
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
