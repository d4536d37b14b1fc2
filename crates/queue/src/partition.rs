//! Partitions of a list (`--shard I/N`).

use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

use crate::PartitionError;

/// Partition `I` of `N` of a list, `I` from 1.
///
/// A target belongs to a partition by its index in the list after exclusion, modulo `N`. So every
/// target belongs to exactly one partition, with and without shuffling, if all partitions have the
/// same list and the same exclusions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partition {
    index: NonZeroU64,
    count: NonZeroU64,
}

impl Partition {
    /// The whole list.
    pub const WHOLE: Self = Self {
        index: NonZeroU64::MIN,
        count: NonZeroU64::MIN,
    };

    /// Partition `index` of `count`. `None` if `index` is 0 or greater than `count`.
    pub fn new(index: u64, count: u64) -> Option<Self> {
        let (index, count) = (NonZeroU64::new(index)?, NonZeroU64::new(count)?);
        (index <= count).then_some(Self { index, count })
    }

    /// The number of the partition, from 1.
    pub fn index(self) -> u64 {
        self.index.get()
    }

    /// The number of partitions.
    pub fn count(self) -> u64 {
        self.count.get()
    }
}

impl FromStr for Partition {
    type Err = PartitionError;

    fn from_str(text: &str) -> Result<Self, PartitionError> {
        // `parse` would accept a sign.
        let number = |part: &str| match part.as_bytes() {
            [b'0'..=b'9', ..] => part.parse().ok(),
            _ => None,
        };
        text.split_once('/')
            .and_then(|(index, count)| Self::new(number(index)?, number(count)?))
            .ok_or_else(|| PartitionError(text.to_owned()))
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// Assigns indexes of a list to partitions, and returns those of one partition.
pub(crate) struct Partitioner {
    partition: Partition,
    /// The next index modulo the number of partitions. The index itself may exceed 128 bits, if a
    /// list contains `::/0` twice.
    phase: u64,
}

/// Indexes of one partition among consecutive ones: `offset` and then every `N`th, `last + 1` in
/// total.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PartitionSlice {
    /// The first index.
    pub offset: u128,
    /// The number of indexes minus one.
    pub last: u128,
}

impl Partitioner {
    pub(crate) fn new(partition: Partition) -> Self {
        Self {
            partition,
            phase: 0,
        }
    }

    /// The distance between two indexes of a partition.
    pub(crate) fn stride(&self) -> u64 {
        self.partition.count()
    }

    /// Assigns the next `last + 1` indexes. `None` if all of them belong to other partitions.
    pub(crate) fn assign(&mut self, last: u128) -> Option<PartitionSlice> {
        let count = u128::from(self.partition.count());
        let ours = u128::from(self.partition.index() - 1);
        let phase = u128::from(self.phase);
        let offset = (ours + count - phase) % count;
        // The value is less than `count`.
        self.phase = ((phase + last % count + 1) % count) as u64;
        (offset <= last).then(|| PartitionSlice {
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
    fn partitions_are_displayed_as_they_are_parsed() {
        for text in [
            "1/1",
            "1/4",
            "4/4",
            "18446744073709551615/18446744073709551615",
        ] {
            assert_eq!(text.parse::<Partition>().unwrap().to_string(), text);
        }
        for text in [
            "", "1", "0/4", "5/4", "1/0", "+1/4", "1/4/2", " 1/4", "a/b", "-1/4",
        ] {
            let error = text.parse::<Partition>().unwrap_err().to_string();
            assert!(
                error.starts_with(&format!("{text:?} is not of the form I/N")),
                "{error}"
            );
        }
    }

    #[test]
    fn the_largest_lists_can_be_partitioned() {
        let mut partitioner = Partitioner::new(Partition::new(3, 3).unwrap());
        // 2^128 leaves 1 when divided by 3.
        assert_eq!(partitioner.assign(u128::MAX).unwrap().offset, 2);
        assert_eq!(partitioner.assign(u128::MAX).unwrap().offset, 1);
        assert_eq!(partitioner.assign(u128::MAX).unwrap().offset, 0);
        let mut partitioner = Partitioner::new(Partition::new(u64::MAX, u64::MAX).unwrap());
        assert_eq!(partitioner.assign(5), None);
        assert_eq!(
            partitioner.assign(u128::MAX).unwrap().offset,
            u128::from(u64::MAX) - 7
        );
    }

    proptest! {
        #[test]
        fn every_index_belongs_to_one_partition(count in 1u64..9, runs in prop::collection::vec(1u128..20, 0..9)) {
            let total: u128 = runs.iter().sum();
            let mut assigned = Vec::new();
            for index in 1..=count {
                let mut partitioner = Partitioner::new(Partition::new(index, count).unwrap());
                let mut first = 0;
                for run in &runs {
                    if let Some(slice) = partitioner.assign(run - 1) {
                        assigned.extend((0..=slice.last).map(|at| first + slice.offset + at * u128::from(count)));
                    }
                    first += run;
                }
            }
            assigned.sort_unstable();
            prop_assert_eq!(assigned, (0..total).collect::<Vec<_>>());
        }
    }
}
