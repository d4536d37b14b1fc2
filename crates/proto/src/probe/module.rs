//! How a probe of hosts is done: the settings all its jobs share.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Host;

use crate::http::HttpSettings;
use crate::talk::{Credentials, Script};
use crate::tls::TlsClient;

/// How a probe of hosts is done.
pub struct Module {
    /// What is done once a connection is there.
    pub kind: ModuleKind,
    /// How a connection comes about.
    pub reach: Reach,
    /// How long each part may take.
    pub timeouts: Timeouts,
    /// Attempts after the first.
    pub retries: u32,
    /// Whether what happens is noted in the outcome.
    pub trace: bool,
    /// The wall clock at [`Time::ZERO`](canvass_model::Time::ZERO), in nanoseconds since 1970
    /// (UTC).
    pub unix_ns_at_zero: i128,
}

impl fmt::Debug for Module {
    /// Without what is said: it may hold secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Module")
            .field("reach", &self.reach)
            .field("timeouts", &self.timeouts)
            .finish_non_exhaustive()
    }
}

/// What is done once a connection is there.
pub enum ModuleKind {
    /// A page is fetched.
    Http {
        /// How it is asked for.
        settings: Arc<HttpSettings>,
        /// For `https`.
        tls: TlsClient,
    },
    /// A stream is opened.
    Tcp {
        /// What is said; without it an open port is all that is asked for.
        script: Option<Arc<Script>>,
        /// What a script may say and nobody may read.
        credentials: Option<Arc<Credentials>>,
        /// For TLS, when a script asks for it or from the start.
        tls: TlsClient,
        /// TLS comes first.
        tls_from_start: bool,
    },
    /// Datagrams are sent.
    Udp {
        /// What is said.
        script: Arc<Script>,
        /// What a script may say and nobody may read.
        credentials: Option<Arc<Credentials>>,
        /// How long replies of any host are gathered; without it the first host's alone counts,
        /// but where the target is no single host.
        window: Option<Duration>,
    },
}

/// How a connection comes about.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    /// Which addresses of a name are used.
    pub family: FamilyPreference,
    /// Connections that lead elsewhere.
    pub pins: Vec<Pin>,
    /// The socket in the file system that every connection is made to.
    pub unix_socket: Option<Box<Path>>,
    /// Every address of a host is probed, one after the other.
    pub all_addresses: bool,
}

/// Which addresses of a name are used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FamilyPreference {
    /// Whichever connects first (RFC 8305).
    #[default]
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
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

/// One of the two kinds of addresses a name may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressFamily {
    /// IPv4 (A records).
    V4,
    /// IPv6 (AAAA records).
    V6,
}

impl AddressFamily {
    /// Both.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];

    /// What people call it.
    pub(super) const fn family_name(self) -> &'static str {
        match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        }
    }

    /// The kind of `address`.
    pub fn of(address: IpAddr) -> Self {
        if address.is_ipv4() {
            Self::V4
        } else {
            Self::V6
        }
    }
}

/// A connection that leads elsewhere, as curl's `--connect-to` has it: what is asked and
/// verified stays as it was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pin {
    /// For which hosts.
    pub whose: PinHost,
    /// For this port; `None` for any.
    pub port: Option<u16>,
    /// To this host; `None` for the same.
    pub to_host: Option<Host>,
    /// To this port; `None` for the same.
    pub to_port: Option<u16>,
}

/// Whose connections lead elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PinHost {
    /// Those of every host.
    Any,
    /// Those of every host but addresses of this machine's loopback.
    Elsewhere,
    /// Those of every name under this one.
    Under(Box<str>),
    /// Those of this host.
    Is(Host),
}

impl From<Option<Host>> for PinHost {
    fn from(host: Option<Host>) -> Self {
        host.map_or(Self::Any, Self::Is)
    }
}

/// How long each part of a probe may take.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// Looking the host up.
    pub resolve: Duration,
    /// Opening the connection.
    pub connect: Duration,
    /// The TLS handshake.
    pub tls: Duration,
    /// Until the first octet comes.
    pub first_byte: Duration,
    /// From the first octet to the last.
    pub transfer: Duration,
    /// From when the engine takes a job, or begins a further request of it, to its end, whatever
    /// happens.
    pub deadline: Duration,
}
