//! Jobs that were received and are not admitted yet.

use std::collections::VecDeque;

use canvass_model::{Job, Time};
use canvass_proto::UpstreamId;
use crossbeam_channel::{Receiver, TryRecvError};

/// Questions that may wait for their resolvers, so that others are not held up behind them.
const HELD_MAX: usize = 4_096;

/// Jobs that were received and are not admitted yet.
#[derive(Debug, Default)]
pub(super) struct Intake {
    staged: VecDeque<Job>,
    /// Jobs that wait for a permit, by resolver, in turn.
    held: VecDeque<Held>,
    held_jobs: usize,
    ended: bool,
}

/// Jobs that wait for a permit of one resolver.
#[derive(Debug)]
struct Held {
    /// The resolver they name; `None` for any that the run shares.
    upstream: Option<UpstreamId>,
    /// The jobs, and since when they wait.
    jobs: VecDeque<(Time, Job)>,
}

impl Intake {
    /// Takes the next batch of jobs when the last one is used up.
    pub(super) fn stage(&mut self, jobs: &Receiver<Vec<Job>>) {
        if !self.staged.is_empty() || self.ended {
            return;
        }
        match jobs.try_recv() {
            Ok(jobs) => self.staged = jobs.into(),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => self.ended = true,
        }
    }

    /// The next job in order.
    pub(super) fn next(&self) -> Option<&Job> {
        self.staged.front()
    }

    /// Takes the next job in order.
    pub(super) fn pop(&mut self) -> Option<Job> {
        self.staged.pop_front()
    }

    /// Whether no job waits here.
    pub(super) fn is_empty(&self) -> bool {
        self.staged.is_empty() && self.held_jobs == 0
    }

    /// Whether a new batch can be taken.
    pub(super) fn wants_batch(&self) -> bool {
        self.staged.is_empty() && !self.ended
    }

    /// Whether no further batch will come.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Drops all jobs and takes no more. The feeder counts what was never admitted.
    pub(super) fn end(&mut self) {
        *self = Self {
            ended: true,
            ..Self::default()
        };
    }

    /// Puts the next job in order aside until `upstream`, or any that the run shares, permits it.
    /// Returns whether there was room.
    pub(super) fn hold(&mut self, now: Time, upstream: Option<UpstreamId>) -> bool {
        if self.held_jobs >= HELD_MAX {
            return false;
        }
        let Some(job) = self.staged.pop_front() else {
            return false;
        };
        self.held_jobs += 1;
        match self.held.iter_mut().find(|held| held.upstream == upstream) {
            Some(held) => held.jobs.push_back((now, job)),
            None => self.held.push_back(Held {
                upstream,
                jobs: [(now, job)].into(),
            }),
        }
        true
    }

    /// The number of resolvers that jobs wait for.
    pub(super) fn awaited(&self) -> usize {
        self.held.len()
    }

    /// The resolver to try next for the jobs that wait for it; each has its turn.
    /// `None` inside stands for any resolver that the run shares.
    pub(super) fn next_awaited(&mut self) -> Option<Option<UpstreamId>> {
        let first = self.held.pop_front()?;
        let upstream = first.upstream;
        self.held.push_back(first);
        Some(upstream)
    }

    /// Since when the first job waits for the resolver that [`Self::next_awaited`] returned.
    pub(super) fn held_since(&self) -> Option<Time> {
        let held = self.held.back()?;
        held.jobs.front().map(|(since, _)| *since)
    }

    /// Takes the first job that waits for the resolver that [`Self::next_awaited`] returned.
    pub(super) fn release(&mut self) -> Option<Job> {
        let held = self.held.back_mut()?;
        let (_, job) = held.jobs.pop_front()?;
        self.held_jobs -= 1;
        if held.jobs.is_empty() {
            self.held.pop_back();
        }
        Some(job)
    }
}
