//! Does what tasks ask for, and ends them.

use canvass_model::{Outcome, Time, Transport, Verdict};
use canvass_proto::{Output, QuestionId, UpstreamId};

use super::Shard;
use super::query_task::{Asker, QueryTask};
use super::tasks::Task;
use crate::net::Net;
use crate::slab::TaskKey;
use crate::upstream::AttemptKey;

impl<N: Net> Shard<N> {
    /// Does what a task asks for, until it waits or ends.
    pub(super) fn drive(&mut self, now: Time, key: TaskKey) {
        while let Some(task) = self.tasks.get(key) {
            let output = match task {
                Task::Query(query) => query.poll(now, &self.config.limits),
                Task::Probe(probe) => probe.probe.poll(now),
            };
            match output {
                Output::Send(question) => self.sender.enqueue(key, question),
                Output::Overdue(question) => self.on_overdue(now, key, question),
                Output::Resolve => self.look_up_for(now, key),
                Output::AcquireHost => self.change_host(now, key),
                Output::AcquireTurn => {
                    self.probes.await_turn(key);
                    self.sender.resume_by(now);
                }
                Output::Connect(connection) => self.probes.await_socket(key, connection),
                Output::Write(connection) => self.write_probe(now, key, connection),
                Output::ShutWrite(connection) => self.shut_probe(key, connection),
                Output::Close(connection) => self.close_probe_socket(key, connection),
                Output::Report(outcome) => self.report_probe(now, key, *outcome),
                Output::Wait(until) => return self.tasks.wait(key, until),
                Output::Finish => return self.finish(now, key),
            }
        }
    }

    /// Ends a task, and releases everything it holds.
    fn finish(&mut self, now: Time, key: TaskKey) {
        match self.tasks.remove(key) {
            Some(Task::Query(query)) => self.finish_query(now, *query),
            Some(Task::Probe(probe)) => self.finish_probe(now, *probe),
            None => {}
        }
    }

    fn finish_query(&mut self, now: Time, query: QueryTask) {
        let (asker, open, admitted) = query.into_parts();
        for at in open {
            self.drop_attempt(at);
        }
        match asker {
            Asker::Job(session) => self.push_outcome(now, admitted, session.finish(now)),
            Asker::Host(host) => self.host_looked_up(now, *host),
        }
    }

    /// Hands over the outcome of a job that was admitted at `admitted`.
    pub(super) fn push_outcome(&mut self, now: Time, admitted: Time, mut outcome: Outcome) {
        outcome.stalled = self.stalls.was_stalled(admitted, now);
        self.outbox.push(now, outcome);
    }

    /// Hands over an outcome of a probe.
    pub(super) fn push_probe_outcome(&mut self, now: Time, admitted: Time, outcome: Outcome) {
        if outcome.verdict == Verdict::Answered {
            self.outage.host_answered(now);
        }
        self.push_outcome(now, admitted, outcome);
    }

    /// The query that is out for `question` has been waited for as long as was to be. It is waited
    /// for longer if its upstream says so, and has expired otherwise.
    fn on_overdue(&mut self, now: Time, key: TaskKey, question: QuestionId) {
        let Some(query) = self.tasks.query(key) else {
            return;
        };
        let timeout = self.config.limits.timeout;
        let latest = query.open().into_iter().rev().find_map(|at| {
            let (_, transport) = self.sockets.lane(at.socket)?;
            let place = (at.upstream, transport, at.socket);
            let attempt = *self.upstreams.attempts(place)?.by_id(at.id)?;
            (attempt.question == question).then_some((at, transport, attempt))
        });
        let until = latest.and_then(|(at, transport, attempt)| {
            let drops = self.net.kernel_drops(at.socket);
            self.upstreams
                .overdue(now, transport, at, &attempt, timeout, drops)
        });
        let Some(query) = self.tasks.query(key) else {
            return;
        };
        match until {
            Some(until) => query.wait_until(question, until),
            None => query.expire(now, question),
        }
    }

    /// A resolver has answered for the first time: what else it was asked is not waited for longer
    /// than what is asked from now on.
    pub(super) fn draw_in(&mut self, now: Time, upstream: UpstreamId, transport: Transport) {
        let patience = self.upstreams.patience(upstream, transport);
        for attempt in self.upstreams.in_flight_to(upstream, transport) {
            if let Some(query) = self.tasks.query(attempt.task) {
                let end = (attempt.sent + patience.min(self.config.limits.timeout)).max(now);
                query.wait_until(attempt.question, end);
                self.drive(now, attempt.task);
            }
        }
    }

    /// Closes an attempt whose task has ended.
    fn drop_attempt(&mut self, at: AttemptKey) {
        let Some((_, transport)) = self.sockets.lane(at.socket) else {
            return;
        };
        let place = (at.upstream, transport, at.socket);
        let Some(attempts) = self.upstreams.attempts(place) else {
            return;
        };
        if let Some(attempt) = attempts.remove(at.id) {
            self.upstreams.on_dropped(at.upstream, transport, &attempt);
            if transport == Transport::Tcp {
                self.close_if_finished(at.upstream, at.socket);
            }
        }
    }
}
