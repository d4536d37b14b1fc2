//! Plans of DNS lookups.

use canvass_lab::{Lab, LabConfig};
use canvass_queue::TargetKind;
use canvass_report::Columns;
use canvass_run::Plan;

use super::{CommandParts, Invocation, invocation};
use crate::args::{CommonArgs, DnsArgs, PtrArgs};
use crate::compare::OTHER_TABLES;
use crate::exit::Failure;
use crate::outputs::RESPONSE_TABLE;
use crate::same_file::NamedFiles;
use crate::{lab, resolvers};

/// The invocation of `canvass ptr`.
pub(crate) fn ptr(args: PtrArgs) -> Result<Invocation, Failure> {
    let kind = TargetKind::Ptr {
        forward_confirm: args.forward_confirm,
    };
    lookups("ptr", kind, args.targets, args.common)
}

/// The invocation of `canvass dns`.
pub(crate) fn dns(args: DnsArgs) -> Result<Invocation, Failure> {
    let kind = TargetKind::Dns { types: args.types };
    lookups("dns", kind, args.targets, args.common)
}

/// The invocation of lookups of any kind.
pub(super) fn lookups(
    probe: &'static str,
    kind: TargetKind,
    targets: Vec<String>,
    args: CommonArgs,
) -> Result<Invocation, Failure> {
    let lab: Option<Lab> = match &args.lab {
        Some(impairments) => Some(lab::start(LabConfig {
            impairments: impairments.clone().unwrap_or_default(),
            ..LabConfig::default()
        })?),
        None => None,
    };
    let resolvers = match &lab {
        Some(lab) => vec![lab.address()],
        None => resolvers::read(&args.resolver)?,
    };
    let tables_beside: &[&str] = match kind {
        TargetKind::Lookups => &OTHER_TABLES,
        _ => &[RESPONSE_TABLE],
    };
    let parts = CommandParts {
        probe,
        columns: Columns::Dns,
        builder: Plan::builder(kind)
            .resolvers(resolvers)
            .deadline(args.deadline),
        targets,
        lab,
        save: None,
        files: NamedFiles::default(),
        tables_beside,
        sockets_max: None,
    };
    invocation(parts, args)
}
