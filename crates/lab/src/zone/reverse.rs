//! Names under `in-addr.arpa` (RFC 1035 §3.5) and `ip6.arpa` (RFC 3596 §2.5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::query::LowerName;

use super::{PtrCase, last_octet};

/// `in-addr.arpa` in wire form.
pub(super) const IN_ADDR: &[u8] = b"\x07in-addr\x04arpa\0";
/// `ip6.arpa` in wire form.
pub(super) const IP6: &[u8] = b"\x03ip6\x04arpa\0";

/// Hexadecimal digits of an IPv6 address.
const NIBBLES: usize = 32;

/// A name in a reverse zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReverseName {
    /// The apex of the zone.
    Apex,
    /// An address.
    Host(IpAddr),
    /// The target of an address's CNAME (RFC 2317 §4).
    Delegated(IpAddr),
    /// An empty non-terminal: it exists because of the names below it (RFC 8020 §2).
    EmptyNonTerminal,
    /// A name that does not exist.
    NxDomain,
}

/// Parses a name in one of the two zones.
pub(super) fn read(name: &LowerName, v6: bool) -> ReverseName {
    let labels = name.label_count() - 2;
    if labels == 0 {
        return ReverseName::Apex;
    }
    let depth = if v6 { NIBBLES } else { 4 };
    let digits = if v6 { read_v6 } else { read_v4 };
    // A delegated name is `d.<delegation>.c.b.a`; its parent has no `d`.
    let delegation = |index: usize| labels > index && is_delegation(name.label(index), v6);
    if labels == depth && delegation(0) {
        return match digits(name, 1, labels) {
            Some(_) => ReverseName::EmptyNonTerminal,
            None => ReverseName::NxDomain,
        };
    }
    if labels == depth + 1 && delegation(1) {
        return match (digits(name, 0, 1), digits(name, 2, labels)) {
            (Some(host), Some(rest)) => delegated(host, rest, name.label(1)),
            _ => ReverseName::NxDomain,
        };
    }
    match digits(name, 0, labels) {
        Some(address) if labels == depth => ReverseName::Host(address),
        Some(_) if labels < depth => ReverseName::EmptyNonTerminal,
        _ => ReverseName::NxDomain,
    }
}

/// The label that is inserted after the first one to get the target of an address's CNAME.
pub(super) fn delegation_label(address: IpAddr) -> &'static [u8] {
    match address {
        IpAddr::V4(address) if address.octets()[3] < 128 => b"0/25",
        IpAddr::V4(_) => b"128/25",
        IpAddr::V6(_) => b"delegated",
    }
}

fn is_delegation(label: &[u8], v6: bool) -> bool {
    if v6 {
        label == b"delegated"
    } else {
        label == b"0/25" || label == b"128/25"
    }
}

/// Combines `host` and `rest` to an address, if the target of its CNAME has the label `label`.
fn delegated(host: IpAddr, rest: IpAddr, label: &[u8]) -> ReverseName {
    let address = match (host, rest) {
        (IpAddr::V4(host), IpAddr::V4(rest)) => {
            Ipv4Addr::from(u32::from(rest) | u32::from(host) >> 24).into()
        }
        (IpAddr::V6(host), IpAddr::V6(rest)) => {
            Ipv6Addr::from(u128::from(rest) | u128::from(host) >> 124).into()
        }
        _ => return ReverseName::NxDomain,
    };
    if PtrCase::of(address) == PtrCase::Cname && delegation_label(address) == label {
        ReverseName::Delegated(address)
    } else {
        ReverseName::NxDomain
    }
}

/// The octets in labels `first..end`, the rightmost first, padded with zeros.
fn read_v4(name: &LowerName, first: usize, end: usize) -> Option<IpAddr> {
    if end - first > 4 {
        return None;
    }
    let mut octets = [0; 4];
    for (octet, index) in octets.iter_mut().zip((first..end).rev()) {
        *octet = decimal_octet(name.label(index))?;
    }
    Some(IpAddr::V4(octets.into()))
}

/// The digits in labels `first..end`, the rightmost first, padded with zeros.
fn read_v6(name: &LowerName, first: usize, end: usize) -> Option<IpAddr> {
    if end - first > NIBBLES {
        return None;
    }
    let mut bits: u128 = 0;
    for (place, index) in (first..end).rev().enumerate() {
        let &[digit] = name.label(index) else {
            return None;
        };
        let value = char::from(digit).to_digit(16)?;
        bits |= u128::from(value) << (124 - 4 * place);
    }
    Some(IpAddr::V6(bits.into()))
}

/// Parses a number up to 255 without leading zeros.
pub(super) fn decimal_octet(text: &[u8]) -> Option<u8> {
    if text.is_empty() || text.len() > 3 || (text[0] == b'0' && text.len() > 1) {
        return None;
    }
    let mut value: u16 = 0;
    for &byte in text {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value * 10 + u16::from(byte - b'0');
    }
    u8::try_from(value).ok()
}

/// The address that a lookup of the name of `address` returns.
pub(super) fn forward_address(address: IpAddr) -> IpAddr {
    if PtrCase::of(address) != PtrCase::Spoofed {
        return address;
    }
    let flipped = last_octet(address) ^ 1;
    match address {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            Ipv4Addr::new(a, b, c, flipped).into()
        }
        IpAddr::V6(address) => {
            let mut octets = address.octets();
            octets[15] = flipped;
            Ipv6Addr::from(octets).into()
        }
    }
}
