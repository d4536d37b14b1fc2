//! How many descriptors this process may have.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are kept for everything but probes: files, event loops, resolvers.
const RESERVE: u64 = 48;

/// Raises the limit on open descriptors to what the system allows, and says how many there may
/// be. Where it cannot be raised, it stays, and the engine lives within it.
pub fn raise_limit() -> u64 {
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

/// How many sockets probes may have open at once. Where the `peers` are in this process, they
/// have as many.
pub fn sockets_max(peers: bool) -> usize {
    let free = raise_limit().saturating_sub(RESERVE);
    let share = if peers { free / 2 } else { free };
    usize::try_from(share).unwrap_or(usize::MAX).max(1)
}
