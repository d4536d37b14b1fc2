//! `canvass selftest`: what this machine and this build can be trusted to measure.
//!
//! canvass's own commands are run against the lab, whose delays are known: what the lab was told,
//! and by how much it was late. What is left of a difference is ours. What follows from it is
//! `canvass_report`'s.

mod limits;
mod trial;

use std::time::Duration;

use canvass_lab::{LabReport, ServiceKind};
use canvass_model::{LatenessHistogram, Phase};
use canvass_report::{DelayError, SelfTest, TimedDelay};

use crate::args::SelftestArgs;
use crate::descriptors;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::plan::loops_usual;
use crate::say::say;
use trial::Trial;

/// The delays that the lab is told to keep, in milliseconds.
const DELAYS_MS: [u64; 5] = [0, 1, 5, 20, 100];
/// Targets for each delay, and how many are due a second: a median wants a few hundred.
const TIMED_TARGETS: &str = "400";
const TIMED_RATE: &str = "500";
/// Rates that are tried, a second.
const RATES: [u32; 6] = [10_000, 20_000, 40_000, 80_000, 160_000, 320_000];
/// For how long each is kept up, in seconds.
const RATE_SPAN_S: u32 = 2;
/// How often a rate is tried before it counts as too high.
const TRIES: u32 = 2;
/// The share of a rate that must really have been reached.
const RATE_SHARE_MIN: f64 = 0.9;

/// A command whose answers the lab delays, and the phase that shows it.
struct Timed {
    name: &'static str,
    words: &'static [&'static str],
    phase: Phase,
    /// The lab's service that keeps the delay; its DNS where there is none.
    service: Option<ServiceKind>,
}

const TIMED: [Timed; 3] = [
    Timed {
        name: "dns over udp",
        words: &["ptr", "10.0.0.0/16"],
        phase: Phase::Dns,
        service: None,
    },
    Timed {
        name: "dns over tcp",
        words: &["ptr", "10.0.0.0/16", "--transport", "tcp"],
        phase: Phase::Dns,
        service: None,
    },
    Timed {
        name: "first byte of http",
        words: &["http", "127.0.0.0/16", "--ports", "80"],
        phase: Phase::FirstByte,
        service: Some(ServiceKind::Http),
    },
];

/// Runs the trials, and prints what came of them.
pub fn run(args: &SelftestArgs) -> Result<Exit, Failure> {
    descriptors::raise_limit();
    let loops = args.threads.map_or_else(loops_usual, usize::from);
    say("canvass: measuring this machine; that takes about half a minute");
    let (mut late_wakes, mut turns) = (LatenessHistogram::default(), LatenessHistogram::default());
    let mut delays = Vec::new();
    for timed in &TIMED {
        for delay_ms in DELAYS_MS {
            let delay = Duration::from_millis(delay_ms);
            let trial = timed.trial(delay, loops)?;
            for report in &trial.reports {
                late_wakes.add(&report.late_wakes);
                turns.add(&report.turns);
            }
            delays.push(TimedDelay {
                name: timed.name,
                delay,
                error: timed.error(delay, &trial),
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

impl Timed {
    fn trial(&self, delay: Duration, loops: usize) -> Result<Trial, Failure> {
        let lab = format!("--lab=delay={}ms", delay.as_millis());
        let loops = loops.to_string();
        let mut words = self.words.to_vec();
        words.extend([&*lab, "--threads", &loops, "--retries", "0"]);
        words.extend(["--limit", TIMED_TARGETS, "--rate", TIMED_RATE]);
        Trial::run(&words, self.phase)
    }

    /// What the lab gave is what it was told and by how much it was late: it knows that much more
    /// exactly than the sum of both.
    fn error(&self, delay: Duration, trial: &Trial) -> Option<DelayError> {
        let late = self.lateness(&trial.lab);
        let error = |ours: Duration, late: Duration| {
            ours.as_nanos() as i64 - (delay + late).as_nanos() as i64
        };
        Some(DelayError {
            p50_ns: error(trial.quantile(0.5)?, late.0),
            p99_ns: error(trial.quantile(0.99)?, late.1),
        })
    }

    fn lateness(&self, lab: &LabReport) -> (Duration, Duration) {
        let spread = match self.service {
            None => Some(lab.delay_error),
            Some(kind) => lab
                .services
                .iter()
                .find(|service| service.kind == kind)
                .map(|service| service.delay_error),
        };
        spread.map_or_else(Default::default, |spread| (spread.p50, spread.p99))
    }
}

/// The highest of the rates that were really kept, with every target answered by the first query
/// for it, and whether that was the last one tried.
fn complete_rate(loops: usize) -> Result<(Option<f64>, bool), Failure> {
    let loops = loops.to_string();
    let mut highest = None;
    for rate in RATES {
        // One hold-up of the machine is not its limit.
        let kept = (0..TRIES).find_map(|_| kept_rate(rate, &loops).transpose());
        match kept.transpose()? {
            Some(kept) => highest = Some(kept),
            None => return Ok((highest, false)),
        }
    }
    Ok((highest, true))
}

/// The rate that was really kept where so many a second were asked; `None` where that was clearly
/// less, or where not every query was answered.
fn kept_rate(rate: u32, loops: &str) -> Result<Option<f64>, Failure> {
    let asked = rate.to_string();
    let targets = (rate * RATE_SPAN_S).to_string();
    let trial = Trial::run(
        &[
            "ptr",
            "10.0.0.0/8",
            "--lab",
            "--threads",
            loops,
            "--retries",
            "0",
            "--limit",
            &targets,
            "--rate",
            &asked,
        ],
        Phase::Dns,
    )?;
    let kept = trial.settled_rate_per_second();
    let complete = trial.tally.causes().is_empty();
    let is_kept = complete && kept >= RATE_SHARE_MIN * f64::from(rate);
    Ok(is_kept.then_some(kept))
}
