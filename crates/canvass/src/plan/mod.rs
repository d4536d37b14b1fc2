//! Turns arguments into a plan, its source and its outputs.

mod alerts;
mod check;
mod compare;
pub(crate) mod dig;
mod dry_run;
mod expect;
mod exporter;
mod hosts;
mod http;
mod list;
mod lookups;
mod proxy;
mod scripts;
mod site;
mod sweep;
mod talk;
mod tls;
mod watch_list;
mod work;

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;

use canvass_lab::Lab;
use canvass_proto::TransportPolicy;
use canvass_queue::Source;
use canvass_report::{Columns, Format, LineFilter};
use canvass_run::{Assertions, Plan, PlanBuilder, default_event_loops};

use crate::args::{CommonArgs, ProgressArg, RunArgs, TransportArg};
use crate::exit::Failure;
use crate::journal::{GivenFlags, JournalRequest, Opened};
use crate::lab::LabPeers;
use crate::message::message;
use crate::outputs::Outputs;
use crate::remote::{CampaignRequest, PlannedCampaign, default_journal};
use crate::same_file::NamedFiles;
use crate::{descriptors, granted, terminal};
use dry_run::Preview;
use list::{journaled_source, order, source, target_options};

pub(crate) use check::check;
pub(crate) use compare::{ComparePlan, Other, compare};
pub(crate) use exporter::{PlannedExporter, count as module_count};
pub(crate) use http::http;
pub(crate) use list::LeftOut;
pub(crate) use lookups::{dns, ptr};
pub(crate) use scripts::{ModuleFiles, module_files, script_file};
pub(crate) use site::Site;
pub(crate) use sweep::{SweepInvocation, SweepPlan, counted, sweep};
pub(crate) use talk::{tcp, udp};
pub(crate) use watch_list::{Reread, WatchList};
pub(crate) use work::{Work, work};

/// A command line, validated and ready to run.
pub(crate) struct Invocation {
    /// What it would do, if it is not to be done.
    pub preview: Option<String>,
    /// The name of the command.
    pub probe: &'static str,
    /// The name of the list, for people.
    pub list: String,
    pub plan: Plan,
    pub source: Box<dyn Source>,
    /// What is left out of the source.
    pub left_out: LeftOut,
    /// The journal, with `--journal` or `--resume`.
    pub journal: Option<Opened>,
    /// The campaign, if the targets are probed by workers.
    pub campaign: Option<PlannedCampaign>,
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
    /// The peers of that lab, or of one elsewhere.
    peers: Option<LabPeers>,
    save: Option<PathBuf>,
    request: RunRequest,
    /// Files that only this command reads.
    files: NamedFiles,
    /// The names of the percentile tables beside that of `--hgrm`.
    tables_beside: &'static [&'static str],
    /// The limit on sockets of probes.
    sockets_max: Option<usize>,
    /// Whether negative outcomes of lookups count as good for `--fail-below`.
    negative_lookups_are_good: bool,
}

/// What is asked of a run besides its targets and how they are probed.
#[derive(Default)]
struct RunRequest {
    journal: Option<JournalRequest>,
    /// Whether failed targets are asked again at the end.
    recheck: bool,
    /// The workers that probe the targets; without it they are probed here.
    campaign: Option<CampaignRequest>,
    /// Which targets have a line; all of them without it.
    filter: Option<LineFilter>,
    /// Whether only the plan is shown.
    dry_run: bool,
}

impl RunRequest {
    fn new(args: RunArgs, given: GivenFlags) -> Result<Self, Failure> {
        let campaign = CampaignRequest::new(&args.journal.workers, &given)?;
        let path = campaign.as_ref().map(|one| default_journal(one.output()));
        Ok(Self {
            journal: JournalRequest::new(args.journal, path, given),
            recheck: args.recheck.recheck,
            filter: args.filter.filter(),
            dry_run: args.dry_run,
            campaign,
        })
    }

    /// Where the plan is made.
    fn site(&self) -> Site<'static> {
        match self.campaign {
            Some(_) => Site::Submitter,
            None => Site::Here,
        }
    }
}

fn invocation(parts: CommandParts, args: CommonArgs) -> Result<Invocation, Failure> {
    let RunRequest {
        journal,
        recheck,
        filter,
        dry_run,
        campaign,
    } = parts.request;
    let mut outputs = Outputs::new(&args, parts.columns, parts.save);
    outputs.parks = recheck;
    outputs.filter = filter.map(Arc::new);
    if campaign.as_ref().is_some_and(CampaignRequest::keeps_parts) {
        // Its lines are entries of an index, which have neither header nor columns.
        outputs.format = Format::Ndjson;
    }
    let mut files = parts.files;
    let reads_list = parts.targets.is_empty() && parts.source.is_none();
    name_inputs(&args, reads_list, &mut files);
    outputs.name_files(&mut files, parts.tables_beside);
    if let Some(campaign) = &campaign {
        campaign.name_files(&mut files);
    }
    if let Some(request) = &journal {
        request.name_files(&mut files);
        if let Some(path) = outputs.parked_path() {
            files.writes("--recheck", path);
        }
    }
    files.check()?;
    if let Some(request) = &journal {
        outputs.check_for_journal(request.flag())?;
        request.check_existence()?;
    }
    descriptors::check(event_loops(&args))?;
    let mut plan = built(parts.builder, parts.assertions, &args)?;
    let travelling = match &campaign {
        Some(campaign) => Some(campaign.pack(&plan, parts.peers)?),
        None => None,
    };
    granted::warn_of_limits(&args, &plan, parts.sockets_max);
    let preview = dry_run.then(|| {
        let preview = Preview {
            command: parts.probe,
            plan: &plan,
            args: &args,
            files: &files,
            outputs: &outputs,
        };
        preview.text(&parts.targets)
    });
    let preview = preview.transpose()?;
    let left_out = LeftOut::new(&args);
    let mut journal = match journal {
        Some(_) if dry_run => None,
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
    let list = list::name(&args, &parts.targets);
    let source = match (parts.source, &mut journal) {
        (Some(source), _) => source,
        (None, _) if dry_run => Box::new(canvass_queue::jobs(Vec::new())),
        (None, Some(Opened::Finished(_))) => Box::new(canvass_queue::jobs(Vec::new())),
        (None, Some(Opened::Open(journal))) => {
            journaled_source(&plan, parts.targets, &args, &left_out, journal)?
        }
        (None, None) => source(&plan, parts.targets, &args, &left_out)?,
    };
    let campaign = match (campaign.zip(travelling), &journal) {
        (Some((campaign, plan)), Some(Opened::Open(journal))) => {
            Some(campaign.planned(plan, journal)?)
        }
        _ => None,
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
        preview,
        probe: parts.probe,
        list,
        plan,
        source,
        left_out,
        journal,
        campaign,
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

/// The plan of a command.
fn built(builder: PlanBuilder, assertions: Assertions, args: &CommonArgs) -> Result<Plan, Failure> {
    let mut builder = builder
        .transport(match args.transport {
            TransportArg::Udp => TransportPolicy::Udp,
            TransportArg::Tcp => TransportPolicy::Tcp,
            TransportArg::Auto => TransportPolicy::Auto,
        })
        .retries(args.retries)
        .rate(args.rate)
        .rate_per_resolver(args.rate_per_resolver)
        .concurrency(args.concurrency.map(|jobs| jobs as usize))
        .event_loops(event_loops(args))
        .trace(args.trace);
    if let Some(timeout) = args.timeout {
        builder = builder.timeout(timeout);
    }
    let plan = builder.build().map_err(Failure::usage)?;
    Ok(match assertions.is_empty() {
        true => plan,
        false => plan.judged(Arc::new(assertions)),
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
