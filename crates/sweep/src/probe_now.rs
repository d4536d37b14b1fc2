//! A probe of one target that a person asks for.

use std::time::Duration;

use canvass_model::Outcome;
use canvass_proto::talk::{GivenText, GivenTextError};
use canvass_run::{Run, Sink, SinkError, StartError};
use crossbeam_channel::{Sender, bounded};

use crate::evidence::Evidence;
use crate::reader::SweepReader;
use crate::watch::WatchedTarget;

/// The maximum time of such a probe. One that has not ended then is ended.
const TIME_MAX: Duration = Duration::from_secs(30);

/// What a probe has found that a person asked for.
#[derive(Debug)]
pub struct ProbedNow {
    /// The outcome, with a trace.
    pub outcome: Outcome,
    /// What it says of the target.
    pub evidence: Evidence,
}

/// Why a target was not probed.
#[derive(Debug, thiserror::Error)]
pub enum ProbeNowError {
    /// It is not watched.
    #[error("there is no such target in the list")]
    Unlisted,
    /// The text cannot be sent.
    #[error(transparent)]
    Text(#[from] GivenTextError),
    /// The run of the probe could not be started, or failed.
    #[error("the probe cannot be run: {0}")]
    Run(Box<str>),
}

impl From<StartError> for ProbeNowError {
    fn from(error: StartError) -> Self {
        Self::Run(error.to_string().into())
    }
}

impl SweepReader {
    /// The text that the probe of this target sends if no other is given, if it sends one.
    pub fn text(&self, target: &WatchedTarget) -> Option<String> {
        self.shared.single().text(&target.spec).map(str::to_owned)
    }

    /// Probes the target with this key now, as in a round but in a run of its own, and waits for the
    /// outcome. A script that has a text sends `text` in its place.
    ///
    /// It counts for nothing: neither the state of the target nor a latency takes it up, and no line
    /// is written for it.
    ///
    /// # Errors
    /// The target is not watched, the text cannot be sent, or the run fails.
    pub fn probe_now(&self, key: &str, text: Option<&str>) -> Result<ProbedNow, ProbeNowError> {
        let found = self.look(|watch| {
            let target = &watch.find(key)?.target;
            Some((target.job(0, None), target.assertions.clone()))
        });
        let (job, assertions) = found.ok_or(ProbeNowError::Unlisted)?;
        let mut plan = self.shared.single();
        if let Some(text) = text.filter(|_| plan.text(&job.spec).is_some()) {
            plan = plan.with_text(&job.spec, GivenText::new(text)?);
        }
        let (sender, outcomes) = bounded(1);
        let source = canvass_queue::jobs(vec![job]);
        let mut run = Run::start(plan, source, vec![Box::new(First(sender))])?;
        if !run.wait(TIME_MAX) {
            run.abort();
        }
        let report = run.join();
        match outcomes.try_recv() {
            Ok(mut outcome) => {
                if let Some(assertions) = assertions {
                    assertions.outcome.apply(&mut outcome);
                }
                Ok(ProbedNow {
                    evidence: Evidence::of(&outcome),
                    outcome,
                })
            }
            Err(_) => {
                let error = report.error.map(|error| error.to_string());
                Err(ProbeNowError::Run(
                    error.unwrap_or_else(|| "it has no outcome".into()).into(),
                ))
            }
        }
    }
}

/// Takes the first outcome.
struct First(Sender<Outcome>);

impl Sink for First {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        if let Some(outcome) = outcomes.first() {
            let _ = self.0.try_send(outcome.clone());
        }
        Ok(())
    }
}
