//! Plans of DNS lookups.

use canvass_lab::{Lab, LabConfig};
use canvass_model::Class;
use canvass_proto::dns::{OptRecord, QueryOptions};
use canvass_queue::TargetKind;
use canvass_report::Columns;
use canvass_run::Plan;

use super::{CommandParts, Invocation, invocation};
use crate::args::{CommonArgs, DnsArgs, PtrArgs, QuestionArgs};
use crate::compare::OTHER_TABLES;
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
    lookups("ptr", kind, query_options(&question), targets, common)
}

/// The invocation of `canvass dns`.
pub(crate) fn dns(args: DnsArgs) -> Result<Invocation, Failure> {
    let kind = TargetKind::Dns { types: args.types };
    let query = query_options(&args.question);
    lookups("dns", kind, query, args.targets, args.common)
}

fn query_options(args: &QuestionArgs) -> QueryOptions {
    let opt = OptRecord::new(args.dnssec, args.nsid, args.subnet);
    QueryOptions {
        class: args.class,
        recursion_desired: !args.no_recurse,
        checking_disabled: args.cd,
        opt: (!args.no_edns).then_some(opt),
        sections: args.sections,
    }
}

/// The invocation of lookups of any kind.
pub(super) fn lookups(
    probe: &'static str,
    kind: TargetKind,
    query: QueryOptions,
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
            .deadline(args.deadline)
            .query(query),
        targets,
        lab,
        save: None,
        files: NamedFiles::default(),
        tables_beside,
        sockets_max: None,
    };
    invocation(parts, args)
}
