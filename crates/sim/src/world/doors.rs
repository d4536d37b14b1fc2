//! The other ends of a shard's channels: sends jobs, receives outcomes and stops the run.

use std::sync::Arc;

use canvass_engine::{StopSignal, Waker};
use canvass_model::{Job, Outcome, Time};
use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::World;
use super::agenda::Happening;
use crate::scenario::{Doors, Interrupt};

/// The other ends of a shard's channels.
#[derive(Debug)]
pub(crate) struct FarDoors {
    pub pace: Doors,
    pub interrupt: Option<Interrupt>,
    /// Batches that have not been sent, the last one first.
    pub batches: Vec<Vec<Job>>,
    pub jobs: Option<Sender<Vec<Job>>>,
    pub outcomes: Receiver<Vec<Outcome>>,
    pub inbox_waker: Arc<Waker>,
    pub outbox_waker: Arc<Waker>,
    pub control: Arc<StopSignal>,
    pub drain_is_set: bool,
    /// Waits because the inbox is full.
    pub feed_waits: bool,
    pub taken: Vec<Outcome>,
}

impl World {
    pub(super) fn open_doors(&mut self) {
        self.agenda.add(Time::ZERO, Happening::Feed);
        if let Some(Interrupt::Drain(at) | Interrupt::Abort(at)) = self.doors.interrupt {
            self.agenda.add(at, Happening::Interrupt);
        }
    }

    pub(super) fn feed(&mut self) {
        let doors = &mut self.doors;
        if doors.control.is_draining() {
            doors.batches.clear();
        }
        match (doors.batches.pop(), &doors.jobs) {
            (Some(batch), Some(jobs)) => match jobs.try_send(batch) {
                Ok(()) => self.woken = true,
                Err(TrySendError::Full(batch)) => {
                    // It goes on when the shard has taken one.
                    doors.batches.push(batch);
                    doors.feed_waits = true;
                    return;
                }
                Err(TrySendError::Disconnected(_)) => doors.batches.clear(),
            },
            _ => {
                doors.jobs = None;
                self.woken = true;
            }
        }
        if doors.jobs.is_some() {
            let at = self.now.plus_nanos(doors.pace.feed_interval_ns);
            self.agenda.add(at, Happening::Feed);
        }
        if self.woken {
            self.doors.inbox_waker.wake_if_parked();
        }
    }

    /// Makes sure that what is in the outbox will be taken, and that what the inbox has room for
    /// will be fed.
    pub(super) fn look_at_doors(&mut self) {
        if self.doors.feed_waits && self.doors.jobs.as_ref().is_none_or(|jobs| !jobs.is_full()) {
            self.doors.feed_waits = false;
            let at = self.now.plus_nanos(self.doors.pace.feed_interval_ns);
            self.agenda.add(at, Happening::Feed);
        }
        if !self.doors.drain_is_set && !self.doors.outcomes.is_empty() {
            self.doors.drain_is_set = true;
            let at = self.now.plus_nanos(self.doors.pace.drain_interval_ns);
            self.agenda.add(at, Happening::Drain);
        }
    }

    pub(super) fn drain(&mut self) {
        self.doors.drain_is_set = false;
        if let Ok(batch) = self.doors.outcomes.try_recv() {
            self.take(batch);
            self.woken = true;
            self.doors.outbox_waker.wake_if_parked();
        }
        self.look_at_doors();
    }

    pub(super) fn interrupt(&mut self) {
        match self.doors.interrupt {
            Some(Interrupt::Drain(_)) => self.doors.control.drain(),
            Some(Interrupt::Abort(_)) => self.doors.control.abort(),
            None => {}
        }
        self.woken = true;
        self.doors.inbox_waker.wake();
    }

    /// Everything that was handed over, when the shard is done.
    pub(crate) fn take_outcomes(&mut self) -> Vec<Outcome> {
        while let Ok(batch) = self.doors.outcomes.try_recv() {
            self.take(batch);
        }
        std::mem::take(&mut self.doors.taken)
    }

    fn take(&mut self, batch: Vec<Outcome>) {
        for outcome in &batch {
            self.trace.outcome(outcome);
        }
        self.doors.taken.extend(batch);
    }
}
