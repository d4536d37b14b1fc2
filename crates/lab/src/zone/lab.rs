//! Names for this machine, under `lab.test`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::query::LowerName;

/// `lab.test` in wire form.
pub(super) const ZONE: &[u8] = b"\x03lab\x04test\0";

const V4: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const V6: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);
/// Addresses to which no TCP connection can be opened and no packet is sent: broadcast, and all
/// nodes of the link (RFC 4291 §2.7.1).
const UNREACHABLE: [IpAddr; 2] = [
    IpAddr::V4(Ipv4Addr::BROADCAST),
    IpAddr::V6(Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1)),
];

/// What the zone has for a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LabHost {
    /// Addresses; none means no data.
    Addresses(&'static [IpAddr]),
    /// The name does not exist.
    NxDomain,
}

/// Looks up a name of the zone. `None` means SERVFAIL.
pub(super) fn find(name: &LowerName) -> Option<LabHost> {
    let label = name.label(name.label_count().saturating_sub(3));
    Some(match label {
        _ if name.label_count() < 3 => LabHost::Addresses(&[V4, V6]),
        b"v4" => LabHost::Addresses(&[V4]),
        b"v6" => LabHost::Addresses(&[V6]),
        b"nodata" => LabHost::Addresses(&[]),
        b"nxdomain" => LabHost::NxDomain,
        b"servfail" => return None,
        b"unreachable" => LabHost::Addresses(&UNREACHABLE),
        _ => LabHost::Addresses(&[V4, V6]),
    })
}
