//! `canvass selftest`: how accurately this machine and this build measure.
//!
//! Measures a lab with known delays: the configured delay plus the lab's own delay error. The rest of
//! the difference is the error of canvass. `canvass_report` judges the results.

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
use crate::message::{message, print};
use trial::{Load, Probe, Trial};

/// The configured delays of the lab, in milliseconds.
const DELAYS_MS: [u64; 5] = [0, 1, 5, 20, 100];
/// Targets per delay, and how many are due per second. A median needs a few hundred.
const TIMED_TARGETS: u64 = 400;
const TIMED_RATE_PER_SECOND: f64 = 500.0;
/// The rates that are tried, per second.
const RATES_PER_SECOND: [u32; 6] = [10_000, 20_000, 40_000, 80_000, 160_000, 320_000];
/// How long each is sustained, in seconds.
const RATE_SPAN_S: u32 = 2;
/// How often a rate is tried before it counts as too high.
const TRIES: u32 = 2;
/// The share of a rate that must be reached.
const RATE_SHARE_MIN: f64 = 0.9;

/// The probes whose answers the lab delays, with their names in the output.
const TIMED: [(&str, Probe); 3] = [
    ("dns over udp", Probe::Ptr(TransportPolicy::Auto)),
    ("dns over tcp", Probe::Ptr(TransportPolicy::Tcp)),
    ("first byte of http", Probe::Http),
];

/// Runs the trials, and prints the results.
pub(crate) fn run(args: &SelftestArgs) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let loops = args.threads.map_or_else(default_event_loops, usize::from);
    descriptors::check(loops)?;
    message("canvass: measuring this machine; this takes about half a minute");
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
    let results = SelfTest {
        delays,
        late_wakes,
        turns,
        complete_rate_per_second,
        rate_is_open,
        limits: limits::read(loops),
    };
    print(&results.text())?;
    Ok(if results.weaknesses().is_empty() {
        Exit::Complete
    } else {
        Exit::TooManyFailed
    })
}

/// The measured delay minus the delay of the lab, which is the configured delay plus its delay error.
fn error(probe: Probe, delay: Duration, trial: &Trial) -> Option<DelayError> {
    let late = lateness(probe, &trial.lab);
    let error =
        |ours: Duration, late: Duration| ours.as_nanos() as i64 - (delay + late).as_nanos() as i64;
    Some(DelayError {
        p50_ns: error(trial.quantile(0.5)?, late.0),
        p99_ns: error(trial.quantile(0.99)?, late.1),
    })
}

/// The delay error of the lab: the median and the 99th percentile.
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

/// The highest rate that was sustained with every target answered by its first query, and whether it is
/// the highest of the rates tried.
fn complete_rate(loops: usize) -> Result<(Option<f64>, bool), Failure> {
    let mut highest = None;
    for rate in RATES_PER_SECOND {
        // A single stall of the machine is not its limit.
        let sustained = (0..TRIES).find_map(|_| sustained_rate(rate, loops).transpose());
        match sustained.transpose()? {
            Some(sustained) => highest = Some(sustained),
            None => return Ok((highest, false)),
        }
    }
    Ok((highest, true))
}

/// The rate that was reached when `rate` was requested. `None` if it was clearly lower, or if not every
/// query was answered.
fn sustained_rate(rate: u32, event_loops: usize) -> Result<Option<f64>, Failure> {
    let load = Load {
        targets: (rate * RATE_SPAN_S).into(),
        rate_per_second: rate.into(),
        delay: Duration::ZERO,
        event_loops,
    };
    let trial = Trial::run(Probe::Ptr(TransportPolicy::Auto), load)?;
    let reached = trial.settled_rate_per_second();
    let complete = trial.tally.causes().is_empty();
    let is_sustained = complete && reached >= RATE_SHARE_MIN * f64::from(rate);
    Ok(is_sustained.then_some(reached))
}
