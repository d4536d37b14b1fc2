//! The order of work: rounds of mirrored blocks, and samples.
//!
//! Each round has a part of the list, its chunk. The first side looks up all of it, each other side a
//! sample of it as far as its time allows. Rounds are mirrored, A B C and then C B A: conditions that
//! change during the comparison affect all sides alike, and the sides take turns in looking up a
//! target first.

use std::collections::HashSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// The maximum number of targets in a chunk. They and their answers are in memory during its round.
pub(super) const CHUNK_TARGETS_MAX: usize = 1 << 17;
/// The minimum number of rounds: a confidence interval needs several blocks.
const ROUNDS_MIN: usize = 8;
/// The number of rounds of a short list. In shorter blocks the last few answers would dominate.
const ROUNDS_SHORT: usize = 4;
/// A list with fewer targets is short.
const TARGETS_LONG: usize = 50_000;
/// The maximum number of targets for warming up: enough for a window to find its rate.
const WARM_UP_TARGETS_MAX: usize = 1 << 14;
/// Warming up may take the budget divided by this.
const WARM_UP_SHARE: u32 = 20;
/// A block may take the rest of the budget divided by this, if the length of the list is unknown.
const BLOCK_SHARE_UNKNOWN: u32 = 8;

/// The side whose block it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The first side.
    First,
    /// Another side, by its index.
    Other(usize),
}

/// The rounds of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    others: usize,
    /// The number of rounds, if the length of the list is known.
    rounds: Option<usize>,
    targets: Option<usize>,
    seed: u64,
}

impl Schedule {
    /// Creates a schedule for a list of `targets`; `None` if its length is unknown.
    pub(super) fn new(targets: Option<usize>, others: usize, seed: u64) -> Self {
        let rounds = targets.map(|targets| match targets {
            0 | 1 => targets,
            2 | 3 => 2,
            4..TARGETS_LONG => ROUNDS_SHORT,
            _ => targets
                .div_ceil(CHUNK_TARGETS_MAX)
                .max(ROUNDS_MIN)
                .next_multiple_of(2),
        });
        Self {
            others,
            rounds,
            targets,
            seed,
        }
    }

    /// The number of targets in the chunk of a round; 0 after the last round. The maximum if the length
    /// of the list is unknown.
    pub(super) fn chunk(&self, round: usize) -> usize {
        match (self.targets, self.rounds) {
            (Some(targets), Some(rounds)) if round < rounds => {
                (round + 1) * targets / rounds - round * targets / rounds
            }
            (Some(_), _) => 0,
            (None, _) => CHUNK_TARGETS_MAX,
        }
    }

    /// The order of the sides in a round.
    pub(super) fn turns(&self, round: usize) -> Vec<Turn> {
        let others = (0..self.others).map(Turn::Other);
        let mut turns: Vec<Turn> = std::iter::once(Turn::First).chain(others).collect();
        if !round.is_multiple_of(2) {
            turns.reverse();
        }
        turns
    }

    /// Whether the first side comes before the others in a round.
    pub(super) fn first_leads(round: usize) -> bool {
        round.is_multiple_of(2)
    }

    /// The indices in a chunk that another side looks up, in order. The samples of two sides are
    /// disjoint, so that neither benefits from the cache entries of the other. Targets that were used
    /// for warming up come last.
    pub(super) fn sample(
        &self,
        round: usize,
        chunk: usize,
        other: usize,
        warm: &[u32],
    ) -> Vec<u32> {
        let mut rng = self.rng(round as u64 + 1);
        let mut indices: Vec<u32> = (0..chunk as u32).collect();
        indices.shuffle(&mut rng);
        let warm: HashSet<u32> = warm.iter().copied().collect();
        let (from, to) = (
            other * chunk / self.others,
            (other + 1) * chunk / self.others,
        );
        // Fewer targets than sides: they share one, because an empty sample cannot be compared.
        if from == to {
            indices.truncate(1);
            return indices;
        }
        let mut sample = indices[from..to].to_vec();
        sample.sort_by_key(|index| warm.contains(index));
        sample
    }

    /// The indices in the first chunk that all sides look up to warm up.
    pub(super) fn warm_up(&self, chunk: usize) -> Vec<u32> {
        let mut indices: Vec<u32> = (0..chunk as u32).collect();
        indices.shuffle(&mut self.rng(0));
        indices.truncate(WARM_UP_TARGETS_MAX);
        indices
    }

    /// How long another side may warm up, given its budget.
    pub(super) fn warm_up_time(budget: Duration) -> Duration {
        budget / WARM_UP_SHARE
    }

    /// How long the block of another side may take in this round, with `left` of its budget.
    pub(super) fn block_time(&self, round: usize, left: Duration) -> Duration {
        match self.rounds {
            Some(rounds) => left / rounds.saturating_sub(round).max(1) as u32,
            None => left / BLOCK_SHARE_UNKNOWN,
        }
    }

    fn rng(&self, stream: u64) -> StdRng {
        let mut rng = StdRng::seed_from_u64(self.seed);
        let base: u64 = rng.random();
        StdRng::seed_from_u64(base ^ stream)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chunks_are_the_list() {
        for targets in [0, 1, 2, 3, 4, 7, 100, 100_000, 1_000_001, 10_000_000] {
            let schedule = Schedule::new(Some(targets), 2, 1);
            let mut sum = 0;
            let mut rounds = 0;
            loop {
                let chunk = schedule.chunk(rounds);
                if chunk == 0 {
                    break;
                }
                assert!(chunk <= CHUNK_TARGETS_MAX);
                sum += chunk;
                rounds += 1;
            }
            assert_eq!(sum, targets);
            assert!(rounds < 2 || rounds % 2 == 0, "{targets}: {rounds}");
            assert!(targets < 4 || rounds >= ROUNDS_SHORT, "{targets}: {rounds}");
        }
    }

    #[test]
    fn rounds_are_mirrored() {
        use Turn::{First, Other};
        let schedule = Schedule::new(Some(100), 2, 1);
        let turns: Vec<Turn> = (0..2).flat_map(|round| schedule.turns(round)).collect();
        assert_eq!(
            turns,
            [First, Other(0), Other(1), Other(1), Other(0), First]
        );
        assert!(Schedule::first_leads(0) && !Schedule::first_leads(1));
    }

    #[test]
    fn samples_are_random_and_disjoint_and_the_same_for_a_seed() {
        let schedule = Schedule::new(Some(4_000), 2, 7);
        let first = schedule.sample(3, 1_000, 0, &[]);
        let second = schedule.sample(3, 1_000, 1, &[]);
        assert_eq!(first, schedule.sample(3, 1_000, 0, &[]));
        assert_ne!(first, schedule.sample(2, 1_000, 0, &[]));
        assert_ne!(
            first,
            Schedule::new(Some(4_000), 2, 8).sample(3, 1_000, 0, &[])
        );
        let cold = schedule.sample(3, 1_000, 0, &first[..5]);
        assert_eq!(cold[495..], first[..5]);
        let mut all = [first, second].concat();
        assert!(!all.is_sorted());
        all.sort_unstable();
        assert_eq!(all, (0..1_000).collect::<Vec<u32>>());
        assert_eq!(schedule.sample(0, 1, 0, &[]).len(), 1);
        assert_eq!(schedule.sample(0, 1, 1, &[]).len(), 1);
    }

    #[test]
    fn the_budget_is_spread_over_the_rounds() {
        let schedule = Schedule::new(Some(4_000), 1, 7);
        let mut left = Duration::from_secs(30);
        for round in 0..4 {
            let block = schedule.block_time(round, left);
            assert_eq!(block, Duration::from_millis(7_500));
            left -= block;
        }
        assert_eq!(left, Duration::ZERO);
        let unknown = Schedule::new(None, 1, 7);
        assert!(unknown.block_time(40, Duration::from_secs(1)) <= Duration::from_secs(1));
    }
}
