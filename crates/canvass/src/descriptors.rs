//! The limit on open descriptors, and how it is divided.

use crate::exit::Failure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors reserved for everything but probes: files, resolvers.
const RESERVE: u64 = 48;
/// Descriptors of each event loop.
const PER_LOOP: u64 = 3;
/// Descriptors used by one call of the system's resolver.
const PER_SYSTEM_LOOKUP: u64 = 2;

/// Raises the limit on open descriptors to the maximum of the system, and returns it. If it cannot be
/// raised, returns the present limit.
pub(crate) fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        };
        if setrlimit(Resource::Nofile, raised).is_err() {
            return limit.current.unwrap_or(u64::MAX);
        }
    }
    limit.maximum.unwrap_or(u64::MAX)
}

/// Checks that there are enough descriptors for this many event loops, with some left for files and
/// resolvers.
pub(crate) fn check(loops: usize) -> Result<(), Failure> {
    let (needed, limit) = (RESERVE + loops as u64 * PER_LOOP, raise_limit());
    if needed <= limit || loops == 1 {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "--threads {loops} needs {needed} descriptors, and the limit is {limit} (ulimit -n)"
    )))
}

/// The maximum number of open sockets of probes, with this many event loops and concurrent calls of
/// the system's resolver. With the lab in this process, it gets the same number.
pub(crate) fn sockets_max(loops: usize, system_lookups: usize, with_lab: bool) -> usize {
    let reserved = RESERVE + loops as u64 * PER_LOOP + system_lookups as u64 * PER_SYSTEM_LOOKUP;
    let free = raise_limit().saturating_sub(reserved);
    let share = if with_lab { free / 2 } else { free };
    usize::try_from(share).unwrap_or(usize::MAX).max(1)
}
