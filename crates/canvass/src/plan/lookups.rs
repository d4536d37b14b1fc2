//! Plans of DNS lookups.

use canvass_lab::{Lab, LabConfig};
use canvass_model::Class;
use canvass_proto::dns::{OptRecord, QueryOptions};
use canvass_queue::TargetKind;
use canvass_report::Columns;
use canvass_run::{Plan, PlanBuilder};

use super::{CommandParts, Invocation, invocation};
use crate::args::{CommonArgs, DnsArgs, PtrArgs, QuestionArgs};
use crate::exit::Failure;
use crate::outputs::RESPONSE_TABLE;
use crate::same_file::NamedFiles;
use crate::{lab, resolvers};

/// The invocation of `canvass ptr`.
pub(crate) fn ptr(args: PtrArgs) -> Result<Invocation, Failure> {
    let PtrArgs {
        targets,
        forward_confirm,
        question,
        common,
    } = args;
    if forward_confirm && question.class != Class::IN {
        return Err(Failure::usage(format_args!(
            "--forward-confirm cannot be used with --class {}: names have their addresses in the \
             class IN",
            question.class
        )));
    }
    let kind = TargetKind::Ptr { forward_confirm };
    let builder = builder(kind, &question);
    lookups("ptr", builder, &[RESPONSE_TABLE], targets, common)
}

/// The invocation of `canvass dns`.
pub(crate) fn dns(args: DnsArgs) -> Result<Invocation, Failure> {
    let kind = TargetKind::Dns { types: args.types };
    let builder = builder(kind, &args.question);
    lookups("dns", builder, &[RESPONSE_TABLE], args.targets, args.common)
}

/// The plan of questions that are asked in this way.
fn builder(kind: TargetKind, args: &QuestionArgs) -> PlanBuilder {
    let opt = OptRecord::new(args.dnssec, args.nsid, args.subnet);
    let query = QueryOptions {
        class: args.class,
        recursion_desired: !args.no_recurse,
        checking_disabled: args.cd,
        opt: (!args.no_edns).then_some(opt),
        sections: args.sections,
    };
    Plan::builder(kind)
        .query(query)
        .follow_cname(args.follow_cname)
        .query_source(args.bind)
}

/// The invocation of lookups of any kind.
pub(super) fn lookups(
    probe: &'static str,
    builder: PlanBuilder,
    tables_beside: &'static [&'static str],
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
        builder: builder.resolvers(resolvers).deadline(args.deadline),
        targets,
        lab,
        save: None,
        files: NamedFiles::default(),
        tables_beside,
        sockets_max: None,
    };
    invocation(parts, args)
}
