//! One unit of work.

use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroU64};

use crate::{RecordType, Target, Time};

/// The settings of a probe that has more of them than a word, by their place in the run's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleId(pub u16);

/// What to ask a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProbeSpec {
    /// Reverse DNS: the PTR records of an address or an `.arpa` name.
    Ptr {
        /// Look each name up and see whether the address comes back.
        forward_confirm: bool,
    },
    /// The records of one type of a name.
    Dns {
        /// The type asked for.
        record_type: RecordType,
    },
    /// Fetch a page.
    Http {
        /// How.
        module: ModuleId,
        /// How often, over one connection where the server keeps it. Each time has its own
        /// outcome.
        requests: NonZeroU32,
    },
    /// Connect to a port, and talk where the module has a script.
    Tcp {
        /// How.
        module: ModuleId,
    },
    /// Send datagrams to a port, and wait for what comes back.
    Udp {
        /// How.
        module: ModuleId,
    },
}

impl ProbeSpec {
    /// How many outcomes a job with this has.
    pub const fn outcomes(&self) -> u64 {
        match self {
            Self::Http { requests, .. } => requests.get() as u64,
            _ => 1,
        }
    }

    /// The probe's name, as output lines and histogram tags carry it.
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

/// One unit of work. It ends in exactly one [`Outcome`](crate::Outcome), or in one for each time
/// it is to be repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its place in the order asked, from 0.
    pub seq: u64,
    /// The line of the input it came from, from 1; `None` for an argument.
    pub line: Option<NonZeroU64>,
    /// What is asked about.
    pub target: Target,
    /// What is asked.
    pub spec: ProbeSpec,
    /// When it was meant to start; `None` where no schedule was asked for, and it is due as
    /// soon as the engine takes it.
    pub due: Option<Time>,
    /// The resolver that its question goes to, in place of the run's. Boxed, since few jobs name
    /// one. Probes of hosts share their lookups and use the run's resolvers.
    pub resolver: Option<Box<SocketAddr>>,
}
