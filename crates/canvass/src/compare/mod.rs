//! `canvass compare`: the same targets through canvass and through somebody else.
//!
//! The sides take turns in blocks (`schedule`), on one machine and in one process, and nothing is
//! measured of one while another works. What follows from the figures is `canvass_report`'s.

mod answers;
mod engine_side;
mod list;
mod local_sources;
mod names;
mod output;
mod question;
mod schedule;
mod sides;
mod stop;
mod system_side;

use std::thread::available_parallelism;

use canvass_report::Comparison;

use crate::descriptors;
use crate::exit::{Exit, Failure};
use crate::plan::{ComparePlan, Other};
use list::List;
use local_sources::LocalSources;
use output::Output;
use schedule::Schedule;
use sides::{Measured, Sides};

/// Runs a comparison, and shows it.
pub(crate) fn run(plan: ComparePlan) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let ComparePlan {
        first: invocation,
        others,
        budget,
        seed,
        mut warnings,
    } = plan;
    let (plan, outputs) = (invocation.plan, invocation.outputs);
    let output = Output {
        path: outputs.lines.clone(),
        format: outputs.format,
        hgrm: outputs.hgrm.clone(),
        html: outputs.html.clone(),
        quiet: invocation.quiet,
        began: plan.epoch().wall,
    };
    output.check()?;
    let mut list = List::new(invocation.source)?;
    let schedule = Schedule::new(list.targets(), others.len(), seed);
    let intervals = outputs.open_intervals(&plan)?;
    let mut sides = Sides::start(&plan, intervals, &others, budget)?;
    sides.rounds(&mut list, &schedule, invocation.progress)?;

    if let Some((bad, first)) = list.bad() {
        warnings.push(format!(
            "{bad} of the list cannot be asked about, the first: {first}"
        ));
    }
    let stop = sides.stop.clone();
    if stop.signal().is_some() {
        warnings.push("the comparison was stopped before its end".to_owned());
    }
    let asks = sides.asks;
    let Measured {
        mut first,
        others: mut measured,
        outcomes,
        good,
        reports,
        warnings: weaknesses,
    } = sides.finish()?;
    warnings.extend(weaknesses);
    let tells_resolver = names::tell_resolvers(&plan, &others);
    first.name = names::engine("canvass", &plan, &reports[0], tells_resolver);
    for ((against, other), reports) in measured.iter_mut().zip(&others).zip(&reports[1..]) {
        against.side.name = match other {
            Other::System { threads } => names::system(asks, *threads),
            Other::Engine(other) => {
                let same = other.resolvers() == plan.resolvers() && !names::differ(&plan, other);
                let who = if same { "canvass again" } else { "canvass" };
                names::engine(who, other, reports, tells_resolver)
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
        warnings.push("no resolver answered any more, so the rest was not asked".to_owned());
    }
    if invocation.lab.is_some() {
        warnings
            .push("the lab works in this process, so its CPU is in that of the sides".to_owned());
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
    if let Some(signal) = stop.signal() {
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
