//! A run that goes on from an earlier one, or that a later one can go on from.

use std::collections::HashMap;
use std::time::Duration;

use canvass_model::{Answer, Cause, Outcome, ProbeSpec, ShardReport};
use canvass_queue::Completed;
use canvass_report::{LatencyRecorder, Tally};

use crate::sinks::Shared;

/// What earlier parts of a run have counted, if it was interrupted and goes on. The source must leave
/// out what they have completed, as [`Resumed`](canvass_queue::Resumed) does.
#[derive(Clone, Default)]
pub struct Continuation {
    /// The counts of outcomes so far. This part counts on in it.
    pub tally: Shared<Tally>,
    /// The latency so far. This part counts on in it.
    pub latency: Shared<LatencyRecorder>,
    /// How long the earlier parts took.
    pub wall: Duration,
    /// Whether this part can be resumed. Then a target that is ended by
    /// [`abort`](crate::StopHandle::abort) has no outcome: the next part starts it again.
    pub is_resumable: bool,
}

/// Makes outcomes those of the whole run.
pub(crate) struct Joiner {
    is_resumable: bool,
    /// For a target of which some requests are done: their number.
    requests_done: HashMap<u64, u64>,
    /// The number of outcomes that were left out.
    withheld: u64,
}

impl Joiner {
    pub(crate) fn new(is_resumable: bool, completed: &Completed) -> Self {
        Self {
            is_resumable,
            requests_done: completed.partial.iter().copied().collect(),
            withheld: 0,
        }
    }

    /// Leaves out what the next part starts again, and numbers requests on from those of the part before.
    pub(crate) fn join(&mut self, batch: &mut Vec<Outcome>) {
        if self.is_resumable {
            let before = batch.len();
            batch.retain(|outcome| !was_aborted(outcome));
            self.withheld += (before - batch.len()) as u64;
        }
        if self.requests_done.is_empty() {
            return;
        }
        for outcome in batch {
            if let Some(&done) = self.requests_done.get(&outcome.job.seq) {
                number_on(outcome, done as u32);
            }
        }
    }

    pub(crate) fn withheld(&self) -> u64 {
        self.withheld
    }
}

fn was_aborted(outcome: &Outcome) -> bool {
    let fault = outcome.fault.as_ref();
    fault.is_some_and(|fault| fault.cause == Cause::Interrupted)
}

fn number_on(outcome: &mut Outcome, done: u32) {
    if let ProbeSpec::Http { requests, .. } = &mut outcome.job.spec {
        *requests = requests.saturating_add(done);
    }
    if let Answer::Http(answer) = &mut outcome.answer {
        answer.repeat = Some(answer.repeat.unwrap_or(1).saturating_add(done));
    }
}

/// Adds the outcomes of earlier parts to the reports, and removes those that were withheld, so that the
/// balance is that of the whole run.
pub(crate) fn adjust(reports: &mut [ShardReport], earlier: u64, mut withheld: u64) {
    if let Some(first) = reports.first_mut() {
        first.admitted += earlier;
        first.finished += earlier;
    }
    for report in reports {
        let some = withheld.min(report.finished).min(report.admitted);
        report.admitted -= some;
        report.finished -= some;
        withheld -= some;
    }
}
