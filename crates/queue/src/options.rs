//! Which targets a source gives, and in which order.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::Arc;

use canvass_model::{ModuleId, ProbeSpec, RecordType};

use crate::schemes::SchemeProbe;
use crate::{Dedup, Exclusions, Partition, Ports, Scheme, Selection};

/// What the targets are, and what is asked about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetKind {
    /// Addresses, CIDRs, ranges and `.arpa` names, for PTR lookups. A line may name its resolver
    /// after the target (`192.0.2.1 @192.0.2.53`).
    Ptr {
        /// Also look up the addresses of each name, and check that the target is among them.
        forward_confirm: bool,
    },
    /// Names. A line may give record types and a resolver after the name (`example.net MX,TXT
    /// @192.0.2.53`). If PTR is the only type, also addresses, CIDRs and ranges.
    Dns {
        /// The record types for lines without one, in this order. If this is empty, such a line is
        /// bad.
        types: Vec<RecordType>,
    },
    /// Addresses, CIDRs and ranges, for PTR lookups, and names, for A lookups: a caller that needs
    /// AAAA too must ask for it itself.
    Lookups,
    /// Resources to request: URLs, hosts with an optional port and path (https is tried first, then
    /// http), CIDRs and ranges of such hosts, and `unix:PATH`.
    Http {
        /// The settings of the requests.
        module: ModuleId,
        /// The number of requests per target.
        requests: NonZeroU32,
        /// The ports of hosts without a scheme and a port. With the port of one scheme the other is
        /// not tried.
        ports: Option<Ports>,
        /// Send the dot segments of paths as they are given.
        path_as_is: bool,
    },
    /// Endpoints to connect to: `host:port`, CIDRs and ranges of such hosts, and `unix:PATH`. The
    /// port may be the name of a service.
    Tcp {
        /// The settings of the probes.
        module: ModuleId,
        /// The ports of hosts without a port.
        ports: Option<Ports>,
        /// The port of such a host if there are no `ports` either. Without any, such a line is bad.
        default_port: Option<NonZeroU16>,
    },
    /// Endpoints to send datagrams to: as for `Tcp`, without `unix:PATH`.
    Udp {
        /// The settings of the probes.
        module: ModuleId,
        /// The ports of hosts without a port.
        ports: Option<Ports>,
        /// The port of such a host if there are no `ports` either. Without any, such a line is bad.
        default_port: Option<NonZeroU16>,
    },
    /// Endpoints of several kinds. The scheme of each says how it is probed
    /// (`https://example.net/`, `tcp://example.net:22`, `dns://192.0.2.53/example.net?type=MX`).
    Endpoints {
        /// The schemes. Lines of any other are bad, and are reported as probes of the first one.
        schemes: Arc<[Scheme]>,
    },
}

impl TargetKind {
    /// The probe of a target without a record type of its own.
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
            Self::Endpoints { schemes } => schemes
                .first()
                .map_or(SchemeProbe::QUESTION, |scheme| scheme.probe.spec()),
        }
    }
}

/// Which targets a source gives, and in which order.
#[derive(Clone, Debug)]
pub struct TargetOptions {
    /// What the targets are, and what is asked about them.
    pub kind: TargetKind,
    /// Addresses to exclude, also as an `.arpa` name or as the host of a URL or an endpoint. The
    /// addresses of host names are not known here and not checked.
    pub exclude: Arc<Exclusions>,
    /// The seed of the shuffle; `None` keeps the order of the list.
    pub shuffle: Option<u64>,
    /// The part of the list to give, after exclusion.
    pub partition: Partition,
    /// The maximum number of jobs, after exclusion and partitioning.
    pub limit: Option<u64>,
    /// Whether the first bad line is an error.
    pub strict: bool,
    /// Which part of each line of a list is its target. `None`: the line is. Arguments are always whole.
    pub selection: Option<Selection>,
    /// The number of lines at the start of each list that are skipped.
    pub lines_skipped: u64,
    /// Leaves out repeated targets, before the list is partitioned, so that partitions are disjoint.
    /// All sources of a run share it, and no other run may.
    pub dedup: Option<Arc<Dedup>>,
    /// Why the run has no resolver of its own. If it is set, lines of lookups that name none are bad.
    pub no_resolver: Option<Arc<str>>,
}

impl TargetOptions {
    /// The whole list in its own order, including bad lines.
    pub fn new(kind: TargetKind) -> Self {
        Self {
            kind,
            exclude: Arc::default(),
            shuffle: None,
            partition: Partition::WHOLE,
            limit: None,
            strict: false,
            selection: None,
            lines_skipped: 0,
            dedup: None,
            no_resolver: None,
        }
    }
}
