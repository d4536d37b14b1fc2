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
mod rig;
mod schedule;
mod stop;
mod system_side;

use std::thread::available_parallelism;

use canvass_report::Comparison;

use crate::exit::{Exit, Failure};
use crate::plan::{ComparePlan, Other};
use crate::{descriptors, latency};
use list::List;
use local_sources::LocalSources;
use output::Output;
use rig::{Measured, Rig};
use schedule::Schedule;

/// Runs a comparison, and shows it.
pub fn run(plan: ComparePlan) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let ComparePlan {
        source,
        start,
        config,
        threads,
        others,
        budget,
        seed,
        mut warnings,
        lab,
        output,
        format,
        hlog,
        hgrm,
        html,
        progress,
        quiet,
        fail_below_percent,
    } = plan;
    let output = Output {
        path: output,
        format,
        hgrm,
        html,
        quiet,
        began: start.epoch.wall,
    };
    output.check()?;
    let mut list = List::new(source)?;
    let schedule = Schedule::new(list.targets(), others.len(), seed);
    let mut rig = Rig::start(start.began, &config, threads, &others, budget)?;
    rig.intervals = latency::intervals(hlog.as_deref(), start.epoch)?;
    rig.rounds(&mut list, &schedule, progress)?;

    if let Some((bad, first)) = list.bad() {
        warnings.push(format!(
            "{bad} of the list cannot be asked about, the first: {first}"
        ));
    }
    let stop = rig.stop.clone();
    if stop.signal().is_some() {
        warnings.push("the comparison was stopped before its end".to_owned());
    }
    let asks = rig.asks;
    let Measured {
        mut first,
        others: mut measured,
        tally,
        reports,
        warnings: weaknesses,
    } = rig.finish()?;
    warnings.extend(weaknesses);
    let tells_resolver = names::tell_resolvers(&config, &others);
    first.name = names::engine("canvass", &config, &reports[0], tells_resolver);
    for ((against, other), reports) in measured.iter_mut().zip(&others).zip(&reports[1..]) {
        against.side.name = match other {
            Other::System { threads } => names::system(asks, *threads),
            Other::Engine(other) => {
                let same = other.upstreams == config.upstreams && !names::differ(&config, other);
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
    if lab.is_some() {
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
    Ok(Exit::of(&tally, bad, fail_below_percent))
}
