//! A task that asks resolvers.

use canvass_model::{DnsName, Time};
use canvass_proto::dns::Question;
use canvass_proto::{
    AddressFamily, Limits, LostCause, NameLookup, Output, QuestionId, Reply, ReplyClass,
    SendRequest, Sent, Session,
};
use rand::rngs::StdRng;
use smallvec::SmallVec;

use crate::upstream::AttemptKey;

/// A task that asks resolvers: a job, or the lookup of a host name for probes.
#[derive(Debug)]
pub(super) struct QueryTask {
    asker: Asker,
    /// The attempts that may still be answered.
    open: SmallVec<[AttemptKey; 2]>,
    admitted: Time,
}

/// The machine that asks. Boxed, so that a task is small: it is moved several times, and the slab
/// grows by moving all of its tasks.
#[derive(Debug)]
pub(super) enum Asker {
    Job(Box<Session>),
    Host(Box<HostLookup>),
}

/// The lookup of one address family of a host name.
#[derive(Debug)]
pub(super) struct HostLookup {
    pub(super) name: Box<str>,
    pub(super) family: AddressFamily,
    pub(super) lookup: NameLookup,
}

impl QueryTask {
    pub(super) fn job(now: Time, session: Box<Session>) -> Self {
        Self::new(now, Asker::Job(session))
    }

    /// Looks up `wire`, which probes know as `name`.
    pub(super) fn host(
        now: Time,
        name: &str,
        wire: &DnsName,
        family: AddressFamily,
        limits: &Limits,
    ) -> Self {
        let lookup = HostLookup {
            name: name.into(),
            family,
            lookup: NameLookup::new(wire, family, now + limits.deadline, limits),
        };
        Self::new(now, Asker::Host(Box::new(lookup)))
    }

    fn new(now: Time, asker: Asker) -> Self {
        Self {
            asker,
            open: SmallVec::new(),
            admitted: now,
        }
    }

    pub(super) fn is_job(&self) -> bool {
        matches!(self.asker, Asker::Job(_))
    }

    /// What asks, the attempts that may still be answered, and when the task was admitted.
    pub(super) fn into_parts(self) -> (Asker, SmallVec<[AttemptKey; 2]>, Time) {
        (self.asker, self.open, self.admitted)
    }

    /// The attempts that may still be answered.
    pub(super) fn open(&self) -> SmallVec<[AttemptKey; 2]> {
        self.open.clone()
    }

    pub(super) fn poll(&mut self, now: Time, limits: &Limits) -> Output {
        match &mut self.asker {
            Asker::Job(session) => session.poll(now, limits),
            Asker::Host(host) => host.lookup.poll(now, limits),
        }
    }

    pub(super) fn question(&self, question: QuestionId) -> &Question {
        match &self.asker {
            Asker::Job(session) => session.question(question),
            Asker::Host(host) => host.lookup.question(),
        }
    }

    pub(super) fn request(&self, question: QuestionId) -> Option<SendRequest> {
        match &self.asker {
            Asker::Job(session) => session.request(question),
            Asker::Host(host) => host.lookup.request(),
        }
    }

    pub(super) fn write_query(
        &self,
        question: QuestionId,
        id: u16,
        edns: bool,
        limits: &Limits,
        out: &mut Vec<u8>,
    ) -> bool {
        match &self.asker {
            Asker::Job(session) => session.write_query(question, id, edns, limits, out),
            Asker::Host(host) => host.lookup.write_query(id, edns, limits, out),
        }
    }

    pub(super) fn sent(&mut self, now: Time, sent: &Sent, limits: &Limits, rng: &mut StdRng) {
        match &mut self.asker {
            Asker::Job(session) => session.sent(now, sent, limits, rng),
            Asker::Host(host) => host.lookup.sent(now, sent, limits, rng),
        }
    }

    /// The attempt at `key` has been sent and may be answered.
    pub(super) fn opened(&mut self, key: AttemptKey) {
        self.open.push(key);
    }

    /// `answered` was answered.
    pub(super) fn reply(
        &mut self,
        now: Time,
        answered: AttemptKey,
        reply: &Reply<'_>,
        limits: &Limits,
        rng: &mut StdRng,
    ) -> ReplyClass {
        self.closed(answered);
        match &mut self.asker {
            Asker::Job(session) => session.reply(now, reply, limits, rng),
            Asker::Host(host) => host.lookup.reply(now, reply, limits, rng),
        }
    }

    /// The query that is out for `question` is waited for until then.
    pub(super) fn wait_until(&mut self, question: QuestionId, end: Time) {
        match &mut self.asker {
            Asker::Job(session) => session.wait_until(question, end),
            Asker::Host(host) => host.lookup.wait_until(end),
        }
    }

    /// The query that is out for `question` was not answered in time.
    pub(super) fn expire(&mut self, now: Time, question: QuestionId) {
        match &mut self.asker {
            Asker::Job(session) => session.expire(now, question),
            Asker::Host(host) => host.lookup.expire(),
        }
    }

    /// The attempt at `key` can no longer be answered.
    pub(super) fn closed(&mut self, key: AttemptKey) {
        self.open.retain(|open| *open != key);
    }

    pub(super) fn lost(
        &mut self,
        now: Time,
        question: QuestionId,
        lost: LostCause,
        limits: &Limits,
        rng: &mut StdRng,
    ) {
        match &mut self.asker {
            Asker::Job(session) => session.lost(now, question, lost, limits, rng),
            Asker::Host(host) => host.lookup.lost(now, lost, limits, rng),
        }
    }

    pub(super) fn returned(&mut self, now: Time, question: QuestionId) {
        match &mut self.asker {
            Asker::Job(session) => session.returned(now, question),
            Asker::Host(host) => host.lookup.returned(),
        }
    }

    pub(super) fn taken_back(&mut self, now: Time, question: QuestionId) {
        match &mut self.asker {
            Asker::Job(session) => session.taken_back(now, question),
            Asker::Host(host) => host.lookup.taken_back(),
        }
    }

    pub(super) fn blocked(&mut self, lost: LostCause) {
        match &mut self.asker {
            Asker::Job(session) => session.blocked(lost),
            Asker::Host(host) => host.lookup.blocked(lost),
        }
    }

    pub(super) fn end(&mut self, now: Time) {
        match &mut self.asker {
            Asker::Job(session) => session.end(now),
            Asker::Host(host) => host.lookup.end(now),
        }
    }

    pub(super) fn cancel(&mut self, now: Time) {
        match &mut self.asker {
            Asker::Job(session) => session.cancel(now),
            Asker::Host(host) => host.lookup.cancel(now),
        }
    }
}
