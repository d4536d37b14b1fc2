//! Hosts and the remote ends of connections.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::Path;

use serde::{Deserialize, Serialize};
use url::Url;

use crate::saved;

/// A host, by address or by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Host {
    /// An address.
    Address(IpAddr),
    /// An IPv6 address with its scope.
    Scoped(Box<ScopedAddress>),
    /// A name in ASCII (A-labels) and lower case, otherwise as it was given.
    Name(Box<str>),
}

/// An IPv6 address that is one only on a link of this machine, and the link (RFC 4007 §11).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ScopedAddress {
    /// The address.
    pub address: Ipv6Addr,
    /// The index of the interface.
    pub scope_id: u32,
    /// The interface as it was given, by name or by index.
    pub zone: Box<str>,
}

impl fmt::Display for ScopedAddress {
    /// In brackets, as in URLs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}%{}]", self.address, self.zone)
    }
}

impl Host {
    /// The address, if the host is given by one.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            Self::Scoped(scoped) => Some(scoped.address.into()),
            Self::Name(_) => None,
        }
    }

    /// The scope, if the host has one.
    pub fn scoped(&self) -> Option<&ScopedAddress> {
        match self {
            Self::Scoped(scoped) => Some(scoped),
            Self::Address(_) | Self::Name(_) => None,
        }
    }

    /// The same without a scope, as URLs, TLS and HTTP name it (RFC 6874 §4).
    pub fn without_scope(&self) -> Self {
        match self.scoped() {
            Some(scoped) => Self::Address(scoped.address.into()),
            None => self.clone(),
        }
    }

    /// Parses an address (IPv6 with or without brackets) or a name, which is converted to lower
    /// case and A-labels (UTS 46, as in URLs). `None` if it is neither. An IPv4-mapped IPv6 address
    /// (RFC 4291 §2.5.5.2) is the IPv4 address in it, here and in URLs.
    pub fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.parse::<IpAddr>() {
            return Some(Self::Address(address.to_canonical()));
        }
        url::Host::parse(text).ok().map(|host| Self::from(&host))
    }

    /// The host of a URL.
    pub fn of_url(url: &Url) -> Option<Self> {
        Some(match url.host()? {
            url::Host::Domain(name) => Self::Name(name.into()),
            url::Host::Ipv4(address) => Self::Address(address.into()),
            url::Host::Ipv6(address) => Self::Address(address.to_canonical()),
        })
    }
}

impl From<&url::Host> for Host {
    fn from(host: &url::Host) -> Self {
        match host {
            url::Host::Domain(name) => Self::Name(name.as_str().into()),
            url::Host::Ipv4(address) => Self::Address((*address).into()),
            url::Host::Ipv6(address) => Self::Address(address.to_canonical()),
        }
    }
}

impl fmt::Display for Host {
    /// As in URLs: an IPv6 address is in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(IpAddr::V6(address)) => write!(f, "[{address}]"),
            Self::Address(address) => address.fmt(f),
            Self::Scoped(scoped) => scoped.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// The remote end of a connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Remote {
    /// An address and a port.
    Inet(#[serde(with = "saved")] SocketAddr),
    /// A Unix domain socket.
    Unix(Box<Path>),
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inet(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_read_and_shown_as_in_urls() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:db8::1", "[2001:db8::1]"),
            ("[2001:DB8::1]", "[2001:db8::1]"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("[::ffff:c000:201]", "192.0.2.1"),
            ("Example.NET", "example.net"),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(Host::parse(text).unwrap().to_string(), shown, "{text}");
        }
        for bad in ["", "a b", "[::1", "a/b", "a:80"] {
            assert_eq!(Host::parse(bad), None, "{bad}");
        }
    }
}
