//! `canvass compare`: looks up the same targets with canvass and with another resolver.
//!
//! The sides take turns in blocks (`schedule`), on one machine and in one process; only one works at
//! a time. `canvass_report` judges the figures.

mod answers;
mod engine_side;
mod interrupt;
mod list;
mod local_sources;
mod names;
mod output;
mod question;
mod schedule;
mod sides;
mod system_side;

use std::io::{self, IsTerminal};
use std::thread::available_parallelism;

use canvass_report::Comparison;
use canvass_run::Optional;

use crate::exit::{Exit, Failure};
use crate::files::OutputFile;
use crate::outputs::begin_intervals;
use crate::plan::{ComparePlan, Other};
use crate::signals::StopSignals;
use crate::{command_line, descriptors};
use list::List;
use local_sources::LocalSources;
pub(crate) use output::OTHER_TABLES;
use output::Output;
use schedule::Schedule;
use sides::{Measured, Sides};

/// Runs a comparison, and writes the result.
pub(crate) fn run(plan: ComparePlan, signals: &StopSignals) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let ComparePlan {
        first: invocation,
        others,
        budget,
        seed,
        mut warnings,
    } = plan;
    let (plan, outputs) = (invocation.plan, invocation.outputs);
    let mut list = List::new(invocation.source)?;
    let schedule = Schedule::new(list.targets(), others.len(), seed);
    let origin = command_line::origin(invocation.list, plan.epoch().wall);
    let output = Output::open(&outputs, others.len(), invocation.quiet, origin)?;
    let hlog = OutputFile::open_if_named(outputs.hlog.as_deref())?;
    let intervals = hlog.map(|file| begin_intervals(file, &plan)).transpose()?;
    let intervals = intervals.map(Optional::new);
    let intervals_error = intervals.as_ref().map(Optional::error);
    let notices = !invocation.quiet && io::stderr().is_terminal();
    let mut sides = Sides::start(&plan, intervals, &others, budget, signals, notices)?;
    sides.rounds(&mut list, &schedule, invocation.progress)?;

    if let Some((bad, first)) = list.bad() {
        warnings.push(format!(
            "invalid targets in the list: {bad}; the first: {first}"
        ));
    }
    warnings.extend(invocation.left_out.messages());
    let interrupt = sides.interrupt.clone();
    if interrupt.signal().is_some() {
        warnings.push("the comparison was stopped before its end".to_owned());
    }
    let question_kinds = sides.question_kinds;
    let Measured {
        mut first,
        others: mut measured,
        outcomes,
        good,
        reports,
        warnings: weaknesses,
    } = sides.finish()?;
    warnings.extend(weaknesses);
    let shows_resolvers = names::shows_resolvers(&plan, &others);
    first.name = names::engine("canvass", &plan, &reports[0], shows_resolvers);
    for ((against, other), reports) in measured.iter_mut().zip(&others).zip(&reports[1..]) {
        against.side.name = match other {
            Other::System { threads } => names::system(question_kinds, *threads),
            Other::Engine(other) => {
                let same = other.resolvers() == plan.resolvers()
                    && !names::transports_differ(&plan, other);
                let label = if same { "canvass again" } else { "canvass" };
                names::engine(label, other, reports, shows_resolvers)
            }
        };
    }
    if let Some(Other::System { .. }) = others.first() {
        warnings.extend(
            LocalSources::caches().into_iter().map(|cache| {
                format!("{cache} may answer the system's resolver from its own cache")
            }),
        );
    }
    let gave_up = reports.iter().flatten().any(|report| report.gave_up);
    if gave_up {
        warnings.push("no resolver answered any more; the rest of the list was skipped".to_owned());
    }
    if invocation.lab.is_some() {
        warnings.push(
            "the lab runs in this process, and its CPU time is included in that of the sides"
                .to_owned(),
        );
    }
    let comparison = Comparison {
        a: first,
        others: measured,
        listed: list.given(),
        seed,
        processors: available_parallelism().ok(),
        warnings,
    };
    output.write(&comparison)?;
    if let Some(error) = intervals_error.and_then(|error| error.take()) {
        return Err(Failure::stopped(error));
    }
    if let Some(signal) = interrupt.signal() {
        return Ok(Exit::Signal(signal));
    }
    if gave_up {
        return Err(Failure::stopped(
            "no resolver answers any more; the rest of the list was not asked",
        ));
    }
    let bad = list.bad().map_or(0, |(bad, _)| bad);
    Ok(Exit::of(
        good,
        outcomes + bad,
        invocation.fail_below_percent,
    ))
}
