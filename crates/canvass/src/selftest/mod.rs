//! `canvass selftest`: what this machine and this build can be trusted to measure.
//!
//! The lab is asked, whose delays are known: what it was told, and by how much it was late. What is left of a difference is ours. What follows from it is
//! `canvass_report`'s.

mod limits;
mod trial;

use std::time::Duration;

use canvass_lab::LabReport;
use canvass_model::LatenessHistogram;
use canvass_proto::TransportPolicy;
use canvass_report::{DelayError, SelfTest, TimedDelay};
use canvass_run::default_event_loops;

use crate::args::SelftestArgs;
use crate::descriptors;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::message::message;
use trial::{Load, Probe, Trial};

/// The delays that the lab is told to keep, in milliseconds.
const DELAYS_MS: [u64; 5] = [0, 1, 5, 20, 100];
/// Targets for each delay, and how many are due a second: a median wants a few hundred.
const TIMED_TARGETS: u64 = 400;
const TIMED_RATE_PER_SECOND: f64 = 500.0;
/// Rates that are tried, a second.
const RATES_PER_SECOND: [u32; 6] = [10_000, 20_000, 40_000, 80_000, 160_000, 320_000];
/// For how long each is kept up, in seconds.
const RATE_SPAN_S: u32 = 2;
/// How often a rate is tried before it counts as too high.
const TRIES: u32 = 2;
/// The share of a rate that must really have been reached.
const RATE_SHARE_MIN: f64 = 0.9;

/// Probes whose answers the lab delays, by what a person calls them.
const TIMED: [(&str, Probe); 3] = [
    ("dns over udp", Probe::Ptr(TransportPolicy::Auto)),
    ("dns over tcp", Probe::Ptr(TransportPolicy::Tcp)),
    ("first byte of http", Probe::Http),
];

/// Runs the trials, and prints what came of them.
pub(crate) fn run(args: &SelftestArgs) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let loops = args.threads.map_or_else(default_event_loops, usize::from);
    message("canvass: measuring this machine; that takes about half a minute");
    let (mut late_wakes, mut turns) = (LatenessHistogram::default(), LatenessHistogram::default());
    let mut delays = Vec::new();
    for (name, probe) in TIMED {
        for delay_ms in DELAYS_MS {
            let delay = Duration::from_millis(delay_ms);
            let load = Load {
                targets: TIMED_TARGETS,
                rate_per_second: TIMED_RATE_PER_SECOND,
                delay,
                event_loops: loops,
            };
            let trial = Trial::run(probe, load)?;
            for report in &trial.shards {
                late_wakes.add(&report.late_wakes);
                turns.add(&report.turns);
            }
            delays.push(TimedDelay {
                name,
                delay,
                error: error(probe, delay, &trial),
            });
        }
    }
    let (complete_rate_per_second, rate_is_open) = complete_rate(loops)?;
    let found = SelfTest {
        delays,
        late_wakes,
        turns,
        complete_rate_per_second,
        rate_is_open,
        limits: limits::read(loops),
    };
    files::write_out(found.text().as_bytes())?;
    Ok(if found.weaknesses().is_empty() {
        Exit::Complete
    } else {
        Exit::TooManyFailed
    })
}

/// What the lab gave is what it was told and by how much it was late: it knows that much more
/// exactly than the sum of both.
fn error(probe: Probe, delay: Duration, trial: &Trial) -> Option<DelayError> {
    let late = lateness(probe, &trial.lab);
    let error =
        |ours: Duration, late: Duration| ours.as_nanos() as i64 - (delay + late).as_nanos() as i64;
    Some(DelayError {
        p50_ns: error(trial.quantile(0.5)?, late.0),
        p99_ns: error(trial.quantile(0.99)?, late.1),
    })
}

fn lateness(probe: Probe, lab: &LabReport) -> (Duration, Duration) {
    let spread = match probe.service() {
        None => Some(lab.delay_error),
        Some(kind) => lab
            .services
            .iter()
            .find(|service| service.kind == kind)
            .map(|service| service.delay_error),
    };
    spread.map_or_else(Default::default, |spread| (spread.p50, spread.p99))
}

/// The highest of the rates that were really kept, with every target answered by the first query
/// for it, and whether that was the last one tried.
fn complete_rate(loops: usize) -> Result<(Option<f64>, bool), Failure> {
    let mut highest = None;
    for rate in RATES_PER_SECOND {
        // One hold-up of the machine is not its limit.
        let kept = (0..TRIES).find_map(|_| kept_rate(rate, loops).transpose());
        match kept.transpose()? {
            Some(kept) => highest = Some(kept),
            None => return Ok((highest, false)),
        }
    }
    Ok((highest, true))
}

/// The rate that was really kept where so many a second were asked; `None` where that was clearly
/// less, or where not every query was answered.
fn kept_rate(rate: u32, event_loops: usize) -> Result<Option<f64>, Failure> {
    let load = Load {
        targets: (rate * RATE_SPAN_S).into(),
        rate_per_second: rate.into(),
        delay: Duration::ZERO,
        event_loops,
    };
    let trial = Trial::run(Probe::Ptr(TransportPolicy::Auto), load)?;
    let kept = trial.settled_rate_per_second();
    let complete = trial.tally.causes().is_empty();
    let is_kept = complete && kept >= RATE_SHARE_MIN * f64::from(rate);
    Ok(is_kept.then_some(kept))
}
