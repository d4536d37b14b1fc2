//! Attempts, waits and ends.

use std::time::Duration;

use canvass_model::{Cause, Errno, Phase, Phases, Rcode, Status, Target, Transport, Verdict};
use hickory_proto::op::ResponseCode;

use super::rig::*;
use crate::session::*;

#[track_caller]
fn assert_between(value: f64, least: f64, most: f64) {
    assert!(
        (least..=most).contains(&value),
        "{value} is not between {least} and {most}"
    );
}

#[test]
fn an_answer_ends_the_job() {
    let mut rig = Rig::ptr(limits());
    let query = rig.send();
    assert_eq!(query.name(), "1.2.0.192.in-addr.arpa.");
    assert!(query.query().metadata.recursion_desired);
    assert_eq!(
        query.request,
        SendRequest {
            transport: Transport::Udp,
            avoid: None,
            lame: LameSet::EMPTY,
            prefer: None,
            only: None,
            first: true,
        }
    );
    rig.advance_ms(5);
    let reply = query.names(&["a.example.net."]);
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Answer);
    let outcome = rig.finish();
    assert_eq!(outcome.verdict, Verdict::Answered);
    assert_eq!(outcome.status, Status::Rcode(Rcode::NOERROR));
    assert_eq!((outcome.attempts, outcome.fault.as_ref()), (1, None));
    assert_eq!(outcome.resolver, Some(address_of(UpstreamId(0))));
    assert_eq!(outcome.transport, Some(Transport::Udp));
    assert_eq!(names_of(&outcome), ["a.example.net."]);
    assert_eq!(outcome.latency(), Some(Duration::from_millis(5)));
    assert_eq!(
        outcome.phases,
        Phases::default()
            .with(Phase::Wait, Duration::ZERO)
            .with(Phase::Dns, Duration::from_millis(5))
    );
}

#[test]
fn silence_is_asked_again_with_more_patience_until_the_retries_are_used_up() {
    let mut rig = Rig::ptr(Limits {
        retries: 4,
        ..limits()
    });
    // As long for the first two, then half as long again each time, up to a second; two seconds for
    // the last one; and up to an eighth more by chance.
    let waits_ms = [400.0, 400.0, 600.0, 900.0, 2000.0];
    for (attempt, patience_ms) in waits_ms.into_iter().enumerate() {
        let query = rig.send();
        assert_eq!(query.request.first, attempt == 0);
        let avoid = (attempt > 0).then_some(UpstreamId(0));
        assert_eq!(query.request.avoid, avoid, "attempt {attempt}");
        assert_between(rig.wait_ms(), patience_ms, patience_ms * 1.125);
        rig.expire();
    }
    let outcome = rig.finish();
    assert_eq!(
        (outcome.verdict, outcome.status, outcome.attempts),
        (Verdict::Failed, Status::Timeout, 5)
    );
    let fault = outcome.fault.as_deref().unwrap();
    assert_eq!((fault.phase, fault.cause), (Phase::Dns, Cause::Timeout));
    assert_eq!(
        &*fault.message,
        "no answer from 192.0.2.53:53 in 5 attempts"
    );
}

#[test]
fn the_wait_for_an_attempt_is_capped() {
    let mut rig = Rig::ptr(Limits {
        timeout: Duration::from_millis(100),
        ..limits()
    });
    for _ in 0..3 {
        rig.send();
        assert_between(rig.wait_ms(), 100.0, 110.0);
        rig.expire();
    }
}

#[test]
fn the_deadline_ends_a_job_whatever_happens() {
    let mut rig = Rig::ptr(Limits {
        retries: 1000,
        deadline: Duration::from_millis(700),
        ..limits()
    });
    rig.send();
    rig.expire();
    rig.send();
    assert!(rig.wait_ms() < 500.0, "the deadline comes before the wait");
    rig.now = rig.wait();
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Timeout);
    assert_eq!(outcome.attempts, 2);
    assert_eq!(outcome.latency(), Some(Duration::from_millis(700)));
}

#[test]
fn a_job_that_was_never_asked_says_so_and_reached_no_phase() {
    let mut rig = Rig::ptr(limits());
    assert!(matches!(rig.poll(), Output::Send(_)));
    assert_eq!(rig.wait_ms(), 10_000.0);
    rig.advance_ms(10_000);
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::Timeout, 0));
    assert_eq!(outcome.latency(), None);
    assert_eq!(outcome.phases, Phases::default());
    assert_eq!(outcome.response(), Duration::from_secs(10));
    assert_eq!(outcome.fault.as_deref().unwrap().phase, Phase::Wait);
    assert_eq!(
        message_of(&outcome),
        "no resolver could be asked before the deadline"
    );
}

#[test]
fn a_hindrance_here_is_told_when_nothing_could_be_sent() {
    let mut rig = Rig::ptr(limits());
    assert!(matches!(rig.poll(), Output::Send(_)));
    rig.session.blocked(LostCause {
        cause: Cause::Descriptors,
        errno: Some(Errno(24)),
    });
    rig.advance_ms(10_000);
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::Local, 0));
    let fault = outcome.fault.as_deref().unwrap();
    assert_eq!(
        (fault.phase, fault.cause, fault.errno),
        (Phase::Wait, Cause::Descriptors, Some(Errno(24)))
    );
    assert!(fault.message.contains("no descriptors"), "{fault:?}");
}

#[test]
fn a_late_reply_to_the_first_attempt_answers_while_the_second_is_out() {
    let mut rig = Rig::ptr(limits());
    let first = rig.send();
    rig.expire();
    rig.send();
    rig.advance_ms(10);
    let reply = first.names(&["a.example.net."]);
    assert_eq!(rig.reply_late(&first, &reply), ReplyClass::Answer);
    let outcome = rig.finish();
    assert_eq!(names_of(&outcome), ["a.example.net."]);
    assert_eq!(outcome.attempts, 2);
}

#[test]
fn a_late_reply_calls_off_an_attempt_that_waits_for_its_permit() {
    let mut rig = Rig::ptr(limits());
    let first = rig.send();
    rig.expire();
    let Output::Send(question) = rig.poll() else {
        panic!("it was to be asked again");
    };
    assert!(rig.session.request(question).is_some());
    let reply = first.names(&["a.example.net."]);
    rig.reply_late(&first, &reply);
    assert_eq!(rig.session.request(question), None);
    let outcome = rig.finish();
    assert_eq!((outcome.verdict, outcome.attempts), (Verdict::Answered, 1));
}

#[test]
fn a_late_error_says_nothing_about_the_last_attempt() {
    let mut rig = Rig::ptr(Limits {
        retries: 1,
        ..limits()
    });
    let first = rig.send();
    rig.expire();
    let second = rig.send();
    let reply = first.code(ResponseCode::ServFail);
    assert_eq!(rig.reply_late(&first, &reply), ReplyClass::ServFail);
    // Its time is not cut short.
    assert_between(rig.wait_ms(), 2000.0, 2250.0);
    let reply = second.names(&["a.example.net."]);
    rig.reply(&second, &reply);
    assert_eq!(rig.finish().verdict, Verdict::Answered);
}

#[test]
fn errors_are_waited_out_longer_and_longer() {
    let mut rig = Rig::ptr(Limits {
        retries: 6,
        deadline: Duration::from_secs(100),
        ..limits()
    });
    for wait_ms in [100.0, 200.0, 400.0, 800.0, 1600.0, 2000.0] {
        let query = rig.send();
        let reply = query.code(ResponseCode::Refused);
        assert_eq!(rig.reply(&query, &reply), ReplyClass::Refused);
        assert_between(rig.wait_ms(), wait_ms * 0.5, wait_ms * 1.5);
        rig.sit_out();
    }
    let query = rig.send();
    let reply = query.code(ResponseCode::Refused);
    rig.reply(&query, &reply);
    // Nothing is left to try, so there is nothing to wait for.
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Rcode(Rcode::REFUSED));
    assert_eq!(outcome.fault.as_deref().unwrap().cause, Cause::Rcode);
    assert_eq!(
        message_of(&outcome),
        "192.0.2.53:53 answered REFUSED in 7 attempts"
    );
}

#[test]
fn a_lone_resolver_is_not_asked_again_while_it_remembers_that_it_failed() {
    let mut rig = Rig::ptr(Limits {
        retries: 2,
        ..limits()
    });
    for _ in 0..2 {
        let query = rig.send();
        let reply = query.code(ResponseCode::ServFail);
        assert_eq!(rig.reply(&query, &reply), ReplyClass::ServFail);
        assert_between(rig.wait_ms(), 1000.0, 1250.0);
        rig.sit_out();
    }
    let query = rig.send();
    let reply = query.code(ResponseCode::ServFail);
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Rcode(Rcode::SERVFAIL));
    assert_eq!(
        message_of(&outcome),
        "192.0.2.53:53 answered SERVFAIL in 3 attempts"
    );
}

#[test]
fn another_resolver_is_asked_at_once_and_the_one_that_refused_is_avoided() {
    let mut rig = Rig::ptr(Limits {
        alternatives: true,
        ..limits()
    });
    let query = rig.send_to(UpstreamId(3));
    let reply = query.code(ResponseCode::Refused);
    assert_eq!(rig.reply(&query, &reply), ReplyClass::Refused);
    let again = rig.send_to(UpstreamId(1));
    assert_eq!(again.request.avoid, Some(UpstreamId(3)));
    assert!(!again.request.first);
    let reply = again.code(ResponseCode::Refused);
    rig.reply(&again, &reply);
    // Two of them said no: that is not one resolver's whim.
    assert_between(rig.wait_ms(), 100.0, 300.0);
    rig.sit_out();
    let third = rig.send_to(UpstreamId(3));
    assert_eq!(third.request.avoid, Some(UpstreamId(1)));
    let reply = third.names(&["a.example.net."]);
    rig.reply(&third, &reply);
    let outcome = rig.finish();
    assert_eq!(outcome.resolver, Some(address_of(UpstreamId(3))));
    assert_eq!(outcome.attempts, 3);
}

#[test]
fn a_closed_port_is_named_with_its_errno() {
    let mut rig = Rig::ptr(Limits {
        retries: 1,
        ..limits()
    });
    for last in [false, true] {
        let query = rig.send();
        rig.lost(&query, PORT_CLOSED);
        if !last {
            rig.sit_out();
        }
    }
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::ConnRefused, 2));
    let fault = outcome.fault.as_deref().unwrap();
    assert_eq!(
        (fault.cause, fault.errno),
        (Cause::Refused, Some(Errno(111)))
    );
    assert_eq!(
        &*fault.message,
        "192.0.2.53:53 refused the connection, in 2 attempts"
    );
}

#[test]
fn silence_after_a_closed_port_is_what_remains() {
    let mut rig = Rig::ptr(Limits {
        retries: 1,
        ..limits()
    });
    let query = rig.send();
    rig.lost(&query, PORT_CLOSED);
    rig.sit_out();
    rig.send();
    rig.expire();
    assert_eq!(rig.finish().status, Status::Timeout);
}

#[test]
fn an_attempt_that_an_orderly_close_gave_back_is_not_counted() {
    let mut rig = Rig::ptr(Limits {
        retries: 0,
        transport: TransportPolicy::Tcp,
        ..limits()
    });
    for _ in 0..3 {
        let query = rig.send();
        assert_eq!(query.request.avoid, None);
        rig.advance_ms(1);
        rig.session.returned(rig.now, query.question);
    }
    let query = rig.send();
    let reply = query.names(&["a.example.net."]);
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    assert_eq!((outcome.verdict, outcome.attempts), (Verdict::Answered, 1));
    assert_eq!(outcome.latency(), Some(Duration::from_millis(3)));
}

#[test]
fn an_attempt_that_the_event_loop_turned_to_a_stream_costs_no_retry() {
    let no_retries = Limits {
        retries: 0,
        ..limits()
    };
    let ends: [fn(&mut Rig, &Flight); 3] = [
        |rig, turned| rig.session.taken_back(rig.now, turned.question),
        |rig, turned| rig.lost(turned, PORT_CLOSED),
        |rig, turned| {
            let mut cut_short = turned.names(&["a.example.net."]);
            cut_short.truncate(cut_short.len() - 4);
            rig.reply(turned, &cut_short);
        },
    ];
    for end in ends {
        let mut rig = Rig::ptr(no_retries);
        let turned = rig.send_turned();
        rig.advance_ms(1);
        end(&mut rig, &turned);
        let query = rig.send();
        assert_eq!(query.request.transport, Transport::Udp);
        assert!(!query.request.first);
        let reply = query.names(&["a.example.net."]);
        rig.reply(&query, &reply);
        let outcome = rig.finish();
        assert_eq!((outcome.verdict, outcome.attempts), (Verdict::Answered, 2));
        assert_eq!(outcome.transport, Some(Transport::Udp));
    }
    // One that must go by stream is an attempt like any other.
    let mut rig = Rig::ptr(Limits {
        transport: TransportPolicy::Tcp,
        ..no_retries
    });
    let query = rig.send();
    rig.lost(&query, PORT_CLOSED);
    let outcome = rig.finish();
    assert_eq!((outcome.verdict, outcome.attempts), (Verdict::Failed, 1));
}

#[test]
fn a_run_that_stops_ends_the_job_at_once() {
    let mut rig = Rig::ptr(limits());
    rig.send();
    rig.advance_ms(7);
    rig.session.cancel(rig.now);
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::Local, 1));
    assert_eq!(outcome.fault.as_deref().unwrap().cause, Cause::Interrupted);
    assert_eq!(outcome.latency(), Some(Duration::from_millis(7)));
    assert_eq!(
        message_of(&outcome),
        "192.0.2.53:53 was still being asked when the run was stopped, in 1 attempt"
    );
}

#[test]
fn time_is_split_into_waiting_and_asking() {
    let mut rig = Rig::ptr(limits());
    let query = rig.send();
    rig.advance_ms(30);
    let reply = query.code(ResponseCode::ServFail);
    rig.reply(&query, &reply);
    let backoff = rig.wait().since(rig.now);
    rig.sit_out();
    // The backoff is over, and it waits for a permit.
    let Output::Send(question) = rig.poll() else {
        panic!("it was to be asked again");
    };
    rig.advance_ms(5);
    let query = rig.send_question(question, UpstreamId(0), true);
    rig.advance_ms(2);
    let reply = query.names(&["a.example.net."]);
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    let wait = backoff + Duration::from_millis(5);
    let dns = Duration::from_millis(32);
    assert_eq!(
        outcome.phases,
        Phases::default()
            .with(Phase::Wait, wait)
            .with(Phase::Dns, dns)
    );
    assert_eq!(outcome.latency(), Some(wait + dns));
}

#[test]
fn response_time_counts_from_when_the_job_was_due() {
    let mut job = ptr_job("192.0.2.1", false);
    job.due = Some(Time::from_nanos(400_000));
    let mut rig = Rig::new(job, limits());
    let query = rig.send();
    rig.advance_ms(2);
    let reply = query.names(&["a.example.net."]);
    rig.reply(&query, &reply);
    let outcome = rig.finish();
    assert_eq!(outcome.latency(), Some(Duration::from_millis(2)));
    assert_eq!(outcome.response(), Duration::from_micros(2600));
}

#[test]
fn what_is_no_target_has_its_outcome_before_anything_is_sent() {
    let invalid = Target::Invalid {
        given: "bogus".into(),
        reason: "no address".into(),
    };
    let spec = ProbeSpec::Ptr {
        forward_confirm: false,
    };
    let address = Target::Address {
        address: [192, 0, 2, 1].into(),
        given: None,
    };
    let dns = ProbeSpec::Dns {
        record_type: RecordType::A,
    };
    for (target, spec, message) in [
        (invalid, spec, "no address"),
        (address, dns, "an address has no records of its own"),
    ] {
        let outcome =
            Session::new(job(target.clone(), spec), Time::from_nanos(5), &limits()).unwrap_err();
        assert_eq!(outcome.job.target, target);
        assert_eq!((outcome.status, outcome.attempts), (Status::Invalid, 0));
        assert_eq!(outcome.latency(), None);
        assert_eq!(message_of(&outcome), message);
    }
}
