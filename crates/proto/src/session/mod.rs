//! One job's life.

mod finish;
mod forward;
mod limits;
mod phase_clock;
mod query;

use std::net::SocketAddr;

use canvass_model::{
    Answer, Cause, DnsAnswer, Job, Outcome, ProbeSpec, PtrAnswer, RecordType, Target, Time,
    TraceEvent, Transport,
};
use rand::rngs::StdRng;

use crate::dns::{Message, Question};
use crate::output::{Output, QuestionId};
use finish::Last;
use forward::Forward;
pub use limits::{
    Limits, LostCause, Reply, ReplyClass, SendRequest, Sent, TransportPolicy, UpstreamId,
};
use phase_clock::PhaseClock;
use query::{Query, Step};

/// One job's life: its attempts, TC to TCP, EDNS to none, PTR to forward-confirm.
///
/// Drive it with [`Self::sent`], [`Self::reply`], [`Self::lost`], [`Self::returned`] and
/// [`Self::cancel`], and drain [`Self::poll`] after each, until it says `Wait` or `Finish`.
#[derive(Debug)]
pub struct Session {
    job: Job,
    query: Query,
    forward: Option<Box<Forward>>,
    due: Time,
    deadline: Time,
    clock: PhaseClock,
    last: Option<Box<Last>>,
    settled: Option<Settled>,
    resolver: Option<(SocketAddr, Transport)>,
    trace: Option<Vec<TraceEvent>>,
}

/// How the main question was settled.
#[derive(Debug)]
struct Settled {
    negative: bool,
    rcode: canvass_model::Rcode,
    answer: Answer,
}

impl Session {
    /// Begins the life of `job`. A target that is none gets its outcome at once, and so does a
    /// job with a kind of probe that does not suit its target.
    #[expect(
        clippy::result_large_err,
        reason = "the outcome is moved on at once, like any other"
    )]
    pub fn new(job: Job, now: Time, limits: &Limits) -> Result<Self, Outcome> {
        let question = match (&job.target, job.spec) {
            (Target::Address { address, .. }, ProbeSpec::Ptr { .. }) => Question::reverse(*address),
            (Target::Name { name, .. }, ProbeSpec::Ptr { .. }) => {
                Question::new(name, RecordType::PTR)
            }
            (Target::Name { name, .. }, ProbeSpec::Dns { record_type }) => {
                Question::new(name, record_type)
            }
            (Target::Invalid { reason, .. }, _) => {
                let reason = reason.clone();
                return Err(finish::invalid(job, now, reason));
            }
            (Target::Address { .. }, ProbeSpec::Dns { .. }) => {
                return Err(finish::invalid(
                    job,
                    now,
                    "an address has no records of its own".into(),
                ));
            }
            _ => {
                let reason = "this is no target for a DNS question";
                return Err(finish::invalid(job, now, reason.into()));
            }
        };
        Ok(Self {
            query: Query::new(question, limits.transport),
            forward: None,
            due: job.due.unwrap_or(now),
            deadline: now + limits.deadline,
            clock: PhaseClock::default(),
            last: None,
            settled: None,
            resolver: None,
            trace: limits.trace.then(Vec::new),
            job,
        })
    }

    /// Appends the query for `question` to `out`. `edns` says whether the upstream is thought to
    /// know EDNS(0); returns whether the query carries it.
    pub fn write_query(
        &self,
        question: QuestionId,
        id: u16,
        edns: bool,
        out: &mut Vec<u8>,
    ) -> bool {
        self.query_of(question).write_query(id, edns, out)
    }

    /// The question `question` asks, for telling its reply from others.
    pub fn question(&self, question: QuestionId) -> &Question {
        &self.query_of(question).question
    }

    /// The query that was asked for has left.
    pub fn sent(&mut self, now: Time, sent: &Sent, limits: &Limits, rng: &mut StdRng) {
        self.clock.turn(now, true);
        let (resolver, transport) = (sent.resolver, sent.transport.as_str());
        self.note(now, "send", || format!("{resolver} by {transport}"));
        if question_index(sent.question) == 0 {
            self.resolver = Some((sent.resolver, sent.transport));
        }
        self.query_mut(sent.question).sent(now, sent, limits, rng);
    }

    /// A message came that matches an attempt, be it the last one or one before it.
    pub fn reply(
        &mut self,
        now: Time,
        reply: &Reply<'_>,
        limits: &Limits,
        rng: &mut StdRng,
    ) -> ReplyClass {
        let class = if question_index(reply.question) == 0 {
            self.main_reply(now, reply, limits, rng)
        } else {
            let forward = self
                .forward
                .as_mut()
                .expect("a forward question has its lookups");
            forward.reply(now, reply, limits, rng)
        };
        let (resolver, rcode) = (reply.resolver, reply.message.rcode());
        self.note(now, "reply", || format!("{rcode} from {resolver}"));
        self.clock.turn(now, self.any_out());
        class
    }

    /// The attempt of `question` came to nothing before its time.
    pub fn lost(
        &mut self,
        now: Time,
        question: QuestionId,
        lost: LostCause,
        limits: &Limits,
        rng: &mut StdRng,
    ) {
        if question_index(question) == 0 && self.settled.is_none() {
            self.remember(Last::Lost(lost));
        }
        let cause = lost.cause;
        self.note(now, "lost", || cause.to_string());
        self.query_mut(question).failed(now, limits, rng);
        self.clock.turn(now, self.any_out());
    }

    /// An orderly close left `question` unanswered. It goes out again, and the attempt that was
    /// is taken back.
    pub fn returned(&mut self, now: Time, question: QuestionId) {
        self.note(now, "returned", String::new);
        self.query_mut(question).returned();
        self.clock.turn(now, self.any_out());
    }

    /// The query that was asked for could not leave, for a reason on this side. It still waits
    /// for a permit; should the job end before it gets one, this is why.
    pub fn hindered(&mut self, lost: LostCause) {
        if self.settled.is_none() {
            self.remember(Last::Lost(lost));
        }
    }

    /// The run stops at once: the next [`Self::poll`] ends the job, with what is known.
    pub fn cancel(&mut self, now: Time) {
        self.deadline = now;
        if self.settled.is_none() {
            self.remember(Last::Lost(LostCause {
                cause: Cause::Interrupted,
                errno: None,
            }));
        }
    }

    /// What the session wants now.
    pub fn poll(&mut self, now: Time, limits: &Limits) -> Output {
        if now >= self.deadline {
            return Output::Finish;
        }
        let mut wake = self.deadline;
        let mut expired = None;
        let main = self.settled.is_none().then_some((0, &mut self.query));
        let forward = self.forward.iter_mut().flat_map(|forward| forward.active());
        for (index, query) in main.into_iter().chain(forward) {
            match query.step(now, limits) {
                Step::Wait(time) => wake = wake.min(time),
                Step::Send => return Output::Send(QuestionId(index)),
                Step::Expired => {
                    expired = Some(index);
                    break;
                }
                Step::Idle => {}
            }
        }
        if let Some(index) = expired {
            self.note(now, "expired", String::new);
            self.clock.turn(now, self.any_out());
            if index == 0 {
                self.remember(Last::Silence);
            }
            return Output::Expired(QuestionId(index));
        }
        let done = match (&self.settled, &self.forward) {
            (None, _) => self.query.is_done(),
            (Some(_), Some(forward)) => forward.is_done(),
            (Some(_), None) => true,
        };
        if done {
            Output::Finish
        } else {
            Output::Wait(wake)
        }
    }

    /// The query that `question` wants to send now; `None` when it wants none any more, since
    /// a late reply came while it waited for its permit.
    ///
    /// With a permit at hand, call [`Self::write_query`], and when the query has left,
    /// [`Self::sent`].
    pub fn request(&self, question: QuestionId) -> Option<SendRequest> {
        self.query_of(question).request()
    }

    fn main_reply(
        &mut self,
        now: Time,
        reply: &Reply<'_>,
        limits: &Limits,
        rng: &mut StdRng,
    ) -> ReplyClass {
        let class = query::classify(reply);
        if self.settled.is_some() {
            return class;
        }
        self.resolver = Some((reply.resolver, reply.transport));
        if class == ReplyClass::Answer {
            if let Some(answer) = self.read_answer(reply.message) {
                self.query.settle();
                let negative = match &answer {
                    Answer::Ptr(ptr) => ptr.names.is_empty(),
                    _ => !reply.message.has_answer(self.query.question.record_type()),
                };
                self.forward = self.forward_of(&answer, limits);
                let rcode = reply.message.rcode();
                self.settled = Some(Settled {
                    negative,
                    rcode,
                    answer,
                });
                return class;
            }
            self.remember(Last::Malformed);
            self.query
                .unhelpful(now, reply, ReplyClass::Unusable, limits, rng);
            return ReplyClass::Unusable;
        }
        if class != ReplyClass::NoEdns {
            self.remember(Last::of(reply, class));
        }
        self.query.unhelpful(now, reply, class, limits, rng);
        class
    }

    /// Reads what the job wants to know; `None` when the answer section is broken.
    fn read_answer(&self, message: Message<'_>) -> Option<Answer> {
        if let ProbeSpec::Dns { .. } = self.job.spec {
            return Some(Answer::Dns(DnsAnswer {
                records: message.answer_section()?,
            }));
        }
        let mut ptr = PtrAnswer::default();
        let mut seen = 0;
        let mut name = String::with_capacity(64);
        for record in message.answer_records() {
            seen += 1;
            if record.record_type == RecordType::PTR {
                name.clear();
                record.write_data_name(0, &mut name)?;
                ptr.names.push(name.as_str().into());
                ptr.ttl_s = Some(ptr.ttl_s.map_or(record.ttl_s, |ttl| ttl.min(record.ttl_s)));
            }
        }
        (seen == message.answer_count()).then_some(Answer::Ptr(ptr))
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
        (!ptr.names.is_empty()).then(|| Box::new(Forward::new(address, &ptr.names, limits)))
    }

    fn remember(&mut self, last: Last) {
        match &mut self.last {
            Some(slot) => slot.follow(last),
            None => self.last = Some(Box::new(last)),
        }
    }

    /// Notes what happened, where that is asked for.
    fn note(&mut self, now: Time, event: &'static str, detail: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(TraceEvent {
                at: now,
                event,
                detail: detail().into(),
                octets: None,
            });
        }
    }

    fn any_out(&self) -> bool {
        self.settled.is_none() && self.query.is_out()
            || self
                .forward
                .as_ref()
                .is_some_and(|forward| forward.any_out())
    }

    fn query_of(&self, question: QuestionId) -> &Query {
        match question_index(question) {
            0 => &self.query,
            at => self
                .forward
                .as_ref()
                .expect("a forward question has its lookups")
                .query(at - 1),
        }
    }

    fn query_mut(&mut self, question: QuestionId) -> &mut Query {
        match question_index(question) {
            0 => &mut self.query,
            at => self
                .forward
                .as_mut()
                .expect("a forward question has its lookups")
                .query_mut(at - 1),
        }
    }
}

fn question_index(question: QuestionId) -> usize {
    usize::from(question.0)
}

#[cfg(test)]
mod tests;
