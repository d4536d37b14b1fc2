//! Addresses of hosts: one lookup for all that ask at the same time, kept for its TTL.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{Cause, Time};
use canvass_proto::{AddressFamily, ResolveFault};
use hashbrown::HashMap;

use crate::slab::TaskKey;

/// The most names that are kept.
const NAMES_MAX: usize = 65_536;
/// How long a negative answer is kept.
const NOTHING_KEPT: Duration = Duration::from_secs(5);
/// The longest that addresses are kept (RFC 8767 §4 caps TTLs at a week).
const KEPT_MAX: Duration = Duration::from_secs(86_400);

/// The result of a lookup of one address family of a name.
pub(crate) type Addresses = Result<Arc<[IpAddr]>, Arc<ResolveFault>>;

#[derive(Debug, Default)]
enum State {
    #[default]
    Unknown,
    /// It is being looked up for these tasks.
    Pending(Vec<TaskKey>),
    Known {
        addresses: Addresses,
        until: Time,
    },
}

/// What to do for a task that asks.
#[derive(Debug)]
pub(crate) enum Asked {
    /// The result is known.
    Known(Addresses),
    /// A lookup is under way.
    Joined,
    /// It must be looked up.
    LookUp,
}

/// The names of hosts.
#[derive(Debug, Default)]
pub(crate) struct NameCache {
    entries: HashMap<Box<str>, [State; 2]>,
    /// How often a name was needed, and how often it had to be looked up.
    pub(crate) needed: u64,
    pub(crate) looked_up: u64,
}

impl NameCache {
    /// Asks for one family of the addresses of `name`, for the task `who`.
    pub(crate) fn ask(
        &mut self,
        now: Time,
        name: &str,
        family: AddressFamily,
        who: TaskKey,
    ) -> Asked {
        if self.entries.len() >= NAMES_MAX && !self.entries.contains_key(name) {
            self.make_room(now);
        }
        let states = self.entries.entry(name.into()).or_default();
        let state = &mut states[family as usize];
        match state {
            State::Known { addresses, until } if *until > now => {
                return Asked::Known(addresses.clone());
            }
            State::Pending(waiting) => {
                waiting.push(who);
                return Asked::Joined;
            }
            _ => {}
        }
        *state = State::Pending(vec![who]);
        Asked::LookUp
    }

    /// Stores the result of a lookup, and returns the tasks that wait for it.
    pub(crate) fn answered(
        &mut self,
        now: Time,
        name: &str,
        family: AddressFamily,
        addresses: Addresses,
        kept: Option<Duration>,
    ) -> Vec<TaskKey> {
        let Some(states) = self.entries.get_mut(name) else {
            return Vec::new();
        };
        let kept = match &addresses {
            Ok(some) if !some.is_empty() => kept.unwrap_or(KEPT_MAX).min(KEPT_MAX),
            // A lookup that failed may succeed the next time.
            Err(fault) if !matches!(fault.cause, Cause::NxDomain | Cause::NoData) => Duration::ZERO,
            _ => NOTHING_KEPT,
        };
        let known = State::Known {
            addresses,
            until: now + kept,
        };
        match std::mem::replace(&mut states[family as usize], known) {
            State::Pending(waiting) => waiting,
            _ => Vec::new(),
        }
    }

    /// Drops what has expired; if that is not enough, all that is not being looked up.
    fn make_room(&mut self, now: Time) {
        let is_live = |state: &State, now: Time| match state {
            State::Unknown => false,
            State::Pending(_) => true,
            State::Known { until, .. } => *until > now,
        };
        self.entries
            .retain(|_, states| states.iter().any(|state| is_live(state, now)));
        if self.entries.len() >= NAMES_MAX {
            self.entries.retain(|_, states| {
                states
                    .iter()
                    .any(|state| matches!(state, State::Pending(_)))
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn who(index: u32) -> TaskKey {
        TaskKey {
            index,
            generation: 0,
        }
    }

    #[test]
    fn all_who_ask_at_once_share_a_lookup_and_its_time() {
        let mut names = NameCache::default();
        let now = Time::ZERO;
        assert!(matches!(
            names.ask(now, "a.example", AddressFamily::V4, who(1)),
            Asked::LookUp
        ));
        assert!(matches!(
            names.ask(now, "a.example", AddressFamily::V4, who(2)),
            Asked::Joined
        ));
        assert!(matches!(
            names.ask(now, "a.example", AddressFamily::V6, who(2)),
            Asked::LookUp
        ));
        let addresses: Addresses = Ok(vec!["192.0.2.1".parse().unwrap()].into());
        let ttl = Some(Duration::from_secs(30));
        let waiting = names.answered(now, "a.example", AddressFamily::V4, addresses, ttl);
        assert_eq!(waiting, [who(1), who(2)]);
        let soon = now + Duration::from_secs(29);
        assert!(matches!(
            names.ask(soon, "a.example", AddressFamily::V4, who(3)),
            Asked::Known(Ok(_))
        ));
        let late = now + Duration::from_secs(30);
        assert!(matches!(
            names.ask(late, "a.example", AddressFamily::V4, who(3)),
            Asked::LookUp
        ));
    }

    #[test]
    fn names_are_bounded_and_none_that_is_waited_for_is_forgotten() {
        let mut names = NameCache::default();
        for number in 0..NAMES_MAX + 10 {
            let name = format!("n{number}.example");
            assert!(matches!(
                names.ask(Time::ZERO, &name, AddressFamily::V4, who(0)),
                Asked::LookUp
            ));
            if number > 0 {
                let nothing: Addresses = Ok(Vec::new().into());
                names.answered(Time::ZERO, &name, AddressFamily::V4, nothing, None);
            }
        }
        assert!(names.entries.len() <= NAMES_MAX);
        assert!(matches!(
            names.ask(Time::ZERO, "n0.example", AddressFamily::V4, who(1)),
            Asked::Joined
        ));
    }
}
