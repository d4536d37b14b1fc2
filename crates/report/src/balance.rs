//! Checks that every admitted target has exactly one outcome.

use canvass_model::ShardReport;

use crate::Tally;

/// The counts differ, which is a bug in this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the balance does not hold: {admitted} targets admitted, {finished} finished by the shards, \
     {counted} outcomes counted"
)]
pub struct BalanceError {
    /// Targets admitted by the shards.
    pub admitted: u64,
    /// Outcomes delivered by the shards.
    pub finished: u64,
    /// Outcomes counted.
    pub counted: u64,
}

/// Checks that the numbers of targets admitted, finished and counted are equal.
///
/// # Errors
/// The three numbers, if they differ.
pub fn balance(tally: &Tally, shards: &[ShardReport]) -> Result<(), BalanceError> {
    let numbers = BalanceError {
        admitted: shards.iter().map(|shard| shard.admitted).sum(),
        finished: shards.iter().map(|shard| shard.finished).sum(),
        counted: tally.total(),
    };
    if numbers.admitted == numbers.finished && numbers.finished == numbers.counted {
        Ok(())
    } else {
        Err(numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn shard(admitted: u64, finished: u64) -> ShardReport {
        ShardReport {
            admitted,
            finished,
            ..ShardReport::default()
        }
    }

    #[test]
    fn shards_add_up() {
        let mut tally = Tally::default();
        assert_eq!(balance(&tally, &[]), Ok(()));
        tally.record_all(&vec![fixture::ptr_answered(); 5]);
        assert_eq!(balance(&tally, &[shard(2, 2), shard(3, 3)]), Ok(()));
    }

    #[test]
    fn one_lost_outcome_is_noticed_wherever_it_went() {
        let mut tally = Tally::default();
        tally.record_all(&vec![fixture::ptr_answered(); 5]);
        for (admitted, finished) in [(6, 6), (6, 5), (5, 4), (4, 4)] {
            let error = balance(&tally, &[shard(admitted, finished)]).unwrap_err();
            assert_eq!(
                error,
                BalanceError {
                    admitted,
                    finished,
                    counted: 5
                }
            );
        }
    }
}
