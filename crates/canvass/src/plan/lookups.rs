//! Plans of DNS lookups.

use std::net::SocketAddr;
use std::sync::Arc;

use canvass_lab::{Lab, LabConfig};
use canvass_model::{Class, RecordType};
use canvass_proto::dns::{OptRecord, QueryOptions};
use canvass_queue::TargetKind;
use canvass_report::Columns;
use canvass_run::{Assertions, Plan, PlanBuilder};

use super::{CommandParts, Invocation, RunRequest, dig, expect, invocation};
use crate::args::{CommonArgs, DnsArgs, PtrArgs, QuestionArgs};
use crate::exit::Failure;
use crate::journal::GivenFlags;
use crate::message::message;
use crate::outputs::RESPONSE_TABLE;
use crate::same_file::NamedFiles;
use crate::{lab, resolvers};

/// Starts of authority (RFC 1035 §3.3.13).
const SOA: RecordType = RecordType(6);

/// The invocation of `canvass ptr`.
pub(crate) fn ptr(args: PtrArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let PtrArgs {
        mut targets,
        forward_confirm,
        question,
        records,
        latency,
        mut common,
        run,
    } = args;
    let request = RunRequest::new(run, given);
    if forward_confirm && question.class != Class::IN {
        return Err(Failure::usage(format_args!(
            "--forward-confirm cannot be used with --class {}: names have their addresses in the \
             class IN",
            question.class
        )));
    }
    common.resolver.extend(dig::take_resolvers(&mut targets));
    let kind = TargetKind::Ptr { forward_confirm };
    let assertions = Assertions {
        latency_max: latency.max_latency,
        records: expect::records(records, None),
    };
    let builder = builder(kind, &question);
    named_lookups("ptr", builder, assertions, targets, common, request)
}

/// The invocation of `canvass dns`.
pub(crate) fn dns(args: DnsArgs, given: GivenFlags) -> Result<Invocation, Failure> {
    let DnsArgs {
        mut targets,
        mut types,
        question,
        records,
        serial,
        latency,
        mut common,
        run,
    } = args;
    let request = RunRequest::new(run, given);
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
    let may_ask_others = common.input.is_some() || targets.is_empty();
    let asks_for_soa = types.iter().any(|one| [SOA, RecordType::ANY].contains(one));
    if serial.serial_min.is_some() && !may_ask_others && !asks_for_soa {
        return Err(Failure::usage(
            "--serial-min is for questions of SOA: -t SOA",
        ));
    }
    let assertions = Assertions {
        latency_max: latency.max_latency,
        records: expect::records(records, Some(&serial)),
    };
    let builder = builder(TargetKind::Dns { types }, &question);
    named_lookups("dns", builder, assertions, targets, common, request)
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
    assertions: Assertions,
    targets: Vec<String>,
    args: CommonArgs,
    request: RunRequest,
) -> Result<Invocation, Failure> {
    if args.lab.is_some() && !args.resolver.is_empty() {
        return Err(Failure::usage("@ADDR cannot be used with --lab"));
    }
    let names_one = |target: &String| target.contains(char::is_whitespace) && target.contains('@');
    let may_name = args.input.is_some() || targets.is_empty() || targets.iter().any(names_one);
    let parts = parts_or(probe, builder, targets, &args, |failure, quiet| {
        if !may_name {
            return Err(failure);
        }
        if !quiet {
            message(format_args!(
                "canvass: {failure}; only lines that name a resolver (TARGET @ADDR) are asked"
            ));
        }
        Ok("the line names no resolver (TARGET @ADDR), and the run has none".into())
    })?;
    let parts = CommandParts {
        assertions,
        request,
        ..parts
    };
    invocation(parts, args)
}

/// The invocation of lookups of any kind.
pub(super) fn lookups(
    probe: &'static str,
    builder: PlanBuilder,
    tables_beside: &'static [&'static str],
    targets: Vec<String>,
    args: CommonArgs,
) -> Result<Invocation, Failure> {
    let parts = parts_or(probe, builder, targets, &args, |failure, _| Err(failure))?;
    let parts = CommandParts {
        tables_beside,
        ..parts
    };
    invocation(parts, args)
}

/// The parts of an invocation of lookups. If none is given and the system has no resolvers, `without` decides: it
/// returns the reason for which targets that name none are invalid.
fn parts_or(
    probe: &'static str,
    builder: PlanBuilder,
    targets: Vec<String>,
    args: &CommonArgs,
    without: impl FnOnce(Failure, bool) -> Result<Arc<str>, Failure>,
) -> Result<CommandParts, Failure> {
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
    Ok(CommandParts {
        probe,
        columns: Columns::Dns,
        builder: builder
            .resolvers(resolvers)
            .no_resolver(no_resolver)
            .deadline(args.deadline),
        assertions: Assertions::default(),
        source: None,
        targets,
        lab,
        save: None,
        request: RunRequest::default(),
        files: NamedFiles::default(),
        tables_beside: &[RESPONSE_TABLE],
        sockets_max: None,
        negative_lookups_are_good: true,
    })
}
