//! One session, a clock that is moved by hand, and replies made of bytes.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{
    Answer, Cause, Errno, Job, Outcome, ProbeSpec, PtrAnswer, Target, Time, Transport,
};
use hickory_proto::op::{Message as Owned, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, PTR};
use hickory_proto::rr::{Name, RData, Record};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::dns::{Message, QueryOptions, Question};
use crate::session::*;

/// The timeout of every query in these tests.
pub(super) const PATIENCE: Duration = Duration::from_millis(400);

/// Limits as the command has them.
pub(super) fn limits() -> Limits {
    Limits {
        retries: 7,
        deadline: Duration::from_secs(10),
        timeout: Duration::from_secs(2),
        transport: TransportPolicy::Auto,
        alternatives: false,
        follow_cname: false,
        trace: false,
        query: QueryOptions::PLAIN,
    }
}

/// A job to ask the PTR records of what is written.
pub(super) fn ptr_job(target: &str, forward_confirm: bool) -> Job {
    let target = match target.parse() {
        Ok(address) => Target::Address {
            address,
            given: None,
        },
        Err(_) => name_target(target),
    };
    job(target, ProbeSpec::Ptr { forward_confirm })
}

/// A job to ask the records of one type of a name.
pub(super) fn dns_job(name: &str, record_type: RecordType) -> Job {
    job(name_target(name), ProbeSpec::Dns { record_type })
}

fn name_target(name: &str) -> Target {
    Target::Name {
        name: name.parse().unwrap(),
        given: name.into(),
    }
}

pub(super) fn job(target: Target, spec: ProbeSpec) -> Job {
    Job {
        seq: 0,
        line: None,
        target,
        spec,
        due: None,
        resolver: None,
    }
}

/// A query that left.
#[derive(Clone, Debug)]
pub(super) struct Flight {
    pub(super) question: QuestionId,
    pub(super) request: SendRequest,
    pub(super) upstream: UpstreamId,
    pub(super) edns: bool,
    /// The query as it went on the wire.
    pub(super) wire: Vec<u8>,
    asked: Question,
}

impl Flight {
    /// The query, read by hickory-proto.
    pub(super) fn query(&self) -> Owned {
        Owned::from_vec(&self.wire).unwrap()
    }

    /// The name asked for.
    pub(super) fn name(&self) -> String {
        self.query().queries[0].name().to_ascii()
    }

    /// A reply that repeats the question and holds nothing yet.
    pub(super) fn reply(&self) -> Owned {
        let query = self.query();
        let mut reply = Owned::new(query.metadata.id, MessageType::Response, OpCode::Query);
        reply.metadata.recursion_available = true;
        reply.add_queries(query.queries);
        reply
    }

    /// A reply with this code and no record.
    pub(super) fn code(&self, code: ResponseCode) -> Vec<u8> {
        let mut reply = self.reply();
        reply.metadata.response_code = code;
        reply.to_vec().unwrap()
    }

    /// A reply that did not fit.
    pub(super) fn truncated(&self) -> Vec<u8> {
        let mut reply = self.reply();
        reply.metadata.truncation = true;
        reply.to_vec().unwrap()
    }

    /// A reply with these records, all owned by the name asked for.
    pub(super) fn records(&self, data: impl IntoIterator<Item = RData>) -> Vec<u8> {
        let mut reply = self.reply();
        let owner = reply.queries[0].name().clone();
        for data in data {
            reply.add_answer(Record::from_rdata(owner.clone(), 400, data));
        }
        reply.to_vec().unwrap()
    }

    /// A reply with these names.
    pub(super) fn names(&self, names: &[&str]) -> Vec<u8> {
        self.records(names.iter().map(|name| ptr(name)))
    }

    /// A reply with these addresses.
    pub(super) fn addresses(&self, addresses: &[&str]) -> Vec<u8> {
        self.records(addresses.iter().map(|text| match text.parse().unwrap() {
            std::net::IpAddr::V4(address) => RData::A(A(address)),
            std::net::IpAddr::V6(address) => RData::AAAA(AAAA(address)),
        }))
    }
}

pub(super) fn ptr(name: &str) -> RData {
    RData::PTR(PTR(name_of(name)))
}

pub(super) fn cname(name: &str) -> RData {
    RData::CNAME(CNAME(name_of(name)))
}

/// A name as it is written; hickory-proto does not read the slashes of RFC 2317 §4.
pub(super) fn name_of(text: &str) -> Name {
    let labels = text.split('.').filter(|label| !label.is_empty());
    Name::from_labels(labels.map(str::as_bytes)).unwrap()
}

/// What a closed port gives.
pub(super) const PORT_CLOSED: LostCause = LostCause {
    cause: Cause::Refused,
    errno: Some(Errno(111)),
};

/// Where an upstream is.
pub(super) fn address_of(upstream: UpstreamId) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, 53 + upstream.0 as u8], 53))
}

/// One session under a clock that is moved by hand.
pub(super) struct Rig {
    pub(super) session: Session,
    pub(super) limits: Limits,
    pub(super) now: Time,
    rng: StdRng,
    ids: u16,
}

impl Rig {
    pub(super) fn new(job: Job, limits: Limits) -> Self {
        Self::seeded(job, limits, 1)
    }

    pub(super) fn seeded(job: Job, limits: Limits, seed: u64) -> Self {
        let now = Time::from_nanos(1_000_000);
        Self {
            session: Session::new(job, now, &limits).expect("the target is one"),
            limits,
            now,
            rng: StdRng::seed_from_u64(seed),
            ids: 0,
        }
    }

    /// A session about the names of 192.0.2.1.
    pub(super) fn ptr(limits: Limits) -> Self {
        Self::new(ptr_job("192.0.2.1", false), limits)
    }

    /// A session about the names of 192.0.2.1 and where they lead.
    pub(super) fn confirming() -> Self {
        Self::new(ptr_job("192.0.2.1", true), limits())
    }

    pub(super) fn advance_ms(&mut self, span_ms: u64) {
        self.now = self.now + Duration::from_millis(span_ms);
    }

    pub(super) fn poll(&mut self) -> Output {
        self.session.poll(self.now, &self.limits)
    }

    /// Sends the query that the session must want to send now, to the first upstream.
    #[track_caller]
    pub(super) fn send(&mut self) -> Flight {
        self.send_to(UpstreamId(0))
    }

    #[track_caller]
    pub(super) fn send_to(&mut self, upstream: UpstreamId) -> Flight {
        match self.poll() {
            Output::Send(question) => self.send_question(question, upstream, true),
            other => panic!("a query was to be sent, not {other:?}"),
        }
    }

    /// Sends what the session has asked to send.
    #[track_caller]
    pub(super) fn send_question(
        &mut self,
        question: QuestionId,
        upstream: UpstreamId,
        edns: bool,
    ) -> Flight {
        let request = self
            .session
            .request(question)
            .expect("the query is still wanted");
        self.send_request(question, request, upstream, edns)
    }

    /// Sends the query that the session must want to send now by stream, as the event loop may.
    #[track_caller]
    pub(super) fn send_turned(&mut self) -> Flight {
        let Output::Send(question) = self.poll() else {
            panic!("a query was to be sent");
        };
        let request = self
            .session
            .request(question)
            .expect("the query is still wanted");
        assert_eq!(request.transport, Transport::Udp);
        let request = SendRequest {
            transport: Transport::Tcp,
            ..request
        };
        self.send_request(question, request, UpstreamId(0), true)
    }

    fn send_request(
        &mut self,
        question: QuestionId,
        request: SendRequest,
        upstream: UpstreamId,
        edns: bool,
    ) -> Flight {
        self.ids += 1;
        let mut wire = Vec::new();
        let edns = self
            .session
            .write_query(question, self.ids, edns, &self.limits, &mut wire);
        let sent = Sent {
            question,
            upstream,
            resolver: address_of(upstream),
            transport: request.transport,
            patience: PATIENCE,
        };
        self.session
            .sent(self.now, &sent, &self.limits, &mut self.rng);
        Flight {
            question,
            request,
            upstream,
            edns,
            wire,
            asked: self.session.question(question).clone(),
        }
    }

    /// Hands in a reply in time.
    #[track_caller]
    pub(super) fn reply(&mut self, to: &Flight, wire: &[u8]) -> ReplyClass {
        self.hand_in(to, wire, false)
    }

    /// Hands in a reply to an attempt that had run out of time.
    #[track_caller]
    pub(super) fn reply_late(&mut self, to: &Flight, wire: &[u8]) -> ReplyClass {
        self.hand_in(to, wire, true)
    }

    #[track_caller]
    fn hand_in(&mut self, to: &Flight, wire: &[u8], late: bool) -> ReplyClass {
        let message = Message::new(wire).expect("a message came");
        assert!(message.answers(&to.asked), "the reply is to another");
        let reply = Reply {
            question: to.question,
            upstream: to.upstream,
            resolver: address_of(to.upstream),
            transport: to.request.transport,
            edns: to.edns,
            late,
            message,
        };
        self.session
            .reply(self.now, &reply, &self.limits, &mut self.rng)
    }

    pub(super) fn lost(&mut self, flight: &Flight, lost: LostCause) {
        self.session
            .lost(self.now, flight.question, lost, &self.limits, &mut self.rng);
    }

    /// Until when the session waits, which it must do now.
    #[track_caller]
    pub(super) fn wait(&mut self) -> Time {
        match self.poll() {
            Output::Wait(until) => until,
            other => panic!("it was to wait, not {other:?}"),
        }
    }

    /// How long the session waits from now on, in milliseconds.
    #[track_caller]
    pub(super) fn wait_ms(&mut self) -> f64 {
        let until = self.wait();
        until.nanos_since(self.now) as f64 / 1e6
    }

    /// Moves the clock to the end of the wait for an attempt, whose time is then up.
    #[track_caller]
    pub(super) fn expire(&mut self) {
        self.now = self.wait();
        match self.poll() {
            Output::Overdue(question) => self.session.expire(self.now, question),
            other => panic!("an attempt was to run out of time, not {other:?}"),
        }
    }

    /// Moves the clock to the end of a backoff.
    #[track_caller]
    pub(super) fn sit_out(&mut self) {
        self.now = self.wait();
    }

    /// Takes the session, and leaves a fresh one.
    pub(super) fn take_session(&mut self) -> Session {
        let fresh = Session::new(ptr_job("192.0.2.1", false), self.now, &self.limits);
        std::mem::replace(&mut self.session, fresh.expect("the target is one"))
    }

    /// The outcome, which the session must be ready to give now.
    #[track_caller]
    pub(super) fn finish(&mut self) -> Outcome {
        match self.poll() {
            Output::Finish => self.take_session().finish(self.now),
            other => panic!("it was to end, not {other:?}"),
        }
    }
}

/// What a PTR job learned.
#[track_caller]
pub(super) fn ptr_answer(outcome: &Outcome) -> &PtrAnswer {
    match &outcome.answer {
        Answer::Ptr(answer) => answer,
        other => panic!("no answer of a PTR job: {other:?}"),
    }
}

/// Its names.
#[track_caller]
pub(super) fn names_of(outcome: &Outcome) -> Vec<&str> {
    ptr_answer(outcome)
        .names
        .iter()
        .map(|name| &**name)
        .collect()
}

/// The message of a job that failed.
#[track_caller]
pub(super) fn message_of(outcome: &Outcome) -> &str {
    &outcome.fault.as_ref().expect("it failed").message
}
