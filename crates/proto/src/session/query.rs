//! One question until it has an answer: attempts, patience, backoff, EDNS, TC.

use std::time::Duration;

use canvass_model::{Rcode, Time, Transport};
use rand::RngExt;
use rand::rngs::StdRng;

use super::{Limits, Reply, ReplyClass, SendRequest, Sent, TransportPolicy, UpstreamId};
use crate::dns::Question;

/// How far the wait for an attempt may grow by itself; an upstream that is slower than this
/// keeps the wait its own answers ask for.
const PATIENCE_GROWN_MAX: Duration = Duration::from_secs(1);
/// The wait after the first error answer; it doubles with each, and is drawn from half to one
/// and a half of that, so that what failed together does not come back together.
const BACKOFF: Duration = Duration::from_millis(100);
/// The longest wait after an error answer.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// One question until it has an answer.
#[derive(Debug)]
pub(super) struct Query {
    pub(super) question: Question,
    state: State,
    transport: Transport,
    edns: bool,
    attempts: u32,
    /// Attempts that only asked again in the way the server wants: without EDNS(0), by TCP.
    follow_ups: u32,
    avoid: Option<UpstreamId>,
    prefer: Option<UpstreamId>,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// It wants to be sent, and has not said so.
    Ready,
    /// It has said so, and waits for a permit.
    Asked,
    /// A query is out.
    Out { until: Time },
    /// It waits before it goes out again.
    Backoff { until: Time },
    /// It has its answer.
    Settled,
    /// It has nothing left to try.
    Spent,
}

/// What a query wants.
#[derive(Debug)]
pub(super) enum Step {
    Send,
    Expired,
    Wait(Time),
    /// Nothing by itself: it waits for a permit, or is done.
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
        }
    }

    pub(super) fn write_query(&self, id: u16, edns: bool, out: &mut Vec<u8>) -> bool {
        let edns = edns && self.edns;
        self.question.write_query(id, edns, out);
        edns
    }

    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    pub(super) fn is_out(&self) -> bool {
        matches!(self.state, State::Out { .. })
    }

    pub(super) fn is_settled(&self) -> bool {
        matches!(self.state, State::Settled)
    }

    /// Whether it has its answer, or nothing left to try.
    pub(super) fn is_done(&self) -> bool {
        matches!(self.state, State::Settled | State::Spent)
    }

    /// The query it wants to send, if it still does.
    pub(super) fn request(&self) -> Option<SendRequest> {
        matches!(self.state, State::Asked).then_some(SendRequest {
            transport: self.transport,
            avoid: self.avoid,
            prefer: self.prefer,
            first: self.attempts == 0 || self.prefer.is_some(),
        })
    }

    pub(super) fn step(&mut self, now: Time, limits: &Limits) -> Step {
        match self.state {
            State::Out { until } if now >= until => {
                self.state = State::Ready;
                return Step::Expired;
            }
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

    pub(super) fn sent(&mut self, now: Time, sent: &Sent, limits: &Limits, rng: &mut StdRng) {
        self.attempts += 1;
        let mut patience = sent.patience;
        if self.attempts > 1 {
            let grown = patience.mul_f64(1.5f64.powi(self.attempts.min(16) as i32 - 1));
            patience = patience.max(grown.min(PATIENCE_GROWN_MAX));
        }
        let patience_ns = patience.min(limits.timeout).as_nanos() as u64;
        // Up to an eighth longer, so that what left together does not come back together.
        let jitter_ns = (patience_ns >> 11) * u64::from(rng.random::<u8>());
        self.state = State::Out {
            until: now.plus_nanos(patience_ns + jitter_ns),
        };
        // Silence from here on is a reason to try another.
        self.avoid = Some(sent.upstream);
        self.prefer = None;
    }

    pub(super) fn settle(&mut self) {
        self.state = State::Settled;
    }

    /// The attempt came to nothing: again, elsewhere if there is an elsewhere.
    pub(super) fn failed(&mut self, now: Time, limits: &Limits, rng: &mut StdRng) {
        if !self.is_settled() && self.is_out() {
            self.state = self.backoff(now, limits, rng);
        }
    }

    /// The attempt was never taken up.
    pub(super) fn returned(&mut self) {
        if self.is_out() {
            self.attempts -= 1;
            self.avoid = None;
            self.state = State::Ready;
        }
    }

    /// A reply came that settles nothing.
    pub(super) fn unhelpful(
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
            // An error answer to an attempt that was given up says nothing about the one that is
            // out now.
            _ if reply.late => {}
            _ => self.failed(now, limits, rng),
        }
    }

    /// Goes out again at once, to the same upstream if need be.
    fn again(&mut self) {
        if matches!(self.state, State::Out { .. } | State::Backoff { .. }) {
            self.state = State::Ready;
            self.follow_ups += 1;
        }
        self.avoid = None;
    }

    fn backoff(&self, now: Time, limits: &Limits, rng: &mut StdRng) -> State {
        // Another upstream has not been asked yet, and need not be waited for.
        if limits.alternatives && self.attempts == 1 {
            return State::Ready;
        }
        let doubled = BACKOFF * 2u32.pow(self.attempts.clamp(1, 8) - 1);
        let wait = doubled.min(BACKOFF_MAX).mul_f64(rng.random_range(0.5..1.5));
        State::Backoff { until: now + wait }
    }
}

/// What a matching reply says.
pub(super) fn classify(reply: &Reply<'_>) -> ReplyClass {
    let message = reply.message;
    if message.truncated() {
        let by_stream = reply.transport == Transport::Tcp;
        return if by_stream {
            ReplyClass::Unusable
        } else {
            ReplyClass::Truncated
        };
    }
    match message.rcode() {
        Rcode::NOERROR | Rcode::NXDOMAIN => ReplyClass::Answer,
        // FORMERR, NOTIMP and BADVERS are what servers without EDNS(0) say (RFC 6891 §7).
        Rcode(1 | 4 | 16) if reply.edns => ReplyClass::NoEdns,
        Rcode::REFUSED => ReplyClass::Refused,
        Rcode::SERVFAIL => ReplyClass::ServFail,
        _ => ReplyClass::Unusable,
    }
}
