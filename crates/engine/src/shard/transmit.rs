//! Taking jobs in and sending queries out.

use std::io;
use std::time::Duration;

use canvass_model::{Cause, ProbeSpec, Target, Time, Transport};
use canvass_proto::dns::frame;
use canvass_proto::{Output, QuestionId, SendRequest, Sent, Session, UpstreamId};
use crossbeam_channel::TryRecvError;
use smallvec::SmallVec;

use super::sockets::lost_cause;
use super::{Owner, Shard, Slot};
use crate::net::{Net, SocketId};
use crate::slab::TaskKey;
use crate::upstream::{Attempt, AttemptKey};

/// Queries sent in one turn.
const QUERIES_PER_TURN_MAX: usize = 1_024;
/// Queries between two looks at the clock.
const QUERIES_PER_CLOCK: usize = 32;
/// Questions looked at behind one that cannot be sent now.
const PASSED_OVER_MAX: usize = 16;
/// Questions of jobs under way that leave one after the other while a new job waits. New jobs
/// are what tells a resolver that is gone from names that are never answered.
const WANTING_ROW_MAX: u32 = 8;
/// How long to wait when the system has no room for a query.
const BLOCKED_WAIT: Duration = Duration::from_millis(1);

/// The sending part of a turn.
pub(super) struct SendTurn {
    pub(super) now: Time,
    sent: usize,
    blocked: bool,
}

impl SendTurn {
    /// One more left, or began.
    pub(super) fn count(&mut self) {
        self.sent += 1;
    }

    pub(super) fn goes_on(&self) -> bool {
        self.sent < QUERIES_PER_TURN_MAX && !self.blocked
    }
}

/// How sending a query went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempted {
    /// It left, or is lost and the session knows.
    Done,
    /// Every socket of the upstream has what it can hold.
    Full,
    /// It could not leave now. The system has no room; try in another turn.
    Blocked,
}

impl<N: Net> Shard<N> {
    /// Sends what may be sent now: first the questions of jobs under way, then new jobs.
    pub(super) fn transmit(&mut self, now: Time) {
        self.resume_at = Time::MAX;
        let mut turn = SendTurn {
            now,
            sent: 0,
            blocked: false,
        };
        loop {
            let before = turn.sent;
            self.send_wanting(&mut turn);
            self.go_on_with_probes(&mut turn);
            self.admit(&mut turn);
            if !turn.goes_on() {
                break;
            }
            if turn.sent == before {
                // No new job could go ahead of them after all.
                if self.wanting_row < WANTING_ROW_MAX {
                    break;
                }
                self.wanting_row = 0;
            }
        }
        if turn.blocked {
            self.resume_by(turn.now + BLOCKED_WAIT);
        } else if turn.sent >= QUERIES_PER_TURN_MAX {
            self.resume_by(turn.now);
        }
        self.flush_all();
    }

    /// There is something to send at this time.
    pub(super) fn resume_by(&mut self, at: Time) {
        self.resume_at = self.resume_at.min(at);
    }

    /// Sends the questions of jobs under way, until it is a new job's turn.
    fn send_wanting(&mut self, turn: &mut SendTurn) {
        let mut passed_over: SmallVec<[(TaskKey, QuestionId); PASSED_OVER_MAX]> = SmallVec::new();
        while passed_over.len() < PASSED_OVER_MAX && turn.goes_on() {
            if self.wanting_row >= WANTING_ROW_MAX && self.has_job(turn.now) {
                break;
            }
            let Some((key, question)) = self.wanting.pop_front() else {
                break;
            };
            let Some(slot) = self.slots.by_key(key) else {
                continue;
            };
            let Some(request) = slot.session.request(question) else {
                continue;
            };
            // The cap is on what was asked for, not on what that needs.
            if slot.name.is_none()
                && let Some(at) = self.pacer.hold(turn.now)
            {
                passed_over.push((key, question));
                self.resume_by(at);
                break;
            }
            let Some(upstream) = self.upstreams.pick(turn.now, &request) else {
                passed_over.push((key, question));
                self.resume_by(self.upstreams.next_permit(request.transport));
                continue;
            };
            match self.send(turn.now, key, question, &request, upstream) {
                Attempted::Done => {
                    self.wanting_row += 1;
                    self.count_sent(turn);
                }
                Attempted::Full => {
                    passed_over.push((key, question));
                    self.upstream_full(turn.now, upstream, request.transport);
                }
                Attempted::Blocked => {
                    passed_over.push((key, question));
                    turn.blocked = true;
                }
            }
        }
        // To the back, so that what waits for one lane does not hide what could take another.
        self.wanting.extend(passed_over);
    }

    /// Whether a new job waits that may begin.
    fn has_job(&self, now: Time) -> bool {
        let next = self.staged.front();
        self.has_room() && next.is_some_and(|job| job.due.is_none_or(|due| due <= now))
    }

    /// Begins new jobs while there is a permit for each; only one while others still want to
    /// send.
    fn admit(&mut self, turn: &mut SendTurn) {
        let transport = self.config.limits.transport.first();
        let request = SendRequest {
            transport,
            avoid: None,
            prefer: None,
            first: true,
        };
        while turn.goes_on() {
            self.stage();
            let Some(next) = self.staged.front() else {
                return;
            };
            if !self.has_room() {
                return;
            }
            if let Some(due) = next.due.filter(|due| *due > turn.now) {
                return self.resume_by(due);
            }
            if is_probe(next.spec) {
                if !self.admit_probe(turn) {
                    return;
                }
                continue;
            }
            let mut permit = None;
            if !matches!(next.target, Target::Invalid { .. }) {
                if let Some(at) = self.pacer.hold(turn.now) {
                    return self.resume_by(at);
                }
                permit = self.upstreams.pick(turn.now, &request);
                if permit.is_none() {
                    return self.resume_by(self.upstreams.next_permit(transport));
                }
            }
            let Some(job) = self.staged.pop_front() else {
                return;
            };
            self.wanting_row = 0;
            self.report.admitted += 1;
            match Session::new(job, turn.now, &self.config.limits) {
                Ok(session) => self.begin(turn, session, &request, permit),
                Err(outcome) => {
                    self.push_outcome(turn.now, outcome);
                    self.count_sent(turn);
                }
            }
            if !self.wanting.is_empty() {
                return;
            }
        }
    }

    /// Gives a session its slot and sends its first query.
    fn begin(
        &mut self,
        turn: &mut SendTurn,
        session: Session,
        request: &SendRequest,
        permit: Option<UpstreamId>,
    ) {
        let now = turn.now;
        let key = self.slots.insert(Slot {
            session,
            open: SmallVec::new(),
            admitted: now,
            name: None,
        });
        self.count_in_flight();
        let Some(slot) = self.slots.by_key(key) else {
            return;
        };
        match (slot.session.poll(now, &self.config.limits), permit) {
            (Output::Send(question), Some(upstream)) => {
                match self.send(now, key, question, request, upstream) {
                    Attempted::Done => self.count_sent(turn),
                    Attempted::Full => {
                        self.wanting.push_back((key, question));
                        self.drive(now, key);
                        self.upstream_full(now, upstream, request.transport);
                    }
                    Attempted::Blocked => {
                        self.wanting.push_front((key, question));
                        self.drive(now, key);
                        turn.blocked = true;
                    }
                }
            }
            // A deadline of nothing ends a job before its first query.
            _ => self.drive(now, key),
        }
    }

    /// All sockets of an upstream have what they can hold: others go on, and it is asked again
    /// in a moment.
    fn upstream_full(&mut self, now: Time, upstream: UpstreamId, transport: Transport) {
        let again = now + BLOCKED_WAIT;
        self.upstreams.put_off(again, upstream, transport);
        self.resume_by(again);
    }

    fn count_sent(&mut self, turn: &mut SendTurn) {
        turn.sent += 1;
        if turn.sent.is_multiple_of(QUERIES_PER_CLOCK) {
            turn.now = self.net.now();
        }
    }

    /// Takes the next batch of jobs when the last one is used up.
    pub(super) fn stage(&mut self) {
        if !self.staged.is_empty() || self.jobs_ended {
            return;
        }
        match self.channels.jobs.try_recv() {
            Ok(jobs) => self.staged = jobs.into(),
            Err(TryRecvError::Empty) => {}
            Err(TryRecvError::Disconnected) => self.jobs_ended = true,
        }
    }

    /// Sends one query to an upstream that has a permit for it.
    fn send(
        &mut self,
        now: Time,
        key: TaskKey,
        question: QuestionId,
        request: &SendRequest,
        upstream: UpstreamId,
    ) -> Attempted {
        let written = match request.transport {
            Transport::Udp => self.send_datagram(key, question, upstream),
            Transport::Tcp => self.write_to_stream(key, question, upstream),
        };
        let (socket, id, edns) = match written {
            Ok(Some(written)) => written,
            Ok(None) => return Attempted::Full,
            Err(error) => return self.send_failed(now, key, question, request, upstream, &error),
        };
        let transport = request.transport;
        if self
            .slots
            .by_key(key)
            .is_some_and(|slot| slot.name.is_none())
        {
            self.pacer.pass();
        }
        let epoch = self
            .upstreams
            .on_sent(now, upstream, transport, request.first);
        let attempt = Attempt {
            slot: key,
            question,
            sent: now,
            epoch,
            first: request.first,
            edns,
            expired: false,
        };
        if let Some(attempts) = self.upstreams.attempts((upstream, transport, socket)) {
            attempts.insert(id, attempt);
        }
        self.tell_sent(now, key, question, transport, upstream);
        if let Some(slot) = self.slots.by_key(key) {
            slot.open.push(AttemptKey {
                upstream,
                socket,
                id,
            });
        }
        self.drive(now, key);
        Attempted::Done
    }

    fn tell_sent(
        &mut self,
        now: Time,
        key: TaskKey,
        question: QuestionId,
        transport: Transport,
        upstream: UpstreamId,
    ) {
        let patience = self.upstreams.patience(upstream, transport);
        let resolver = self.upstreams.by_id(upstream).address;
        if let Some(slot) = self.slots.by_key(key) {
            let sent = Sent {
                question,
                upstream,
                resolver,
                transport,
                patience,
            };
            slot.session
                .sent(now, &sent, &self.config.limits, &mut self.rng);
        }
    }

    /// `Ok(None)` when there is no room for it now.
    fn send_datagram(
        &mut self,
        key: TaskKey,
        question: QuestionId,
        upstream: UpstreamId,
    ) -> io::Result<Option<(SocketId, u16, bool)>> {
        let known_edns = self.upstreams.by_id(upstream).edns;
        let Some(lane) = &mut self.upstreams.by_id(upstream).udp else {
            return Ok(None);
        };
        let Some((at, opened)) = lane.sockets.pick(&mut self.net, &mut self.rng)? else {
            return Ok(None);
        };
        let datagram = lane.sockets.at(at);
        let socket = datagram.socket;
        let id = datagram.attempts.draw_id(&mut self.rng);
        self.query.clear();
        let Some(slot) = self.slots.by_key(key) else {
            return Ok(None);
        };
        let edns = slot
            .session
            .write_query(question, id, known_edns, &mut self.query);
        if opened {
            self.own(socket, Owner::Upstream(upstream, Transport::Udp));
        }
        match self.net.send(socket, &self.query) {
            Ok(()) => Ok(Some((socket, id, edns))),
            Err(error) if is_no_room(&error) => {
                self.report.losses.local_send_errors += 1;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// `Ok(None)` when there is no room for it now.
    fn write_to_stream(
        &mut self,
        key: TaskKey,
        question: QuestionId,
        upstream: UpstreamId,
    ) -> io::Result<Option<(SocketId, u16, bool)>> {
        let known_edns = self.upstreams.by_id(upstream).edns;
        let Some(lane) = &mut self.upstreams.by_id(upstream).tcp else {
            return Ok(None);
        };
        let Some((at, opened)) = lane.sockets.pick(&mut self.net)? else {
            return Ok(None);
        };
        let connection = lane.sockets.at(at);
        let socket = connection.socket;
        let id = connection.attempts.draw_id(&mut self.rng);
        let Some(slot) = self.slots.by_key(key) else {
            return Ok(None);
        };
        let mut edns = false;
        frame::write(connection.unsent(), |out| {
            edns = slot.session.write_query(question, id, known_edns, out);
        });
        connection.on_query();
        if opened {
            self.upstreams.by_id(upstream).tally.connections += 1;
            self.own(socket, Owner::Upstream(upstream, Transport::Tcp));
            self.streaming.push(upstream);
        }
        Ok(Some((socket, id, edns)))
    }

    /// A query could not be sent. If that is the peer's doing, it was an attempt, and the peer
    /// is left alone for a while; if it is ours, the query waits.
    fn send_failed(
        &mut self,
        now: Time,
        key: TaskKey,
        question: QuestionId,
        request: &SendRequest,
        upstream: UpstreamId,
        error: &io::Error,
    ) -> Attempted {
        let lost = lost_cause(error);
        self.upstreams.on_error(now, upstream, request.transport);
        if matches!(lost.cause, Cause::Descriptors | Cause::System) {
            self.report.losses.local_send_errors += 1;
            if let Some(slot) = self.slots.by_key(key) {
                slot.session.hindered(lost);
            }
            return Attempted::Blocked;
        }
        self.tell_sent(now, key, question, request.transport, upstream);
        if let Some(slot) = self.slots.by_key(key) {
            slot.session
                .lost(now, question, lost, &self.config.limits, &mut self.rng);
        }
        self.drive(now, key);
        Attempted::Done
    }

    /// Writes what this turn gathered for streams.
    fn flush_all(&mut self) {
        if self.streaming.is_empty() {
            return;
        }
        let now = self.net.now();
        let mut streaming = std::mem::take(&mut self.streaming);
        streaming.sort_unstable_by_key(|upstream| upstream.0);
        streaming.dedup();
        for upstream in &streaming {
            self.flush(now, *upstream);
        }
        // Those with connections stay on the list; others come back when they open one.
        streaming.retain(|upstream| {
            let lane = &self.upstreams.by_id(*upstream).tcp;
            lane.as_ref()
                .is_some_and(|lane| lane.sockets.sockets().next().is_some())
        });
        streaming.append(&mut self.streaming);
        self.streaming = streaming;
    }

    pub(super) fn flush(&mut self, now: Time, upstream: UpstreamId) {
        while let Some(lane) = &mut self.upstreams.by_id(upstream).tcp {
            let Some(socket) = lane.sockets.unflushed() else {
                return;
            };
            let Some(connection) = lane.sockets.by_socket(socket) else {
                return;
            };
            if let Err(error) = connection.flush(&mut self.net) {
                self.on_stream_end(now, upstream, socket, Some(&error));
                // What it lost wants to be sent again, and the look at that is over.
                self.resume_by(now);
            }
        }
    }
}

/// Whether a job is a probe of a host.
pub(super) fn is_probe(spec: ProbeSpec) -> bool {
    !matches!(spec, ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. })
}

/// Whether the system only has no room at the moment.
fn is_no_room(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
        || error.kind() == io::ErrorKind::Interrupted
        || error.raw_os_error() == Some(libc::ENOBUFS)
}
