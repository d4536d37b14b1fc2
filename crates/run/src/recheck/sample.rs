//! Asks a sample of parked outcomes again.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use canvass_model::{Answer, Cause, Job, Outcome, ProbeSpec, Verdict};
use canvass_queue::{Position, Source, SourceError};
use canvass_report::{Sink, SinkError};

use super::spill::{Entry, Spill};
use crate::error::RunError;
use crate::plan::Plan;
use crate::run::Run;

/// How often a pass looks whether it should end.
const LOOK_AFTER: Duration = Duration::from_millis(100);

/// The jobs of a sample, numbered by their places in it.
struct Sample {
    spill: Spill,
    places: Arc<[u64]>,
    given: usize,
}

/// Appends the answers to the file.
struct Answers {
    spill: Spill,
    places: Arc<[u64]>,
    asked: Arc<AtomicU64>,
}

/// Asks the targets of the outcomes at `places` again, in this order, until `time_max` has passed or
/// `goes_on` returns false. Their answers are appended to `spill`. Returns how many were asked.
pub(super) fn ask(
    plan: &Plan,
    spill: &Spill,
    places: Vec<u64>,
    time_max: Duration,
    mut goes_on: impl FnMut() -> bool,
) -> Result<u64, SinkError> {
    let until = Instant::now() + time_max;
    let places: Arc<[u64]> = places.into();
    let asked = Arc::<AtomicU64>::default();
    let sample = Sample {
        spill: spill.clone(),
        places: Arc::clone(&places),
        given: 0,
    };
    let answers = Answers {
        spill: spill.clone(),
        places,
        asked: Arc::clone(&asked),
    };
    let Ok(mut run) = Run::start(plan.clone(), sample, vec![Box::new(answers)]) else {
        // Where no thread or descriptor is left, nothing can be asked.
        return Ok(0);
    };
    while !run.wait(LOOK_AFTER) {
        if !goes_on() || Instant::now() >= until {
            run.abort();
        }
    }
    match run.join().error {
        Some(RunError::Sink(error)) => Err(error),
        // The others are shortages and resolvers that do not answer. What was asked is asked.
        _ => Ok(asked.load(Ordering::Relaxed)),
    }
}

impl Source for Sample {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        let end = (self.given + max).min(self.places.len());
        for at in self.given..end {
            let parked = self.spill.outcome_at(self.places[at]);
            let parked = parked.map_err(|error| SourceError::BrokenOff {
                name: "the parked outcomes".into(),
                lines: at as u64,
                error: std::io::Error::other(error),
            })?;
            out.push(question(at as u64, parked.job));
        }
        self.given = end;
        Ok(end < self.places.len())
    }

    fn remaining(&self) -> Option<u64> {
        Some((self.places.len() - self.given) as u64)
    }

    fn position(&self) -> Position {
        Position::before(self.given as u64)
    }
}

impl Sink for Answers {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        for outcome in outcomes {
            let cause = outcome.fault.as_ref().map(|fault| fault.cause);
            if cause == Some(Cause::Interrupted) {
                continue;
            }
            self.asked.fetch_add(1, Ordering::Relaxed);
            if outcome.verdict == Verdict::Failed {
                continue;
            }
            let place = self.places[outcome.job.seq as usize];
            let parked = self.spill.outcome_at(place)?;
            self.spill.append(&Entry::Answered {
                parked: place,
                outcome: &answered(outcome.clone(), parked),
            })?;
        }
        Ok(())
    }
}

/// The job that asks a target again: of several requests, the one that failed.
fn question(seq: u64, job: Job) -> Job {
    let spec = match job.spec {
        ProbeSpec::Http { module, .. } => ProbeSpec::Http {
            module,
            requests: NonZeroU32::MIN,
        },
        other => other,
    };
    Job {
        seq,
        spec,
        due: None,
        ..job
    }
}

/// The outcome that is recorded in place of `parked`.
fn answered(mut outcome: Outcome, parked: Outcome) -> Outcome {
    if let (Answer::Http(answer), Answer::Http(failed)) = (&mut outcome.answer, &parked.answer) {
        answer.repeat = failed.repeat;
    }
    outcome.job = Job {
        due: None,
        ..parked.job
    };
    outcome.recheck = true;
    outcome
}
