//! Turns arguments into a plan, its source and its outputs.

mod alerts;
mod check;
mod compare;
mod dig;
mod expect;
mod exporter;
mod hosts;
mod http;
mod list;
mod lookups;
mod proxy;
mod scripts;
mod sweep;
mod talk;
mod tls;
mod watch_list;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use canvass_lab::Lab;
use canvass_proto::TransportPolicy;
use canvass_queue::{Dedup, Source};
use canvass_report::Columns;
use canvass_run::{Assertions, Plan, PlanBuilder, default_event_loops};

use crate::args::{CommonArgs, JournalArgs, ProgressArg, RecheckArgs, TransportArg};
use crate::exit::Failure;
use crate::journal::{GivenFlags, JournalRequest, Opened};
use crate::message::message;
use crate::outputs::Outputs;
use crate::same_file::NamedFiles;
use crate::{descriptors, granted, terminal};
use list::{journaled_source, order, source, target_options};

pub(crate) use check::check;
pub(crate) use compare::{ComparePlan, Other, compare};
pub(crate) use exporter::{PlannedExporter, count as module_count};
pub(crate) use http::http;
pub(crate) use lookups::{dns, ptr};
pub(crate) use sweep::{SweepInvocation, SweepPlan, counted, sweep};
pub(crate) use talk::{tcp, udp};
pub(crate) use watch_list::{Reread, WatchList};

/// A command line, validated and ready to run.
pub(crate) struct Invocation {
    /// The name of the command.
    pub probe: &'static str,
    pub plan: Plan,
    pub source: Box<dyn Source>,
    /// What is left out of the source, with `--dedup`.
    pub dedup: Option<Arc<Dedup>>,
    /// The journal, with `--journal` or `--resume`.
    pub journal: Option<Opened>,
    /// The lab inside the process, which runs as long as this is held.
    pub lab: Option<Lab>,
    pub outputs: Outputs,
    pub progress: bool,
    pub quiet: bool,
    /// Whether the summary is whole, also of a few targets.
    pub verbose: bool,
    pub fail_below_percent: f64,
    /// Whether negative outcomes of lookups count as good for `fail_below_percent`.
    pub negative_lookups_are_good: bool,
}

/// The parts of an [`Invocation`] that differ between commands.
struct CommandParts {
    /// The name of the command.
    probe: &'static str,
    columns: Columns,
    builder: PlanBuilder,
    assertions: Assertions,
    targets: Vec<String>,
    /// The source in place of `targets` and a list.
    source: Option<Box<dyn Source>>,
    lab: Option<Lab>,
    save: Option<PathBuf>,
    completion: Completion,
    /// Files that only this command reads.
    files: NamedFiles,
    /// The names of the percentile tables beside that of `--hgrm`.
    tables_beside: &'static [&'static str],
    /// The limit on sockets of probes.
    sockets_max: Option<usize>,
    /// Whether negative outcomes of lookups count as good for `--fail-below`.
    negative_lookups_are_good: bool,
}

/// What is asked of a run besides its lines, so that nothing is lost.
#[derive(Default)]
struct Completion {
    journal: Option<JournalRequest>,
    /// Whether failed targets are asked again at the end.
    recheck: bool,
}

impl Completion {
    fn new(journal: JournalArgs, recheck: RecheckArgs, given: GivenFlags) -> Self {
        Self {
            journal: JournalRequest::new(journal, given),
            recheck: recheck.recheck,
        }
    }
}

fn invocation(parts: CommandParts, args: CommonArgs) -> Result<Invocation, Failure> {
    let Completion { journal, recheck } = parts.completion;
    let mut outputs = Outputs::new(&args, parts.columns, parts.save);
    outputs.parks = recheck;
    let mut files = parts.files;
    let reads_list = parts.targets.is_empty() && parts.source.is_none();
    name_inputs(&args, reads_list, &mut files);
    outputs.name_files(&mut files, parts.tables_beside);
    if let Some(request) = &journal {
        request.name_files(&mut files);
        if let Some(path) = outputs.parked_path() {
            files.writes("--recheck", path);
        }
    }
    files.check()?;
    if let Some(request) = &journal {
        outputs.check_for_journal(request.flag())?;
    }
    descriptors::check(event_loops(&args))?;
    let mut builder = parts
        .builder
        .transport(match args.transport {
            TransportArg::Udp => TransportPolicy::Udp,
            TransportArg::Tcp => TransportPolicy::Tcp,
            TransportArg::Auto => TransportPolicy::Auto,
        })
        .retries(args.retries)
        .rate(args.rate)
        .rate_per_resolver(args.rate_per_resolver)
        .concurrency(args.concurrency.map(|jobs| jobs as usize))
        .event_loops(event_loops(&args))
        .trace(args.trace);
    if let Some(timeout) = args.timeout {
        builder = builder.timeout(timeout);
    }
    let mut plan = builder.build().map_err(Failure::usage)?;
    if !parts.assertions.is_empty() {
        plan = plan.judged(Arc::new(parts.assertions));
    }
    granted::warn_of_limits(&args, &plan, parts.sockets_max);
    let dedup = args.dedup.map(|bytes| Arc::new(Dedup::new(bytes)));
    let mut journal = match journal {
        Some(request) => {
            let order = order(&args, !parts.targets.is_empty())?;
            Some(request.open(&order, args.quiet)?)
        }
        None => None,
    };
    if let Some(Opened::Open(journal)) = &journal
        && let Some(began) = journal.resumed_since()
    {
        plan = plan.continuing(began);
    }
    let source = match (parts.source, &mut journal) {
        (Some(source), _) => source,
        (None, Some(Opened::Finished(_))) => Box::new(canvass_queue::jobs(Vec::new())),
        (None, Some(Opened::Open(journal))) => {
            journaled_source(&plan, parts.targets, &args, dedup.clone(), journal)?
        }
        (None, None) => source(&plan, parts.targets, &args, dedup.clone())?,
    };
    if args.verbose {
        message(format_args!(
            "resolver: {}; event loops: {}; at most {} targets at once",
            name_resolvers(&plan),
            plan.event_loops(),
            plan.concurrency()
        ));
    }
    // A line that is drawn again and again would be in the way of what is typed.
    let is_typed = reads_list && args.input.as_deref() == Some("-") && io::stdin().is_terminal();
    Ok(Invocation {
        probe: parts.probe,
        plan,
        source,
        dedup,
        journal,
        lab: parts.lab,
        outputs,
        progress: match args.progress {
            ProgressArg::Auto => !args.quiet && terminal::moves_cursor(&io::stderr()) && !is_typed,
            ProgressArg::Always => true,
            ProgressArg::Never => false,
        },
        quiet: args.quiet,
        verbose: args.verbose,
        fail_below_percent: args.fail_below,
        negative_lookups_are_good: parts.negative_lookups_are_good,
    })
}

/// Adds the files that every command may read.
fn name_inputs(args: &CommonArgs, without_targets: bool, files: &mut NamedFiles) {
    match &args.input {
        Some(path) if path != "-" => files.reads("--input", path),
        None if !without_targets => {}
        _ => files.reads_stdin(),
    }
    let named = [("--exclude", &args.exclude), ("--resolver", &args.resolver)];
    for (flag, values) in named {
        // A value that is an address is hardly the name of a file too.
        values.iter().for_each(|value| files.reads(flag, value));
    }
}

/// The number of event loops.
fn event_loops(args: &CommonArgs) -> usize {
    args.threads.map_or_else(default_event_loops, usize::from)
}

fn name_resolvers(plan: &Plan) -> String {
    match plan.resolvers() {
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => "none".into(),
    }
}
