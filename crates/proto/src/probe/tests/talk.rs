//! Open ports and conversations.

use std::time::Duration;

use canvass_model::{Cause, Phase, Status, Verdict};

use super::rig::*;

#[test]
fn an_open_port_is_all_that_is_asked_for_without_a_script() {
    let mut rig = Rig::new(endpoint_job("192.0.2.1", 22, false), tcp_module(None));
    rig.pass_ms(4);
    rig.connected();
    let outcome = rig.finish();
    assert_eq!(
        (outcome.verdict, outcome.status),
        (Verdict::Answered, Status::Open)
    );
    assert_eq!(rig.took_ms(&outcome, Phase::Connect), Some(4));
    assert_eq!(rig.took_ms(&outcome, Phase::FirstByte), None);
}

#[test]
fn a_conversation_follows_its_script() {
    let script = "[{expect: '^hello (?P<who>\\w+)', send: 'you are ${who}'}, {half_close: true}, {read: to_end, as: rest}]";
    let mut rig = Rig::new(
        endpoint_job("192.0.2.1", 1, false),
        tcp_module(Some(script)),
    );
    rig.connected();
    rig.receive(b"hello wo");
    rig.receive(b"rld\n");
    assert_eq!(rig.written, b"you are world\n");
    assert_eq!(rig.shut, 1);
    rig.receive(b"bye");
    rig.end();
    let outcome = rig.finish();
    assert_eq!(
        (outcome.verdict, outcome.status),
        (Verdict::Answered, Status::Matched)
    );
    let captures: Vec<_> = talked(&outcome)
        .captures
        .iter()
        .map(|(name, value)| (&**name, &**value))
        .collect();
    assert!(captures.contains(&("who", "world")) && captures.contains(&("rest", "bye")));
    assert_eq!(talked(&outcome).received_bytes, 15);
}

#[test]
fn silence_is_a_timeout_and_other_words_are_a_mismatch() {
    let script = "[{expect: '^220'}]";
    let job = || endpoint_job("192.0.2.1", 25, false);
    let mut rig = Rig::new(job(), tcp_module(Some(script)));
    rig.connected();
    rig.pass_wait();
    let outcome = rig.finish();
    assert_eq!(
        (outcome.verdict, outcome.status),
        (Verdict::Failed, Status::Timeout)
    );

    let mut rig = Rig::new(job(), tcp_module(Some(script)));
    rig.connected();
    rig.receive(b"554 go away\r\n");
    rig.pass_wait();
    let outcome = rig.finish();
    assert_eq!(
        (outcome.verdict, outcome.status),
        (Verdict::Negative, Status::Unmatched)
    );
    assert!(talked(&outcome).mismatch.as_ref().unwrap().contains("220"));
}

#[test]
fn a_datagram_has_its_answer_or_its_time() {
    let script = "[{send_bytes: ''}, {expect: '^(?P<word>\\w+)'}]";
    let job = || endpoint_job("192.0.2.1", 37, true);
    let mut rig = Rig::new(job(), udp_module(script, None));
    let last = rig.last();
    rig.pass_ms(3);
    rig.probe.received(rig.now, last, b"pong");
    rig.drain();
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Matched);
    assert_eq!(rig.took_ms(&outcome, Phase::Connect), None);
    assert_eq!(rig.took_ms(&outcome, Phase::FirstByte), Some(3));

    let mut module = udp_module(script, None);
    module.retries = 1;
    let mut rig = Rig::new(job(), module);
    rig.pass_wait();
    rig.pass_wait();
    assert_eq!(rig.opened.len(), 2);
    rig.fail(Cause::Refused);
    assert_eq!(rig.finish().status, Status::ConnRefused);
}

#[test]
fn several_hosts_may_answer_and_all_are_kept() {
    let script = "[{send_bytes: ''}, {expect: '^ok (?P<n>\\d)'}]";
    let window = Duration::from_millis(500);
    let mut rig = Rig::new(
        endpoint_job("192.0.2.255", 37, true),
        udp_module(script, Some(window)),
    );
    let last = rig.last();
    for (from, said) in [("192.0.2.1:37", "ok 1"), ("192.0.2.2:37", "no")] {
        rig.pass_ms(10);
        rig.probe
            .received_from(rig.now, last, from.parse().unwrap(), said.as_bytes());
        rig.drain();
    }
    rig.pass_wait();
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Matched);
    assert_eq!(outcome.latency(), Some(window));
    let replies = talked(&outcome).replies.as_ref().unwrap();
    let matched: Vec<_> = replies.iter().map(|reply| reply.matched).collect();
    assert_eq!(matched, [true, false]);
    assert_eq!(replies[1].after, Duration::from_millis(20));
}
