//! Where a source is.

use crate::{Source, SourceError};

/// Jobs that are passed over at once where each has to be made.
const PASS_JOBS: u64 = 4_096;

/// Where a source is: in front of the job with this number.
///
/// The order of a source follows from its list and its options alone, shuffled or not, so the
/// number says all there is to say, and outlives the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

impl Position {
    /// In front of the job with the number `seq`.
    pub const fn before(seq: u64) -> Self {
        Self(seq)
    }

    /// The number of the job that comes next.
    pub const fn seq(self) -> u64 {
        self.0
    }
}

/// Passes over some of the jobs in front of `position` by making them. Returns `false` where the
/// source is there.
pub(crate) fn pass_some(
    source: &mut (impl Source + ?Sized),
    position: Position,
) -> Result<bool, SourceError> {
    let given = source.position().seq();
    let position = position.seq();
    let Some(left) = position.checked_sub(given) else {
        return Err(SourceError::Passed { position, given });
    };
    if left == 0 {
        return Ok(false);
    }
    let more = source.next(left.min(PASS_JOBS) as usize, &mut Vec::new())?;
    let given = source.position().seq();
    if !more && given < position {
        return Err(SourceError::TooShort { position, given });
    }
    Ok(true)
}
