//! Handing outcomes over.

use std::collections::VecDeque;

use canvass_model::{Outcome, Time};
use crossbeam_channel::TrySendError;

use super::Shard;
use crate::config::{OUTCOME_BATCH_MAX, OUTCOME_WAIT_US};
use crate::net::Net;

impl<N: Net> Shard<N> {
    pub(super) fn push_outcome(&mut self, now: Time, outcome: Outcome) {
        if self.finished.is_empty() {
            self.finished_since = now;
        }
        self.finished.push(outcome);
    }

    /// When the outcomes at hand are handed over at the latest.
    pub(super) fn deliver_at(&self) -> Time {
        // What waits here takes the room of new jobs.
        if self.finished.has_whole_batch() || !self.has_room() {
            return Time::ZERO;
        }
        self.finished_since.plus_nanos(OUTCOME_WAIT_US * 1_000)
    }

    /// Hands over what is due to be. A full outbox keeps it here, where it takes the room of
    /// jobs, so that a slow reader slows admission and nothing grows.
    pub(super) fn deliver(&mut self, now: Time) {
        let last = self.jobs_ended && !self.has_jobs();
        let had_room = self.has_room();
        self.outbox_full = false;
        while !self.finished.is_empty() && (last || now >= self.deliver_at()) {
            let batch = self.finished.take_batch();
            let count = batch.len() as u64;
            match self.doors.outcomes.try_send(batch) {
                Ok(()) => {
                    self.report.finished += count;
                    // Nothing else wakes the jobs that waited for this room.
                    if !had_room {
                        self.resume_by(now);
                    }
                }
                Err(TrySendError::Full(batch)) => {
                    self.finished.put_back(batch);
                    self.outbox_full = true;
                    return;
                }
                // Nobody takes outcomes any more: the run is over.
                Err(TrySendError::Disconnected(_)) => {
                    self.finished = Finished::default();
                    self.doors.control.abort();
                }
            }
        }
    }
}

/// Outcomes that wait to be handed over, in batches that take no more room than they need.
#[derive(Debug, Default)]
pub(super) struct Finished {
    batches: VecDeque<Vec<Outcome>>,
    count: usize,
}

impl Finished {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    fn has_whole_batch(&self) -> bool {
        self.batches
            .front()
            .is_some_and(|batch| batch.len() >= OUTCOME_BATCH_MAX)
    }

    fn push(&mut self, outcome: Outcome) {
        self.count += 1;
        match self.batches.back_mut() {
            Some(batch) if batch.len() < OUTCOME_BATCH_MAX => batch.push(outcome),
            _ => {
                let mut batch = Vec::with_capacity(OUTCOME_BATCH_MAX);
                batch.push(outcome);
                self.batches.push_back(batch);
            }
        }
    }

    fn take_batch(&mut self) -> Vec<Outcome> {
        let batch = self.batches.pop_front().unwrap_or_default();
        self.count -= batch.len();
        batch
    }

    fn put_back(&mut self, batch: Vec<Outcome>) {
        self.count += batch.len();
        self.batches.push_front(batch);
    }
}
