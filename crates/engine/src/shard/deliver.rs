//! Handing outcomes over.

use std::collections::VecDeque;

use canvass_model::{Answer, Outcome, Time};
use crossbeam_channel::TrySendError;

use super::Shard;
use crate::config::{OUTCOME_BATCH_MAX, OUTCOME_WAIT_US};
use crate::net::Net;

/// So many octets of a body weigh as much as an outcome.
const BODY_OCTETS: usize = 64 << 10;

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
            match self.channels.outcomes.try_send(batch) {
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
                    self.channels.stop.abort();
                }
            }
        }
    }
}

/// Outcomes that wait to be handed over, in batches that take no more room than they need.
#[derive(Debug, Default)]
pub(super) struct Finished {
    batches: VecDeque<Vec<Outcome>>,
    weight: usize,
    /// That of the last batch, while it is being filled.
    last_weight: usize,
}

/// An outcome counts as one, and more with a body that is to be kept: what waits is bounded by
/// its size.
fn weight_of(outcome: &Outcome) -> usize {
    match &outcome.answer {
        Answer::Http(answer) => 1 + answer.body.as_ref().map_or(0, Vec::len) / BODY_OCTETS,
        _ => 1,
    }
}

impl Finished {
    /// How much there is, in outcomes of the usual size.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn is_empty(&self) -> bool {
        self.weight == 0
    }

    fn has_whole_batch(&self) -> bool {
        self.batches.len() > 1 || self.last_weight >= OUTCOME_BATCH_MAX
    }

    fn push(&mut self, outcome: Outcome) {
        let weight = weight_of(&outcome);
        self.weight += weight;
        match self.batches.back_mut() {
            Some(batch) if self.last_weight < OUTCOME_BATCH_MAX => {
                self.last_weight += weight;
                batch.push(outcome);
            }
            _ => {
                self.last_weight = weight;
                let mut batch = Vec::with_capacity(OUTCOME_BATCH_MAX);
                batch.push(outcome);
                self.batches.push_back(batch);
            }
        }
    }

    fn take_batch(&mut self) -> Vec<Outcome> {
        let batch = self.batches.pop_front().unwrap_or_default();
        self.weight -= batch.iter().map(weight_of).sum::<usize>();
        batch
    }

    fn put_back(&mut self, batch: Vec<Outcome>) {
        self.weight += batch.iter().map(weight_of).sum::<usize>();
        self.batches.push_front(batch);
    }
}
