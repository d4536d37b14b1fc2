//! What is asked besides the question, and what is kept of a response besides its answer.

use canvass_model::{Class, ResponseDetails, Status, Verdict};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::DNSClass;

use super::rig::*;
use crate::dns::{OptRecord, QueryOptions};
use crate::session::*;

/// The extended error 6, `DNSSEC Bogus`, with the text `no`.
const BOGUS: &[u8] = &[0, 15, 0, 4, 0, 6, b'n', b'o'];

/// The reply with an OPT record that has these options.
fn with_options(mut reply: Vec<u8>, options: &[u8]) -> Vec<u8> {
    reply[11] += 1;
    reply.extend_from_slice(&[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, options.len() as u8]);
    reply.extend_from_slice(options);
    reply
}

fn asking(query: QueryOptions) -> Limits {
    Limits { query, ..limits() }
}

#[track_caller]
fn details_of(outcome: &Outcome) -> &ResponseDetails {
    outcome.details.as_deref().expect("a response is kept")
}

#[test]
fn an_ordinary_ptr_response_leaves_nothing_but_its_names() {
    let mut rig = Rig::ptr(limits());
    let query = rig.send();
    rig.reply(&query, &with_options(query.names(&["a.example.net."]), &[]));
    assert_eq!(rig.finish().details, None);
}

#[test]
fn an_extended_error_beside_an_answer_is_kept() {
    let mut rig = Rig::ptr(limits());
    let query = rig.send();
    let reply = with_options(query.names(&["a.example.net."]), BOGUS);
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Answer);
    let outcome = rig.finish();
    assert_eq!(outcome.verdict, Verdict::Answered);
    assert_eq!(
        details_of(&outcome).errors[0].to_string(),
        "DNSSEC Bogus (6): \"no\""
    );
}

#[test]
fn an_extended_error_explains_a_failure() {
    let mut rig = Rig::ptr(Limits {
        retries: 0,
        ..limits()
    });
    let query = rig.send();
    let other = [0, 15, 0, 2, 0, 22];
    let reply = query.code(ResponseCode::ServFail);
    let reply = with_options(reply, &[BOGUS, &other].concat());
    assert_eq!(rig.reply(&query, &reply), ReplyClass::ServFail);
    let outcome = rig.finish();
    assert_eq!(
        &*outcome.fault.as_ref().unwrap().message,
        "192.0.2.53:53 answered SERVFAIL in 1 attempt: DNSSEC Bogus (6): \"no\"; \
         No Reachable Authority (22)"
    );
    assert_eq!(details_of(&outcome).errors.len(), 2);
}

#[test]
fn a_response_does_not_explain_the_silence_after_it() {
    let mut rig = Rig::ptr(Limits {
        retries: 1,
        ..limits()
    });
    let query = rig.send();
    rig.reply(
        &query,
        &with_options(query.code(ResponseCode::ServFail), BOGUS),
    );
    rig.sit_out();
    rig.send();
    rig.expire();
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.details), (Status::Timeout, None));
}

#[test]
fn a_dns_job_keeps_the_flags_of_every_response() {
    for code in [
        ResponseCode::NoError,
        ResponseCode::NXDomain,
        ResponseCode::Refused,
    ] {
        let limits = Limits {
            retries: 0,
            ..limits()
        };
        let mut rig = Rig::new(dns_job("example.net", RecordType::A), limits);
        let query = rig.send();
        let mut reply = query.code(code);
        reply[2] |= 0x04;
        rig.reply(&query, &reply);
        let outcome = rig.finish();
        let flags: Vec<_> = details_of(&outcome).flags.names().collect();
        assert_eq!(flags, ["aa", "ra"], "{code}");
        assert_eq!(details_of(&outcome).sections, None);
    }
}

#[test]
fn the_options_of_a_run_are_in_every_query_of_its_jobs() {
    let options = QueryOptions {
        recursion_desired: false,
        checking_disabled: true,
        opt: Some(OptRecord::new(true, false, None)),
        ..QueryOptions::PLAIN
    };
    let mut rig = Rig::new(ptr_job("192.0.2.1", true), asking(options));
    let query = rig.send();
    rig.reply(&query, &query.names(&["a.example.net."]));
    for query in [query, rig.send()] {
        let query = query.query();
        assert!(!query.metadata.recursion_desired && query.metadata.checking_disabled);
        assert!(query.edns.unwrap().flags().dnssec_ok);
    }
}

#[test]
fn a_class_is_that_of_the_question_and_of_its_answer() {
    let chaos = QueryOptions {
        class: Class::CH,
        ..QueryOptions::PLAIN
    };
    let mut rig = Rig::new(dns_job("version.bind", RecordType(16)), asking(chaos));
    let query = rig.send();
    assert_eq!(query.query().queries[0].query_class(), DNSClass::CH);
    let mut reply = query.code(ResponseCode::NoError);
    reply[7] = 1;
    reply.extend_from_slice(&[0xc0, 12, 0, 16, 0, 3, 0, 0, 0, 0, 0, 2, 1, b'9']);
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Answer);
    let outcome = rig.finish();
    assert_eq!(
        (outcome.verdict, outcome.class),
        (Verdict::Answered, Class::CH)
    );
    let Answer::Dns(answer) = &outcome.answer else {
        panic!("no answer of a dns job");
    };
    assert_eq!(answer.records[0].class, Class::CH);
    assert_eq!(&*answer.records[0].data, "\"9\"");
}

#[test]
fn without_edns_no_query_has_opt_and_formerr_is_an_error() {
    let without = QueryOptions {
        opt: None,
        ..QueryOptions::PLAIN
    };
    let mut rig = Rig::ptr(Limits {
        retries: 0,
        ..asking(without)
    });
    let query = rig.send();
    assert!(!query.edns && query.query().edns.is_none());
    let reply = query.code(ResponseCode::FormErr);
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Unusable);
    assert_eq!(
        rig.finish().status,
        Status::Rcode(canvass_model::Rcode::FORMERR)
    );
}

#[test]
fn an_answer_for_which_edns_was_given_up_says_so() {
    let signed = QueryOptions {
        opt: Some(OptRecord::new(true, false, None)),
        ..QueryOptions::PLAIN
    };
    let mut rig = Rig::ptr(asking(signed));
    let query = rig.send();
    let reply = query.code(ResponseCode::FormErr);
    assert_eq!(rig.reply(&query, &reply), ReplyClass::NoEdns);
    let again = rig.send();
    assert!(!again.edns);
    rig.reply(&again, &again.names(&["a.example.net."]));
    let outcome = rig.finish();
    assert_eq!(outcome.verdict, Verdict::Answered);
    assert_eq!(details_of(&outcome).edns, Some(false));
}
