//! How many descriptors this process may have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are kept for everything but probes: files, resolvers.
const RESERVE: u64 = 48;
/// Descriptors of an event loop itself.
const PER_LOOP: u64 = 3;
/// Descriptors that one call of the system's resolver takes.
const PER_SYSTEM_LOOKUP: u64 = 2;

/// Raises the limit on open descriptors to what the system allows, and says how many there may
/// be. Where it cannot be raised, it stays, and the engine lives within it.
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

/// How many sockets probes may have open at once beside so many event loops, and calls of the
/// system's resolver. Where the `peers` are in this process, they have as many.
pub(crate) fn sockets_max(loops: usize, system_lookups: usize, peers: bool) -> usize {
    let kept = RESERVE + loops as u64 * PER_LOOP + system_lookups as u64 * PER_SYSTEM_LOOKUP;
    let free = raise_limit().saturating_sub(kept);
    let share = if peers { free / 2 } else { free };
    usize::try_from(share).unwrap_or(usize::MAX).max(1)
}
