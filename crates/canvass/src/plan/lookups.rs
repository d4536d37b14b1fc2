//! Plans of DNS lookups.

use std::net::SocketAddr;
use std::sync::Arc;

use canvass_lab::{Lab, LabConfig};
use canvass_model::{Class, RecordType};
use canvass_proto::dns::{OptRecord, QueryOptions};
use canvass_queue::TargetKind;
use canvass_report::Columns;
use canvass_run::{Plan, PlanBuilder};

use super::{CommandParts, Completion, Invocation, dig, invocation};
use crate::args::{CommonArgs, DnsArgs, PtrArgs, QuestionArgs};
use crate::exit::Failure;
use crate::journal::GivenFlags;
use crate::message::message;
use crate::outputs::RESPONSE_TABLE;
use crate::same_file::NamedFiles;
use crate::{lab, resolvers};

/// The invocation of `canvass ptr`.
pub(crate) fn ptr(args: PtrArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let PtrArgs {
        mut targets,
        forward_confirm,
        question,
        mut common,
        journal,
        recheck,
    } = args;
    let completion = Completion::new(journal, recheck, given);
    if forward_confirm && question.class != Class::IN {
        return Err(Failure::usage(format_args!(
            "--forward-confirm cannot be used with --class {}: names have their addresses in the \
             class IN",
            question.class
        )));
    }
    common.resolver.extend(dig::take_resolvers(&mut targets));
    let kind = TargetKind::Ptr { forward_confirm };
    named_lookups("ptr", builder(kind, &question), targets, common, completion)
}

/// The invocation of `canvass dns`.
pub(crate) fn dns(args: DnsArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let DnsArgs {
        mut targets,
        mut types,
        question,
        mut common,
        journal,
        recheck,
    } = args;
    let completion = Completion::new(journal, recheck, given);
    common.resolver.extend(dig::take_resolvers(&mut targets));
    if types.is_empty() {
        types = dig::take_types(&mut targets, common.input.is_some());
        if !types.is_empty() && !common.quiet {
            dig::say_types(&types);
        }
    }
    if types.is_empty() {
        types = vec![RecordType::A];
    }
    if !common.quiet {
        dig::say_address(&targets, &types);
    }
    let builder = builder(TargetKind::Dns { types }, &question);
    named_lookups("dns", builder, targets, common, completion)
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

/// The invocation of lookups whose targets may name their resolvers.
fn named_lookups(
    probe: &'static str,
    builder: PlanBuilder,
    targets: Vec<String>,
    args: CommonArgs,
    completion: Completion,
) -> Result<Invocation, Failure> {
    if args.lab.is_some() && !args.resolver.is_empty() {
        return Err(Failure::usage("@ADDR cannot be used with --lab"));
    }
    let names_one = |target: &String| target.contains(char::is_whitespace) && target.contains('@');
    let may_name = args.input.is_some() || targets.is_empty() || targets.iter().any(names_one);
    lookups_or(
        probe,
        builder,
        &[RESPONSE_TABLE],
        targets,
        args,
        completion,
        |failure, quiet| {
            if !may_name {
                return Err(failure);
            }
            if !quiet {
                message(format_args!(
                    "canvass: {failure}; only lines that name a resolver (TARGET @ADDR) are asked"
                ));
            }
            Ok("the line names no resolver (TARGET @ADDR), and the run has none".into())
        },
    )
}

/// The invocation of lookups of any kind.
pub(super) fn lookups(
    probe: &'static str,
    builder: PlanBuilder,
    tables_beside: &'static [&'static str],
    targets: Vec<String>,
    args: CommonArgs,
) -> Result<Invocation, Failure> {
    lookups_or(
        probe,
        builder,
        tables_beside,
        targets,
        args,
        Completion::default(),
        |failure, _| Err(failure),
    )
}

/// The invocation of lookups. If none is given and the system has no resolvers, `without` decides: it
/// returns the reason for which targets that name none are invalid.
fn lookups_or(
    probe: &'static str,
    builder: PlanBuilder,
    tables_beside: &'static [&'static str],
    targets: Vec<String>,
    args: CommonArgs,
    completion: Completion,
    without: impl FnOnce(Failure, bool) -> Result<Arc<str>, Failure>,
) -> Result<Invocation, Failure> {
    let lab: Option<Lab> = match &args.lab {
        Some(impairments) => Some(lab::start(LabConfig {
            impairments: impairments.clone().unwrap_or_default(),
            ..LabConfig::default()
        })?),
        None => None,
    };
    let mut no_resolver = None;
    let resolvers: Vec<SocketAddr> = match &lab {
        Some(lab) => vec![lab.address()],
        None => match resolvers::read(&args.resolver, args.quiet) {
            Err(failure) if args.resolver.is_empty() => {
                no_resolver = Some(without(failure, args.quiet)?);
                Vec::new()
            }
            read => read?,
        },
    };
    let parts = CommandParts {
        probe,
        columns: Columns::Dns,
        builder: builder
            .resolvers(resolvers)
            .no_resolver(no_resolver)
            .deadline(args.deadline),
        source: None,
        targets,
        lab,
        save: None,
        completion,
        files: NamedFiles::default(),
        tables_beside,
        sockets_max: None,
        negative_lookups_are_good: true,
    };
    invocation(parts, args)
}
