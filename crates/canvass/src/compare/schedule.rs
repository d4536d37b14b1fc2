//! Who asks what when: rounds of mirrored blocks, and samples.
//!
//! Each round has a part of the list, its chunk. The first side asks for all of it, each other
//! side for a sample of it as long as its time allows. Rounds are mirrored, A B C and then C B A:
//! all meet the same weather, and by turns one side and the other comes to a target first.

use std::collections::HashSet;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};

/// The most targets in a chunk: they and their answers are kept while its round lasts.
pub(super) const CHUNK_TARGETS_MAX: usize = 1 << 17;
/// Rounds at least: an interval needs blocks to draw from.
const ROUNDS_MIN: usize = 8;
/// Rounds of a short list, whose blocks would be little more than their ends.
const ROUNDS_SHORT: usize = 4;
/// Targets from which on a list is not short.
const TARGETS_LONG: usize = 50_000;
/// Targets that warm up, at most: enough for a window to find its rate.
const WARM_UP_TARGETS_MAX: usize = 1 << 14;
/// The share of the budget that warming up may take.
const WARM_UP_SHARE: u32 = 20;
/// The share of what is left of the budget that a block has where the length of the list is not
/// known.
const BLOCK_SHARE_UNKNOWN: u32 = 8;

/// Whose block it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The first side's.
    First,
    /// That of another side, by its place.
    Other(usize),
}

/// The rounds of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Schedule {
    others: usize,
    /// Rounds, where the length of the list is known.
    rounds: Option<usize>,
    targets: Option<usize>,
    seed: u64,
}

impl Schedule {
    /// A schedule for a list of so many targets, or of more than can be kept.
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

    /// How many targets the chunk of a round has; 0 after the last round. Where the length of the
    /// list is not known, it has as many as it may.
    pub(super) fn chunk(&self, round: usize) -> usize {
        match (self.targets, self.rounds) {
            (Some(targets), Some(rounds)) if round < rounds => {
                (round + 1) * targets / rounds - round * targets / rounds
            }
            (Some(_), _) => 0,
            (None, _) => CHUNK_TARGETS_MAX,
        }
    }

    /// Whose turn it is in a round, in order.
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

    /// The places in a chunk that another side asks for, in order: no two sides have one in
    /// common, so that none of them finds what the other had looked up. Those that all sides were
    /// warmed up with come last.
    pub(super) fn sample(
        &self,
        round: usize,
        chunk: usize,
        other: usize,
        warm: &[u32],
    ) -> Vec<u32> {
        let mut rng = self.rng(round as u64 + 1);
        let mut places: Vec<u32> = (0..chunk as u32).collect();
        places.shuffle(&mut rng);
        let warm: HashSet<u32> = warm.iter().copied().collect();
        let (from, to) = (
            other * chunk / self.others,
            (other + 1) * chunk / self.others,
        );
        // Fewer targets than sides: better one in common than nothing to compare.
        if from == to {
            places.truncate(1);
            return places;
        }
        let mut sample = places[from..to].to_vec();
        sample.sort_by_key(|place| warm.contains(place));
        sample
    }

    /// The places in the first chunk that all sides ask for before anything counts.
    pub(super) fn warm_up(&self, chunk: usize) -> Vec<u32> {
        let mut places: Vec<u32> = (0..chunk as u32).collect();
        places.shuffle(&mut self.rng(0));
        places.truncate(WARM_UP_TARGETS_MAX);
        places
    }

    /// How long one of the other sides may warm up, of what it has in all.
    pub(super) fn warm_up_time(budget: Duration) -> Duration {
        budget / WARM_UP_SHARE
    }

    /// How long a block of another side may be, with `left` of its time before this round.
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
    fn samples_are_random_and_apart_and_the_same_for_a_seed() {
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
