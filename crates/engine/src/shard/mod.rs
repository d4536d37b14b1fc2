//! One event loop: its tasks, its sockets, its turn.
//!
//! A turn has bounded phases in a fixed order: wait, receive, expire, admit and transmit, deliver.
//!
//! The parts of a [`Shard`] own their state: [`Intake`] the jobs that are not admitted yet,
//! [`Tasks`] the jobs under way and their timers, [`Sender`] what waits to be sent, [`Sockets`]
//! what was opened, [`Outbox`] what is finished. What concerns several of them is a method of
//! `Shard`, in the file of its task: `receive`, `admit`, `transmit`, `drive`, `lookups`, `probes`.

mod admit;
mod drive;
mod intake;
mod lookups;
mod message_rate;
mod outbox;
mod probes;
mod query_task;
mod receive;
mod record;
mod schedule;
mod sender;
mod share;
mod sockets;
mod streams;
mod tasks;
mod transmit;
mod watch;

use std::io;

use canvass_model::{ShardReport, Time};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::cap_share::ShareView;
use crate::channels::Channels;
use crate::config::Config;
use crate::name_cache::NameCache;
use crate::net::{Event, Net};
use crate::pacer::Pacer;
use crate::run_limits::RunLimits;
use crate::slots::Slots;
use crate::upstream::Upstreams;
use intake::Intake;
use message_rate::{MessageRate, Rest};
use outbox::Outbox;
use probes::Probes;
use record::Record;
use schedule::Schedule;
use sender::Sender;
use sockets::Sockets;
use tasks::Tasks;
use watch::{Outage, Stalls};

/// One event loop.
#[derive(Debug)]
pub struct Shard<N: Net> {
    net: N,
    rng: StdRng,
    config: Config,
    channels: Channels,
    intake: Intake,
    tasks: Tasks,
    upstreams: Upstreams,
    pacer: Pacer,
    share: ShareView,
    slots: Option<Slots>,
    schedule: Schedule,
    sender: Sender,
    names: NameCache,
    probes: Probes,
    sockets: Sockets,
    outbox: Outbox,
    message_rate: MessageRate,
    stalls: Stalls,
    outage: Outage,
    record: Record,
    report: ShardReport,
}

/// What a shard holds at a moment. At the end of a run that is nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Jobs under way, and lookups for them.
    pub jobs: usize,
    /// Timers set.
    pub timers: usize,
    /// Queries that may still be answered, and so ids in use.
    pub attempts: usize,
    /// Queries that count against a window.
    pub in_flight: usize,
    /// Sockets of probes.
    pub sockets: usize,
}

impl Census {
    fn total(self) -> usize {
        self.jobs + self.timers + self.attempts + self.in_flight + self.sockets
    }
}

/// Whether a shard has more to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// It has.
    More,
    /// Every job that was admitted has its outcome, and there will be no more jobs.
    Done,
}

impl<N: Net> Shard<N> {
    /// A shard over `net`, under limits that it shares with the other shards of the run. All its
    /// randomness comes from `seed`, which must be from the system where ids must not be guessable.
    pub fn new(
        net: N,
        config: Config,
        channels: Channels,
        limits: &RunLimits,
        seed: [u8; 32],
    ) -> Self {
        Self {
            net,
            rng: StdRng::from_seed(seed),
            channels,
            intake: Intake::default(),
            tasks: Tasks::new(),
            upstreams: Upstreams::new(&config, limits),
            pacer: limits.pacer(),
            share: limits.share_view(),
            slots: limits.slots(),
            schedule: Schedule::new(&config),
            sender: Sender::new(),
            names: NameCache::default(),
            probes: Probes::new(&config.probing),
            sockets: Sockets::new(),
            outbox: Outbox::default(),
            message_rate: MessageRate::default(),
            stalls: Stalls::default(),
            outage: Outage::default(),
            record: Record::default(),
            report: ShardReport::default(),
            config,
        }
    }

    /// Turns until all is done.
    ///
    /// # Errors
    /// When the system cannot wait for events.
    pub fn run(mut self) -> io::Result<ShardReport> {
        while self.turn()? == Turn::More {}
        Ok(self.into_report())
    }

    /// One turn.
    ///
    /// # Errors
    /// When the system cannot wait for events.
    pub fn turn(&mut self) -> io::Result<Turn> {
        let now = self.net.now();
        self.record.on_turn_end(now);
        let until = self.next_wake(now);
        let mut events = self.sockets.lend_events();
        let slept_until = self.wait(now, until, &mut events)?;
        self.channels.inbox_waker.unpark();
        self.channels.outbox_waker.unpark();
        let woken = self.net.now();
        if until < Time::MAX {
            let until = slept_until.map_or(until, |end| end.max(until)).max(now);
            self.stalls.watch(until, woken, &mut self.report);
        }
        self.record.on_woken(slept_until, woken);
        if self.record.wants_sample(woken) {
            self.take_sample(woken);
        }

        let received = self.receive(woken, &events);
        // What arrived between the poll and its end may not have been among its events.
        self.sockets.on_all_read(now);
        self.sockets.give_events_back(events);
        self.message_rate.count(woken, received);
        let received = self.net.now();
        self.stalls.watch(woken, received, &mut self.report);
        self.expire(received);
        self.transmit(received);
        let now = self.net.now();
        self.deliver(now);
        self.stalls.watch(received, now, &mut self.report);
        self.watch_outage(now);
        self.watch_control(now);
        self.publish_if_wanted();
        self.give_slots_back();

        if !self.intake.has_ended() || self.has_jobs() {
            return Ok(Turn::More);
        }
        self.cancel_lookups(now);
        Ok(if self.outbox.is_empty() {
            Turn::Done
        } else {
            Turn::More
        })
    }

    /// Whether there are jobs that have no outcome yet.
    fn has_jobs(&self) -> bool {
        self.tasks.jobs() > 0 || !self.intake.is_empty() || self.probes.hosts.parked() > 0
    }

    /// Waits for events until `until` at the latest. Returns until when it meant to sleep, if
    /// there was a time set.
    ///
    /// While messages are so fast that each would wake the thread, it sleeps a moment first and
    /// receives what has collected: waking costs as much as several answers. Probes are dated by the
    /// turn, and so do not wait for more than what is there.
    fn wait(
        &mut self,
        now: Time,
        until: Time,
        events: &mut Vec<Event>,
    ) -> io::Result<Option<Time>> {
        let has_probes = self.probes.sockets_open() > 0;
        let end = match self.message_rate.rest() {
            Rest::Until(end) if end > now && !has_probes && !self.sockets.any_readable() => end,
            Rest::Idle(rest) if until > now => {
                // Neither poll may sleep: either can be the one that is woken.
                self.net.wait(now, events)?;
                if !events.is_empty() {
                    return Ok(None);
                }
                until.min(now + rest)
            }
            _ => {
                self.net.wait(until, events)?;
                return Ok(Some(until).filter(|_| until > now && until < Time::MAX));
            }
        };
        self.net.rest(end.since(now));
        self.net.wait(now, events)?;
        Ok(Some(end))
    }

    /// What the shard holds.
    pub fn census(&self) -> Census {
        Census {
            jobs: self.tasks.len() + self.probes.hosts.parked(),
            timers: self.tasks.timers(),
            attempts: self.upstreams.attempts_open(),
            in_flight: self.upstreams.in_flight(),
            sockets: self.probes.sockets_open(),
        }
    }

    /// Until when there is nothing to do if nothing happens.
    fn next_wake(&mut self, now: Time) -> Time {
        if self.sockets.any_readable() {
            return now;
        }
        let timer = self.tasks.next_timer().min(self.upstreams.look_at());
        let timers = self.stalls.timers_at(timer);
        let wake = timers
            .min(self.sender.resume_at())
            .min(self.outbox.due_at(self.outbox_room()));
        // Channels do not wake a poll. So the shard says that it will sleep and looks once more,
        // or it would sleep through what was sent in between.
        if self.intake.wants_batch() {
            self.channels.inbox_waker.park();
            self.intake.stage(&self.channels.jobs);
            if !self.intake.wants_batch() {
                return now;
            }
        }
        if self.outbox.is_full() {
            self.channels.outbox_waker.park();
            if !self.channels.outcomes.is_full() {
                return now;
            }
        }
        wake.max(now)
    }

    /// Lets the timers fire that are due, unless there is more to read that was received before.
    fn expire(&mut self, now: Time) {
        if !self.stalls.may_fire(now, self.sockets.any_readable()) {
            return;
        }
        for key in self.tasks.take_due(now) {
            self.drive(now, key);
        }
        self.upstreams.look_at_lanes(now);
        self.take_back_from_streams(now);
        self.close_silent(now);
        self.close_stuck(now);
    }

    /// Hands over the outcomes that are due.
    fn deliver(&mut self, now: Time) {
        let last = self.intake.has_ended() && !self.has_jobs();
        let had_room = self.has_outbox_room();
        let room = self.outbox_room();
        let outcomes = &self.channels.outcomes;
        let delivered = self.outbox.deliver(now, outcomes, room, last);
        self.report.finished += delivered.outcomes;
        self.report.output_wait += delivered.waited;
        // Nothing else wakes the jobs that waited for this room.
        if delivered.outcomes > 0 && !had_room {
            self.sender.resume_by(now);
        }
        if delivered.is_abandoned {
            self.channels.stop.abort();
        }
    }

    /// The weight of the outbox at which no more jobs are admitted.
    fn outbox_room(&self) -> usize {
        self.config.jobs_max.saturating_sub(self.tasks.jobs())
    }

    /// Whether the outcome of another job has room.
    fn has_outbox_room(&self) -> bool {
        self.outbox.weight() < self.outbox_room()
    }
}
