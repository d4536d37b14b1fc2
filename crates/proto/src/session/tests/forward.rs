//! Looking the names of an address up again.

use canvass_model::{Confirmation, Outcome, Transport, Verdict};
use hickory_proto::op::ResponseCode;

use super::rig::*;
use crate::session::*;

/// A session about 192.0.2.1 that has learned these names.
#[track_caller]
fn with_names(names: &[&str]) -> Rig {
    let mut rig = Rig::confirming();
    let query = rig.send();
    let reply = query.names(names);
    rig.reply(&query, &reply);
    rig
}

/// Everything that the session wants to send now.
#[track_caller]
fn send_all(rig: &mut Rig) -> Vec<Flight> {
    let mut sent = Vec::new();
    while let Output::Send(question) = rig.poll() {
        sent.push(rig.send_question(question, UpstreamId(0), true));
    }
    sent
}

#[track_caller]
fn confirmation(outcome: &Outcome) -> &Confirmation {
    assert_eq!(outcome.verdict, Verdict::Answered);
    ptr_answer(outcome)
        .confirmation()
        .expect("it was looked up")
}

#[test]
fn one_name_that_leads_back_is_enough_and_every_name_is_shown() {
    let mut rig = with_names(&["a.example.net.", "b.example.net."]);
    let lookups = send_all(&mut rig);
    assert_eq!(
        lookups.iter().map(Flight::name).collect::<Vec<_>>(),
        ["a.example.net.", "b.example.net."]
    );
    // The second is answered first.
    let reply = lookups[1].addresses(&["192.0.2.1", "192.0.2.9"]);
    rig.reply(&lookups[1], &reply);
    rig.wait();
    let reply = lookups[0].code(ResponseCode::NXDomain);
    rig.reply(&lookups[0], &reply);
    let outcome = rig.finish();
    let confirmation = confirmation(&outcome);
    assert_eq!(confirmation.confirmed, Some(true));
    let addresses = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect();
    assert_eq!(
        confirmation.forward,
        [
            ("a.example.net.".into(), addresses(&[])),
            (
                "b.example.net.".into(),
                addresses(&["192.0.2.1", "192.0.2.9"])
            ),
        ]
    );
    assert_eq!(outcome.attempts, 3);
}

#[test]
fn names_that_all_lead_elsewhere_are_unconfirmed() {
    let mut rig = with_names(&["a.example.net.", "b.example.net."]);
    let lookups = send_all(&mut rig);
    let reply = lookups[0].addresses(&["192.0.2.2"]);
    rig.reply(&lookups[0], &reply);
    let reply = lookups[1].code(ResponseCode::NoError);
    rig.reply(&lookups[1], &reply);
    assert_eq!(confirmation(&rig.finish()).confirmed, Some(false));
}

#[test]
fn a_name_that_could_not_be_looked_up_leaves_it_open() {
    let mut rig = with_names(&["a.example.net.", "b.example.net."]);
    rig.limits.retries = 0;
    let lookups = send_all(&mut rig);
    let reply = lookups[0].addresses(&["192.0.2.2"]);
    rig.reply(&lookups[0], &reply);
    rig.expire();
    let outcome = rig.finish();
    assert_eq!(confirmation(&outcome).confirmed, None);
    assert_eq!(names_of(&outcome), ["a.example.net.", "b.example.net."]);
}

#[test]
fn one_name_that_leads_back_confirms_whatever_became_of_the_others() {
    let mut rig = with_names(&["a.example.net.", "b.example.net."]);
    rig.limits.retries = 0;
    let lookups = send_all(&mut rig);
    let reply = lookups[0].addresses(&["192.0.2.1"]);
    rig.reply(&lookups[0], &reply);
    let reply = lookups[1].code(ResponseCode::ServFail);
    rig.reply(&lookups[1], &reply);
    assert_eq!(confirmation(&rig.finish()).confirmed, Some(true));
}

#[test]
fn where_there_is_no_name_nothing_is_looked_up() {
    let mut rig = Rig::confirming();
    let query = rig.send();
    let reply = query.code(ResponseCode::NXDomain);
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    assert_eq!(outcome.verdict, Verdict::Negative);
    assert_eq!(ptr_answer(&outcome).confirmation(), None);
}

#[test]
fn a_name_that_came_twice_is_looked_up_once() {
    let mut rig = with_names(&["a.example.net.", "A.EXAMPLE.net.", "a.example.net."]);
    assert_eq!(send_all(&mut rig).len(), 1);
}

#[test]
fn a_crowd_of_names_is_looked_up_a_few_at_a_time() {
    let names: Vec<String> = (0..20).map(|at| format!("n{at}.example.net.")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rig = with_names(&names);
    let mut lookups = send_all(&mut rig);
    assert_eq!(lookups.len(), 8);
    let mut asked = Vec::new();
    while let Some(lookup) = lookups.pop() {
        asked.push(lookup.name());
        let reply = lookup.addresses(&["192.0.2.2"]);
        rig.reply(&lookup, &reply);
        let more = send_all(&mut rig);
        assert!(more.len() <= 1, "one that ended makes room for one");
        lookups.extend(more);
    }
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 20);
    let outcome = rig.finish();
    assert_eq!(confirmation(&outcome).confirmed, Some(false));
    assert_eq!(confirmation(&outcome).forward.len(), 20);
    assert_eq!(outcome.attempts, 21);
}

#[test]
fn an_ipv6_address_is_looked_for_among_ipv6_addresses() {
    let mut rig = Rig::new(ptr_job("2001:db8::1", true), limits());
    let query = rig.send();
    let reply = query.names(&["a.example.net."]);
    rig.reply(&query, &reply);
    let lookup = rig.send();
    assert_eq!(
        lookup.query().queries[0].query_type(),
        hickory_proto::rr::RecordType::AAAA
    );
    let reply = lookup.addresses(&["2001:db8::1"]);
    rig.reply(&lookup, &reply);
    assert_eq!(confirmation(&rig.finish()).confirmed, Some(true));
}

#[test]
fn a_reverse_name_is_confirmed_like_its_address_and_any_other_name_is_not() {
    for (name, looked_up) in [
        ("1.2.0.192.in-addr.arpa", true),
        ("1.0/25.2.0.192.in-addr.arpa", false),
    ] {
        let mut rig = Rig::new(ptr_job(name, true), limits());
        let query = rig.send();
        let reply = query.names(&["a.example.net."]);
        rig.reply(&query, &reply);
        if looked_up {
            let lookup = rig.send();
            let reply = lookup.addresses(&["192.0.2.1"]);
            rig.reply(&lookup, &reply);
        }
        let outcome = rig.finish();
        let confirmed = ptr_answer(&outcome).confirmation().is_some();
        assert_eq!(confirmed, looked_up, "{name}");
    }
}

#[test]
fn an_address_behind_an_alias_counts() {
    let mut rig = with_names(&["a.example.net."]);
    let lookup = rig.send();
    let address = hickory_proto::rr::RData::A(hickory_proto::rr::rdata::A([192, 0, 2, 1].into()));
    let reply = lookup.records([cname("b.example.net."), address]);
    rig.reply(&lookup, &reply);
    assert_eq!(confirmation(&rig.finish()).confirmed, Some(true));
}

#[test]
fn a_lookup_turns_to_tcp_and_is_tried_again_like_any_question() {
    let mut rig = with_names(&["a.example.net."]);
    let lookup = rig.send();
    assert!(
        lookup.request.first,
        "nothing was asked of this name before"
    );
    let reply = lookup.truncated();
    rig.reply(&lookup, &reply);
    let lookup = rig.send();
    assert_eq!(lookup.request.transport, Transport::Tcp);
    rig.expire();
    let lookup = rig.send();
    assert_eq!(lookup.request.transport, Transport::Tcp);
    assert!(!lookup.request.first);
    // An address record of three octets cannot be read.
    let mut reply = lookup.addresses(&["192.0.2.1"]);
    let length = reply.len();
    reply[length - 5] = 3;
    reply.truncate(length - 1);
    assert_eq!(rig.reply(&lookup, &reply), ReplyClass::Unusable);
    rig.sit_out();
    let lookup = rig.send();
    let reply = lookup.addresses(&["192.0.2.1"]);
    rig.reply(&lookup, &reply);
    let outcome = rig.finish();
    assert_eq!(confirmation(&outcome).confirmed, Some(true));
    assert_eq!(outcome.attempts, 5);
    // The last word on the question itself came by datagram.
    assert_eq!(outcome.transport, Some(Transport::Udp));
}

#[test]
fn an_end_before_its_time_keeps_the_names() {
    for cancelled in [false, true] {
        let mut rig = with_names(&["a.example.net."]);
        rig.send();
        if cancelled {
            rig.session.cancel(rig.now);
        } else {
            rig.advance_ms(10_000);
        }
        let outcome = rig.finish();
        assert_eq!(names_of(&outcome), ["a.example.net."]);
        assert_eq!(confirmation(&outcome).confirmed, None);
        assert_eq!(outcome.fault, None);
    }
}
