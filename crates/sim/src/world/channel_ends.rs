//! The other ends of a shard's channels: sends jobs, receives outcomes and stops the run.

use std::sync::Arc;

use canvass_engine::{CapShare, StopSignal, Waker};
use canvass_model::{Job, Outcome, Time};
use crossbeam_channel::{Receiver, Sender, TrySendError};

use super::World;
use super::agenda::Happening;
use crate::feeder::Feeder;
use crate::scenario::{ChannelSettings, Interrupt};

/// The other ends of a shard's channels.
#[derive(Debug)]
pub(crate) struct ChannelEnds {
    pub pace: ChannelSettings,
    /// The shares of the run, and when each begins.
    pub shares: Vec<(Time, f64)>,
    pub share: CapShare,
    pub interrupt: Option<Interrupt>,
    /// Batches that have not been sent, the last one first.
    pub batches: Vec<Vec<Job>>,
    pub live: Option<LiveFeed>,
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

/// Jobs from a feeder, beside those that are known from the start.
#[derive(Debug)]
pub(crate) struct LiveFeed {
    feeder: Box<dyn Feeder>,
    /// What it has given.
    given: Vec<Job>,
    /// It has no more.
    is_over: bool,
    /// The number of times that it was arranged to be asked. Only the last one counts.
    asks: u64,
}

impl LiveFeed {
    pub(crate) fn new(feeder: Box<dyn Feeder>) -> Self {
        Self {
            feeder,
            given: Vec::new(),
            is_over: false,
            asks: 0,
        }
    }
}

impl World {
    pub(super) fn open_channels(&mut self) {
        self.ask_feeder_at(Time::ZERO);
        self.agenda.add(Time::ZERO, Happening::Feed);
        if let Some(Interrupt::Drain(at) | Interrupt::Abort(at)) = self.channels.interrupt {
            self.agenda.add(at, Happening::Interrupt);
        }
        for (at, share) in std::mem::take(&mut self.channels.shares) {
            self.agenda.add(at, Happening::Share { share });
        }
    }

    fn ask_feeder_at(&mut self, at: Time) {
        if let Some(live) = &mut self.channels.live {
            live.asks += 1;
            let number = live.asks;
            self.agenda.add(at, Happening::AskFeeder { number });
        }
    }

    pub(super) fn ask_feeder(&mut self, number: u64) {
        let channels = &mut self.channels;
        let Some(live) = channels.live.as_mut().filter(|live| live.asks == number) else {
            return;
        };
        let (jobs, again) = live.feeder.jobs(self.now);
        live.is_over = again.is_none();
        live.given.extend(jobs.iter().cloned());
        let batches = jobs.chunks(channels.pace.batch_jobs).rev();
        channels.batches.splice(0..0, batches.map(<[_]>::to_vec));
        if let Some(at) = again {
            self.ask_feeder_at(at);
        }
        if !self.channels.feed_waits {
            self.feed();
        }
    }

    pub(super) fn feed(&mut self) {
        let channels = &mut self.channels;
        if channels.control.is_draining() {
            channels.batches.clear();
        }
        let goes_on = channels.live.as_ref().is_some_and(|live| !live.is_over);
        if channels.batches.is_empty() && goes_on {
            return;
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

    pub(super) fn set_share(&mut self, share: f64) {
        self.woken |= self.channels.share.set(self.now, share);
    }

    /// Everything that was handed over, when the shard is done.
    pub(crate) fn take_outcomes(&mut self) -> Vec<Outcome> {
        while let Ok(batch) = self.channels.outcomes.try_recv() {
            self.take(batch);
        }
        std::mem::take(&mut self.channels.taken)
    }

    /// The jobs that a feeder has given.
    pub(crate) fn take_given(&mut self) -> Vec<Job> {
        let live = self.channels.live.take();
        live.map_or_else(Vec::new, |live| live.given)
    }

    fn take(&mut self, batch: Vec<Outcome>) {
        let now = self.now;
        for outcome in &batch {
            self.trace.outcome(outcome);
            if let Some(live) = &mut self.channels.live {
                live.feeder.outcome(now, outcome);
            }
        }
        self.channels.taken.extend(batch);
        self.ask_feeder_at(now);
    }
}
