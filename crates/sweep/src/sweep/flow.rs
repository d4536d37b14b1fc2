//! What a sweep is to its two runs: where jobs are from, who judges outcomes, and where they go.

use std::sync::Arc;

use canvass_model::{Job, Outcome};
use canvass_run::{Judge, Position, Sink, SinkError, Source, SourceError};
use crossbeam_channel::Sender;

use super::Shared;
use crate::notice::Notice;

/// One of the two runs of a sweep.
#[derive(Clone, Copy)]
pub(super) enum Part {
    /// The rounds, which begin when they are due.
    Rounds,
    /// The second opinions, which are given when they are asked for.
    Opinions,
}

/// Gives a run its probes.
pub(super) struct PartSource {
    pub shared: Arc<Shared>,
    pub part: Part,
    pub given: u64,
}

impl Source for PartSource {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        let mut watch = self.shared.lock();
        let jobs = match self.part {
            Part::Rounds => watch.take_jobs(self.shared.now(), max),
            Part::Opinions => watch.take_opinions(max),
        };
        if jobs.is_empty() {
            let due = match self.part {
                Part::Rounds => watch.next_due(),
                Part::Opinions => None,
            };
            self.shared.wait(watch, due);
        }
        self.given += jobs.len() as u64;
        out.extend(jobs);
        Ok(true)
    }

    fn remaining(&self) -> Option<u64> {
        None
    }

    fn position(&self) -> Position {
        Position::before(self.given)
    }
}

/// Judges the outcomes of a run.
pub(super) struct PartJudge {
    pub shared: Arc<Shared>,
    pub part: Part,
}

impl Judge for PartJudge {
    fn judge(&self, outcomes: &mut [Outcome]) {
        let now = self.shared.now();
        let mut watch = self.shared.lock();
        for outcome in outcomes {
            match self.part {
                Part::Rounds => watch.judge(now, outcome),
                Part::Opinions => watch.judge_opinion(now, outcome),
            }
        }
    }
}

/// Takes the outcomes of a run.
pub(super) struct PartSink {
    pub shared: Arc<Shared>,
    pub part: Part,
    pub notices: Sender<Notice>,
}

impl Sink for PartSink {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        let mut notices = Vec::new();
        {
            let (mut watch, now) = self.shared.lock_now();
            for outcome in outcomes {
                let events = match self.part {
                    Part::Rounds => watch.record(now, outcome).1,
                    Part::Opinions => watch.record_opinion(now, outcome),
                };
                notices.extend(self.shared.report(&watch, events));
            }
            if watch.has_to_confirm() {
                self.shared.changed.notify_all();
            }
        }
        // A receiver that is gone wants no more notices; the sweep goes on.
        for notice in notices {
            let _ = self.notices.send(notice);
        }
        Ok(())
    }
}
