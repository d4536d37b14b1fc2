//! Times of the wall clock as numbers.

use std::time::{SystemTime, UNIX_EPOCH};

/// In nanoseconds since 1970 (UTC).
pub(crate) fn unix_ns(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
