//! The plan of `canvass sweep`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{Job, Target};
use canvass_report::{Format, target_name};
use canvass_run::Source;
use canvass_sweep::{Thresholds, WatchedTarget};

use super::Invocation;
use super::alerts::{PlannedAlerts, alerts};
use super::check::endpoints;
use crate::args::{ListenArgs, SweepArgs};
use crate::exit::Failure;
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
    pub state: Option<PathBuf>,
    pub listen: ListenArgs,
    pub alerts: PlannedAlerts,
}

/// What a command line of `canvass sweep` asks for.
pub(crate) enum SweepInvocation {
    /// One round.
    Once(Box<Invocation>),
    /// Rounds without end.
    Forever(Box<SweepPlan>),
}

/// The invocation of `canvass sweep`.
pub(crate) fn sweep(args: SweepArgs) -> Result<SweepInvocation, Failure> {
    let mut files = NamedFiles::default();
    if let Some(path) = &args.state {
        files.writes("--state", path);
    }
    let alerts = alerts(args.alerts, args.state.as_deref(), &mut files)?;
    let format = args.probing.host.common.format;
    let mut invocation = endpoints("sweep", args.targets, args.probing, files)?;
    invocation.outputs.rotation = args.rotate.rotation(invocation.outputs.lines.is_some())?;
    let jobs = read_all(&mut *invocation.source)?;
    check_jobs(&jobs)?;
    if args.once {
        invocation.source = Box::new(canvass_queue::jobs(jobs));
        return Ok(SweepInvocation::Once(Box::new(invocation)));
    }
    if format == Format::Csv {
        return Err(Failure::usage(
            "--format csv: what changes is written as text or ndjson",
        ));
    }
    if jobs.is_empty() {
        return Err(Failure::usage(
            "the list is empty, so there is nothing to watch",
        ));
    }
    let thresholds = Thresholds {
        down: args.down_after,
        up: args.up_after,
    };
    let group = Arc::from(GROUP);
    let watched = |job| watched(job, &group, args.interval, thresholds);
    Ok(SweepInvocation::Forever(Box::new(SweepPlan {
        targets: jobs.into_iter().map(watched).collect(),
        invocation,
        state: args.state,
        listen: args.listen,
        alerts,
    })))
}

fn watched(
    job: Job,
    group: &Arc<str>,
    interval: Duration,
    thresholds: Thresholds,
) -> WatchedTarget {
    WatchedTarget {
        key: target_name(&job.target).into(),
        group: Arc::clone(group),
        target: job.target,
        spec: job.spec,
        resolver: job.resolver,
        line: job.line,
        interval,
        thresholds,
        depends_on: None,
        in_maintenance: false,
    }
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
