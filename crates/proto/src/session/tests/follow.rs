//! Targets of aliases that are asked about (`--follow-cname`).

use canvass_model::{Answer, Cause, Rcode, Record, Status, Verdict};
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::Record as OwnedRecord;

use super::rig::*;
use crate::session::aliases::TARGETS_MAX;
use crate::session::*;

fn following() -> Limits {
    Limits {
        follow_cname: true,
        ..limits()
    }
}

fn alias_rig(job: Job) -> Rig {
    Rig::new(job, following())
}

/// A reply with an alias alone, of a server that has authority for it.
fn alias_to(query: &Flight, target: &str) -> Vec<u8> {
    let mut reply = query.reply();
    reply.metadata.authoritative = true;
    reply.metadata.recursion_available = false;
    let owner = reply.queries[0].name().clone();
    reply.add_answer(OwnedRecord::from_rdata(owner, 60, cname(target)));
    reply.to_vec().unwrap()
}

fn records(outcome: &Outcome) -> &[Record] {
    match &outcome.answer {
        Answer::Dns(answer) => &answer.records,
        other => panic!("no answer of a dns job: {other:?}"),
    }
}

#[test]
fn the_target_is_asked_about_and_its_answer_is_that_of_the_job() {
    let mut rig = alias_rig(ptr_job("192.0.2.1", false));
    let query = rig.send();
    let target = "1.0/25.2.0.192.in-addr.arpa.";
    let reply = alias_to(&query, target);
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Answer);
    let next = rig.send();
    assert_ne!(next.question, query.question);
    assert_eq!(next.name(), name_of(target).to_ascii());
    let reply = next.names(&["a.example.net."]);
    rig.reply(&next, &reply);
    let outcome = rig.finish();
    assert_eq!((outcome.verdict, outcome.attempts), (Verdict::Answered, 2));
    assert_eq!(names_of(&outcome), ["a.example.net."]);
    assert_eq!(ptr_answer(&outcome).cname(), Some(target));
}

#[test]
fn the_whole_chain_is_shown() {
    let mut rig = alias_rig(dns_job("a.example", RecordType::A));
    for target in ["b.example.", "c.example."] {
        let query = rig.send();
        let reply = alias_to(&query, target);
        rig.reply(&query, &reply);
    }
    let query = rig.send();
    assert_eq!(query.name(), "c.example.");
    let reply = query.addresses(&["192.0.2.80"]);
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    let data: Vec<&str> = records(&outcome).iter().map(|one| &*one.data).collect();
    assert_eq!(data, ["b.example.", "c.example.", "192.0.2.80"]);
    assert_eq!(outcome.verdict, Verdict::Answered);
}

#[test]
fn a_target_that_does_not_exist_is_negative() {
    let mut rig = alias_rig(dns_job("a.example", RecordType::A));
    let query = rig.send();
    let reply = alias_to(&query, "gone.example.");
    rig.reply(&query, &reply);
    let query = rig.send();
    let reply = query.code(ResponseCode::NXDomain);
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    assert_eq!(outcome.verdict, Verdict::Negative);
    assert_eq!(outcome.status, Status::Rcode(Rcode::NXDOMAIN));
    assert_eq!(records(&outcome).len(), 1, "the alias is shown");
}

#[test]
fn a_target_that_the_resolver_has_looked_up_is_not_asked_about() {
    for limits in [following(), limits()] {
        let mut rig = Rig::new(dns_job("a.example", RecordType::A), limits);
        let query = rig.send();
        let mut reply = query.reply();
        let owner = reply.queries[0].name().clone();
        reply.metadata.response_code = ResponseCode::NXDomain;
        reply.add_answer(OwnedRecord::from_rdata(owner, 60, cname("gone.example.")));
        let reply = reply.to_vec().unwrap();
        rig.reply(&query, &reply);
        assert_eq!(rig.finish().verdict, Verdict::Negative);
    }
}

#[test]
fn aliases_that_lead_in_a_circle_are_malformed() {
    let mut rig = alias_rig(dns_job("a.example", RecordType::A));
    for target in ["b.example.", "C.example.", "B.EXAMPLE."] {
        let query = rig.send();
        let reply = alias_to(&query, target);
        rig.reply(&query, &reply);
    }
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::Malformed, 3));
    assert_eq!(
        message_of(&outcome),
        "alias target C.example.: 192.0.2.53:53 sent aliases that lead in a circle, in 1 attempt"
    );
    assert!(records(&outcome).is_empty());
}

#[test]
fn a_chain_of_too_many_aliases_is_malformed() {
    let mut rig = alias_rig(dns_job("a.example", RecordType::A));
    for hop in 0..=TARGETS_MAX {
        let query = rig.send();
        let reply = alias_to(&query, &format!("n{hop}.example."));
        rig.reply(&query, &reply);
    }
    let outcome = rig.finish();
    assert_eq!(outcome.attempts as usize, 1 + TARGETS_MAX);
    assert_eq!(outcome.status, Status::Malformed);
    let message = message_of(&outcome);
    assert!(message.contains("sent too many aliases"), "{message}");
}

#[test]
fn the_deadline_and_the_retries_hold_for_targets_too() {
    let mut rig = Rig::new(
        dns_job("a.example", RecordType::A),
        Limits {
            retries: 1,
            ..following()
        },
    );
    let begun = rig.now;
    let query = rig.send();
    let reply = alias_to(&query, "b.example.");
    rig.reply(&query, &reply);
    rig.send();
    rig.expire();
    rig.send();
    rig.expire();
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::Timeout, 3));
    let fault = outcome.fault.unwrap();
    assert_eq!(fault.cause, Cause::Timeout);
    assert_eq!(
        &*fault.message,
        "alias target b.example.: no answer from 192.0.2.53:53 in 2 attempts"
    );
    assert!(outcome.finished - begun < following().deadline);
}

#[test]
fn a_late_reply_about_the_alias_changes_nothing() {
    let mut rig = alias_rig(ptr_job("192.0.2.1", true));
    let first = rig.send();
    rig.expire();
    let second = rig.send();
    let reply = alias_to(&second, "1.0/25.2.0.192.in-addr.arpa.");
    rig.reply(&second, &reply);
    let target = rig.send();
    let late = alias_to(&first, "other.example.");
    rig.reply_late(&first, &late);
    let reply = target.names(&["a.example.net."]);
    rig.reply(&target, &reply);
    // Forward confirmation comes behind the aliases.
    let lookup = rig.send();
    assert_eq!(lookup.name(), "a.example.net.");
    let reply = lookup.addresses(&["192.0.2.1"]);
    rig.reply(&lookup, &reply);
    let outcome = rig.finish();
    assert_eq!(outcome.attempts, 4);
    let ptr = ptr_answer(&outcome);
    assert_eq!(ptr.confirmation().unwrap().confirmed, Some(true));
    assert_eq!(ptr.cname(), Some("1.0/25.2.0.192.in-addr.arpa."));
}
