//! The plan of `canvass sweep`.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use canvass_model::{Job, Target};
use canvass_report::{Format, target_name};
use canvass_run::{Plan, Source};
use canvass_sweep::config::{Config, ConfiguredTargets, FileChanges, ModuleDefaults, Pace, Usual};
use canvass_sweep::{RoundAssertions, TargetAssertions, Thresholds, WatchedTarget};

use super::alerts::{PlannedAlerts, alerts};
use super::check::endpoints;
use super::exporter::{PlannedExporter, exporter};
use super::watch_list::{self, Configured, List, ModuleTimeouts};
use super::{CommandParts, Invocation, LeftOut, WatchList, invocation, target_options};
use crate::args::{CommonArgs, SweepArgs};
use crate::descriptors;
use crate::exit::Failure;
use crate::listen::PlannedListener;
use crate::same_file::NamedFiles;

/// The group of targets that no configuration puts into one.
const GROUP: &str = "endpoints";
/// Jobs read from a list at a time.
const JOBS_READ: usize = 4_096;

/// A sweep, validated and ready to run.
pub(crate) struct SweepPlan {
    /// The probes of a round, without their source.
    pub invocation: Invocation,
    pub targets: Vec<WatchedTarget>,
    pub list: WatchList,
    pub state: Option<PathBuf>,
    pub listen: Option<PlannedListener>,
    pub exporter: Option<PlannedExporter>,
    pub alerts: PlannedAlerts,
}

/// What a command line of `canvass sweep` asks for.
pub(crate) enum SweepInvocation {
    /// Nothing: what was to be checked is right. The text says what it is.
    Checked(String),
    /// One round.
    Once(Box<Invocation>),
    /// Rounds without end.
    Forever(Box<SweepPlan>),
}

/// What targets of a list have.
#[derive(Clone)]
pub(super) struct Rounds {
    pub pace: Pace,
    pub assertions: Option<Arc<TargetAssertions>>,
}

/// The invocation of `canvass sweep`.
pub(crate) fn sweep(mut args: SweepArgs) -> Result<SweepInvocation, Failure> {
    let mut files = NamedFiles::default();
    if let Some(path) = &args.state {
        files.writes("--state", path);
    }
    let alerts = alerts(&args.alerts, args.state.as_deref(), &mut files)?;
    let exporter = exporter(&args, &mut files)?;
    let goes_on = !args.once && !args.check;
    if goes_on && args.probing.host.common.format == Format::Csv {
        return Err(Failure::usage(
            "--format csv: what changes is written as text or ndjson",
        ));
    }
    if args.jitter > args.interval {
        return Err(Failure::usage("--jitter is longer than --interval"));
    }
    let rounds = Pace {
        interval: args.interval,
        jitter: args.jitter,
        thresholds: Thresholds {
            down: args.down_after,
            up: args.up_after,
        },
    };
    let (once, check, state) = (args.once, args.check, args.state.take());
    let listen = PlannedListener::new(&args.listen, &mut files)?;
    let rotate = args.rotate.clone();
    let filter = args.filter.clone().filter();
    let has_retries = args.probing.host.common.retries.is_some();
    let (mut invocation, targets, list) = match configuration(&args)? {
        Some(path) => configured(args, &path, rounds, files)?,
        None if exporter.is_some() && has_no_list(&args) => unlisted(args, files)?,
        None => listed(args, rounds, files)?,
    };
    let is_listed = !matches!(list, WatchList::None);
    let has_file = invocation.outputs.lines.is_some();
    invocation.outputs.rotation = rotate.rotation(has_file)?;
    if let (true, false, Some(filter)) = (goes_on, has_file, &filter) {
        return Err(Failure::usage(format!(
            "{filter}: this is for the lines of probes, which a sweep writes with -o FILE"
        )));
    }
    invocation.outputs.filter = filter.map(Arc::new);
    if check {
        let mut parts = Vec::new();
        if let WatchList::Configured(configured) = &list {
            let targets = counted(targets.len(), "target");
            parts.push(format!(
                "{targets} in {} groups",
                configured.targets.groups()
            ));
        } else if is_listed {
            parts.push(counted(targets.len(), "target"));
        }
        parts.extend(exporter.map(|exporter| counted(exporter.count, "module")));
        return Ok(SweepInvocation::Checked(parts.join(", ")));
    }
    if once {
        invocation.plan = judged_once(invocation.plan, &targets)?;
        let jobs = targets.into_iter().zip(0..);
        let jobs = jobs.map(|(target, seq)| target.job(seq, None)).collect();
        invocation.source = Box::new(canvass_queue::jobs(jobs));
        return Ok(SweepInvocation::Once(Box::new(invocation)));
    }
    if targets.is_empty() && is_listed {
        return Err(Failure::usage(
            "the list is empty, so there is nothing to watch",
        ));
    }
    if !has_retries {
        invocation.plan = invocation.plan.resending_datagrams();
    }
    Ok(SweepInvocation::Forever(Box::new(SweepPlan {
        invocation,
        targets,
        list,
        state,
        listen,
        exporter,
        alerts,
    })))
}

/// A number of things with their noun.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

type Targets = (Invocation, Vec<WatchedTarget>, WatchList);

/// Whether the arguments name no endpoints.
fn has_no_list(args: &SweepArgs) -> bool {
    args.targets.is_empty() && args.probing.host.common.input.is_none()
}

/// No targets.
fn unlisted(args: SweepArgs, files: NamedFiles) -> Result<Targets, Failure> {
    let no_more = |_: &_, _: &mut _| Ok(());
    let (mut parts, rest, ()) = endpoints("sweep", args.targets, args.probing, files, no_more)?;
    parts.source = Some(Box::new(canvass_queue::jobs(Vec::new())));
    Ok((invocation(parts, rest)?, Vec::new(), WatchList::None))
}

/// The targets of a list.
fn listed(args: SweepArgs, pace: Pace, files: NamedFiles) -> Result<Targets, Failure> {
    let (arguments, common) = (args.targets.clone(), args.probing.host.common.clone());
    let file = watch_list::file(&common);
    let mut changes = FileChanges::default();
    file.iter().for_each(|path| changes.add(path.clone()));
    let of_flags = |defaults: &ModuleDefaults, _: &mut _| {
        Ok(TargetAssertions {
            outcome: defaults.assertions.clone(),
            primary: None,
        })
    };
    let has_listener = args.listen.listen.is_some();
    let (parts, rest, assertions) =
        endpoints("sweep", args.targets, args.probing, files, of_flags)?;
    let parts = leave_descriptors(parts, has_listener)?;
    let rounds = Rounds {
        pace,
        assertions: assertions.if_any(),
    };
    let mut invocation = invocation(parts, rest)?;
    let targets = watched(&mut *invocation.source, &rounds)?;
    let list = match file {
        Some(_) => {
            let plan = invocation.plan.clone();
            WatchList::Listed(Box::new(List::new(
                plan, arguments, common, rounds, changes,
            )))
        }
        None => WatchList::Fixed,
    };
    Ok((invocation, targets, list))
}

/// The targets of a configuration.
fn configured(
    mut args: SweepArgs,
    path: &Path,
    pace: Pace,
    mut files: NamedFiles,
) -> Result<Targets, Failure> {
    files.reads("CONFIG", path);
    check_flags(&args.probing.host.common)?;
    let common = args.probing.host.common.clone();
    let config = Config::read(path).map_err(Failure::usage)?;
    args.targets.clear();
    let timeouts = ModuleTimeouts::new(&args.probing.host);
    let has_listener = args.listen.listen.is_some();
    let (parts, rest, (planned, modules)) = endpoints(
        "sweep",
        args.targets,
        args.probing,
        files,
        |defaults, modules| {
            let planned = config.plan(defaults, modules).map_err(Failure::usage)?;
            Ok((planned, defaults.clone()))
        },
    )?;
    let mut parts = leave_descriptors(parts, has_listener)?;
    for (modules, deadline) in &planned.deadlines {
        parts.builder = parts.builder.module_deadline(modules.clone(), *deadline);
    }
    parts.source = Some(Box::new(canvass_queue::jobs(Vec::new())));
    let invocation = invocation(parts, rest)?;
    let usual = Usual {
        options: target_options(&invocation.plan, &common, &LeftOut::new(&common))?,
        modules,
        pace,
    };
    let (list, targets) =
        ConfiguredTargets::read(config, planned, usual).map_err(Failure::usage)?;
    let list = Configured {
        targets: list,
        timeouts,
    };
    Ok((invocation, targets, WatchList::Configured(Box::new(list))))
}

/// The plan of one round of these targets, whose assertions are judged.
fn judged_once(plan: Plan, targets: &[WatchedTarget]) -> Result<Plan, Failure> {
    let assertions = || targets.iter().map(|target| target.assertions.clone());
    if assertions().flatten().any(|one| one.primary.is_some()) {
        return Err(Failure::usage(
            "--once: serial_not_behind is judged over several rounds",
        ));
    }
    Ok(plan.judged(Arc::new(RoundAssertions::new(assertions()))))
}

/// Leaves descriptors for what a sweep does besides its rounds.
fn leave_descriptors(parts: CommandParts, has_listener: bool) -> Result<CommandParts, Failure> {
    let Some(sockets_max) = parts.sockets_max else {
        return Ok(parts);
    };
    let left = descriptors::left_by_sweep(sockets_max, has_listener)?;
    Ok(CommandParts {
        sockets_max: Some(left),
        builder: parts.builder.sockets(left),
        ..parts
    })
}

/// The configuration among the arguments, which then is the only one.
fn configuration(args: &SweepArgs) -> Result<Option<PathBuf>, Failure> {
    let is_endpoint = |text: &str| {
        let scheme = text.split_once(':');
        scheme.is_some_and(|(word, _)| !word.contains(['/', '.']))
    };
    let is_file = |text: &&String| text.ends_with(".toml") && !is_endpoint(text);
    match (args.targets.iter().find(is_file), args.targets.len()) {
        (None, _) => Ok(None),
        (Some(path), 1) => Ok(Some(path.into())),
        (Some(path), _) => Err(Failure::usage(format!(
            "the configuration {path} has all targets: give no others"
        ))),
    }
}

/// Refuses flags that do nothing for a configuration.
fn check_flags(args: &CommonArgs) -> Result<(), Failure> {
    let given = [
        ("--input", args.input.is_some()),
        ("--dedup", args.dedup.is_some()),
        ("--from", args.from.is_some()),
        ("--shuffle", args.shuffle.is_some()),
        ("--shard", args.shard.is_some()),
        ("--limit", args.limit.is_some()),
    ];
    match given.into_iter().find(|(_, is_given)| *is_given) {
        Some((flag, _)) => Err(Failure::usage(format!(
            "{flag} is for a list, and a configuration has all targets"
        ))),
        None => Ok(()),
    }
}

/// Reads and checks all targets of a list.
pub(super) fn watched(
    source: &mut dyn Source,
    rounds: &Rounds,
) -> Result<Vec<WatchedTarget>, Failure> {
    let jobs = read_all(source)?;
    check_jobs(&jobs)?;
    let group = Arc::from(GROUP);
    let watched = |job: Job| WatchedTarget {
        key: target_name(&job.target).into(),
        group: Arc::clone(&group),
        module: None,
        labels: None,
        target: job.target,
        spec: job.spec,
        resolver: job.resolver,
        line: job.line,
        interval: rounds.pace.interval,
        jitter: rounds.pace.jitter,
        thresholds: rounds.pace.thresholds,
        assertions: rounds.assertions.clone(),
        depends_on: None,
        in_maintenance: false,
    };
    Ok(jobs.into_iter().map(watched).collect())
}

fn read_all(source: &mut dyn Source) -> Result<Vec<Job>, Failure> {
    let mut jobs = Vec::new();
    while source.next(JOBS_READ, &mut jobs).map_err(Failure::usage)? {}
    Ok(jobs)
}

/// Checks that every endpoint is valid and there once.
fn check_jobs(jobs: &[Job]) -> Result<(), Failure> {
    let place = |job: &Job| match job.line {
        Some(line) => format!("line {line}"),
        None => "an argument".into(),
    };
    let mut places: HashMap<String, &Job> = HashMap::new();
    for job in jobs {
        if let Target::Invalid { given, reason } = &job.target {
            let place = place(job);
            return Err(Failure::usage(format!("{place}: {given:?}: {reason}")));
        }
        let name = target_name(&job.target);
        if let Some(earlier) = places.get(&name) {
            return Err(Failure::usage(format!(
                "{}: {name:?} is in the list already, in {}",
                place(job),
                place(earlier)
            )));
        }
        places.insert(name, job);
    }
    Ok(())
}
