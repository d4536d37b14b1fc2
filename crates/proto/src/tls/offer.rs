//! What a ClientHello offers, as messages name it.

use rustls::SupportedProtocolVersion;

/// The versions of TLS that are offered. The rest is the same for all: key exchange by elliptic
/// curves, and ciphers that authenticate (AEAD).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Offer {
    Tls12,
    Tls13,
    Both,
}

impl Offer {
    pub(super) fn of(versions: &[&SupportedProtocolVersion]) -> Self {
        match (
            versions.contains(&&rustls::version::TLS12),
            versions.contains(&&rustls::version::TLS13),
        ) {
            (true, false) => Self::Tls12,
            (false, true) => Self::Tls13,
            _ => Self::Both,
        }
    }

    /// The versions.
    pub(super) fn versions(self) -> &'static str {
        match self {
            Self::Tls12 => "TLS 1.2",
            Self::Tls13 => "TLS 1.3",
            Self::Both => "TLS 1.2 and 1.3",
        }
    }

    /// What a peer may have that accepts none of the versions; empty if nothing follows.
    pub(super) fn other_versions(self) -> &'static str {
        match self {
            Self::Tls12 => "",
            Self::Tls13 => ", so it may only have TLS 1.2 or older",
            Self::Both => ", so it may only have TLS 1.1 or older",
        }
    }

    /// What a peer may have that accepts neither the versions nor the cipher suites.
    pub(super) fn other_suites(self) -> &'static str {
        match self {
            Self::Tls12 | Self::Both => "RSA or DHE key exchange, CBC ciphers, or TLS 1.1 or older",
            Self::Tls13 => "TLS 1.2 or older",
        }
    }
}
