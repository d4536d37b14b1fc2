//! Questions to resolvers: that of a job, and that of a host name.

mod aliases;
mod asked;
mod events;
mod failure;
mod finish;
mod forward;
mod limits;
mod name_lookup;
mod phase_clock;
mod query;
mod settled;

use canvass_model::{
    Answer, DnsName, Job, Outcome, ProbeSpec, RecordType, Target, Time, TraceEvent,
};
use rand::rngs::StdRng;

use crate::dns::Question;
use crate::output::{Output, QuestionId};
use aliases::Aliases;
use asked::Asked;
pub use events::{LameSet, LostCause, Reply, ReplyClass, SendRequest, Sent, UpstreamId};
use forward::Forward;
pub use limits::{Limits, TransportPolicy};
pub use name_lookup::NameLookup;
use phase_clock::PhaseClock;
use query::{AliasUse, Query, Step};
use settled::Settled;

/// A job that asks resolvers: its attempts, TC to TCP, EDNS(0) to none, alias to target, PTR to
/// forward confirmation.
///
/// Report events with [`Self::sent`], [`Self::reply`], [`Self::lost`], [`Self::returned`],
/// [`Self::blocked`] and [`Self::cancel`]. After each, drain [`Self::poll`] until it returns
/// `Wait` or `Finish`.
#[derive(Debug)]
pub struct Session {
    job: Job,
    query: Query,
    aliases: Option<Box<Aliases>>,
    forward: Option<Box<Forward>>,
    due: Time,
    deadline: Time,
    clock: PhaseClock,
    settled: Option<Settled>,
    trace: Option<Box<Trace>>,
}

/// The events of a job that is traced. Boxed, since hardly any is.
#[derive(Debug, Default)]
struct Trace {
    events: Vec<TraceEvent>,
}

impl Session {
    /// Begins `job`.
    ///
    /// # Errors
    /// The outcome of a job whose target is invalid, or does not suit what is asked.
    #[expect(
        clippy::result_large_err,
        reason = "the outcome is moved on at once, like any other"
    )]
    pub fn new(job: Job, now: Time, limits: &Limits) -> Result<Self, Outcome> {
        let mut question = match (&job.target, job.spec) {
            (
                Target::Address { address, .. },
                ProbeSpec::Ptr { .. }
                | ProbeSpec::Dns {
                    record_type: RecordType::PTR,
                },
            ) => Question::reverse(*address),
            (Target::Name { name, .. }, ProbeSpec::Ptr { .. }) => {
                Question::new(name, RecordType::PTR)
            }
            (Target::Name { name, .. }, ProbeSpec::Dns { record_type }) => {
                Question::new(name, record_type)
            }
            (target, spec) => {
                let reason = match (target, spec) {
                    (Target::Invalid { reason, .. }, _) => reason.clone(),
                    (Target::Address { .. }, ProbeSpec::Dns { .. }) => {
                        "an address has no records of its own".into()
                    }
                    _ => "this is no target for a DNS question".into(),
                };
                return Err(Outcome::invalid(job, now, reason));
            }
        };
        question.set_class(limits.query.class);
        Ok(Self {
            query: Query::new(question, limits.transport),
            aliases: None,
            forward: None,
            due: job.due.unwrap_or(now),
            deadline: now + limits.deadline,
            clock: PhaseClock::default(),
            settled: None,
            trace: limits.trace.then(Box::default),
            job,
        })
    }

    /// Sends every query of this session to `upstream`.
    pub fn ask_only(&mut self, upstream: UpstreamId) {
        self.query.ask_only(Some(upstream));
    }

    /// Appends the query for `question` to `out`. `edns` says whether the upstream is thought to
    /// support EDNS(0). Returns whether the query carries an OPT record.
    pub fn write_query(
        &self,
        question: QuestionId,
        id: u16,
        edns: bool,
        limits: &Limits,
        out: &mut Vec<u8>,
    ) -> bool {
        self.query(question).write_query(id, edns, limits, out)
    }

    /// The question with this number, to match replies with.
    pub fn question(&self, question: QuestionId) -> &Question {
        self.query(question).question()
    }

    /// The query that was requested has been sent.
    pub fn sent(&mut self, now: Time, sent: &Sent, limits: &Limits, rng: &mut StdRng) {
        self.clock.turn(now, true);
        let (resolver, transport) = (sent.resolver, sent.transport.as_str());
        self.note(now, "send", || format!("{resolver} by {transport}"));
        self.query_mut(sent.question).sent(now, sent, limits, rng);
    }

    /// A message was received that matches an attempt, be it the last one or an earlier one.
    pub fn reply(
        &mut self,
        now: Time,
        reply: &Reply<'_>,
        limits: &Limits,
        rng: &mut StdRng,
    ) -> ReplyClass {
        let class = match Asked::by(reply.question) {
            Asked::Forward(at) => self
                .forward
                .as_mut()
                .expect(FORWARD)
                .lookup_mut(at)
                .reply(now, reply, limits, rng),
            asked => self.answered(now, asked, reply, limits, rng),
        };
        let (resolver, message) = (reply.resolver, reply.message);
        self.note(now, "reply", || {
            format!("{} from {resolver}", message.rcode())
        });
        self.clock.turn(now, self.any_out());
        class
    }

    /// The attempt of `question` is waited for until then.
    pub fn wait_until(&mut self, question: QuestionId, end: Time) {
        self.query_mut(question).wait_until(end);
    }

    /// The attempt of `question` was not answered in time. It stays open: a late reply still
    /// counts.
    pub fn expire(&mut self, now: Time, question: QuestionId) {
        self.note(now, "expired", String::new);
        self.query_mut(question).expire();
        self.clock.turn(now, self.any_out());
    }

    /// The attempt of `question` failed before its time.
    pub fn lost(
        &mut self,
        now: Time,
        question: QuestionId,
        lost: LostCause,
        limits: &Limits,
        rng: &mut StdRng,
    ) {
        let cause = lost.cause;
        self.note(now, "lost", || cause.to_string());
        self.query_mut(question).lost(now, lost, limits, rng);
        self.clock.turn(now, self.any_out());
    }

    /// The server closed the connection in good order without an answer to `question`. It is
    /// sent again, and the attempt does not count.
    pub fn returned(&mut self, now: Time, question: QuestionId) {
        self.note(now, "returned", String::new);
        self.query_mut(question).returned();
        self.clock.turn(now, self.any_out());
    }

    /// The event loop takes the attempt of `question` back, to send it over another transport. It
    /// counts as an attempt, and not as a retry.
    pub fn taken_back(&mut self, now: Time, question: QuestionId) {
        self.note(now, "taken back", String::new);
        self.query_mut(question).taken_back();
        self.clock.turn(now, self.any_out());
    }

    /// The query that was requested could not be sent, for a reason on this side. It still waits
    /// for a permit. If the job ends before it gets one, this is the reason reported.
    pub fn blocked(&mut self, lost: LostCause) {
        self.current_mut().blocked(lost);
    }

    /// Nothing more can be had: the next [`Self::poll`] ends the job with what is known.
    pub fn end(&mut self, now: Time) {
        self.deadline = self.deadline.min(now);
    }

    /// The run stops at once, which is the reason if there is no answer.
    pub fn cancel(&mut self, now: Time) {
        self.end(now);
        self.current_mut().blocked(LostCause::INTERRUPTED);
    }

    /// What the event loop is to do now.
    pub fn poll(&mut self, now: Time, limits: &Limits) -> Output {
        if now >= self.deadline {
            return Output::Finish;
        }
        let (asked, step) = self.step(now, limits);
        match step {
            Step::Send => Output::Send(asked.id()),
            Step::Overdue => Output::Overdue(asked.id()),
            Step::Wait(until) => Output::Wait(until.min(self.deadline)),
            Step::Idle if self.is_done() => Output::Finish,
            Step::Idle => Output::Wait(self.deadline),
        }
    }

    /// The next step of all questions, and of which one it is.
    fn step(&mut self, now: Time, limits: &Limits) -> (Asked, Step) {
        let mut next = (Asked::Own, self.query.step(now, limits));
        if self.aliases.is_none() && self.forward.is_none() {
            return next;
        }
        let target = self.aliases.iter_mut().filter_map(|all| all.last_mut());
        let target = target.map(|(at, query)| (Asked::Target(at), query));
        let forward = self.forward.iter_mut().flat_map(|forward| forward.active());
        let forward = forward.map(|(at, query)| (Asked::Forward(at), query));
        for (asked, query) in target.chain(forward) {
            next = match next {
                (_, Step::Send | Step::Overdue) => return next,
                (_, Step::Idle) => (asked, query.step(now, limits)),
                (_, Step::Wait(until)) => match query.step(now, limits) {
                    Step::Wait(other) => (asked, Step::Wait(until.min(other))),
                    Step::Idle => next,
                    step => (asked, step),
                },
            };
        }
        next
    }

    fn is_done(&self) -> bool {
        match (&self.settled, &self.forward) {
            (None, _) => self.current().is_done(),
            (Some(_), Some(forward)) => forward.is_done(),
            (Some(_), None) => true,
        }
    }

    /// The query to send for `question`; `None` if it was answered while it waited for its
    /// permit.
    ///
    /// With a permit, call [`Self::write_query`], and once the query is sent, [`Self::sent`].
    pub fn request(&self, question: QuestionId) -> Option<SendRequest> {
        self.query(question).request()
    }

    /// A reply to the question of the job, or to that about the target of an alias.
    fn answered(
        &mut self,
        now: Time,
        asked: Asked,
        reply: &Reply<'_>,
        limits: &Limits,
        rng: &mut StdRng,
    ) -> ReplyClass {
        let spec = self.job.spec;
        let mut target = None;
        let query = self.query_mut(asked.id());
        let (class, settled) = query.reply(now, reply, limits, rng, AliasUse::Shown, |answers| {
            if limits.follow_cname && !answers.has_wanted() && answers.ends_at_alias() {
                target = answers.alias_target();
            }
            Settled::read(spec, answers, reply.message, &limits.query)
        });
        let is_settled = query.is_settled();
        if let Some(settled) = settled {
            self.take(settled, is_settled, target, reply, limits);
        }
        class
    }

    /// Takes an answer, and asks about what it leads to. If its question is not settled, it is an
    /// alias, and counts only if no server has more.
    fn take(
        &mut self,
        settled: Settled,
        is_settled: bool,
        target: Option<DnsName>,
        reply: &Reply<'_>,
        limits: &Limits,
    ) {
        let from = (reply.resolver, reply.transport);
        let settled = match (&mut self.aliases, Asked::by(reply.question)) {
            (Some(aliases), Asked::Target(_)) => aliases.complete(settled),
            _ => settled,
        };
        if is_settled && target.is_none() {
            self.forward = self.forward_of(&settled.answer, limits);
            self.settled = Some(settled);
            return;
        }
        match &mut self.aliases {
            Some(aliases) => aliases.keep(settled, from),
            None => self.aliases = Some(Box::new(Aliases::new(settled, from))),
        }
        if let (Some(target), Some(aliases)) = (target, &mut self.aliases)
            && let Err(error) = aliases.ask(&target, &self.query, limits)
        {
            self.current_mut().reject(error);
        }
    }

    fn forward_of(&self, answer: &Answer, limits: &Limits) -> Option<Box<Forward>> {
        let (
            Answer::Ptr(ptr),
            ProbeSpec::Ptr {
                forward_confirm: true,
            },
        ) = (answer, self.job.spec)
        else {
            return None;
        };
        let address = self.job.target.reverse_address()?;
        if ptr.names.is_empty() {
            return None;
        }
        let (only, deadline) = (self.query.only(), self.deadline);
        let forward = Forward::new(address, &ptr.names, only, deadline, limits);
        Some(Box::new(forward))
    }

    /// Records an event, if the job is traced.
    fn note(&mut self, now: Time, event: &'static str, detail: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.events.push(TraceEvent {
                at: now,
                event,
                detail: detail().into(),
                octets: None,
            });
        }
    }

    fn any_out(&self) -> bool {
        let forward = self.forward.as_ref();
        self.current().is_out() || forward.is_some_and(|forward| forward.any_out())
    }

    /// The question whose answer is that of the job: its own, or that about the last target.
    fn current(&self) -> &Query {
        let target = self.aliases.as_ref().and_then(|aliases| aliases.last());
        target.unwrap_or(&self.query)
    }

    fn current_mut(&mut self) -> &mut Query {
        let target = self.aliases.as_mut().and_then(|aliases| aliases.last_mut());
        target.map_or(&mut self.query, |(_, query)| query)
    }

    fn query(&self, question: QuestionId) -> &Query {
        match Asked::by(question) {
            Asked::Own => &self.query,
            Asked::Target(at) => self.aliases.as_ref().expect(TARGETS).target(at),
            Asked::Forward(at) => self.forward.as_ref().expect(FORWARD).lookup(at).query(),
        }
    }

    fn query_mut(&mut self, question: QuestionId) -> &mut Query {
        match Asked::by(question) {
            Asked::Own => &mut self.query,
            Asked::Target(at) => self.aliases.as_mut().expect(TARGETS).target_mut(at),
            Asked::Forward(at) => {
                let forward = self.forward.as_mut().expect(FORWARD);
                forward.lookup_mut(at).query_mut()
            }
        }
    }
}

const TARGETS: &str = "a question about a target has its alias";
const FORWARD: &str = "a forward question has its lookups";

#[cfg(test)]
mod tests;
