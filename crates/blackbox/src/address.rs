//! Which address of a host is probed.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use canvass_model::Host;
use canvass_run::system_addresses;
use crossbeam_channel::{after, bounded, select};

use crate::exposition::Exposition;
use crate::file::IpProtocol;
use crate::probe::{Attempt, CANCELLED, Cancelled};

/// The most lookups at the same time. The system's resolver has no time limit of its own, so a lookup
/// may still be under way when its probe has ended.
const LOOKUPS_MAX: usize = 256;

/// Which addresses of a host are of use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AddressChoice {
    pub preferred: IpProtocol,
    pub fallback: bool,
}

/// The address of a host, and how long it took to look it up.
#[derive(Debug)]
pub(crate) struct Found {
    pub address: Result<IpAddr, String>,
    pub took: Duration,
}

impl AddressChoice {
    /// Looks up a host with the system's resolver, and sets the metrics of that.
    pub(crate) fn look_up(self, host: &Host, attempt: &mut Attempt<'_>) -> Found {
        let began = Instant::now();
        let addresses = match host {
            Host::Name(name) => look_up_name(name, attempt.left(), attempt.cancelled),
            host => Ok(host.address().into_iter().collect()),
        };
        let found = Found {
            address: addresses.and_then(|addresses| {
                self.choose(&addresses)
                    .ok_or_else(|| format!("{host} has no address of the preferred family"))
            }),
            took: began.elapsed(),
        };
        found.write(&mut attempt.metrics);
        found
    }

    /// The first address of the preferred family, or else the last of the other one.
    fn choose(self, addresses: &[IpAddr]) -> Option<IpAddr> {
        let is_preferred = |address: &&IpAddr| match self.preferred {
            IpProtocol::Ip4 => address.is_ipv4(),
            IpProtocol::Ip6 => address.is_ipv6(),
        };
        let preferred = addresses.iter().find(is_preferred);
        let other = addresses.last().filter(|_| self.fallback);
        preferred.or(other).copied()
    }
}

impl Found {
    fn write(&self, metrics: &mut Exposition) {
        let (protocol, hash) = match self.address {
            Ok(address @ IpAddr::V4(_)) => (4, address_hash(address)),
            Ok(address @ IpAddr::V6(_)) => (6, address_hash(address)),
            Err(_) => (0, 0),
        };
        metrics.set(
            "probe_ip_protocol",
            "Specifies whether probe ip protocol is IP4 or IP6",
            protocol,
        );
        metrics.set(
            "probe_ip_addr_hash",
            "Specifies the hash of IP address. It's useful to detect if the IP address changes.",
            hash,
        );
        metrics.set(
            "probe_dns_lookup_time_seconds",
            "Returns the time taken for probe dns lookup in seconds",
            self.took.as_secs_f64(),
        );
    }
}

/// A lookup that is under way.
struct Lookup;

impl Lookup {
    /// Begins a lookup, unless there are too many.
    fn begin() -> Option<Self> {
        let more = |under_way| (under_way < LOOKUPS_MAX).then_some(under_way + 1);
        let begun = UNDER_WAY.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more);
        begun.is_ok().then_some(Self)
    }
}

impl Drop for Lookup {
    fn drop(&mut self) {
        UNDER_WAY.fetch_sub(1, Ordering::SeqCst);
    }
}

/// The lookups of this process that are under way.
static UNDER_WAY: AtomicUsize = AtomicUsize::new(0);

/// `getaddrinfo` has no time limit, so a thread waits for it.
fn look_up_name(name: &str, limit: Duration, cancelled: &Cancelled) -> Result<Vec<IpAddr>, String> {
    let lookup = Lookup::begin()
        .ok_or_else(|| format!("cannot look up {name}: {LOOKUPS_MAX} lookups are under way"))?;
    let (sender, answer) = bounded(1);
    let owned = name.to_owned();
    let work = move || {
        // Nobody listens after the time limit.
        let _ = sender.send(system_addresses(&owned));
        drop(lookup);
    };
    thread::Builder::new()
        .name("canvass-names".to_owned())
        .spawn(work)
        .map_err(|error| format!("cannot start a thread to look up {name}: {error}"))?;
    let looked_up = select! {
        recv(answer) -> looked_up => looked_up,
        recv(after(limit)) -> _ => return Err(format!("looking up {name} took too long")),
        recv(cancelled) -> _ => return Err(CANCELLED.to_owned()),
    };
    match looked_up {
        Ok(Ok(addresses)) => Ok(addresses),
        Ok(Err(error)) => Err(format!(
            "cannot look up {name}: {}",
            std::io::Error::from(error)
        )),
        Err(_) => Err(format!("the lookup of {name} broke off")),
    }
}

/// FNV-1a with 32 bits over the octets of the address.
fn address_hash(address: IpAddr) -> u32 {
    let fnv = |octets: &[u8]| {
        octets.iter().fold(0x811c_9dc5_u32, |hash, octet| {
            (hash ^ u32::from(*octet)).wrapping_mul(0x0100_0193)
        })
    };
    match address {
        IpAddr::V4(address) => fnv(&address.octets()),
        IpAddr::V6(address) => fnv(&address.octets()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_family_comes_first() {
        let both = ["192.0.2.1", "192.0.2.2", "2001:db8::1"].map(|text| text.parse().unwrap());
        let choice = |preferred, fallback| AddressChoice {
            preferred,
            fallback,
        };
        for (choice, addresses, chosen) in [
            (
                choice(IpProtocol::Ip6, true),
                &both[..],
                Some("2001:db8::1"),
            ),
            (choice(IpProtocol::Ip4, true), &both[..], Some("192.0.2.1")),
            (choice(IpProtocol::Ip6, true), &both[..2], Some("192.0.2.2")),
            (choice(IpProtocol::Ip6, false), &both[..2], None),
            (choice(IpProtocol::Ip4, false), &both[2..], None),
            (choice(IpProtocol::Ip4, true), &[], None),
        ] {
            let chosen = chosen.map(|text| text.parse().unwrap());
            assert_eq!(choice.choose(addresses), chosen, "{choice:?}");
        }
    }

    #[test]
    fn the_hash_is_fnv_1a_of_the_octets() {
        let hash = |text: &str| address_hash(text.parse().unwrap());
        // The latter as blackbox_exporter prints it for 1.1.1.1.
        assert_eq!(hash("127.0.0.1"), 3668918509);
        assert_eq!(hash("1.1.1.1"), 357_429_369);
    }
}
