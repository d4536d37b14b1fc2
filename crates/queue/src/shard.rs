//! One part of a list out of several equal ones.

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::ShardError;

/// Part `I` of `N` of a list, `I` from 1.
///
/// Targets are dealt like cards, by their place in the list after exclusion: every target belongs
/// to exactly one shard, whether and however the shards are shuffled, as long as the list and the
/// exclusions are the same for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: NonZeroU64,
    count: NonZeroU64,
}

impl Shard {
    /// The whole list.
    pub const WHOLE: Self = Self {
        index: NonZeroU64::MIN,
        count: NonZeroU64::MIN,
    };

    /// Part `index` of `count`; `None` where `index` is 0 or over `count`.
    pub fn new(index: u64, count: u64) -> Option<Self> {
        let (index, count) = (NonZeroU64::new(index)?, NonZeroU64::new(count)?);
        (index <= count).then_some(Self { index, count })
    }

    /// Which part, from 1.
    pub fn index(self) -> u64 {
        self.index.get()
    }

    /// How many parts there are.
    pub fn count(self) -> u64 {
        self.count.get()
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        // `parse` would take a sign.
        let number = |part: &str| match part.as_bytes() {
            [b'0'..=b'9', ..] => part.parse().ok(),
            _ => None,
        };
        text.split_once('/')
            .and_then(|(index, count)| Self::new(number(index)?, number(count)?))
            .ok_or_else(|| ShardError(text.to_owned()))
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// Deals places out to the shards and keeps ours.
pub(crate) struct Dealer {
    shard: Shard,
    /// The next place in the list, modulo the number of shards: the place itself may pass any
    /// integer where a list holds `::/0` twice.
    phase: u64,
}

/// Our places among some that follow each other: `offset`, then every `N`th, `last + 1` of them.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Share {
    /// The first of them.
    pub offset: u128,
    /// How many there are, less one.
    pub last: u128,
}

impl Dealer {
    pub(crate) fn new(shard: Shard) -> Self {
        Self { shard, phase: 0 }
    }

    /// How far apart our places are.
    pub(crate) fn stride(&self) -> u64 {
        self.shard.count()
    }

    /// Deals the next `last + 1` places; `None` where all of them go to others.
    pub(crate) fn deal(&mut self, last: u128) -> Option<Share> {
        let count = u128::from(self.shard.count());
        let ours = u128::from(self.shard.index() - 1);
        let phase = u128::from(self.phase);
        let offset = (ours + count - phase) % count;
        // Below `count`, so it fits again.
        self.phase = ((phase + last % count + 1) % count) as u64;
        (offset <= last).then(|| Share {
            offset,
            last: (last - offset) / count,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shards_are_read_as_they_are_written() {
        for text in [
            "1/1",
            "1/4",
            "4/4",
            "18446744073709551615/18446744073709551615",
        ] {
            assert_eq!(text.parse::<Shard>().unwrap().to_string(), text);
        }
        for text in [
            "", "1", "0/4", "5/4", "1/0", "+1/4", "1/4/2", " 1/4", "a/b", "-1/4",
        ] {
            let error = text.parse::<Shard>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{text:?} is not of the form I/N")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_largest_lists_can_be_dealt() {
        let mut dealer = Dealer::new(Shard::new(3, 3).unwrap());
        // 2^128 leaves 1 when divided by 3.
        assert_eq!(dealer.deal(u128::MAX).unwrap().offset, 2);
        assert_eq!(dealer.deal(u128::MAX).unwrap().offset, 1);
        assert_eq!(dealer.deal(u128::MAX).unwrap().offset, 0);
        let mut dealer = Dealer::new(Shard::new(u64::MAX, u64::MAX).unwrap());
        assert_eq!(dealer.deal(5), None);
        assert_eq!(
            dealer.deal(u128::MAX).unwrap().offset,
            u128::from(u64::MAX) - 7
        );
    }

    proptest! {
        #[test]
        fn every_place_is_dealt_to_one_shard(count in 1u64..9, runs in prop::collection::vec(1u128..20, 0..9)) {
            let total: u128 = runs.iter().sum();
            let mut dealt = Vec::new();
            for index in 1..=count {
                let mut dealer = Dealer::new(Shard::new(index, count).unwrap());
                let mut first = 0;
                for run in &runs {
                    if let Some(share) = dealer.deal(run - 1) {
                        dealt.extend((0..=share.last).map(|at| first + share.offset + at * u128::from(count)));
                    }
                    first += run;
                }
            }
            dealt.sort_unstable();
            prop_assert_eq!(dealt, (0..total).collect::<Vec<_>>());
        }
    }
}
