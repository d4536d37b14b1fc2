//! What a sweep is to its two runs: where jobs are from, who judges outcomes, and where they go.

use std::sync::Arc;

use canvass_model::{Job, Outcome};
use canvass_run::{Judge, Position, Sink, SinkError, Source, SourceError};
use crossbeam_channel::Sender;

use super::Shared;
use crate::notice::Notice;

/// Gives the probes of rounds when they are due.
pub(super) struct RoundSource {
    pub shared: Arc<Shared>,
    pub given: u64,
}

impl Source for RoundSource {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        let mut watch = self.shared.lock();
        let jobs = watch.take_jobs(self.shared.now(), max);
        if jobs.is_empty() {
            let due = watch.next_due();
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

/// Gives the probes of second opinions when they are asked for.
pub(super) struct OpinionSource {
    pub shared: Arc<Shared>,
    pub given: u64,
}

impl Source for OpinionSource {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        let mut watch = self.shared.lock();
        let jobs = watch.take_opinions(max);
        if jobs.is_empty() {
            self.shared.wait(watch, None);
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

/// Judges the outcomes of rounds.
pub(super) struct RoundJudge(pub Arc<Shared>);

impl Judge for RoundJudge {
    fn judge(&self, outcomes: &mut [Outcome]) {
        let now = self.0.now();
        let mut watch = self.0.lock();
        outcomes
            .iter_mut()
            .for_each(|outcome| watch.judge(now, outcome));
    }
}

/// Judges second opinions.
pub(super) struct OpinionJudge(pub Arc<Shared>);

impl Judge for OpinionJudge {
    fn judge(&self, outcomes: &mut [Outcome]) {
        let now = self.0.now();
        let mut watch = self.0.lock();
        outcomes
            .iter_mut()
            .for_each(|outcome| watch.judge_opinion(now, outcome));
    }
}

/// Takes the outcomes of rounds.
pub(super) struct RoundSink {
    pub shared: Arc<Shared>,
    pub notices: Sender<Notice>,
}

impl Sink for RoundSink {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        let mut notices = Vec::new();
        {
            let (mut watch, now) = self.shared.lock_now();
            for outcome in outcomes {
                let (_, events) = watch.record(now, outcome);
                notices.extend(self.shared.report(&watch, events));
            }
            if watch.has_to_confirm() {
                self.shared.changed.notify_all();
            }
        }
        send(&self.notices, notices);
        Ok(())
    }
}

/// Takes second opinions.
pub(super) struct OpinionSink {
    pub shared: Arc<Shared>,
    pub notices: Sender<Notice>,
}

impl Sink for OpinionSink {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        let mut notices = Vec::new();
        {
            let (mut watch, now) = self.shared.lock_now();
            for outcome in outcomes {
                let events = watch.record_opinion(now, outcome);
                notices.extend(self.shared.report(&watch, events));
            }
        }
        send(&self.notices, notices);
        Ok(())
    }
}

/// A receiver that is gone wants no more notices; the sweep goes on.
fn send(to: &Sender<Notice>, notices: Vec<Notice>) {
    for notice in notices {
        let _ = to.send(notice);
    }
}
