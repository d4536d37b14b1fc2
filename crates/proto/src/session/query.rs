//! One question until it is answered: attempts, patience, backoff, EDNS, TC.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{ResponseDetails, Time, Transport};
use rand::RngExt;
use rand::rngs::StdRng;

use super::failure::{Failure, LastFailure};
use super::{
    LameSet, Limits, LostCause, Reply, ReplyClass, SendRequest, Sent, TransportPolicy, UpstreamId,
};
use crate::dns::{AnswerError, Answers, Finding, Question};

/// How far the wait for an attempt grows by itself. An upstream that is slower than this keeps
/// the wait that its own round trips ask for.
const PATIENCE_GROWN_MAX: Duration = Duration::from_secs(1);
/// The least wait for the last of several attempts: what is late may still come.
const PATIENCE_LAST: Duration = Duration::from_secs(2);
/// The wait after the first error reply. It doubles with each further one, and is drawn from half
/// to one and a half of that, so that queries that failed together are not sent again together.
const BACKOFF: Duration = Duration::from_millis(100);
/// The longest wait after an error reply.
const BACKOFF_MAX: Duration = Duration::from_secs(2);
/// The wait after SERVFAIL if there is no other server: a resolver remembers for at least a second that
/// it has failed to resolve a name (RFC 9520 §3.2). It is drawn from this to a quarter more.
const BACKOFF_SERVFAIL: Duration = Duration::from_secs(1);

/// One question until it is answered, or until nothing is left to try.
#[derive(Debug)]
pub(super) struct Query {
    question: Question,
    state: State,
    transport: Transport,
    edns: bool,
    attempts: u32,
    /// Attempts that only repeated the question in the way the server asked for: without EDNS(0),
    /// over TCP.
    follow_ups: u32,
    avoid: Option<UpstreamId>,
    prefer: Option<UpstreamId>,
    only: Option<UpstreamId>,
    /// The resolver that was asked, or that replied, last.
    resolver: Option<(SocketAddr, Transport)>,
    /// The last thing that went wrong.
    failure: Option<Box<LastFailure>>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// To be sent; the event loop has not been asked yet.
    Ready,
    /// The event loop has been asked, and waits for a permit.
    Asked,
    /// A query is out.
    Out { until: Time },
    /// Waiting before it is sent again.
    Backoff { until: Time },
    /// Answered.
    Settled,
    /// Nothing left to try.
    Spent,
}

/// The next step of a query.
#[derive(Debug)]
pub(super) enum Step {
    Send,
    Overdue,
    Wait(Time),
    /// None by itself: it waits for a permit, or is done.
    Idle,
}

impl Query {
    pub(super) fn new(question: Question, policy: TransportPolicy) -> Self {
        Self {
            question,
            state: State::Ready,
            transport: policy.first(),
            edns: true,
            attempts: 0,
            follow_ups: 0,
            avoid: None,
            prefer: None,
            only: None,
            resolver: None,
            failure: None,
        }
    }

    /// Restricts the query to one upstream, or lifts the restriction.
    pub(super) fn ask_only(&mut self, upstream: Option<UpstreamId>) {
        self.only = upstream;
    }

    /// The upstream it is restricted to.
    pub(super) fn only(&self) -> Option<UpstreamId> {
        self.only
    }

    pub(super) fn question(&self) -> &Question {
        &self.question
    }

    pub(super) fn write_query(
        &self,
        id: u16,
        edns: bool,
        limits: &Limits,
        out: &mut Vec<u8>,
    ) -> bool {
        let edns = edns && self.edns;
        self.question.write_query(id, edns, &limits.query, out)
    }

    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn resolver(&self) -> Option<(SocketAddr, Transport)> {
        self.resolver
    }

    pub(super) fn failure(&self) -> Option<&LastFailure> {
        self.failure.as_deref()
    }

    /// What the response says that the last failure is about, if it is about one.
    pub(super) fn take_details(&mut self) -> Option<ResponseDetails> {
        self.failure.as_mut()?.details.take()
    }

    pub(super) fn is_out(&self) -> bool {
        matches!(self.state, State::Out { .. })
    }

    pub(super) fn is_settled(&self) -> bool {
        matches!(self.state, State::Settled)
    }

    /// Whether it is answered, or has nothing left to try.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Settled | State::Spent)
    }

    /// What to send, if the query still waits for a permit.
    pub(super) fn request(&self) -> Option<SendRequest> {
        matches!(self.state, State::Asked).then_some(SendRequest {
            transport: self.transport,
            avoid: self.avoid,
            lame: self.lame_servers(),
            prefer: self.prefer,
            only: self.only,
            first: self.attempts == 0
                || self.prefer.is_some()
                || self.lame_servers() != LameSet::EMPTY,
        })
    }

    pub(super) fn step(&mut self, now: Time, limits: &Limits) -> Step {
        match self.state {
            State::Out { until } if now >= until => return Step::Overdue,
            State::Backoff { until } if now >= until => self.state = State::Ready,
            _ => {}
        }
        if self.attempts > limits.retries.saturating_add(self.follow_ups)
            && matches!(self.state, State::Ready | State::Backoff { .. })
        {
            self.state = State::Spent;
        }
        match self.state {
            State::Ready => {
                self.state = State::Asked;
                Step::Send
            }
            State::Out { until } | State::Backoff { until } => Step::Wait(until),
            State::Asked | State::Settled | State::Spent => Step::Idle,
        }
    }

    /// The query that is out is waited for until then.
    pub(super) fn wait_until(&mut self, end: Time) {
        if let State::Out { until } = &mut self.state {
            *until = end;
        }
    }

    /// The query that is out was not answered in time. A late reply still counts.
    pub(super) fn expire(&mut self) {
        if self.is_out() {
            self.state = State::Ready;
            self.fail(Failure::Silence.into());
        }
    }

    pub(super) fn sent(&mut self, now: Time, sent: &Sent, limits: &Limits, rng: &mut StdRng) {
        self.attempts += 1;
        let mut patience = sent.patience;
        if self.attempts > 1 {
            let grown = patience.mul_f64(growth(self.attempts));
            patience = patience.max(grown.min(PATIENCE_GROWN_MAX));
            if self.attempts > limits.retries.saturating_add(self.follow_ups) {
                patience = patience.max(PATIENCE_LAST);
            }
        }
        let patience_ns = patience.min(limits.timeout).as_nanos() as u64;
        // Up to an eighth longer, so that what left together does not come back together.
        let jitter_ns = (patience_ns >> 11) * u64::from(rng.random::<u8>());
        self.state = State::Out {
            until: now.plus_nanos(patience_ns + jitter_ns),
        };
        // If it is not answered, another upstream is tried.
        self.avoid = Some(sent.upstream);
        self.prefer = None;
        self.resolver = Some((sent.resolver, sent.transport));
        // What kept it from being sent is over.
        self.failure.take_if(|failure| failure.is_local());
    }

    /// A reply was received. `read` takes the answer out of the message, and returns `None` when
    /// the message is broken.
    ///
    /// Returns the answer if it is the first. If the query is not settled then, the answer is an
    /// alias of a server that does not recurse, and counts only if no other server has a better
    /// one.
    pub(super) fn reply<T>(
        &mut self,
        now: Time,
        reply: &Reply<'_>,
        limits: &Limits,
        rng: &mut StdRng,
        use_of_alias: AliasUse,
        read: impl FnOnce(&Answers<'_>) -> Option<T>,
    ) -> (ReplyClass, Option<T>) {
        let rcode = reply.message.rcode();
        let class = reply.class(rcode);
        if self.is_settled() {
            return (class, None);
        }
        self.resolver = Some((reply.resolver, reply.transport));
        if class != ReplyClass::Answer {
            if class != ReplyClass::NoEdns {
                self.fail(LastFailure::by(
                    Failure::of(reply, class, rcode),
                    reply,
                    limits,
                ));
            }
            self.unhelpful(now, reply, class, limits, rng);
            return (class, None);
        }
        let mut error = AnswerError::Broken;
        match reply.message.answers_with_rcode(&self.question, rcode) {
            Ok(answers) => {
                // `read` is called once per target, so its result is not moved more than needed.
                let answer = read(&answers);
                if answer.is_some() {
                    let finding = if limits.query.recursion_desired {
                        answers.finding()
                    } else {
                        Finding::Whole
                    };
                    if self.is_enough(finding, use_of_alias, limits) {
                        self.state = State::Settled;
                        return (class, answer);
                    }
                    self.lame(reply, limits);
                    let is_of_use = finding == Finding::Alias && use_of_alias == AliasUse::Shown;
                    return (ReplyClass::Lame, answer.filter(|_| is_of_use));
                }
            }
            Err(why) => error = why,
        }
        self.fail(LastFailure::by(Failure::Malformed(error), reply, limits));
        self.unhelpful(now, reply, ReplyClass::Unusable, limits, rng);
        (ReplyClass::Unusable, None)
    }

    /// Whether a query may end with this finding. An alias is enough if there is no other server to
    /// ask, or if its target is asked for next.
    fn is_enough(&self, finding: Finding, use_of_alias: AliasUse, limits: &Limits) -> bool {
        match finding {
            Finding::Whole => true,
            Finding::Alias => {
                use_of_alias == AliasUse::Shown
                    && (limits.follow_cname || !self.has_alternatives(limits))
            }
            Finding::Lame => false,
        }
    }

    /// A server does not recurse, so another one is asked at once. A second such reply of the same
    /// server ends the query: all others were asked in between.
    fn lame(&mut self, reply: &Reply<'_>, limits: &Limits) {
        let mut lame = self.lame_servers();
        let asked_before = lame.contains(reply.upstream);
        lame.insert(reply.upstream);
        self.fail(LastFailure::by(Failure::Lame(lame), reply, limits));
        if reply.late {
            return;
        }
        if asked_before || !self.has_alternatives(limits) {
            self.state = State::Spent;
        } else if self.is_out() {
            self.state = State::Ready;
        }
    }

    /// The servers that do not recurse, if the last replies are theirs.
    fn lame_servers(&self) -> LameSet {
        self.failure().map_or(LameSet::EMPTY, LastFailure::lame)
    }

    fn has_alternatives(&self, limits: &Limits) -> bool {
        limits.alternatives && self.only.is_none()
    }

    /// Ends the query: the answer that it got is not believed after all.
    pub(super) fn reject(&mut self, error: AnswerError) {
        self.fail(Failure::Malformed(error).into());
        self.state = State::Spent;
    }

    /// The attempt failed before its time. If it went by stream only because the event loop
    /// preferred that, it is sent again by datagram at once, and that is no retry.
    pub(super) fn lost(&mut self, now: Time, lost: LostCause, limits: &Limits, rng: &mut StdRng) {
        self.blocked(lost);
        if self.was_turned() {
            self.taken_back();
        } else {
            self.failed(now, limits, rng);
        }
    }

    /// Whether the only attempt went by stream because the event loop preferred that.
    fn was_turned(&self) -> bool {
        let by_stream = matches!(self.resolver, Some((_, Transport::Tcp)));
        by_stream && self.transport == Transport::Udp && self.attempts == 1
    }

    /// The query could not be sent, or will not be.
    pub(super) fn blocked(&mut self, lost: LostCause) {
        if !self.is_settled() {
            self.fail(Failure::Lost(lost).into());
        }
    }

    fn fail(&mut self, failure: LastFailure) {
        match &mut self.failure {
            Some(last) => last.follow(failure),
            None => self.failure = Some(Box::new(failure)),
        }
    }

    /// Sends the query again after a while, to another upstream if there is one.
    fn failed(&mut self, now: Time, limits: &Limits, rng: &mut StdRng) {
        if self.is_out() {
            self.state = self.backoff(now, limits, rng);
        }
    }

    /// The server never took the attempt up: it does not count.
    pub(super) fn returned(&mut self) {
        if self.is_out() {
            self.attempts -= 1;
            self.avoid = None;
            self.state = State::Ready;
        }
    }

    /// The event loop sends it over another transport.
    pub(super) fn taken_back(&mut self) {
        if self.is_out() {
            self.again();
        }
    }

    /// A reply was received that is no answer.
    fn unhelpful(
        &mut self,
        now: Time,
        reply: &Reply<'_>,
        class: ReplyClass,
        limits: &Limits,
        rng: &mut StdRng,
    ) {
        match class {
            ReplyClass::NoEdns if self.edns => {
                self.edns = false;
                self.prefer = Some(reply.upstream);
                self.again();
            }
            ReplyClass::Truncated if limits.transport == TransportPolicy::Udp => {
                self.state = State::Spent;
            }
            ReplyClass::Truncated => {
                if self.transport == Transport::Udp {
                    self.transport = Transport::Tcp;
                    self.prefer = Some(reply.upstream);
                    self.again();
                }
            }
            // An error reply to an attempt that has expired says nothing about the one that is out
            // now.
            _ if reply.late => {}
            // The connection may be divided into messages in the wrong places.
            ReplyClass::Unusable if self.was_turned() => self.taken_back(),
            ReplyClass::ServFail if !self.has_alternatives(limits) => {
                if self.is_out() {
                    let wait = BACKOFF_SERVFAIL.mul_f64(rng.random_range(1.0..1.25));
                    self.state = State::Backoff { until: now + wait };
                }
            }
            _ => self.failed(now, limits, rng),
        }
    }

    /// Sends the query again at once, possibly to the same upstream.
    fn again(&mut self) {
        if matches!(self.state, State::Out { .. } | State::Backoff { .. }) {
            self.state = State::Ready;
            self.follow_ups += 1;
        }
        self.avoid = None;
    }

    fn backoff(&self, now: Time, limits: &Limits, rng: &mut StdRng) -> State {
        // Another upstream has not been asked yet, so there is no reason to wait.
        if self.has_alternatives(limits) && self.attempts == 1 {
            return State::Ready;
        }
        let doubled = BACKOFF * 2u32.pow(self.attempts.clamp(1, 8) - 1);
        let wait = doubled.min(BACKOFF_MAX).mul_f64(rng.random_range(0.5..1.5));
        State::Backoff { until: now + wait }
    }
}

/// How much longer than the first wait that for attempt `number` is. What is lost by chance is soon
/// answered; a name that stays silent is slow.
fn growth(number: u32) -> f64 {
    let exponent = |from: u32, to: u32| number.clamp(from, to).abs_diff(from) as i32;
    1.5f64.powi(exponent(2, 4)) * 2f64.powi(exponent(4, 16))
}

/// What an alias is good for if the server did not look its target up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AliasUse {
    /// It is shown.
    Shown,
    /// None: only addresses count.
    None,
}
