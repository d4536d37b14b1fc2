//! Addresses with a scope: an interface of this machine by name or index, `fe80::1%eth0` (RFC 4007
//! §11).

use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};

use canvass_model::{Host, ScopedAddress};
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketType, socket};

use crate::parse::shorten;

/// Why an address cannot have a scope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// It is an IPv4 address.
    #[error("{0} has no scope, as only IPv6 addresses have")]
    Ipv4(IpAddr),
    /// This machine has no such interface.
    #[error("this machine has no network interface {0:?}")]
    NoInterface(Box<str>),
}

/// Parses `ADDR%ZONE`, with or without brackets. `None` if the text has another form.
///
/// # Errors
///
/// The address cannot have this scope.
pub fn parse_scoped(text: &str) -> Option<Result<Host, ScopeError>> {
    let inner = text
        .strip_prefix('[')
        .map_or(Some(text), |text| text.strip_suffix(']'))?;
    let (address, zone) = inner.split_once('%')?;
    let address = address.parse::<IpAddr>().ok()?;
    let scoped = scoped(address, zone);
    Some(scoped.map(|scoped| Host::Scoped(Box::new(scoped))))
}

/// Parses the address to bind a socket to, which may have a scope. Its port is 0.
///
/// # Errors
///
/// It is no address, or cannot have this scope.
pub fn parse_local_address(text: &str) -> Result<SocketAddr, String> {
    match parse_scoped(text) {
        None => text
            .parse::<IpAddr>()
            .map(|address| (address, 0).into())
            .map_err(|error| error.to_string()),
        Some(Ok(Host::Scoped(scoped))) => {
            Ok(SocketAddrV6::new(scoped.address, 0, 0, scoped.scope_id).into())
        }
        Some(Ok(_)) => Err("invalid IP address syntax".to_owned()),
        Some(Err(error)) => Err(error.to_string()),
    }
}

/// `address` with the scope `zone`.
pub(crate) fn scoped(address: IpAddr, zone: &str) -> Result<ScopedAddress, ScopeError> {
    let address: Ipv6Addr = match address.to_canonical() {
        IpAddr::V6(address) => address,
        IpAddr::V4(_) => return Err(ScopeError::Ipv4(address)),
    };
    let scope_id = match zone.parse() {
        Ok(index) if index != 0 && !zone.starts_with('+') => index,
        _ => interface_index(zone).ok_or_else(|| ScopeError::NoInterface(shorten(zone)))?,
    };
    Ok(ScopedAddress {
        address,
        scope_id,
        zone: zone.into(),
    })
}

/// The index of an interface of this machine. The system call needs some socket; nothing is sent.
fn interface_index(name: &str) -> Option<u32> {
    let any = socket(AddressFamily::UNIX, SocketType::DGRAM, None).ok()?;
    name_to_index(any, name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_is_a_name_or_an_index() {
        // Linux numbers interfaces from 1, and the loopback interface is the first.
        for (text, scope_id, shown) in [
            ("fe80::1%lo", 1, "[fe80::1%lo]"),
            ("[fe80::1%lo]", 1, "[fe80::1%lo]"),
            ("FE80::1%7", 7, "[fe80::1%7]"),
        ] {
            let host = parse_scoped(text).unwrap().unwrap();
            assert_eq!(host.scoped().unwrap().scope_id, scope_id, "{text}");
            assert_eq!(host.to_string(), shown);
            let local = parse_local_address(text).unwrap();
            assert_eq!(
                local,
                SocketAddrV6::new(host_address(&host), 0, 0, scope_id).into()
            );
        }
        for other in ["fe80::1", "lo", "a%lo", "[fe80::1%lo", "[fe80::1%lo]:80"] {
            assert_eq!(parse_scoped(other), None, "{other}");
        }
    }

    fn host_address(host: &Host) -> Ipv6Addr {
        host.scoped().unwrap().address
    }

    #[test]
    fn what_has_no_scope_says_why() {
        for (text, reason) in [
            ("192.0.2.1%lo", "192.0.2.1 has no scope"),
            ("::ffff:192.0.2.1%lo", "has no scope"),
            ("fe80::1%", "this machine has no network interface \"\""),
            ("fe80::1%0", "no network interface \"0\""),
            ("fe80::1%nosuch0", "no network interface \"nosuch0\""),
        ] {
            let error = parse_scoped(text).unwrap().unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
            assert_eq!(parse_local_address(text), Err(error));
        }
        assert_eq!(
            parse_local_address("localhost"),
            Err("invalid IP address syntax".to_owned())
        );
    }
}
