//! The names of this machine, under `lab.test`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::query::LowerName;

/// `lab.test` in wire form.
pub(super) const ZONE: &[u8] = b"\x03lab\x04test\0";

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
/// Addresses to which no stream can be opened, so that nothing ever leaves this machine for them:
/// broadcast, and all nodes of the link (RFC 4291 §2.7.1).
const NOWHERE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::BROADCAST),
    IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)),
];

/// What there is of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// It has these addresses, or none.
    Addresses(&'static [IpAddr]),
    /// It does not exist.
    Absent,
}

/// What there is of a name in the zone; `None` for the name about which the server fails.
pub(super) fn find(name: &LowerName) -> Option<Host> {
    let label = name.label(name.label_count().saturating_sub(3));
    Some(match label {
        _ if name.label_count() < 3 => Host::Addresses(&[V4, V6]),
        b"v4" => Host::Addresses(&[V4]),
        b"v6" => Host::Addresses(&[V6]),
        b"nodata" => Host::Addresses(&[]),
        b"nxdomain" => Host::Absent,
        b"servfail" => return None,
        b"unreachable" => Host::Addresses(&NOWHERE),
        _ => Host::Addresses(&[V4, V6]),
    })
}
