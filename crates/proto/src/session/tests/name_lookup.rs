//! The lookup of one address family of a name, by itself.

use std::net::IpAddr;
use std::time::Duration;

use canvass_model::{Cause, Rcode, Status, Time};
use hickory_proto::op::{Message as Owned, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA};
use hickory_proto::rr::{RData, Record};
use proptest::prelude::*;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::rig::{PATIENCE, PORT_CLOSED, address_of, cname, limits, name_of};
use crate::dns::Message;
use crate::session::*;
use crate::{AddressFamily, ResolveFault};

/// One lookup of `host.example.`, under a clock that is moved by hand.
struct Lookup {
    lookup: NameLookup,
    now: Time,
    rng: StdRng,
}

impl Lookup {
    fn new(family: AddressFamily) -> Self {
        let now = Time::from_nanos(1_000_000);
        let name = "host.example".parse().unwrap();
        Self {
            lookup: NameLookup::new(&name, family, now + limits().deadline, &limits()),
            now,
            rng: StdRng::seed_from_u64(1),
        }
    }

    /// Sends the query that is due, and returns it.
    #[track_caller]
    fn send(&mut self) -> Owned {
        assert!(matches!(
            self.lookup.poll(self.now, &limits()),
            Output::Send(QuestionId(0))
        ));
        let request = self.lookup.request().expect("the query is still wanted");
        let mut wire = Vec::new();
        self.lookup.write_query(7, true, &limits(), &mut wire);
        let sent = Sent {
            question: QuestionId(0),
            upstream: UpstreamId(0),
            resolver: address_of(UpstreamId(0)),
            transport: request.transport,
            patience: PATIENCE,
        };
        self.lookup.sent(self.now, &sent, &limits(), &mut self.rng);
        Owned::from_vec(&wire).unwrap()
    }

    /// Replies to `query` with a code and records, whose owners and TTLs are given.
    fn reply(
        &mut self,
        query: &Owned,
        code: ResponseCode,
        records: impl IntoIterator<Item = (&'static str, u32, RData)>,
    ) -> ReplyClass {
        let mut reply = Owned::new(query.metadata.id, MessageType::Response, OpCode::Query);
        reply.metadata.recursion_available = true;
        reply.add_queries(query.queries.clone());
        reply.metadata.response_code = code;
        for (owner, ttl_s, data) in records {
            reply.add_answer(Record::from_rdata(name_of(owner), ttl_s, data));
        }
        self.hand_in(&reply.to_vec().unwrap())
    }

    fn hand_in(&mut self, wire: &[u8]) -> ReplyClass {
        let reply = Reply {
            question: QuestionId(0),
            upstream: UpstreamId(0),
            resolver: address_of(UpstreamId(0)),
            transport: canvass_model::Transport::Udp,
            edns: true,
            late: false,
            message: Message::new(wire).expect("it is a message"),
        };
        self.lookup
            .reply(self.now, &reply, &limits(), &mut self.rng)
    }

    #[track_caller]
    fn finish(mut self) -> Result<(Vec<IpAddr>, Option<u32>), ResolveFault> {
        let output = self.lookup.poll(self.now, &limits());
        assert!(matches!(output, Output::Finish), "{output:?}");
        self.lookup.finish()
    }
}

fn a(text: &str) -> RData {
    RData::A(A(text.parse().unwrap()))
}

#[test]
fn addresses_are_kept_no_longer_than_the_alias_that_leads_to_them() {
    let mut lookup = Lookup::new(AddressFamily::V4);
    let query = lookup.send();
    assert_eq!(
        query.queries[0].query_type(),
        hickory_proto::rr::RecordType::A
    );
    let records = [
        ("host.example.", 30, cname("alias.example.")),
        ("alias.example.", 300, a("192.0.2.1")),
        ("alias.example.", 300, a("192.0.2.2")),
    ];
    let class = lookup.reply(&query, ResponseCode::NoError, records);
    assert_eq!(class, ReplyClass::Answer);
    let addresses = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse().unwrap());
    assert_eq!(lookup.finish(), Ok((addresses.to_vec(), Some(30))));
}

#[test]
fn only_addresses_of_the_family_asked_for_count() {
    let mut lookup = Lookup::new(AddressFamily::V6);
    let query = lookup.send();
    let records = [
        ("host.example.", 60, a("192.0.2.1")),
        (
            "host.example.",
            60,
            RData::AAAA(AAAA("2001:db8::1".parse().unwrap())),
        ),
    ];
    lookup.reply(&query, ResponseCode::NoError, records);
    let addresses = vec!["2001:db8::1".parse().unwrap()];
    assert_eq!(lookup.finish(), Ok((addresses, Some(60))));
}

#[test]
fn a_name_without_addresses_is_no_fault_and_one_that_does_not_exist_is() {
    for (code, fault) in [
        (ResponseCode::NoError, None),
        (ResponseCode::NXDomain, Some(Cause::NxDomain)),
    ] {
        let mut lookup = Lookup::new(AddressFamily::V4);
        let query = lookup.send();
        lookup.reply(&query, code, []);
        match (lookup.finish(), fault) {
            (Ok(nothing), None) => assert_eq!(nothing, (Vec::new(), None)),
            (Err(found), Some(cause)) => {
                assert_eq!(found.cause, cause);
                assert_eq!(found.status, Status::Rcode(Rcode::NXDOMAIN));
                assert_eq!(&*found.message, "the name does not exist");
            }
            (other, _) => panic!("{code}: {other:?}"),
        }
    }
}

#[test]
fn a_lookup_fails_as_a_job_does() {
    let mut lookup = Lookup::new(AddressFamily::V4);
    lookup.send();
    lookup
        .lookup
        .lost(lookup.now, PORT_CLOSED, &limits(), &mut lookup.rng);
    assert!(matches!(
        lookup.lookup.poll(lookup.now, &limits()),
        Output::Wait(_)
    ));
    lookup.now = lookup.now + limits().deadline;
    let fault = lookup.finish().unwrap_err();
    assert_eq!(
        (fault.status, fault.cause),
        (Status::ConnRefused, Cause::Refused)
    );
    assert_eq!(
        &*fault.message,
        "192.0.2.53:53 refused the connection, in 1 attempt"
    );

    let mut lookup = Lookup::new(AddressFamily::V4);
    lookup.send();
    lookup.lookup.cancel(lookup.now);
    let fault = lookup.finish().unwrap_err();
    assert_eq!(
        (fault.status, fault.cause),
        (Status::Local, Cause::Interrupted)
    );
}

#[test]
fn a_broken_address_is_asked_for_again() {
    let mut lookup = Lookup::new(AddressFamily::V4);
    let query = lookup.send();
    let mut reply = Owned::new(7, MessageType::Response, OpCode::Query);
    reply.add_queries(query.queries.clone());
    reply.add_answer(Record::from_rdata(
        name_of("host.example."),
        60,
        a("192.0.2.1"),
    ));
    let mut wire = reply.to_vec().unwrap();
    // Three octets of data.
    let length_at = wire.len() - 5;
    wire[length_at] = 3;
    wire.truncate(wire.len() - 1);
    assert_eq!(lookup.hand_in(&wire), ReplyClass::Unusable);
    let Output::Wait(until) = lookup.lookup.poll(lookup.now, &limits()) else {
        panic!("it waits before it asks again");
    };
    assert!(until < lookup.now + Duration::from_secs(1));
    lookup.now = until;
    lookup.send();
}

proptest! {
    #[test]
    fn any_message_is_an_answer_or_none(tail in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut lookup = Lookup::new(AddressFamily::V4);
        lookup.send();
        let mut wire = vec![0, 7, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0];
        wire.extend_from_slice(lookup.lookup.question().wire());
        wire.extend_from_slice(&tail);
        let class = lookup.hand_in(&wire);
        if class == ReplyClass::Answer {
            let (addresses, _) = lookup.finish().expect("it was answered");
            prop_assert!(addresses.len() <= 1);
        }
    }
}
