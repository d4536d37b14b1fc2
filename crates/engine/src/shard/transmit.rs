//! Sends queries.

use std::io;
use std::time::Duration;

use canvass_model::{Cause, Time, Transport};
use canvass_proto::{Output, QuestionId, SendRequest, Sent, Session, UpstreamId};
use smallvec::SmallVec;

use super::Shard;
use super::query_task::QueryTask;
use super::sockets::{Owner, lost_cause};
use super::tasks::Task;
use crate::net::{Net, SocketId};
use crate::slab::TaskKey;
use crate::upstream::{Attempt, AttemptKey};

/// Queries sent in one turn.
const QUERIES_PER_TURN_MAX: usize = 1_024;
/// Queries between two clock readings.
const QUERIES_PER_CLOCK: usize = 32;
/// Queries, and resolvers that jobs wait for, looked at behind one that cannot be sent now.
pub(super) const PASSED_OVER_MAX: usize = 16;
/// How long to wait when the system has no room for a query.
pub(super) const BLOCKED_WAIT: Duration = Duration::from_millis(1);

/// The sending phase of a turn.
pub(super) struct SendTurn {
    pub(super) now: Time,
    sent: usize,
    blocked: bool,
}

impl SendTurn {
    /// One more query was sent, or task begun.
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
    /// It was sent, or is lost and its task knows.
    Done,
    /// The upstream cannot be asked before this time: every socket has all it can hold, or the system
    /// of this machine refused. Others can be asked meanwhile.
    Held(Time),
    /// Nothing can be sent in this turn.
    Blocked,
}

impl<N: Net> Shard<N> {
    /// Sends what may be sent now: first the queries of tasks under way, then those of new jobs.
    pub(super) fn transmit(&mut self, now: Time) {
        self.follow_run(now);
        self.sender.begin_look();
        let mut turn = SendTurn {
            now,
            sent: 0,
            blocked: false,
        };
        loop {
            let before = turn.sent;
            self.send_queued(&mut turn);
            self.go_on_with_probes(&mut turn);
            self.admit_held(&mut turn);
            self.admit(&mut turn);
            if !turn.goes_on() {
                break;
            }
            if turn.sent == before {
                // No new job could go before them after all.
                if !self.sender.is_row_over() {
                    break;
                }
                self.sender.begin_row();
            }
        }
        if turn.blocked {
            self.sender.resume_by(turn.now + BLOCKED_WAIT);
        } else if turn.sent >= QUERIES_PER_TURN_MAX {
            self.sender.resume_by(turn.now);
        }
        self.flush_all();
    }

    /// Sends the queries of tasks under way, until it is a new job's turn.
    fn send_queued(&mut self, turn: &mut SendTurn) {
        let mut passed_over: SmallVec<[(TaskKey, QuestionId); PASSED_OVER_MAX]> = SmallVec::new();
        let mut one_is_awaited = false;
        while passed_over.len() < PASSED_OVER_MAX && turn.goes_on() {
            if self.sender.is_row_over() && self.has_job(turn.now) {
                break;
            }
            let Some((key, question)) = self.sender.next() else {
                break;
            };
            let Some(query) = self.tasks.query(key) else {
                continue;
            };
            let Some(mut request) = query.request(question) else {
                continue;
            };
            self.upstreams.advise(turn.now, &mut request);
            // The limit is on the jobs' queries, not on the lookups that probes need, and only
            // those are worth a stream.
            let is_job = query.is_job();
            if is_job && let Some(at) = self.pacer.hold(turn.now) {
                passed_over.push((key, question));
                self.sender.resume_by(at);
                break;
            }
            let upstream = match self.upstreams.pick(turn.now, &mut request, is_job) {
                Ok(upstream) => upstream,
                Err(at) => {
                    passed_over.push((key, question));
                    self.sender.resume_by(at);
                    one_is_awaited |= request.only.is_some();
                    continue;
                }
            };
            match self.send(turn.now, key, question, &request, upstream) {
                Attempted::Done => {
                    self.sender.count_in_row();
                    self.count_sent(turn);
                }
                Attempted::Held(again) => {
                    passed_over.push((key, question));
                    self.put_off(again, upstream, request.transport);
                }
                Attempted::Blocked => {
                    passed_over.push((key, question));
                    turn.blocked = true;
                }
            }
        }
        // Queries that wait for one resolver must not hide those behind them for long.
        if one_is_awaited && passed_over.len() >= PASSED_OVER_MAX && !self.sender.is_empty() {
            self.sender.resume_by(turn.now + BLOCKED_WAIT);
        }
        self.sender.pass_over(passed_over);
    }

    /// Whether a new job waits that may begin.
    fn has_job(&mut self, now: Time) -> bool {
        let is_due = |job| self.due_of(job).is_none_or(|due| due <= now);
        self.intake.next().is_some_and(is_due) && self.has_room()
    }

    /// Makes a session a task and sends its first query.
    pub(super) fn begin(
        &mut self,
        turn: &mut SendTurn,
        mut session: Box<Session>,
        request: &SendRequest,
        permit: Option<UpstreamId>,
    ) {
        let now = turn.now;
        let output = session.poll(now, &self.config.limits);
        let key = self
            .tasks
            .insert(Task::Query(Box::new(QueryTask::job(now, session))));
        self.count_in_flight();
        match (output, permit) {
            (Output::Send(question), Some(upstream)) => {
                match self.send(now, key, question, request, upstream) {
                    Attempted::Done => self.count_sent(turn),
                    Attempted::Held(again) => {
                        self.sender.enqueue(key, question);
                        self.drive(now, key);
                        self.put_off(again, upstream, request.transport);
                    }
                    Attempted::Blocked => {
                        self.sender.enqueue_first(key, question);
                        self.drive(now, key);
                        turn.blocked = true;
                    }
                }
            }
            // A deadline of 0 ends a job before its first query.
            _ => self.drive(now, key),
        }
    }

    /// An upstream is asked again at this time, and others meanwhile.
    fn put_off(&mut self, again: Time, upstream: UpstreamId, transport: Transport) {
        self.upstreams.put_off(again, upstream, transport);
        self.sender.resume_by(again);
    }

    pub(super) fn count_sent(&mut self, turn: &mut SendTurn) {
        turn.sent += 1;
        if turn.sent.is_multiple_of(QUERIES_PER_CLOCK) {
            turn.now = self.net.now();
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
        let transport = request.transport;
        let written = match transport {
            Transport::Udp => self.send_datagram(now, key, question, upstream),
            Transport::Tcp => self.write_to_stream(key, question, upstream),
        };
        let (socket, id, edns) = match written {
            Ok(Some(written)) => written,
            Ok(None) => return Attempted::Held(now + BLOCKED_WAIT),
            Err(error) => return self.send_failed(now, key, question, request, upstream, &error),
        };
        if transport == Transport::Udp {
            self.outage.on_sent();
        }
        let first = request.first;
        let (epoch, in_flight_before) = self.upstreams.on_sent(now, upstream, transport, first);
        let attempt = Attempt {
            task: key,
            question,
            sent: now,
            epoch,
            in_flight_before,
            first,
            edns,
            expired: false,
        };
        if let Some(attempts) = self.upstreams.attempts((upstream, transport, socket)) {
            attempts.insert(id, attempt);
        }
        self.report_sent(now, key, question, transport, upstream);
        if let Some(query) = self.tasks.query(key) {
            query.opened(AttemptKey {
                upstream,
                socket,
                id,
            });
            let is_job = query.is_job();
            self.count_passed(upstream, is_job);
        }
        self.drive(now, key);
        Attempted::Done
    }

    /// Counts a query against the limits of rates.
    fn count_passed(&mut self, upstream: UpstreamId, is_job: bool) {
        let total = is_job && self.pacer.is_limited();
        let single = self.upstreams.has_rate_limit();
        if !total && !single {
            return;
        }
        let passed = self.net.now();
        if total {
            self.pacer.pass(passed);
        }
        if single {
            self.upstreams.on_passed(passed, upstream);
        }
    }

    fn report_sent(
        &mut self,
        now: Time,
        key: TaskKey,
        question: QuestionId,
        transport: Transport,
        upstream: UpstreamId,
    ) {
        let patience = self.upstreams.patience(upstream, transport);
        let resolver = self.upstreams.by_id(upstream).address;
        if let Some(query) = self.tasks.query(key) {
            let sent = Sent {
                question,
                upstream,
                resolver,
                transport,
                patience,
            };
            query.sent(now, &sent, &self.config.limits, &mut self.rng);
        }
    }

    /// `Ok(None)` when there is no room for it now.
    fn send_datagram(
        &mut self,
        now: Time,
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
        let Some(query) = self.tasks.query(key) else {
            return Ok(None);
        };
        let limits = &self.config.limits;
        let (message, edns) = self
            .sender
            .write(|out| query.write_query(question, id, known_edns, limits, out));
        if opened {
            let owner = Owner::Upstream(upstream, Transport::Udp);
            self.sockets.insert(socket, owner, true);
        }
        match self.net.send(socket, message) {
            Ok(()) => Ok(Some((socket, id, edns))),
            Err(error) => {
                let lost = lost_cause(&error);
                if !lost.is_local() {
                    // It is the peer's reply to an earlier datagram: this one was not sent.
                    self.lose_datagrams(now, upstream, socket, lost);
                }
                Err(error)
            }
        }
    }

    /// Closes sockets that are kept for queries to come. Returns whether there were any.
    fn close_idle_sockets(&mut self) -> bool {
        let idle = self.upstreams.take_idle_sockets();
        for socket in &idle {
            self.sockets.close(&mut self.net, *socket);
        }
        !idle.is_empty()
    }

    /// A query could not be sent. If the peer is the reason, it was an attempt, and the peer is
    /// left alone for a while. If this side is the reason, the query waits.
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
        if lost.cause == Cause::Descriptors && self.close_idle_sockets() {
            return Attempted::Blocked;
        }
        if lost.is_local() {
            let transport = request.transport;
            let again = self.on_local_fault(now, upstream, transport, lost);
            if let Some(query) = self.tasks.query(key) {
                query.blocked(lost);
            }
            return Attempted::Held(again);
        }
        self.upstreams.on_error(now, upstream, request.transport);
        if request.transport == Transport::Udp {
            self.report.losses.icmp += 1;
        }
        self.report_sent(now, key, question, request.transport, upstream);
        if let Some(query) = self.tasks.query(key) {
            let limits = &self.config.limits;
            query.lost(now, question, lost, limits, &mut self.rng);
        }
        self.drive(now, key);
        Attempted::Done
    }
}
