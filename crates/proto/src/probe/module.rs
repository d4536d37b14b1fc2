//! The settings that all probes of one kind share.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Host;

use crate::expect::{Expectations, TlsExpectations};
use crate::http::HttpSettings;
use crate::talk::{Credentials, Script};
use crate::tls::TlsClient;
use crate::tunnel::{Proxies, ProxyProtocol};

/// The settings that all probes of one kind share.
#[derive(Clone)]
pub struct Module {
    /// What is done over a connection.
    pub kind: ModuleKind,
    /// Which connections are opened.
    pub reach: Reach,
    /// Time limits.
    pub timeouts: Timeouts,
    /// The number of attempts after the first.
    pub retries: u32,
    /// Whether the outcome has a trace.
    pub trace: bool,
    /// The wall clock at [`Time::ZERO`](canvass_model::Time::ZERO), in nanoseconds since 1970
    /// (UTC).
    pub unix_ns_at_zero: i128,
}

impl fmt::Debug for Module {
    /// Without what is sent: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("reach", &self.reach)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// What is done over a connection.
#[derive(Clone)]
pub enum ModuleKind {
    /// Sends an HTTP request.
    Http {
        /// What the request is like.
        settings: Arc<HttpSettings>,
        /// For https.
        tls: TlsClient,
        /// What is expected of the response.
        expect: Option<Box<Expectations>>,
    },
    /// Opens a stream.
    Tcp {
        /// The script that runs over it. Without one, an open port is all that is asked for.
        script: Option<Arc<Script>>,
        /// The credentials that the script can send.
        credentials: Option<Arc<Credentials>>,
        /// For TLS, from the start or when the script starts it.
        tls: TlsClient,
        /// TLS starts with the connection.
        tls_from_start: bool,
        /// What is expected of the TLS connection, such as its certificate.
        certificate: Option<TlsExpectations>,
    },
    /// Sends datagrams.
    Udp {
        /// The script that runs over them.
        script: Arc<Script>,
        /// The credentials that the script can send.
        credentials: Option<Arc<Credentials>>,
        /// How long replies of any host are collected. Without it only those of the target count,
        /// unless that is a broadcast or multicast address.
        window: Option<Duration>,
    },
}

/// Which connections are opened.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Which addresses of a name are used.
    pub family: FamilyPreference,
    /// Connections that are made to another host or port.
    pub pins: Vec<Pin>,
    /// The Unix socket that every connection is made to.
    pub unix_socket: Option<Box<Path>>,
    /// Whether every address of a host is probed, one after the other. Proxies are not used with it.
    pub all_addresses: bool,
    /// The proxies that lead to the hosts, if there are any.
    pub proxies: Option<Arc<Proxies>>,
    /// The header that begins every stream.
    pub proxy_protocol: Option<ProxyProtocol>,
}

/// Which addresses of a name are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FamilyPreference {
    /// Both; the first that connects is used (RFC 8305).
    #[default]
    Any,
    /// IPv4 only.
    V4,
    /// IPv6 only.
    V6,
}

impl FamilyPreference {
    /// Whether addresses of the family are used.
    pub fn uses(self, family: AddressFamily) -> bool {
        !matches!(
            (self, family),
            (Self::V4, AddressFamily::V6) | (Self::V6, AddressFamily::V4)
        )
    }

    /// Whether this address is used.
    pub fn allows(self, address: IpAddr) -> bool {
        self.uses(AddressFamily::of(address))
    }
}

/// An address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressFamily {
    /// IPv4 (A records).
    V4,
    /// IPv6 (AAAA records).
    V6,
}

impl AddressFamily {
    /// Both families.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// Its usual name.
    pub(super) const fn family_name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// The family of `address`.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }
}

/// A connection that is made to another host or port, as with curl's `--connect-to`. The request
/// and the name to verify stay the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// The hosts it applies to.
    pub whose: PinHost,
    /// The port it applies to; `None` for any.
    pub port: Option<u16>,
    /// The host to connect to; `None` for the same.
    pub to_host: Option<Host>,
    /// The port to connect to; `None` for the same.
    pub to_port: Option<u16>,
}

/// The hosts a pin applies to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinHost {
    /// Every host.
    Any,
    /// Every host except loopback addresses.
    Elsewhere,
    /// Every name that ends in this one.
    Under(Box<str>),
    /// This host.
    Is(Host),
}

impl From<Option<Host>> for PinHost {
    fn from(host: Option<Host>) -> Self {
        host.map_or(Self::Any, Self::Is)
    }
}

/// The time limits of a probe.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// For the name lookup.
    pub resolve: Duration,
    /// For opening the connection.
    pub connect: Duration,
    /// For the TLS handshake.
    pub tls: Duration,
    /// From the request to the first octet received.
    pub first_byte: Duration,
    /// From the first octet received to the last.
    pub transfer: Duration,
    /// Total time limit for one target, or for one request of it, from when the engine takes it.
    pub deadline: Duration,
}

impl Timeouts {
    /// With this limit for one target, which is one for each phase too.
    #[must_use]
    pub fn within(self, deadline: Duration) -> Self {
        Self {
            resolve: self.resolve.min(deadline),
            connect: self.connect.min(deadline),
            tls: self.tls.min(deadline),
            first_byte: self.first_byte.min(deadline),
            transfer: self.transfer.min(deadline),
            deadline,
        }
    }
}
