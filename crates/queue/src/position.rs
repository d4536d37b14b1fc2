//! The position of a source.

use crate::{Source, SourceError};

/// The number of jobs created and dropped per call to skip jobs that cannot be skipped unread.
const PASS_JOBS: u64 = 4_096;

/// The position of a source: before the job with this number.
///
/// The order of a source depends on its list and options only, shuffled or not, so the number is
/// enough to resume in another process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position(u64);

impl Position {
    /// The position before the job with the number `seq`.
    pub const fn before(seq: u64) -> Self {
        Self(seq)
    }

    /// The number of the job that comes next.
    pub const fn seq(self) -> u64 {
        self.0
    }
}

/// Skips some of the jobs before `position` by creating and dropping them. Returns `false` if the
/// source is at the position.
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
