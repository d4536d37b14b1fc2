//! Plans of DNS lookups.

use canvass_lab::{Lab, LabConfig};
use canvass_queue::TargetKind;
use canvass_report::Columns;
use canvass_run::Plan;

use super::{CommandParts, Invocation, invocation};
use crate::args::{CommonArgs, DnsArgs, PtrArgs};
use crate::exit::Failure;
use crate::{lab, resolvers};

/// The invocation of `canvass ptr`.
pub(crate) fn ptr(args: PtrArgs) -> Result<Invocation, Failure> {
    let kind = TargetKind::Ptr {
        forward_confirm: args.forward_confirm,
    };
    let follow = args.aliases.follow_cname;
    lookups("ptr", kind, follow, args.targets, args.common)
}

/// The invocation of `canvass dns`.
pub(crate) fn dns(args: DnsArgs) -> Result<Invocation, Failure> {
    let kind = TargetKind::Dns { types: args.types };
    let follow = args.aliases.follow_cname;
    lookups("dns", kind, follow, args.targets, args.common)
}

/// The invocation of lookups of any kind.
pub(super) fn lookups(
    probe: &'static str,
    kind: TargetKind,
    follow_cname: bool,
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
    let parts = CommandParts {
        probe,
        columns: Columns::Dns,
        builder: Plan::builder(kind)
            .resolvers(resolvers)
            .follow_cname(follow_cname)
            .deadline(args.deadline),
        targets,
        lab,
        save: None,
    };
    invocation(parts, args)
}
