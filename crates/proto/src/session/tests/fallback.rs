//! From datagrams to streams, and from EDNS(0) to none.

use canvass_model::{Cause, Rcode, Status, Transport, Verdict};
use hickory_proto::op::{Edns, ResponseCode};

use super::rig::*;
use crate::session::*;

/// A reply that is nothing but a header: the query's id and this code.
fn header_only(query: &Flight, code: u8) -> Vec<u8> {
    let mut header = vec![0; 12];
    header[..2].copy_from_slice(&query.wire[..2]);
    header[2] = 0x80;
    header[3] = code;
    header
}

#[test]
fn a_truncated_answer_is_asked_for_over_tcp_where_it_came_from() {
    let mut rig = Rig::ptr(Limits {
        alternatives: true,
        ..limits()
    });
    let query = rig.send_to(UpstreamId(2));
    let reply = query.truncated();
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Truncated);
    let again = rig.send_to(UpstreamId(2));
    assert_eq!(
        again.request,
        SendRequest {
            transport: Transport::Tcp,
            avoid: None,
            lame: LameSet::EMPTY,
            prefer: Some(UpstreamId(2)),
            only: None,
            // By stream, nothing was asked before.
            first: true,
        }
    );
    let reply = again.names(&["a.example.net."]);
    rig.reply(&again, &reply);
    let outcome = rig.finish();
    assert_eq!(outcome.transport, Some(Transport::Tcp));
    assert_eq!((outcome.verdict, outcome.attempts), (Verdict::Answered, 2));
}

#[test]
fn what_a_truncated_answer_holds_is_not_believed() {
    let mut rig = Rig::ptr(limits());
    let query = rig.send();
    let mut reply = query.names(&["a.example.net."]);
    reply[2] |= 0x02;
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Truncated);
    assert_eq!(rig.send().request.transport, Transport::Tcp);
}

#[test]
fn datagrams_alone_end_at_a_truncated_answer() {
    let mut rig = Rig::ptr(Limits {
        transport: TransportPolicy::Udp,
        ..limits()
    });
    let query = rig.send();
    let reply = query.truncated();
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::Truncated, 1));
    assert_eq!(outcome.fault.as_deref().unwrap().cause, Cause::Truncated);
    assert_eq!(
        message_of(&outcome),
        "the answer of 192.0.2.53:53 did not fit a datagram, and tcp is not allowed"
    );
}

#[test]
fn truncation_stays_the_reason_when_tcp_does_not_help() {
    let mut rig = Rig::ptr(Limits {
        retries: 1,
        ..limits()
    });
    let query = rig.send();
    let reply = query.truncated();
    rig.reply(&query, &reply);
    let second = rig.send();
    rig.lost(&second, PORT_CLOSED);
    rig.sit_out();
    let third = rig.send();
    assert_eq!(third.request.transport, Transport::Tcp);
    rig.expire();
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::Truncated, 3));
    assert_eq!(
        message_of(&outcome),
        "the answer did not fit a datagram, and 192.0.2.53:53 gave none over tcp"
    );
}

#[test]
fn an_error_code_over_tcp_outweighs_truncation() {
    let mut rig = Rig::ptr(Limits {
        retries: 0,
        ..limits()
    });
    let query = rig.send();
    let reply = query.truncated();
    rig.reply(&query, &reply);
    let second = rig.send();
    let reply = second.code(ResponseCode::Refused);
    rig.reply(&second, &reply);
    assert_eq!(rig.finish().status, Status::Rcode(Rcode::REFUSED));
}

#[test]
fn a_late_truncated_answer_turns_the_next_attempt_to_tcp() {
    let mut rig = Rig::ptr(limits());
    let first = rig.send();
    rig.expire();
    rig.send();
    let reply = first.truncated();
    rig.reply_late(&first, &reply);
    assert_eq!(rig.send().request.transport, Transport::Tcp);
}

#[test]
fn streams_alone_ask_by_stream_and_a_message_cut_short_there_is_malformed() {
    let mut rig = Rig::ptr(Limits {
        retries: 0,
        transport: TransportPolicy::Tcp,
        ..limits()
    });
    let query = rig.send();
    assert_eq!(query.request.transport, Transport::Tcp);
    assert!(query.request.first);
    let reply = query.truncated();
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Unusable);
    assert_eq!(rig.finish().status, Status::Malformed);
}

#[test]
fn a_server_without_edns_is_asked_again_at_once_without_it() {
    for code in [ResponseCode::FormErr, ResponseCode::NotImp] {
        let mut rig = Rig::ptr(limits());
        let query = rig.send();
        assert!(query.query().edns.is_some() && query.edns);
        let reply = query.code(code);
        assert_eq!(rig.reply(&query, &reply), ReplyClass::NoEdns, "{code}");
        let again = rig.send();
        assert!(again.query().edns.is_none() && !again.edns);
        assert_eq!(again.request.prefer, Some(UpstreamId(0)));
        let reply = again.names(&["a.example.net."]);
        rig.reply(&again, &reply);
        let outcome = rig.finish();
        assert_eq!((outcome.verdict, outcome.attempts), (Verdict::Answered, 2));
    }
}

#[test]
fn a_server_that_cannot_even_repeat_the_question_is_understood() {
    for code in [1, 4] {
        let mut rig = Rig::ptr(limits());
        let query = rig.send();
        let reply = header_only(&query, code);
        assert_eq!(rig.reply(&query, &reply), ReplyClass::NoEdns);
        assert!(!rig.send().edns);
    }
}

#[test]
fn an_error_without_its_question_is_believed_and_an_answer_is_not() {
    // The OPT record of an extended code, whose upper bits are in its TTL (RFC 6891 §6.1.3).
    let opt = |upper: u8| [0, 0, 41, 4, 208, upper, 0, 0, 0, 0, 0];
    for (code, upper, class) in [
        (0, None, None),
        (0, Some(0), None),
        (3, None, None),
        (3, Some(0), None),
        (1, None, Some(ReplyClass::NoEdns)),
        (1, Some(0), Some(ReplyClass::NoEdns)),
        (2, None, Some(ReplyClass::ServFail)),
        (5, None, Some(ReplyClass::Refused)),
        (5, Some(0), Some(ReplyClass::Refused)),
        // BADVERS is 16.
        (0, Some(1), Some(ReplyClass::NoEdns)),
    ] {
        let mut rig = Rig::ptr(limits());
        let query = rig.send();
        let mut reply = header_only(&query, code);
        if let Some(upper) = upper {
            reply[11] = 1;
            reply.extend_from_slice(&opt(upper));
        }
        let text = format!("code {code}, upper bits {upper:?}");
        let message = crate::dns::Message::new(&reply).unwrap();
        let question = rig.session.question(query.question);
        assert_eq!(message.answers(question), class.is_some(), "{text}");
        if let Some(class) = class {
            assert_eq!(rig.reply(&query, &reply), class, "{text}");
        }
    }
}

#[test]
fn an_unknown_edns_version_is_no_edns() {
    let mut rig = Rig::ptr(limits());
    let query = rig.send();
    let mut reply = query.reply();
    // All of it stands in the upper bits, which the OPT record holds (RFC 6891 §9).
    reply.metadata.response_code = ResponseCode::BADVERS;
    reply.set_edns(Edns::new());
    let reply = reply.to_vec().unwrap();
    assert_eq!(rig.reply(&query, &reply), ReplyClass::NoEdns);
    assert!(!rig.send().edns);
}

#[test]
fn an_upstream_known_to_have_no_edns_is_not_offered_it() {
    let mut rig = Rig::ptr(limits());
    let Output::Send(question) = rig.poll() else {
        panic!("a query was to be sent");
    };
    let query = rig.send_question(question, UpstreamId(0), false);
    assert!(query.query().edns.is_none() && !query.edns);
}

#[test]
fn an_error_without_edns_is_an_error() {
    let mut rig = Rig::ptr(Limits {
        retries: 0,
        ..limits()
    });
    let query = rig.send();
    let reply = query.code(ResponseCode::FormErr);
    rig.reply(&query, &reply);
    let plain = rig.send();
    let reply = plain.code(ResponseCode::FormErr);
    assert_eq!(rig.reply(&plain, &reply), ReplyClass::Unusable);
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Rcode(Rcode::FORMERR));
    assert_eq!(
        message_of(&outcome),
        "192.0.2.53:53 answered FORMERR in 2 attempts"
    );
}
