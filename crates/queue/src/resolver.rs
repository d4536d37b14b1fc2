//! Addresses of resolvers.

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

use crate::parse::shorten;
use crate::scope::{ScopeError, scoped};

/// The port of DNS (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;

/// A text is not the address of a resolver.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolverError {
    /// It does not begin with an address.
    #[error("{0:?} is not the IP address of a resolver")]
    NotAddress(Box<str>),
    /// What follows the address is not a port.
    #[error("{0:?} is not a port from 1 to 65535")]
    Port(Box<str>),
    /// It cannot have its scope.
    #[error(transparent)]
    Scope(#[from] ScopeError),
}

/// Parses the address of a resolver: `ADDR`, `[ADDR]`, `ADDR:PORT` (IPv6 in brackets) or `ADDR#PORT`,
/// the form of dnsmasq and unbound. The default port is 53. An IPv6 address may have a scope, the
/// name or the index of an interface: `fe80::1%eth0` (RFC 4007 §11). An IPv4-mapped address is its IPv4
/// address.
///
/// # Errors
///
/// It is not such an address, or this machine does not have the interface.
pub fn parse_resolver(text: &str) -> Result<SocketAddr, ResolverError> {
    let (host, port) = split_port(text);
    let (address, scope) = match host.split_once('%') {
        Some((address, scope)) => (address, Some(scope)),
        None => (host, None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        return Err(ResolverError::NotAddress(shorten(text)));
    };
    let port = match port {
        None => DNS_PORT,
        Some(text) => parse_port(text).ok_or_else(|| ResolverError::Port(shorten(text)))?,
    };
    let Some(scope) = scope else {
        return Ok(SocketAddr::new(address.to_canonical(), port));
    };
    let scoped = scoped(address, scope)?;
    Ok(SocketAddrV6::new(scoped.address, port, 0, scoped.scope_id).into())
}

/// Splits `[ADDR]:PORT`, `[ADDR]#PORT`, `ADDR#PORT` and, for IPv4, `ADDR:PORT`. Brackets are removed.
fn split_port(text: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = text
        .strip_prefix('[')
        .and_then(|inner| inner.split_once(']'))
    {
        return match rest.strip_prefix([':', '#']) {
            Some(port) => (host, Some(port)),
            None if rest.is_empty() => (host, None),
            None => (text, None),
        };
    }
    if let Some((host, port)) = text.split_once('#') {
        return (host, Some(port));
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => (host, Some(port)),
        _ => (text, None),
    }
}

/// Parses a port. `parse` would accept a sign.
fn parse_port(text: &str) -> Option<u16> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit());
    is_number
        .then(|| text.parse().ok())
        .flatten()
        .filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_is_read() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("192.0.2.1#5353", "192.0.2.1:5353"),
            ("[192.0.2.1]", "192.0.2.1:53"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("2001:db8::1#5353", "[2001:db8::1]:5353"),
            ("[2001:db8::1]", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
            ("[2001:db8::1]#5353", "[2001:db8::1]:5353"),
            ("::ffff:192.0.2.1", "192.0.2.1:53"),
            ("[::ffff:192.0.2.1]:5353", "192.0.2.1:5353"),
            ("fe80::1%7", "[fe80::1%7]:53"),
            ("[fe80::1%7]:5353", "[fe80::1%7]:5353"),
            ("fe80::1%7#5353", "[fe80::1%7]:5353"),
        ] {
            assert_eq!(
                parse_resolver(text),
                Ok(expected.parse().unwrap()),
                "{text}"
            );
        }
    }

    #[test]
    fn an_interface_is_found_by_name() {
        // Linux numbers interfaces from 1, and the loopback interface is the first.
        for text in ["fe80::1%lo", "[fe80::1%lo]:53", "fe80::1%lo#53"] {
            let expected = SocketAddrV6::new("fe80::1".parse().unwrap(), 53, 0, 1);
            assert_eq!(parse_resolver(text), Ok(expected.into()), "{text}");
        }
    }

    #[test]
    fn a_bad_resolver_is_an_error_with_its_reason() {
        for (text, reason) in [
            ("", "\"\" is not the IP address of a resolver"),
            ("localhost", "is not the IP address"),
            ("localhost:53", "is not the IP address"),
            ("192.0.2", "is not the IP address"),
            ("[192.0.2.1", "is not the IP address"),
            ("[2001:db8::1]x", "is not the IP address"),
            ("192.0.2.1:0", "\"0\" is not a port from 1 to 65535"),
            ("192.0.2.1#", "\"\" is not a port"),
            ("192.0.2.1:+53", "\"+53\" is not a port"),
            ("192.0.2.1#65536", "\"65536\" is not a port"),
            ("[2001:db8::1]:x", "\"x\" is not a port"),
            ("192.0.2.1%lo", "192.0.2.1 has no scope"),
            ("fe80::1%", "no network interface \"\""),
            ("fe80::1%0", "no network interface \"0\""),
            ("fe80::1%nosuch0", "no network interface \"nosuch0\""),
            (
                "fe80::1%a-name-that-is-too-long-for-an-interface#53",
                "no network interface \"a-name",
            ),
        ] {
            let error = parse_resolver(text).unwrap_err().to_string();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_an_address_or_an_error(text in "[0-9a-f:.#%\\[\\]]{0,40}|\\PC{0,40}") {
            if let Ok(address) = parse_resolver(&text) {
                prop_assert_ne!(address.port(), 0);
                prop_assert_eq!(parse_resolver(&address.to_string()), Ok(address));
            }
        }
    }
}
