//! The other ends of a shard's channels: sends jobs, receives outcomes and stops the run.

use std::sync::Arc;

use canvass_engine::{StopSignal, Waker};
use canvass_model::{Job, Outcome, Time};
use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::World;
use super::agenda::Happening;
use crate::scenario::{ChannelSettings, Interrupt};

/// The other ends of a shard's channels.
#[derive(Debug)]
pub(crate) struct ChannelEnds {
    pub pace: ChannelSettings,
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
    pub(super) fn open_channels(&mut self) {
        self.agenda.add(Time::ZERO, Happening::Feed);
        if let Some(Interrupt::Drain(at) | Interrupt::Abort(at)) = self.channels.interrupt {
            self.agenda.add(at, Happening::Interrupt);
        }
    }

    pub(super) fn feed(&mut self) {
        let channels = &mut self.channels;
        if channels.control.is_draining() {
            channels.batches.clear();
        }
        match (channels.batches.pop(), &channels.jobs) {
            (Some(batch), Some(jobs)) => match jobs.try_send(batch) {
                Ok(()) => self.woken = true,
                Err(TrySendError::Full(batch)) => {
                    // It goes on when the shard has taken one.
                    channels.batches.push(batch);
                    channels.feed_waits = true;
                    return;
                }
                Err(TrySendError::Disconnected(_)) => channels.batches.clear(),
            },
            _ => {
                channels.jobs = None;
                self.woken = true;
            }
        }
        if channels.jobs.is_some() {
            let at = self.now.plus_nanos(channels.pace.feed_interval_ns);
            self.agenda.add(at, Happening::Feed);
        }
        if self.woken {
            self.channels.inbox_waker.wake_if_parked();
        }
    }

    /// Makes sure that what is in the outbox will be taken, and that what the inbox has room for
    /// will be fed.
    pub(super) fn check_channels(&mut self) {
        if self.channels.feed_waits
            && self
                .channels
                .jobs
                .as_ref()
                .is_none_or(|jobs| !jobs.is_full())
        {
            self.channels.feed_waits = false;
            let at = self.now.plus_nanos(self.channels.pace.feed_interval_ns);
            self.agenda.add(at, Happening::Feed);
        }
        if !self.channels.drain_is_set && !self.channels.outcomes.is_empty() {
            self.channels.drain_is_set = true;
            let at = self.now.plus_nanos(self.channels.pace.drain_interval_ns);
            self.agenda.add(at, Happening::Drain);
        }
    }

    pub(super) fn drain(&mut self) {
        self.channels.drain_is_set = false;
        if let Ok(batch) = self.channels.outcomes.try_recv() {
            self.take(batch);
            self.woken = true;
            self.channels.outbox_waker.wake_if_parked();
        }
        self.check_channels();
    }

    pub(super) fn interrupt(&mut self) {
        match self.channels.interrupt {
            Some(Interrupt::Drain(_)) => self.channels.control.drain(),
            Some(Interrupt::Abort(_)) => self.channels.control.abort(),
            None => {}
        }
        self.woken = true;
        self.channels.inbox_waker.wake();
    }

    /// Everything that was handed over, when the shard is done.
    pub(crate) fn take_outcomes(&mut self) -> Vec<Outcome> {
        while let Ok(batch) = self.channels.outcomes.try_recv() {
            self.take(batch);
        }
        std::mem::take(&mut self.channels.taken)
    }

    fn take(&mut self, batch: Vec<Outcome>) {
        for outcome in &batch {
            self.trace.outcome(outcome);
        }
        self.channels.taken.extend(batch);
    }
}
