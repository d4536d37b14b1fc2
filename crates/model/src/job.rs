//! One unit of work.

use std::num::NonZeroU64;

use crate::{RecordType, Target, Time};

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
}

impl ProbeSpec {
    /// The probe's name, as output lines and histogram tags carry it.
    pub const fn probe(&self) -> &'static str {
        match self {
            Self::Ptr { .. } => "ptr",
            Self::Dns { .. } => "dns",
        }
    }
}

/// One unit of work. It ends in exactly one [`Outcome`](crate::Outcome).
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
}
