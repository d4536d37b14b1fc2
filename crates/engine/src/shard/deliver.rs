//! Handing outcomes over.

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
        if self.finished.len() >= OUTCOME_BATCH_MAX {
            return Time::ZERO;
        }
        self.finished_since.plus_nanos(OUTCOME_WAIT_US * 1_000)
    }

    /// Hands over what is due to be. A full outbox keeps it here, where it takes the room of
    /// jobs, so that a slow reader slows admission and nothing grows.
    pub(super) fn deliver(&mut self, now: Time) {
        let last = self.jobs_ended && self.slots.len() == 0 && self.staged.is_empty();
        self.outbox_full = false;
        while !self.finished.is_empty() && (last || now >= self.deliver_at()) {
            let rest = self
                .finished
                .split_off(self.finished.len().min(OUTCOME_BATCH_MAX));
            let batch = std::mem::replace(&mut self.finished, rest);
            let count = batch.len() as u64;
            match self.doors.outcomes.try_send(batch) {
                Ok(()) => self.report.finished += count,
                Err(TrySendError::Full(mut batch)) => {
                    batch.append(&mut self.finished);
                    self.finished = batch;
                    self.outbox_full = true;
                    return;
                }
                // Nobody takes outcomes any more: the run is over.
                Err(TrySendError::Disconnected(_)) => {
                    self.finished.clear();
                    self.doors.control.abort();
                }
            }
        }
    }
}
