//! The targets of probes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::{DnsName, Host, ScopedAddress};

/// A target, with the text it was given as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// An address. `given` is `None` if the address is from a CIDR or a range, or was written in
    /// its canonical form.
    Address {
        /// The address.
        address: IpAddr,
        /// The text, if it differs from the canonical form.
        given: Option<Box<str>>,
    },
    /// A domain name.
    Name {
        /// The name.
        name: DnsName,
        /// The text.
        given: Box<str>,
    },
    /// A URL to request.
    Url(Box<UrlTarget>),
    /// A port of a host.
    Endpoint {
        /// The host.
        host: Host,
        /// The port.
        port: u16,
        /// The text. `None` if it is from a CIDR, a range or a list of ports, or was written
        /// `host:port` in canonical form.
        given: Option<Box<str>>,
    },
    /// A Unix domain socket.
    Unix {
        /// The path.
        path: Box<Path>,
        /// The text.
        given: Box<str>,
    },
    /// A line that is not a valid target. It gets an outcome too.
    Invalid {
        /// The text, shortened if it is very long.
        given: Box<str>,
        /// Why it is not valid.
        reason: Box<str>,
    },
}

/// A URL to request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UrlTarget {
    /// The URL, with scheme `http` or `https`.
    pub url: Url,
    /// The host of the URL, if it has a scope, which a URL cannot hold.
    pub scoped: Option<Box<ScopedAddress>>,
    /// Set if no scheme was given: https is tried first, then http.
    pub fallback: Option<HttpFallback>,
    /// The path to send, if it is not that of the URL, which has no dot segments (RFC 3986
    /// §5.2.4).
    pub raw_path: Option<Box<str>>,
    /// The text. `None` if it is from a CIDR, a range or a list of ports; it is then displayed as
    /// `host` or `host:port`.
    pub given: Option<Box<str>>,
}

/// What to try if a host without a scheme does not support https.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpFallback {
    /// The port of http.
    pub port: u16,
}

impl Target {
    /// The host to connect to, if there is one.
    pub fn host(&self) -> Option<Host> {
        match self {
            Self::Url(target) => match &target.scoped {
                Some(scoped) => Some(Host::Scoped(scoped.clone())),
                None => Host::of_url(&target.url),
            },
            Self::Endpoint { host, .. } => Some(host.clone()),
            _ => None,
        }
    }

    /// The address whose PTR records are queried: that of the target, or of a name under
    /// `in-addr.arpa` (RFC 1035 §3.5) or `ip6.arpa` (RFC 3596 §2.5).
    pub fn reverse_address(&self) -> Option<IpAddr> {
        match self {
            Self::Address { address, .. } => Some(*address),
            Self::Name { name, .. } => reverse_name_address(name),
            _ => None,
        }
    }
}

/// Writes the reverse name of `address` in wire form, and returns its length.
pub fn reverse_name(address: IpAddr, out: &mut [u8; 74]) -> usize {
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        out[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    match address {
        IpAddr::V4(address) => {
            for octet in address.octets().into_iter().rev() {
                let (h, t, u) = (octet / 100, octet / 10 % 10, octet % 10);
                match octet {
                    100.. => put(&[3, b'0' + h, b'0' + t, b'0' + u]),
                    10.. => put(&[2, b'0' + t, b'0' + u]),
                    _ => put(&[1, b'0' + u]),
                }
            }
            put(b"\x07in-addr\x04arpa\0");
        }
        IpAddr::V6(address) => {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            for octet in address.octets().into_iter().rev() {
                put(&[
                    1,
                    HEX[usize::from(octet & 15)],
                    1,
                    HEX[usize::from(octet >> 4)],
                ]);
            }
            put(b"\x03ip6\x04arpa\0");
        }
    }
    at
}

/// The address of a complete reverse name. `None` for any other name.
pub fn reverse_name_address(name: &DnsName) -> Option<IpAddr> {
    let labels: Vec<&[u8]> = name.labels().collect();
    let (zone, host) = labels
        .split_last_chunk::<2>()
        .map(|(host, zone)| (zone, host))?;
    if !zone[1].eq_ignore_ascii_case(b"arpa") {
        return None;
    }
    if zone[0].eq_ignore_ascii_case(b"in-addr") && host.len() == 4 {
        let mut octets = [0; 4];
        for (octet, label) in octets.iter_mut().rev().zip(host) {
            let text = std::str::from_utf8(label).ok()?;
            *octet = text.parse().ok()?;
            // "01" can be parsed but is not a valid label.
            if octet.to_string() != text {
                return None;
            }
        }
        return Some(Ipv4Addr::from(octets).into());
    }
    if zone[0].eq_ignore_ascii_case(b"ip6") && host.len() == 32 {
        let mut value: u128 = 0;
        for label in host.iter().rev() {
            let [digit] = label else { return None };
            value = value << 4 | u128::from(char::from(*digit).to_digit(16)?);
        }
        return Some(Ipv6Addr::from(value).into());
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reverse_names_are_as_the_rfcs_write_them() {
        let mut wire = [0; 74];
        for (address, name) in [
            ("192.0.2.10", "10.2.0.192.in-addr.arpa."),
            (
                "2001:db8::567:89ab",
                "b.a.9.8.7.6.5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.",
            ),
        ] {
            let length = reverse_name(address.parse().unwrap(), &mut wire);
            assert_eq!(
                DnsName::from_wire(&wire[..length]).unwrap().to_string(),
                name
            );
        }
    }

    #[test]
    fn only_full_reverse_names_are_addresses() {
        for text in [
            "2.0.192.in-addr.arpa",
            "01.2.0.192.in-addr.arpa",
            "example.net",
            "arpa",
            ".",
        ] {
            assert_eq!(reverse_name_address(&text.parse().unwrap()), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_address_reads_back(bits: u128, four: bool) {
            let address = if four { IpAddr::from(Ipv4Addr::from(bits as u32)) } else { Ipv6Addr::from(bits).into() };
            let mut wire = [0; 74];
            let length = reverse_name(address, &mut wire);
            let name = DnsName::from_wire(&wire[..length]).unwrap();
            prop_assert_eq!(reverse_name_address(&name), Some(address));
        }
    }
}
