//! Outcomes that wait to be handed over.

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::{Answer, Outcome, Time};
use crossbeam_channel::{Sender, TrySendError};

use crate::config::{OUTCOME_BATCH_MAX, OUTCOME_WAIT_US};

/// Octets of a body that weigh as much as an outcome.
const BODY_OCTETS: usize = 64 << 10;

/// Outcomes that wait to be handed over, in batches.
///
/// What waits here takes the room of new jobs. So a slow reader slows admission, and nothing
/// grows.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    finished: Finished,
    /// When the first of them was put in.
    since: Time,
    /// The channel had no room for more.
    full: bool,
    /// Since when it has had none.
    full_since: Option<Time>,
}

/// How handing outcomes over went.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Delivered {
    /// The number of outcomes handed over.
    pub(super) outcomes: u64,
    /// How long they had waited for room in the channel.
    pub(super) waited: Duration,
    /// Nobody receives outcomes any more.
    pub(super) is_abandoned: bool,
}

impl Outbox {
    #[inline]
    pub(super) fn push(&mut self, now: Time, outcome: Outcome) {
        if self.finished.is_empty() {
            self.since = now;
        }
        self.finished.push(outcome);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.finished.is_empty()
    }

    /// How much room it takes, in outcomes of the usual size.
    pub(super) fn weight(&self) -> usize {
        self.finished.weight
    }

    /// Whether the channel had no room for what is due.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }

    /// When to hand outcomes over, unless that waits for the reader. `room` is the weight at which
    /// no more jobs are admitted.
    pub(super) fn due_at(&self, room: usize) -> Time {
        if self.is_empty() || self.full {
            return Time::MAX;
        }
        self.batch_at(room)
    }

    fn batch_at(&self, room: usize) -> Time {
        if self.finished.has_whole_batch() || self.weight() >= room {
            return Time::ZERO;
        }
        self.since.plus_nanos(OUTCOME_WAIT_US * 1_000)
    }

    /// Hands over what is due; with `all`, everything.
    pub(super) fn deliver(
        &mut self,
        now: Time,
        outcomes: &Sender<Vec<Outcome>>,
        room: usize,
        all: bool,
    ) -> Delivered {
        let mut delivered = Delivered::default();
        self.full = false;
        while !self.is_empty() && (all || now >= self.batch_at(room)) {
            let batch = self.finished.take_batch();
            let count = batch.len() as u64;
            match outcomes.try_send(batch) {
                Ok(()) => delivered.outcomes += count,
                Err(TrySendError::Full(batch)) => {
                    self.finished.put_back(batch);
                    self.full = true;
                    break;
                }
                Err(TrySendError::Disconnected(_)) => {
                    self.finished = Finished::default();
                    delivered.is_abandoned = true;
                }
            }
        }
        if delivered.outcomes > 0 {
            let since = self.full_since.take();
            delivered.waited = since.map_or(Duration::ZERO, |since| now.since(since));
        }
        if self.full {
            self.full_since.get_or_insert(now);
        }
        delivered
    }
}

/// Outcomes in batches.
#[derive(Debug, Default)]
struct Finished {
    batches: VecDeque<Vec<Outcome>>,
    weight: usize,
    /// The weight of the last batch, while it is being filled.
    last_weight: usize,
}

/// An outcome weighs one, and more if it has a body: what waits is bounded by its size.
fn weight_of(outcome: &Outcome) -> usize {
    match &outcome.answer {
        Answer::Http(answer) => 1 + answer.body.as_ref().map_or(0, Vec::len) / BODY_OCTETS,
        _ => 1,
    }
}

impl Finished {
    fn is_empty(&self) -> bool {
        self.weight == 0
    }

    fn has_whole_batch(&self) -> bool {
        self.batches.len() > 1 || self.last_weight >= OUTCOME_BATCH_MAX
    }

    #[inline]
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
