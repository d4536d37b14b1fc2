//! The limit on open descriptors, and how it is divided.

use canvass_serve::{CLIENTS_MAX, REQUESTED_PROBES_MAX};
use canvass_sweep::OPINIONS_MAX;

use crate::exit::Failure;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors reserved for everything but probes: files, resolvers.
const RESERVE: u64 = 48;
/// Descriptors of each event loop.
const PER_LOOP: u64 = 3;
/// Descriptors used by one call of the system's resolver.
const PER_SYSTEM_LOOKUP: u64 = 2;

/// Descriptors of a probe that a person asks for: its event loop, its socket and lookups for it.
const PER_REQUESTED_PROBE: u64 = PER_LOOP + 5;
/// The least number of sockets for probes that a sweep starts with beside its listener.
const SWEEP_SOCKETS_MIN: u64 = 16;

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

/// What is left of `sockets_max` sockets of probes for the rounds of a sweep: its second opinions have
/// sockets of their own, and so have the clients of its listener and the probes that they ask for.
pub(crate) fn left_by_sweep(sockets_max: usize, has_listener: bool) -> Result<usize, Failure> {
    // Second opinions are few while there are not many descriptors: most of them are never used.
    let opinions = OPINIONS_MAX.get().min(sockets_max / 4);
    let left = (sockets_max - opinions) as u64;
    let clients = CLIENTS_MAX as u64 + REQUESTED_PROBES_MAX as u64 * PER_REQUESTED_PROBE;
    let left = match left.checked_sub(clients) {
        _ if !has_listener => left,
        Some(left) if left >= SWEEP_SOCKETS_MIN => left,
        _ => {
            return Err(Failure::usage(format!(
                "--listen needs {clients} descriptors for its clients, and the limit is {} (ulimit -n)",
                raise_limit()
            )));
        }
    };
    Ok(usize::try_from(left).unwrap_or(usize::MAX).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_of_the_listener_leave_sockets_for_probes() {
        let opinions = OPINIONS_MAX.get();
        assert_eq!(left_by_sweep(10_000, false).unwrap(), 10_000 - opinions);
        let left = left_by_sweep(10_000, true).unwrap();
        assert!(left <= 10_000 - opinions - CLIENTS_MAX, "{left}");
        assert!(left_by_sweep(CLIENTS_MAX, true).is_err());
        assert_eq!(left_by_sweep(1, false).unwrap(), 1);
    }
}
