//! Parses lines and arguments.

mod endpoint;
mod host;
mod lookup;
mod name;
mod page;
mod password;
mod reverse;
mod socket;

use canvass_model::{RecordType, Target};

pub(crate) use host::Hosts;
pub(crate) use password::shown;

use crate::lines::BadLine;
use crate::parse::AddressRange;
use crate::target_template::TargetTemplate;
use crate::{Protocol, TargetKind};

/// The targets of a line or an argument.
#[derive(Debug)]
pub(crate) enum Entry {
    /// One target.
    One(Target, Types),
    /// All addresses of a CIDR or a range.
    AddressRange(AddressRange),
    /// All targets of the hosts.
    Grid(Hosts, TargetTemplate),
}

/// The record types to query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// Those of the whole list.
    Asked,
    /// The one of the line.
    Only(RecordType),
}

/// Parses a line or an argument that is not blank.
pub(crate) fn parse(kind: &TargetKind, text: &str) -> Result<Entry, BadLine> {
    match kind {
        TargetKind::Ptr { .. } => reverse::parse(text),
        TargetKind::Dns { types } => name::parse(text, !types.is_empty()),
        TargetKind::Lookups => lookup::parse(text),
        TargetKind::Http { ports, .. } => page::parse(text, ports.as_ref()),
        TargetKind::Tcp {
            ports,
            default_port,
            ..
        } => endpoint::parse(text, Protocol::Tcp, ports.as_ref(), *default_port),
        TargetKind::Udp {
            ports,
            default_port,
            ..
        } => endpoint::parse(text, Protocol::Udp, ports.as_ref(), *default_port),
    }
    .map_err(|reason| BadLine {
        given: shown(text),
        reason: reason.into(),
    })
}
