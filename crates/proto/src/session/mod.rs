//! Questions to resolvers: that of a job, and that of a host name.

mod failure;
mod finish;
mod forward;
mod limits;
mod name_lookup;
mod phase_clock;
mod query;

use canvass_model::{
    Answer, DnsAnswer, Job, Outcome, ProbeSpec, PtrAnswer, RecordType, Target, Time, TraceEvent,
};
use rand::rngs::StdRng;

use crate::dns::{Answers, Question, RecordView};
use crate::output::{Output, QuestionId};
use forward::Forward;
pub use limits::{
    Limits, LostCause, Reply, ReplyClass, SendRequest, Sent, TransportPolicy, UpstreamId,
};
pub use name_lookup::NameLookup;
use phase_clock::PhaseClock;
use query::{Query, Step};

/// A job that asks resolvers: its attempts, TC to TCP, EDNS(0) to none, PTR to forward
/// confirmation.
///
/// Report events with [`Self::sent`], [`Self::reply`], [`Self::lost`], [`Self::returned`],
/// [`Self::blocked`] and [`Self::cancel`]. After each, drain [`Self::poll`] until it returns
/// `Wait` or `Finish`.
#[derive(Debug)]
pub struct Session {
    job: Job,
    query: Query,
    forward: Option<Box<Forward>>,
    due: Time,
    deadline: Time,
    clock: PhaseClock,
    settled: Option<Settled>,
    trace: Option<Vec<TraceEvent>>,
}

/// The answer to the job's question.
#[derive(Debug)]
struct Settled {
    negative: bool,
    rcode: canvass_model::Rcode,
    answer: Answer,
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
        let question = match (&job.target, job.spec) {
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
        Ok(Self {
            query: Query::new(question, limits.transport),
            forward: None,
            due: job.due.unwrap_or(now),
            deadline: now + limits.deadline,
            clock: PhaseClock::default(),
            settled: None,
            trace: limits.trace.then(Vec::new),
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
        out: &mut Vec<u8>,
    ) -> bool {
        self.query(question).write_query(id, edns, out)
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
        let class = match forward_index(reply.question) {
            None => self.main_reply(now, reply, limits, rng),
            Some(at) => self
                .forward
                .as_mut()
                .expect(FORWARD)
                .lookup_mut(at)
                .reply(now, reply, limits, rng),
        };
        let (resolver, rcode) = (reply.resolver, reply.message.rcode());
        self.note(now, "reply", || format!("{rcode} from {resolver}"));
        self.clock.turn(now, self.any_out());
        class
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

    /// The query that was requested could not be sent, for a reason on this side. It still waits
    /// for a permit. If the job ends before it gets one, this is the reason reported.
    pub fn blocked(&mut self, lost: LostCause) {
        self.query.blocked(lost);
    }

    /// The run stops at once: the next [`Self::poll`] ends the job with what is known.
    pub fn cancel(&mut self, now: Time) {
        self.deadline = now;
        self.query.blocked(LostCause::INTERRUPTED);
    }

    /// What the event loop is to do now.
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

    /// The query to send for `question`; `None` if it was answered while it waited for its
    /// permit.
    ///
    /// With a permit, call [`Self::write_query`], and once the query is sent, [`Self::sent`].
    pub fn request(&self, question: QuestionId) -> Option<SendRequest> {
        self.query(question).request()
    }

    fn main_reply(
        &mut self,
        now: Time,
        reply: &Reply<'_>,
        limits: &Limits,
        rng: &mut StdRng,
    ) -> ReplyClass {
        let spec = self.job.spec;
        let mut negative = false;
        let (class, answer) = self.query.reply(now, reply, limits, rng, |answers| {
            let answer = read_answer(spec, answers)?;
            negative = match &answer {
                Answer::Ptr(ptr) => ptr.names.is_empty(),
                _ => answers.wanted().next().is_none(),
            };
            Some(answer)
        });
        if let Some(answer) = answer {
            self.forward = self.forward_of(&answer, limits);
            let rcode = reply.message.rcode();
            self.settled = Some(Settled {
                negative,
                rcode,
                answer,
            });
        }
        class
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
            trace.push(TraceEvent {
                at: now,
                event,
                detail: detail().into(),
                octets: None,
            });
        }
    }

    fn any_out(&self) -> bool {
        let forward = self.forward.as_ref();
        self.query.is_out() || forward.is_some_and(|forward| forward.any_out())
    }

    fn query(&self, question: QuestionId) -> &Query {
        match forward_index(question) {
            None => &self.query,
            Some(at) => self.forward.as_ref().expect(FORWARD).lookup(at).query(),
        }
    }

    fn query_mut(&mut self, question: QuestionId) -> &mut Query {
        match forward_index(question) {
            None => &mut self.query,
            Some(at) => {
                let forward = self.forward.as_mut().expect(FORWARD);
                forward.lookup_mut(at).query_mut()
            }
        }
    }
}

const FORWARD: &str = "a forward question has its lookups";

/// The place of the forward lookup that asks `question`; `None` for the job's own question.
fn forward_index(question: QuestionId) -> Option<usize> {
    usize::from(question.0).checked_sub(1)
}

/// Reads the answer out of a message; `None` when the answer section is broken.
fn read_answer(spec: ProbeSpec, answers: &Answers<'_>) -> Option<Answer> {
    if let ProbeSpec::Dns { .. } = spec {
        return Some(Answer::Dns(DnsAnswer {
            records: answers.presentation()?,
        }));
    }
    // Apart, so that the usual case is one plain walk.
    match answers.only_wanted() {
        Some(records) => read_names(records),
        None => read_names(answers.wanted()),
    }
}

fn read_names<'a>(records: impl Iterator<Item = RecordView<'a>>) -> Option<Answer> {
    let mut ptr = PtrAnswer::default();
    let mut name = String::with_capacity(64);
    for record in records {
        name.clear();
        record.write_data_name(0, &mut name)?;
        ptr.names.push(name.as_str().into());
        ptr.ttl_s = Some(ptr.ttl_s.map_or(record.ttl_s, |ttl| ttl.min(record.ttl_s)));
    }
    Some(Answer::Ptr(ptr))
}

#[cfg(test)]
mod tests;
