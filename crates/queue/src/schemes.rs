//! The schemes of a list of mixed endpoints.

use std::num::{NonZeroU16, NonZeroU32};

use canvass_model::{ModuleId, ProbeSpec, RecordType};

use crate::Protocol;

/// A scheme of a list of mixed endpoints ([`TargetKind::Endpoints`](crate::TargetKind::Endpoints)),
/// and how its endpoints are written and probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scheme {
    /// The scheme in lower case (RFC 3986 §3.1).
    pub name: &'static str,
    /// How its endpoints are probed.
    pub probe: SchemeProbe,
}

/// How the endpoints of a scheme are probed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemeProbe {
    /// A URL, which is requested once. The scheme must be `http` or `https`.
    Http {
        /// The settings of the request.
        module: ModuleId,
    },
    /// `SCHEME://HOST:PORT`, which is connected to.
    Tcp {
        /// The settings of the probe.
        module: ModuleId,
        /// The port of endpoints without one. If there is none, such an endpoint is bad.
        default_port: Option<NonZeroU16>,
    },
    /// `SCHEME://HOST:PORT`, which is sent datagrams.
    Udp {
        /// The settings of the probe.
        module: ModuleId,
        /// The port of endpoints without one. If there is none, such an endpoint is bad.
        default_port: Option<NonZeroU16>,
    },
    /// `SCHEME:PATH`, a Unix domain socket, which is connected to.
    Unix {
        /// The settings of the probe.
        module: ModuleId,
    },
    /// `SCHEME://[RESOLVER]/NAME[?type=TYPE]`, a question to a resolver (RFC 4501). Without a
    /// resolver it goes to those of the run. The default type is A.
    Dns {
        /// Whether an endpoint that names a resolver on another machine is asked of the resolvers of
        /// the run instead.
        loopback_only: bool,
    },
}

impl SchemeProbe {
    /// The question of an endpoint that gives no record type.
    pub(crate) const QUESTION: ProbeSpec = ProbeSpec::Dns {
        record_type: RecordType::A,
    };

    /// The probe of an endpoint.
    pub(crate) const fn spec(self) -> ProbeSpec {
        match self {
            Self::Http { module } => ProbeSpec::Http {
                module,
                requests: NonZeroU32::MIN,
            },
            Self::Tcp { module, .. } | Self::Unix { module } => ProbeSpec::Tcp { module },
            Self::Udp { module, .. } => ProbeSpec::Udp { module },
            Self::Dns { .. } => Self::QUESTION,
        }
    }

    /// The protocol of the port of an endpoint, and the port of endpoints without one. `None` if
    /// endpoints have no port, or are URLs.
    pub(crate) const fn port(self) -> Option<(Protocol, Option<NonZeroU16>)> {
        match self {
            Self::Tcp { default_port, .. } => Some((Protocol::Tcp, default_port)),
            Self::Udp { default_port, .. } => Some((Protocol::Udp, default_port)),
            Self::Http { .. } | Self::Unix { .. } | Self::Dns { .. } => None,
        }
    }

    /// How an endpoint is written, without its scheme.
    pub(crate) const fn syntax(self) -> &'static str {
        match self {
            Self::Http { .. } => "//HOST/PATH",
            Self::Tcp {
                default_port: Some(_),
                ..
            }
            | Self::Udp {
                default_port: Some(_),
                ..
            } => "//HOST",
            Self::Tcp { .. } | Self::Udp { .. } => "//HOST:PORT",
            Self::Unix { .. } => "PATH",
            Self::Dns { .. } => "//RESOLVER/NAME?type=TYPE",
        }
    }
}
