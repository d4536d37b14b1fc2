//! How an answer section is interpreted.

use canvass_model::{Answer, Cause, Outcome, Rcode, Record, Status, Verdict};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::A;
use hickory_proto::rr::{RData, Record as OwnedRecord};

use super::rig::*;
use crate::session::*;

#[track_caller]
fn records_of(outcome: &Outcome) -> &[Record] {
    match &outcome.answer {
        Answer::Dns(answer) => &answer.records,
        other => panic!("no answer of a dns job: {other:?}"),
    }
}

/// The outcome of one query and one reply.
#[track_caller]
fn outcome_of(job: Job, reply: impl FnOnce(&Flight) -> Vec<u8>) -> Outcome {
    let mut rig = Rig::new(job, limits());
    let query = rig.send();
    let reply = reply(&query);
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Answer);
    rig.finish()
}

#[test]
fn every_name_is_kept_in_order_with_the_least_time_to_live() {
    let outcome = outcome_of(ptr_job("192.0.2.1", false), |query| {
        let mut reply = query.reply();
        let owner = reply.queries[0].name().clone();
        for (name, ttl_s) in [("b.example.net.", 300), ("a.example.net.", 60)] {
            reply.add_answer(OwnedRecord::from_rdata(owner.clone(), ttl_s, ptr(name)));
        }
        reply.to_vec().unwrap()
    });
    assert_eq!(names_of(&outcome), ["b.example.net.", "a.example.net."]);
    assert_eq!(ptr_answer(&outcome).ttl_s, Some(60));
    assert_eq!(ptr_answer(&outcome).confirmation(), None);
}

#[test]
fn a_name_behind_a_delegation_is_found() {
    // RFC 2317 §4.
    let outcome = outcome_of(ptr_job("192.0.2.1", false), |query| {
        let mut reply = query.reply();
        let owner = reply.queries[0].name().clone();
        let target = "1.0/25.2.0.192.in-addr.arpa.";
        reply.add_answer(OwnedRecord::from_rdata(owner, 400, cname(target)));
        let owner = name_of(target);
        reply.add_answer(OwnedRecord::from_rdata(owner, 300, ptr("a.example.net.")));
        reply.to_vec().unwrap()
    });
    assert_eq!(outcome.verdict, Verdict::Answered);
    assert_eq!(names_of(&outcome), ["a.example.net."]);
}

#[test]
fn no_such_name_and_no_data_are_negative() {
    for (code, rcode) in [
        (ResponseCode::NXDomain, Rcode::NXDOMAIN),
        (ResponseCode::NoError, Rcode::NOERROR),
    ] {
        let outcome = outcome_of(ptr_job("192.0.2.1", false), |query| query.code(code));
        assert_eq!(outcome.verdict, Verdict::Negative);
        assert_eq!(outcome.status, Status::Rcode(rcode));
        assert_eq!(outcome.fault, None);
        assert!(names_of(&outcome).is_empty());
    }
}

#[test]
fn an_alias_that_leads_nowhere_is_negative() {
    let outcome = outcome_of(ptr_job("192.0.2.1", false), |query| {
        query.records([cname("1.0/25.2.0.192.in-addr.arpa.")])
    });
    assert_eq!(outcome.verdict, Verdict::Negative);
    let outcome = outcome_of(dns_job("www.example.net", RecordType::A), |query| {
        query.records([cname("gone.example.net.")])
    });
    assert_eq!(outcome.verdict, Verdict::Negative);
    assert_eq!(records_of(&outcome).len(), 1, "the alias is still shown");
}

#[test]
fn a_dns_job_keeps_the_whole_answer_section() {
    let outcome = outcome_of(dns_job("www.example.net", RecordType::A), |query| {
        let mut reply = query.reply();
        let owner = reply.queries[0].name().clone();
        reply.add_answer(OwnedRecord::from_rdata(
            owner,
            400,
            cname("web.example.net."),
        ));
        let owner = name_of("web.example.net.");
        let data = RData::A(A([192, 0, 2, 80].into()));
        reply.add_answer(OwnedRecord::from_rdata(owner, 60, data));
        reply.to_vec().unwrap()
    });
    assert_eq!(outcome.verdict, Verdict::Answered);
    let shown: Vec<(&str, String, u32, &str)> = records_of(&outcome)
        .iter()
        .map(|record| {
            let record_type = record.record_type.to_string();
            (&*record.name, record_type, record.ttl_s, &*record.data)
        })
        .collect();
    assert_eq!(
        shown,
        [
            (
                "www.example.net.",
                "CNAME".to_owned(),
                400,
                "web.example.net."
            ),
            ("web.example.net.", "A".to_owned(), 60, "192.0.2.80"),
        ]
    );
}

#[test]
fn any_record_answers_a_question_for_any() {
    let outcome = outcome_of(dns_job("example.net", RecordType::ANY), |query| {
        query.addresses(&["192.0.2.1"])
    });
    assert_eq!(outcome.verdict, Verdict::Answered);
}

#[test]
fn an_answer_that_cannot_be_read_is_asked_for_again() {
    let mut rig = Rig::ptr(limits());
    let query = rig.send();
    let mut reply = query.names(&["a.example.net."]);
    reply[7] = 2; // It promises two records and holds one.
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Unusable);
    rig.sit_out();
    let query = rig.send();
    let mut reply = query.names(&["a.example.net."]);
    let length = reply.len();
    reply.truncate(length - 3);
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Unusable);
    rig.sit_out();
    let query = rig.send();
    let reply = query.names(&["a.example.net."]);
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    assert_eq!((outcome.verdict, outcome.attempts), (Verdict::Answered, 3));
}

#[test]
fn nothing_but_unreadable_answers_is_malformed() {
    for job in [
        ptr_job("192.0.2.1", false),
        dns_job("example.net", RecordType::A),
    ] {
        let mut rig = Rig::new(
            job,
            Limits {
                retries: 0,
                ..limits()
            },
        );
        let query = rig.send();
        let mut reply = query.code(ResponseCode::NoError);
        reply[7] = 1;
        rig.reply(&query, &reply);
        let outcome = rig.finish();
        assert_eq!(outcome.status, Status::Malformed);
        assert_eq!(outcome.fault.as_deref().unwrap().cause, Cause::Malformed);
        assert_eq!(
            message_of(&outcome),
            "192.0.2.53:53 sent an answer that cannot be read, in 1 attempt"
        );
    }
}
