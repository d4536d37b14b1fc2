//! Helpers of the tests.

// Each test file uses some of them.
#![allow(dead_code)]

use std::time::Duration;

use canvass_lab::{Lab, LabConfig};
use canvass_run::{
    Job, Plan, PlanBuilder, Position, Run, Sink, SinkError, Snapshot, Source, SourceError,
    TargetKind, Targets, arguments,
};
use crossbeam_channel::{Receiver, Sender, bounded};

pub(crate) const PTR: TargetKind = TargetKind::Ptr {
    forward_confirm: false,
};

/// A lab with these faults, as keys and values of `--lab`.
pub(crate) fn lab(impairments: &[(&str, &str)]) -> Lab {
    let mut config = LabConfig::default();
    for (key, value) in impairments {
        config.impairments.set(key, value).unwrap();
    }
    Lab::start(config).unwrap()
}

/// A plan of PTR lookups in a lab, on two event loops, with a deadline of an hour.
pub(crate) fn ptr(lab: &Lab) -> PlanBuilder {
    Plan::builder(PTR)
        .resolvers([lab.address()])
        .event_loops(2)
        .deadline(Duration::from_secs(3600))
}

pub(crate) fn targets(plan: &Plan, list: &str) -> Targets {
    arguments([list.to_owned()], &plan.target_options()).unwrap()
}

/// Waits until the snapshot of a run satisfies a condition.
pub(crate) fn until(run: &mut Run, is_there: impl Fn(&Snapshot) -> bool) -> Snapshot {
    loop {
        let snapshot = run.snapshot();
        if is_there(&snapshot) {
            return snapshot;
        }
        assert!(!run.wait(Duration::from_millis(1)), "the run has ended");
    }
}

/// A source that gives its jobs and then blocks until it is released.
pub(crate) struct Waiting {
    targets: Targets,
    release: Receiver<()>,
}

impl Waiting {
    /// Returns the source, and a guard that releases it when dropped.
    pub(crate) fn new(targets: Targets) -> (Self, Sender<()>) {
        let (guard, release) = bounded(0);
        (Self { targets, release }, guard)
    }
}

impl Source for Waiting {
    fn next(&mut self, max: usize, out: &mut Vec<Job>) -> Result<bool, SourceError> {
        if self.targets.remaining() == Some(0) {
            let _ = self.release.recv();
            return Ok(false);
        }
        self.targets.next(max, out).map(|_| true)
    }

    fn remaining(&self) -> Option<u64> {
        self.targets.remaining()
    }

    fn position(&self) -> Position {
        self.targets.position()
    }
}

/// A sink that calls a function with each batch.
pub(crate) struct Calling<F>(pub F);

impl<F: FnMut(&[canvass_run::Outcome]) -> Result<(), SinkError> + Send> Sink for Calling<F> {
    fn record(&mut self, outcomes: &[canvass_run::Outcome]) -> Result<(), SinkError> {
        self.0(outcomes)
    }
}
