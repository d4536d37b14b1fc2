//! Which targets, and in what order.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use canvass_model::{ModuleId, ProbeSpec, RecordType};

use crate::{Exclusions, Partition, Ports};

/// What the list is a list of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// Addresses, CIDRs, ranges and `.arpa` names, to ask PTR of.
    Ptr {
        /// Look each name up and see whether the address comes back.
        forward_confirm: bool,
    },
    /// Names. A line may name its own type after the name (`example.net MX`).
    Dns {
        /// The types asked for where a line names none, in this order. If there are none, such a
        /// line is bad.
        types: Vec<RecordType>,
    },
    /// Addresses, CIDRs and ranges, to ask PTR of, and names, to ask A of: whoever wants both kinds
    /// of addresses asks for the other as well.
    Lookups,
    /// Pages to fetch: URLs, hosts without a scheme with or without a port and a path (https is
    /// tried first, then http), CIDRs and ranges of such hosts, and `unix:PATH`.
    Http {
        /// How they are fetched.
        module: ModuleId,
        /// How often each is fetched.
        requests: NonZeroU32,
        /// The ports of hosts for which neither a scheme nor a port is written. With the port of
        /// one scheme the other is not tried.
        ports: Option<Ports>,
    },
    /// Ports to connect to: `host:port`, and CIDRs and ranges of such hosts, where the port may
    /// be a service's name, and `unix:PATH`.
    Tcp {
        /// How they are talked to.
        module: ModuleId,
        /// The ports of hosts for which none is written.
        ports: Option<Ports>,
        /// The port of such a host where there are no `ports` either. If there is none, such a
        /// line is bad.
        default_port: Option<NonZeroU16>,
    },
    /// Ports to send datagrams to: as for tcp, without `unix:PATH`.
    Udp {
        /// How they are talked to.
        module: ModuleId,
        /// The ports of hosts for which none is written.
        ports: Option<Ports>,
        /// The port of such a host where there are no `ports` either. If there is none, such a
        /// line is bad.
        default_port: Option<NonZeroU16>,
    },
}

impl TargetKind {
    /// What is asked of a target that has no types of its own.
    pub(crate) fn first_spec(&self) -> ProbeSpec {
        match self {
            Self::Ptr { forward_confirm } => ProbeSpec::Ptr {
                forward_confirm: *forward_confirm,
            },
            Self::Lookups => ProbeSpec::Ptr {
                forward_confirm: false,
            },
            Self::Dns { types } => ProbeSpec::Dns {
                record_type: types.first().copied().unwrap_or(RecordType::A),
            },
            Self::Http {
                module, requests, ..
            } => ProbeSpec::Http {
                module: *module,
                requests: *requests,
            },
            Self::Tcp { module, .. } => ProbeSpec::Tcp { module: *module },
            Self::Udp { module, .. } => ProbeSpec::Udp { module: *module },
        }
    }
}

/// Which targets, and in what order.
#[derive(Clone, Debug)]
pub struct TargetOptions {
    /// What the list is a list of.
    pub kind: TargetKind,
    /// Addresses to leave out. An `.arpa` name that stands for a whole address goes with it, and
    /// so does a URL or an endpoint whose host is one; what a host's name leads to is not known
    /// here.
    pub exclude: Arc<Exclusions>,
    /// The seed to shuffle by; `None` keeps the order given.
    pub shuffle: Option<u64>,
    /// Which part of the list, after exclusion.
    pub partition: Partition,
    /// The most jobs to give, after exclusion and sharding.
    pub limit: Option<u64>,
    /// Stop at the first bad line.
    pub strict: bool,
}

impl TargetOptions {
    /// The whole list in the order given, bad lines included.
    pub fn new(kind: TargetKind) -> Self {
        Self {
            kind,
            exclude: Arc::default(),
            shuffle: None,
            partition: Partition::WHOLE,
            limit: None,
            strict: false,
        }
    }
}
