//! What one line or argument asks for.

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

use crate::form::Form;
use crate::lines::BadLine;
use crate::spelling::Span;
use crate::{Protocol, TargetKind};

/// What one line or argument asks for.
#[derive(Debug)]
pub(crate) enum Entry {
    /// One target.
    One(Target, Types),
    /// Every address of a CIDR or a range.
    Span(Span),
    /// Every target that each of the hosts becomes.
    Grid(Hosts, Form),
}

/// Which record types are asked of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// Those that were asked for of the whole list.
    Asked,
    /// The one its line names.
    Only(RecordType),
}

/// Reads a line or an argument that is not blank.
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
