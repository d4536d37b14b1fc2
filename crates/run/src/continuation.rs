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
    /// Whether a sink counts outcomes in place of the run. Then `tally` and `latency` stay as they are, so
    /// that snapshots and the report have no counts, and the report is not checked against them.
    pub is_counted_by_sink: bool,
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

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::{Fault, Job, ModuleId, Phase, Status, Target, Time};
    use std::num::NonZeroU32;

    fn outcome(seq: u64, cause: Cause) -> Outcome {
        let job = Job {
            seq,
            line: None,
            target: Target::Invalid {
                given: "".into(),
                reason: "".into(),
            },
            spec: ProbeSpec::Http {
                module: ModuleId(0),
                requests: NonZeroU32::new(4).unwrap(),
            },
            due: None,
            resolver: None,
        };
        let fault = Fault {
            phase: Phase::Connect,
            cause,
            message: "".into(),
            errno: None,
        };
        Outcome::unbegun(job, Time::ZERO, Status::Local, fault)
    }

    #[test]
    fn what_was_aborted_is_left_to_the_next_part() {
        for (is_resumable, left) in [(true, 1), (false, 2)] {
            let mut joiner = Joiner::new(is_resumable, &Completed::default());
            let causes = [Cause::Interrupted, Cause::Refused];
            let mut batch = causes.map(|cause| outcome(0, cause)).to_vec();
            joiner.join(&mut batch);
            assert_eq!((batch.len(), joiner.withheld()), (left, 2 - left as u64));
        }
    }

    #[test]
    fn requests_are_numbered_on_and_count_for_the_whole_target() {
        let completed = Completed {
            partial: vec![(7, 6)],
            ..Completed::default()
        };
        let mut batch = vec![outcome(7, Cause::Refused), outcome(8, Cause::Refused)];
        Joiner::new(true, &completed).join(&mut batch);
        assert_eq!(batch[0].job.spec.outcomes(), 10);
        assert_eq!(batch[1].job.spec.outcomes(), 4);
        if let Answer::Http(answer) = &batch[0].answer {
            assert_eq!(answer.repeat, Some(7));
        }
    }

    #[test]
    fn reports_have_what_came_before_and_not_what_was_withheld() {
        let report = |count| ShardReport {
            admitted: count,
            finished: count,
            ..ShardReport::default()
        };
        let mut reports = [report(5), report(10)];
        adjust(&mut reports, 100, 107);
        let counts = reports.map(|report| (report.admitted, report.finished));
        assert_eq!(counts, [(0, 0), (8, 8)]);
    }
}
