//! One event loop: its jobs, its sockets, its turn.
//!
//! A turn has fixed, bounded phases: wait, receive, expire, admit and transmit, deliver.

mod deliver;
mod flow;
mod lookups;
mod probes;
mod receive;
mod record;
mod sockets;
mod transmit;
mod watch;

use std::collections::VecDeque;
use std::io;

use canvass_model::{Job, ShardReport, Time, Transport};
use canvass_proto::{AddressFamily, ConnectionId, Output, QuestionId, Session, UpstreamId};
use rand::SeedableRng;
use rand::rngs::StdRng;
use smallvec::SmallVec;

use crate::config::Config;
use crate::mailbox::Channels;
use crate::net::{Event, Net, SocketId};
use crate::pacer::Pacer;
use crate::slab::{Slab, TaskKey};
use crate::upstream::{AttemptKey, Upstreams};
use crate::wheel::Wheel;
use deliver::Finished;
use flow::Flow;
use probes::Probes;
use record::Record;

/// Turns that may pass without looking at the timers while there is more to read: what has come
/// is read before it is given up, and a flood cannot put off the end of anything for long.
const EXPIRE_PUT_OFF_MAX: u32 = 8;

/// Whose socket it is.
#[derive(Clone, Copy, Debug)]
enum Owner {
    Upstream(UpstreamId, Transport),
    Probe(TaskKey, ConnectionId),
}

/// A socket that somebody has.
#[derive(Clone, Copy, Debug)]
struct Owned {
    owner: Owner,
    /// It is on the list of those with something to read.
    readable: bool,
    /// The peer has closed its side.
    closed: bool,
}

/// A question to resolvers under way: a job, or what a probe needs.
#[derive(Debug)]
struct Slot {
    session: Session,
    /// The attempts that may still be answered.
    open: SmallVec<[AttemptKey; 2]>,
    admitted: Time,
    /// It is no job, but looks up one address family of this name.
    name: Option<Box<(Box<str>, AddressFamily)>>,
}

/// One event loop.
#[derive(Debug)]
pub struct Shard<N: Net> {
    net: N,
    rng: StdRng,
    config: Config,
    channels: Channels,
    slots: Slab<Slot>,
    probes: Probes,
    wheel: Wheel,
    upstreams: Upstreams,
    pacer: Pacer,
    /// Questions that want to be sent again, or by another way than a job's first.
    wanting: VecDeque<(TaskKey, QuestionId)>,
    /// How many of them left since the last new job.
    wanting_row: u32,
    staged: VecDeque<Job>,
    jobs_ended: bool,
    finished: Finished,
    finished_since: Time,
    outbox_full: bool,
    flow: Flow,
    /// Messages that came, whatever they were.
    messages: usize,
    owners: Vec<Option<Owned>>,
    /// Upstreams with stream connections.
    streaming: Vec<UpstreamId>,
    /// Upstreams whose streams went silent, and are to be closed.
    silent: Vec<UpstreamId>,
    readable: VecDeque<SocketId>,
    events: Vec<Event>,
    fired: Vec<u32>,
    buffer: Box<[u8]>,
    query: Vec<u8>,
    /// When there is something to send again, if nothing comes before.
    resume_at: Time,
    expire_put_off: u32,
    stall_end: Time,
    /// Until when the timers stand still, and how often that was put off since they last fired.
    grace_end: Time,
    graces: u32,
    down_since: Option<Time>,
    record: Record,
    report: ShardReport,
}

/// What a shard holds at a moment. At the end of a run it is nothing at all.
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
    /// Every job it took has its outcome, and there will be no more.
    Done,
}

impl<N: Net> Shard<N> {
    /// A shard over `net`. All that is random in it comes from `seed`, which must be of the
    /// system's making where ids are not to be guessed.
    pub fn new(net: N, config: Config, channels: Channels, seed: [u8; 32]) -> Self {
        Self {
            net,
            rng: StdRng::from_seed(seed),
            upstreams: Upstreams::new(&config),
            pacer: Pacer::new(config.rate_max_per_second),
            probes: Probes::new(&config.probing),
            config,
            channels,
            slots: Slab::new(),
            wheel: Wheel::new(),
            wanting: VecDeque::new(),
            wanting_row: 0,
            staged: VecDeque::new(),
            jobs_ended: false,
            finished: Finished::default(),
            finished_since: Time::ZERO,
            outbox_full: false,
            flow: Flow::default(),
            messages: 0,
            owners: Vec::new(),
            streaming: Vec::new(),
            silent: Vec::new(),
            readable: VecDeque::new(),
            events: Vec::new(),
            fired: Vec::new(),
            buffer: vec![0; receive::BUFFER_OCTETS].into_boxed_slice(),
            query: Vec::new(),
            resume_at: Time::ZERO,
            expire_put_off: 0,
            stall_end: Time::ZERO,
            grace_end: Time::ZERO,
            graces: 0,
            down_since: None,
            record: Record::default(),
            report: ShardReport::default(),
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
        self.events.clear();
        let slept_until = self.wait(now, until)?;
        self.channels.inbox_waker.unpark();
        self.channels.outbox_waker.unpark();
        let woken = self.net.now();
        if until < Time::MAX {
            self.watch_stall(until.max(now), woken);
        }
        self.record.on_woken(slept_until, woken);
        if self.record.wants_sample(woken) {
            self.take_sample(woken);
        }

        let taken = self.receive(woken);
        self.flow.count(woken, taken);
        let received = self.net.now();
        self.watch_stall(woken, received);
        self.expire(received);
        self.transmit(received);
        let now = self.net.now();
        self.deliver(now);
        self.watch_stall(received, now);
        self.watch_outage(now);
        self.watch_control(now);

        if !self.jobs_ended || self.has_jobs() {
            return Ok(Turn::More);
        }
        // Lookups that nobody waits for any more.
        self.cancel_lookups(now);
        Ok(if self.finished.is_empty() {
            Turn::Done
        } else {
            Turn::More
        })
    }

    /// Whether there are jobs that have no outcome yet.
    fn has_jobs(&self) -> bool {
        self.jobs_under_way() > 0 || !self.staged.is_empty() || self.probes.hosts.parked() > 0
    }

    fn jobs_under_way(&self) -> usize {
        self.slots.len() - self.probes.lookups + self.probes.slots.len()
    }

    /// Waits for something to happen, until `until` at the latest. Returns when it was to end,
    /// where it slept and a time was set.
    ///
    /// Where messages come so fast that each would wake the thread for itself, it sleeps a
    /// moment first and takes what has come together: waking costs as much as several answers.
    fn wait(&mut self, now: Time, until: Time) -> io::Result<Option<Time>> {
        let Some(rest) = self.flow.rest().filter(|_| until > now) else {
            self.net.wait(until, &mut self.events)?;
            return Ok(Some(until).filter(|_| until > now && until < Time::MAX));
        };
        // Neither look may sleep: either can be the one that is woken.
        self.net.wait(now, &mut self.events)?;
        if !self.events.is_empty() {
            return Ok(None);
        }
        let rest = rest.min(until.since(now));
        self.net.rest(rest);
        self.net.wait(now, &mut self.events)?;
        Ok(Some(now + rest))
    }

    /// What the shard holds.
    pub fn census(&self) -> Census {
        Census {
            jobs: self.slots.len() + self.probes.slots.len() + self.probes.hosts.parked(),
            timers: self.wheel.armed() + self.probes.wheel.armed(),
            attempts: self.upstreams.attempts_open(),
            in_flight: self.upstreams.in_flight(),
            sockets: self.probes.sockets_open,
        }
    }

    /// What the shard has to say when it is done.
    pub fn into_report(mut self) -> ShardReport {
        self.report.leaked = self.census().total() as u64;
        let (upstreams, kernel_drops) = self.upstreams.reports(&self.net);
        let losses = &mut self.report.losses;
        losses.kernel_drops = kernel_drops;
        for upstream in &upstreams {
            losses.refused += upstream.refused;
            losses.late_replies += upstream.late;
            losses.silence += upstream.timeouts.saturating_sub(upstream.late);
        }
        self.report.upstreams = upstreams;
        self.report.connections = self.probes.report();
        self.end_record();
        self.report
    }

    /// Until when there is nothing to do if nothing happens.
    fn next_wake(&mut self, now: Time) -> Time {
        if !self.readable.is_empty() {
            return now;
        }
        let timers = self.wheel.next().min(self.probes.wheel.next());
        let timers = timers.max(self.grace_end);
        let mut wake = timers.min(self.resume_at);
        if !self.finished.is_empty() && !self.outbox_full {
            wake = wake.min(self.deliver_at());
        }
        // Channels do not wake a poll. So the shard says to the other side that it sleeps, and
        // looks once more, so that what came in between is not slept through.
        if self.staged.is_empty() && !self.jobs_ended {
            self.channels.inbox_waker.park();
            self.stage();
            if !self.staged.is_empty() || self.jobs_ended {
                return now;
            }
        }
        if self.outbox_full {
            self.channels.outbox_waker.park();
            if !self.channels.outcomes.is_full() {
                return now;
            }
        }
        wake.max(now)
    }

    /// Lets the timers fire that are due, unless there is more to read that came before.
    fn expire(&mut self, now: Time) {
        if !self.readable.is_empty() && self.expire_put_off < EXPIRE_PUT_OFF_MAX {
            self.expire_put_off += 1;
            return;
        }
        if now < self.grace_end {
            return;
        }
        self.graces = 0;
        self.expire_put_off = 0;
        let mut fired = std::mem::take(&mut self.fired);
        self.wheel.advance(now, &mut fired);
        for index in fired.drain(..) {
            if let Some(key) = self.slots.key_at(index) {
                self.drive(now, key);
            }
        }
        self.probes.wheel.advance(now, &mut fired);
        for index in fired.drain(..) {
            if let Some(key) = self.probes.slots.key_at(index) {
                self.drive_probe(now, key);
            }
        }
        self.fired = fired;
        self.close_silent(now);
    }

    /// Closes the streams of upstreams that were benched for silence: whoever goes to see
    /// whether they are back must not do so on a connection that a middlebox has forgotten.
    fn close_silent(&mut self, now: Time) {
        for upstream in std::mem::take(&mut self.silent) {
            let lane = &self.upstreams.by_id(upstream).tcp;
            let sockets: Vec<SocketId> = lane
                .iter()
                .flat_map(|lane| lane.sockets.sockets())
                .collect();
            for socket in sockets {
                self.on_stream_end(now, upstream, socket, Some(&io::ErrorKind::TimedOut.into()));
            }
        }
    }

    /// Does what a session wants, until it wants to wait.
    fn drive(&mut self, now: Time, key: TaskKey) {
        while let Some(slot) = self.slots.by_key(key) {
            match slot.session.poll(now, &self.config.limits) {
                Output::Send(question) => self.wanting.push_back((key, question)),
                Output::Expired(question) => self.expire_attempts(now, key, question),
                Output::Wait(until) => {
                    self.wheel.set(key.index, until);
                    return;
                }
                Output::Finish => {
                    self.finish(now, key);
                    return;
                }
                other => unreachable!("a session has no connections: {other:?}"),
            }
        }
    }

    /// The attempts that were out for `question` have had their time.
    fn expire_attempts(&mut self, now: Time, key: TaskKey, question: QuestionId) {
        let Some(slot) = self.slots.by_key(key) else {
            return;
        };
        for place in slot.open.clone() {
            let Some((_, transport)) = self.lane_of(place.socket) else {
                continue;
            };
            let whose = (place.upstream, transport, place.socket);
            let Some(attempts) = self.upstreams.attempts(whose) else {
                continue;
            };
            let Some(attempt) = attempts.by_id(place.id) else {
                continue;
            };
            if attempt.question == question && !attempt.expired {
                let attempt = *attempt;
                attempts.expire(place.id);
                let benched = self
                    .upstreams
                    .on_expired(now, place.upstream, transport, &attempt);
                if benched && transport == Transport::Tcp {
                    self.silent.push(place.upstream);
                }
            }
        }
    }

    fn finish(&mut self, now: Time, key: TaskKey) {
        let Some(slot) = self.slots.by_key(key) else {
            return;
        };
        let mut outcome = slot.session.finish(now);
        outcome.stalled = slot.admitted < self.stall_end;
        self.wheel.clear(key.index);
        let Some(slot) = self.slots.remove(key) else {
            return;
        };
        for place in slot.open {
            self.drop_attempt(place);
        }
        match slot.name {
            None => self.push_outcome(now, outcome),
            Some(name) => self.name_answered(now, &name.0, name.1, outcome),
        }
    }

    /// Closes an attempt whose job is over.
    fn drop_attempt(&mut self, place: AttemptKey) {
        let Some((_, transport)) = self.lane_of(place.socket) else {
            return;
        };
        let whose = (place.upstream, transport, place.socket);
        let Some(attempts) = self.upstreams.attempts(whose) else {
            return;
        };
        if let Some(attempt) = attempts.remove(place.id) {
            self.upstreams
                .on_dropped(place.upstream, transport, &attempt);
            if transport == Transport::Tcp {
                self.close_if_finished(place.upstream, place.socket);
            }
        }
    }

    fn owned(&self, socket: SocketId) -> Option<Owned> {
        self.owners.get(socket.0 as usize).copied().flatten()
    }

    /// The upstream and the transport whose socket it is.
    fn lane_of(&self, socket: SocketId) -> Option<(UpstreamId, Transport)> {
        match self.owned(socket)?.owner {
            Owner::Upstream(upstream, transport) => Some((upstream, transport)),
            Owner::Probe(..) => None,
        }
    }

    fn has_room(&self) -> bool {
        self.jobs_under_way() + self.finished.weight() < self.config.jobs_max
    }
}
