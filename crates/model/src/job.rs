//! One unit of work.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};

use serde::{Deserialize, Serialize};

use crate::saved;
use crate::{RecordType, Target, Time};

/// The index of a probe's settings in the list of the run. Keeps [`ProbeSpec`] small and `Copy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModuleId(pub u16);

/// The kind of a probe and its settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProbeSpec {
    /// Reverse DNS: the PTR records of an address or an `.arpa` name.
    Ptr {
        /// Whether to check that a lookup of each name returns the address.
        forward_confirm: bool,
    },
    /// The records of one type of a name.
    Dns {
        /// The record type.
        record_type: RecordType,
    },
    /// Requests a URL.
    Http {
        /// The settings.
        module: ModuleId,
        /// The number of requests, over one connection if the server keeps it open. Each request
        /// has its own outcome.
        requests: NonZeroU32,
    },
    /// Connects to a port, and runs the script of the module, if it has one.
    Tcp {
        /// The settings.
        module: ModuleId,
    },
    /// Sends datagrams to a port and waits for replies.
    Udp {
        /// The settings.
        module: ModuleId,
    },
}

impl ProbeSpec {
    /// The number of outcomes of a job.
    pub const fn outcomes(&self) -> u64 {
        match self {
            Self::Http { requests, .. } => requests.get() as u64,
            _ => 1,
        }
    }

    /// The name of the probe in output lines and histogram tags.
    pub const fn probe(&self) -> &'static str {
        match self {
            Self::Ptr { .. } => "ptr",
            Self::Dns { .. } => "dns",
            Self::Http { .. } => "http",
            Self::Tcp { .. } => "tcp",
            Self::Udp { .. } => "udp",
        }
    }
}

/// One unit of work. It ends in exactly one [`Outcome`](crate::Outcome), or in one per request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The sequence number of the job, from 0.
    pub seq: u64,
    /// The line number in the input, from 1. `None` for an argument.
    pub line: Option<NonZeroU64>,
    /// The target.
    pub target: Target,
    /// The probe.
    pub spec: ProbeSpec,
    /// When it is scheduled to start. `None` if there is no schedule: it is then due as soon as the
    /// engine takes it.
    pub due: Option<Time>,
    /// The resolver that its question goes to, in place of the run's. Boxed, since few jobs name
    /// one. Probes of hosts share their lookups and use the run's resolvers.
    #[serde(with = "saved")]
    pub resolver: Option<Box<SocketAddr>>,
}
