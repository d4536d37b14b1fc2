//! Plans that ask resolvers alone.

use canvass_engine::{JOBS_MAX, Probing};
use canvass_lab::{Lab, LabConfig};
use canvass_queue::TargetKind;

use super::{Kind, Plan, Start, plan};
use crate::args::{CommonArgs, DnsArgs, PtrArgs};
use crate::exit::Failure;
use crate::{lab, resolvers};

/// The plan of `canvass ptr`.
pub fn ptr(args: PtrArgs) -> Result<Plan, Failure> {
    let kind = TargetKind::Ptr {
        forward_confirm: args.forward_confirm,
    };
    plan_for(kind, args.targets, args.common)
}

/// The plan of `canvass dns`.
pub fn dns(args: DnsArgs) -> Result<Plan, Failure> {
    let kind = TargetKind::Dns { types: args.types };
    plan_for(kind, args.targets, args.common)
}

/// The plan of lookups of any kind.
pub(super) fn plan_for(
    kind: TargetKind,
    targets: Vec<String>,
    args: CommonArgs,
) -> Result<Plan, Failure> {
    let lab: Option<Lab> = match &args.lab {
        Some(impairments) => Some(lab::start(LabConfig {
            impairments: impairments.clone().unwrap_or_default(),
            ..LabConfig::default()
        })?),
        None => None,
    };
    let upstreams = match &lab {
        Some(lab) => vec![lab.address()],
        None => resolvers::read(&args.resolver)?,
    };
    let kind = Kind {
        targets,
        kind,
        upstreams,
        lab,
        jobs_max: JOBS_MAX,
        probing: Probing::default(),
        sockets_max: None,
        system_resolver: false,
        lookup_deadline: args.deadline,
        save: None,
        start: Start::now(),
    };
    plan(kind, args)
}
