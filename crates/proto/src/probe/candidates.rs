//! The addresses of a host, and in what order they are tried (RFC 8305).

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use canvass_model::{Cause, Status, Time};

use super::module::{AddressFamily, FamilyPreference};

/// How long IPv4 addresses wait for the IPv6 ones to be known (RFC 8305 §3).
const RESOLUTION_DELAY: Duration = Duration::from_millis(50);

/// Why a name has no addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolveFault {
    /// The one word for it.
    pub status: Status,
    /// What, in one word.
    pub cause: Cause,
    /// What, for a person.
    pub message: Box<str>,
}

/// What is known of one address family of a name.
#[derive(Clone, Debug, Default)]
enum Known {
    /// It is not asked for.
    #[default]
    Unasked,
    Pending,
    Addresses,
    Nothing,
    Fault(ResolveFault),
}

/// The addresses of a host, those to be tried next first.
#[derive(Clone, Debug, Default)]
pub(super) struct Candidates {
    four: VecDeque<IpAddr>,
    six: VecDeque<IpAddr>,
    known: [Known; 2],
    /// Of which kind the last one tried was.
    last: Option<AddressFamily>,
    /// Until when IPv4 waits for IPv6.
    hold_until: Option<Time>,
}

/// Whether there is an address to begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// There is.
    Ready,
    /// Not before the lookups say more, or this time has come.
    Wait(Option<Time>),
    /// There is none, and will be none.
    Fault(ResolveFault),
}

impl Candidates {
    /// Of a host that is an address.
    pub(super) fn of(address: IpAddr) -> Self {
        let mut candidates = Self::default();
        candidates.extend(AddressFamily::of(address), &[address]);
        candidates
    }

    /// Of a host that is being looked up.
    pub(super) fn pending(preference: FamilyPreference) -> Self {
        let mut candidates = Self::default();
        for family in AddressFamily::BOTH {
            if preference.uses(family) {
                candidates.known[family as usize] = Known::Pending;
            }
        }
        candidates
    }

    /// Takes in what a lookup gave.
    pub(super) fn resolved(
        &mut self,
        now: Time,
        family: AddressFamily,
        answer: Result<&[IpAddr], &ResolveFault>,
    ) {
        if !matches!(self.known[family as usize], Known::Pending) {
            return;
        }
        self.known[family as usize] = match answer {
            Ok([]) => Known::Nothing,
            Ok(_) => Known::Addresses,
            Err(fault) => Known::Fault(fault.clone()),
        };
        if let Ok(addresses) = answer {
            self.extend(family, addresses);
            if family == AddressFamily::V4 && !addresses.is_empty() {
                self.hold_until = Some(now + RESOLUTION_DELAY);
            }
        }
    }

    /// Whether every lookup has said what it has to say.
    pub(super) fn is_complete(&self) -> bool {
        !self
            .known
            .iter()
            .any(|known| matches!(known, Known::Pending))
    }

    /// Whether a first connection may begin. With `all`, every lookup is waited for.
    pub(super) fn readiness(&self, now: Time, all: bool) -> Readiness {
        if !self.is_complete() {
            if all || self.is_empty() {
                return Readiness::Wait(None);
            }
            // What is missing is preferred, and gets a moment more.
            if self.six.is_empty()
                && let Some(until) = self.hold_until.filter(|until| now < *until)
            {
                return Readiness::Wait(Some(until));
            }
            return Readiness::Ready;
        }
        if !self.is_empty() {
            return Readiness::Ready;
        }
        Readiness::Fault(self.fault())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.four.is_empty() && self.six.is_empty()
    }

    /// The next to try: the kinds by turns, IPv6 first (RFC 8305 §4).
    pub(super) fn next(&mut self) -> Option<IpAddr> {
        let first = match self.last {
            Some(AddressFamily::V6) => AddressFamily::V4,
            _ => AddressFamily::V6,
        };
        for family in [
            first,
            if first == AddressFamily::V6 {
                AddressFamily::V4
            } else {
                AddressFamily::V6
            },
        ] {
            if let Some(address) = self.queue(family).pop_front() {
                self.last = Some(family);
                return Some(address);
            }
        }
        None
    }

    /// An address that is to be tried again, before all others.
    pub(super) fn put_back(&mut self, address: IpAddr) {
        let family = AddressFamily::of(address);
        self.queue(family).push_front(address);
        // So that its kind is the next in turn.
        self.last = match family {
            AddressFamily::V4 => Some(AddressFamily::V6),
            AddressFamily::V6 => None,
        };
    }

    /// An address that is to be tried no more.
    pub(super) fn remove(&mut self, address: IpAddr) {
        self.queue(AddressFamily::of(address))
            .retain(|one| *one != address);
    }

    fn queue(&mut self, family: AddressFamily) -> &mut VecDeque<IpAddr> {
        match family {
            AddressFamily::V4 => &mut self.four,
            AddressFamily::V6 => &mut self.six,
        }
    }

    fn extend(&mut self, family: AddressFamily, addresses: &[IpAddr]) {
        let queue = self.queue(family);
        for address in addresses {
            if !queue.contains(address) {
                queue.push_back(*address);
            }
        }
    }

    /// Why there is none: what failed tells more than what is empty.
    fn fault(&self) -> ResolveFault {
        let faults = self.known.iter().filter_map(|known| match known {
            Known::Fault(fault) => Some(fault),
            _ => None,
        });
        let nothing = self
            .known
            .iter()
            .any(|known| matches!(known, Known::Nothing));
        // A name that does not exist has no data of any kind; a server that says otherwise for
        // one kind has the name.
        let telling = faults
            .clone()
            .find(|fault| fault.cause != Cause::NxDomain)
            .or_else(|| faults.clone().next().filter(|_| !nothing));
        telling.cloned().unwrap_or_else(|| ResolveFault {
            status: Status::Rcode(canvass_model::Rcode::NOERROR),
            cause: Cause::NoData,
            message: "the name has no address".into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn fault(cause: Cause) -> ResolveFault {
        ResolveFault {
            status: Status::Timeout,
            cause,
            message: "x".into(),
        }
    }

    #[test]
    fn kinds_take_turns_and_ipv6_is_first() {
        let mut all = Candidates::pending(FamilyPreference::Any);
        let now = Time::ZERO;
        all.resolved(
            now,
            AddressFamily::V4,
            Ok(&[ip("192.0.2.1"), ip("192.0.2.2")]),
        );
        assert_eq!(
            all.readiness(now, false),
            Readiness::Wait(Some(now + RESOLUTION_DELAY))
        );
        all.resolved(now, AddressFamily::V6, Ok(&[ip("2001:db8::1")]));
        assert_eq!(all.readiness(now, true), Readiness::Ready);
        let request: Vec<_> = std::iter::from_fn(|| all.next()).collect();
        assert_eq!(
            request,
            [ip("2001:db8::1"), ip("192.0.2.1"), ip("192.0.2.2")]
        );
    }

    #[test]
    fn ipv4_waits_a_moment_for_ipv6_and_no_longer() {
        let mut all = Candidates::pending(FamilyPreference::Any);
        all.resolved(Time::ZERO, AddressFamily::V4, Ok(&[ip("192.0.2.1")]));
        let later = Time::ZERO + RESOLUTION_DELAY;
        assert_eq!(all.readiness(later, false), Readiness::Ready);
        assert_eq!(all.readiness(later, true), Readiness::Wait(None));
        assert_eq!(all.next(), Some(ip("192.0.2.1")));
        all.resolved(later, AddressFamily::V6, Ok(&[ip("2001:db8::1")]));
        assert_eq!(all.next(), Some(ip("2001:db8::1")));
    }

    #[test]
    fn the_fault_that_tells_most_is_given() {
        for (four, six, cause) in [
            (Err(Cause::NxDomain), Err(Cause::NxDomain), Cause::NxDomain),
            (Err(Cause::NxDomain), Ok(()), Cause::NoData),
            (Ok(()), Ok(()), Cause::NoData),
            (Ok(()), Err(Cause::Timeout), Cause::Timeout),
            (Err(Cause::NxDomain), Err(Cause::Rcode), Cause::Rcode),
        ] {
            let mut all = Candidates::pending(FamilyPreference::Any);
            for (family, answer) in [(AddressFamily::V4, four), (AddressFamily::V6, six)] {
                let fault = answer.err().map(fault);
                all.resolved(Time::ZERO, family, fault.as_ref().map_or(Ok(&[][..]), Err));
            }
            match all.readiness(Time::ZERO, false) {
                Readiness::Fault(fault) => assert_eq!(fault.cause, cause),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn one_family_alone_asks_one_half() {
        let mut all = Candidates::pending(FamilyPreference::V4);
        all.resolved(Time::ZERO, AddressFamily::V6, Ok(&[ip("2001:db8::1")]));
        assert!(all.is_empty());
        all.resolved(Time::ZERO, AddressFamily::V4, Ok(&[ip("192.0.2.1")]));
        assert_eq!(all.readiness(Time::ZERO, true), Readiness::Ready);
    }
}
