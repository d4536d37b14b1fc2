//! A run, here or on workers.

use std::time::Duration;

use canvass_remote::{BrokerError, Submission, SubmissionStop};
use canvass_run::{Report, Run, RunReader, Snapshot, StopHandle};

use crate::run::Stops;

/// A run, here or on workers.
pub(crate) enum Execution {
    Here(Box<Run>),
    OnWorkers(Box<Submission>),
}

/// Ends such a run early.
pub(crate) enum ExecutionStop {
    Here(StopHandle),
    OnWorkers(SubmissionStop),
}

impl Execution {
    /// Waits until the run has ended, at most for `timeout`. Returns whether it has ended.
    pub(crate) fn wait(&mut self, timeout: Duration) -> bool {
        match self {
            Self::Here(run) => run.wait(timeout),
            Self::OnWorkers(submission) => submission.wait(timeout),
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        match self {
            Self::Here(run) => run.snapshot(),
            Self::OnWorkers(submission) => submission.snapshot(),
        }
    }

    /// Reads the state of the event loops, if they are here.
    pub(crate) fn reader(&self) -> Option<RunReader> {
        match self {
            Self::Here(run) => Some(run.reader()),
            Self::OnWorkers(_) => None,
        }
    }

    pub(crate) fn stop_handle(&self) -> ExecutionStop {
        match self {
            Self::Here(run) => ExecutionStop::Here(run.stop_handle()),
            Self::OnWorkers(submission) => ExecutionStop::OnWorkers(submission.stop_handle()),
        }
    }

    /// The result, and why Redis does not carry the run any further.
    pub(crate) fn join(self) -> (Report, Option<BrokerError>) {
        match self {
            Self::Here(run) => (run.join(), None),
            Self::OnWorkers(submission) => submission.join(),
        }
    }
}

impl Stops for ExecutionStop {
    fn drain(&self) {
        match self {
            Self::Here(stop) => stop.drain(),
            Self::OnWorkers(stop) => stop.stop(),
        }
    }

    fn abort(&self) {
        match self {
            Self::Here(stop) => stop.abort(),
            Self::OnWorkers(stop) => stop.stop(),
        }
    }
}
