//! One of canvass's own commands, run against the lab and looked at from both ends.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use canvass_lab::LabReport;
use canvass_model::{Outcome, Phase, ShardReport};
use canvass_queue::{Feeder, Ledger, Receipt};
use canvass_report::Tally;
use clap::Parser;
use crossbeam_channel::unbounded;

use crate::args::{Cli, Command};
use crate::clocks::run_time;
use crate::exit::Failure;
use crate::plan::{self, Plan};
use crate::shards::Shards;

/// Jobs that are given to a loop at once: few, so that each is there when it is due.
const BATCH_JOBS: usize = 32;

/// What one run showed.
pub struct Trial {
    pub tally: Tally,
    pub reports: Vec<ShardReport>,
    pub lab: LabReport,
    /// What each outcome spent in the phase that was asked for, in nanoseconds, from the least on.
    phase_ns: Vec<u64>,
    /// When each outcome was there, in nanoseconds, from the first on.
    finished_ns: Vec<u64>,
}

impl Trial {
    /// Runs a command as it would be typed, `--lab` among its words.
    pub fn run(words: &[&str], phase: Phase) -> Result<Self, Failure> {
        let words = ["canvass"].iter().chain(words);
        let cli = Cli::try_parse_from(words).map_err(Failure::usage)?;
        let plan = match cli.command {
            Command::Ptr(args) => plan::ptr(args),
            Command::Http(args) => plan::http(args),
            _ => Err(Failure::usage("no trial is made of this command")),
        };
        drive(plan?, phase)
    }

    /// What this share of the outcomes (0 to 1) spent no more in the phase than.
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let rank = (self.phase_ns.len() as f64 * share).ceil() as usize;
        let spent_ns = self.phase_ns.get(rank.max(1) - 1)?;
        Some(Duration::from_nanos(*spent_ns))
    }

    /// Outcomes a second in the second half of them: by then a window knows its rate.
    pub fn settled_rate_per_second(&self) -> f64 {
        let half = self.finished_ns.len() / 2;
        match (self.finished_ns.get(half), self.finished_ns.last()) {
            (Some(from), Some(to)) if to > from => {
                (self.finished_ns.len() - half) as f64 * 1e9 / (to - from) as f64
            }
            _ => 0.0,
        }
    }
}

fn drive(plan: Plan, phase: Phase) -> Result<Trial, Failure> {
    let Plan {
        source,
        start,
        config,
        threads,
        rate_per_second,
        lab,
        ..
    } = plan;
    let lab = lab.ok_or_else(|| Failure::usage("a trial needs a lab"))?;
    let (sender, ended) = unbounded();
    let Shards {
        inboxes,
        outcomes,
        levers,
    } = Shards::start(&config, threads, false, start.began, move |report| {
        drop(sender.send(report));
    })?;
    let ledger = Arc::new(Ledger::default());
    let feeder = Feeder {
        source,
        rate_per_second,
        start: run_time(start.began),
        batch_jobs_max: BATCH_JOBS,
        shards: NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN),
        ledger: Arc::clone(&ledger),
    };
    let mut tally = Tally::default();
    let mut phase_ns = Vec::new();
    let mut finished_ns = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let never_stop = AtomicBool::new(false);
            let mut deliver = |shard: usize, jobs| inboxes[shard].put(jobs);
            feeder.run(&mut deliver, &never_stop);
        });
        for batch in outcomes {
            levers.outcomes_taken();
            ledger.acknowledge(batch.iter().map(Receipt::of));
            tally.record_all(&batch);
            finished_ns.extend(batch.iter().map(|one| one.finished.as_nanos()));
            phase_ns.extend(batch.iter().filter_map(|one: &Outcome| {
                one.phases.span(phase).map(|span| span.as_nanos() as u64)
            }));
        }
    });
    phase_ns.sort_unstable();
    finished_ns.sort_unstable();
    let reports = ended
        .iter()
        .take(threads)
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::stopped(format!("an event loop failed: {error}")))?;
    let lab = lab
        .stop()
        .map_err(|error| Failure::stopped(format!("the lab failed: {error}")))?;
    Ok(Trial {
        tally,
        reports,
        lab,
        phase_ns,
        finished_ns,
    })
}
