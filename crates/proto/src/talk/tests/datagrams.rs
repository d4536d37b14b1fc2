//! Conversations over UDP.

use canvass_model::{Cause, Time};

use super::rig::{NONCE, UNIX_S_AT_ZERO, preset, talk, why};
use crate::talk::{Script, Talk, TalkOutput};

/// What is sent before anything came, datagram by datagram, and what is waited for then.
fn begin(talk: &mut Talk) -> (Vec<Vec<u8>>, TalkOutput) {
    let mut sent = Vec::new();
    loop {
        let mut out = Vec::new();
        match talk.poll(Time::ZERO, &mut out) {
            TalkOutput::Send => sent.push(out),
            other => return (sent, other),
        }
    }
}

fn hear(talk: &mut Talk, datagram: &[u8]) -> TalkOutput {
    talk.received(Time::ZERO, datagram);
    talk.poll(Time::ZERO, &mut Vec::new())
}

#[test]
fn each_send_is_a_datagram() {
    let mut talk =
        talk("[{send_bytes: ''}, {send: a}, {send: b, newline: none}, {read: 1}]").over_datagrams();
    let (sent, output) = begin(&mut talk);
    assert_eq!(sent, [&b""[..], b"a\n", b"b"]);
    assert_eq!((output, talk.sent_bytes()), (TalkOutput::Read, 3));
}

#[test]
fn a_datagram_is_looked_at_by_line_and_as_a_whole() {
    for (script, datagram) in [
        ("[{send: a}, {expect: ^two$}]", &b"one\r\ntwo\r\nthree"[..]),
        (
            "[{send: a}, {expect: ^one$}, {expect: ^three$}]",
            b"one\r\ntwo\r\nthree",
        ),
        (
            r#"[{send: a}, {expect: "(?s)^one.*two$"}]"#,
            b"one\r\ntwo\n",
        ),
        (
            r#"[{send: a}, {expect_bytes: "\ntwo"}, {expect: ^end$}]"#,
            b"one\ntwoend",
        ),
        ("[{send: a}, {expect: ^$}]", b""),
        ("[{send: a}, {expect_line: two}]", b"one\ntwo"),
    ] {
        let mut talk = talk(script).over_datagrams();
        assert_eq!(begin(&mut talk).1, TalkOutput::Read);
        assert_eq!(hear(&mut talk, datagram), TalkOutput::Matched, "{script}");
    }
}

#[test]
fn what_is_not_waited_for_is_dropped() {
    let mut talk = talk("[{send: a}, {expect: b}, {read: 2, as: two}]").over_datagrams();
    assert_eq!(begin(&mut talk).1, TalkOutput::Read);
    assert!(!talk.received_anything());
    assert_eq!(hear(&mut talk, b""), TalkOutput::Read);
    assert!(talk.received_anything() && talk.mismatch().is_some());
    assert_eq!(hear(&mut talk, b"no\nneither"), TalkOutput::Read);
    assert_eq!(
        talk.waiting_for(),
        "a line that matches /b/; the last it said was \"no\\nneither\""
    );
    assert_eq!(hear(&mut talk, b"b"), TalkOutput::Read);
    assert!(talk.mismatch().is_none());
    assert_eq!(hear(&mut talk, b"123"), TalkOutput::Read);
    assert!(talk.mismatch().is_some());
    assert_eq!(hear(&mut talk, b"12"), TalkOutput::Matched);
    assert_eq!(talk.captures(), [("two".into(), "12".into())]);
}

#[test]
fn a_failing_line_ends_it() {
    let mut talk = talk("[{send: a}, {expect: ok, fail: ^no}]").over_datagrams();
    begin(&mut talk);
    assert_eq!(
        why(&hear(&mut talk, b"hm\nno!\n")).1,
        "waiting for a line that matches /ok/, the peer said \"no!\""
    );
}

#[test]
fn what_only_streams_have_is_refused() {
    for (script, message) in [
        (
            "[{send: a}, {read: to_end}]",
            "the end of the conversation is not to be had over datagrams",
        ),
        (
            "[{send: a}, {starttls: true}]",
            "TLS is not to be had over datagrams",
        ),
        (
            "[{send: a}, {half_close: true}]",
            "a closed writing side is not to be had over datagrams",
        ),
    ] {
        let mut talk = talk(script).over_datagrams();
        assert_eq!(
            why(&begin(&mut talk).1),
            (Some(Cause::Invalid), message.into())
        );
        assert!(!Script::parse(script, "test").unwrap().udp_ok());
    }
    for (script, ok) in [
        ("[{send: a}, {expect: b}]", true),
        ("[{delay: 1ms}, {send: a}]", true),
        ("[{expect: b}, {send: a}]", false),
        ("{tls: true, query_response: [{send: a}]}", false),
    ] {
        assert_eq!(
            Script::parse(script, "test").unwrap().udp_ok(),
            ok,
            "{script}"
        );
    }
}

#[test]
fn presets_speak_udp() {
    let mut time = talk(preset("time")).over_datagrams();
    assert_eq!(begin(&mut time), (vec![Vec::new()], TalkOutput::Read));
    let seconds = (UNIX_S_AT_ZERO + 2_208_988_800) as u32;
    assert_eq!(hear(&mut time, &seconds.to_be_bytes()), TalkOutput::Matched);
    assert_eq!(time.captures()[1], ("drift_s".into(), "0.000".into()));

    let mut daytime = talk(preset("daytime")).over_datagrams();
    assert_eq!(begin(&mut daytime), (vec![Vec::new()], TalkOutput::Read));
    assert_eq!(hear(&mut daytime, b"noon\r\n"), TalkOutput::Matched);

    let mut echo = talk(preset("echo")).over_datagrams();
    let (sent, _) = begin(&mut echo);
    assert_eq!(sent, [format!("canvass {NONCE:016x}\r\n").into_bytes()]);
    assert_eq!(hear(&mut echo, &sent[0]), TalkOutput::Matched);
}

#[test]
fn each_of_several_answers_is_judged_for_itself() {
    let mut talk = talk(preset("time")).over_datagrams();
    begin(&mut talk);
    let seconds = (UNIX_S_AT_ZERO + 2_208_988_800) as u32;
    for (drift, shown) in [(0, "-0.250"), (5, "4.750"), (-1, "-1.250")] {
        let octets = seconds.wrapping_add_signed(drift).to_be_bytes();
        let judgement = talk.judge_datagram(Time::from_nanos(250_000_000), &octets);
        assert!(judgement.matched && judgement.why_not.is_none());
        assert_eq!(*judgement.captures[1].1, *shown);
    }
    let wrong = talk.judge_datagram(Time::ZERO, b"?");
    assert_eq!((wrong.matched, wrong.captures), (false, Vec::new()));
    assert_eq!(
        wrong.why_not.as_deref(),
        Some("waiting for 4 octets; the last it said was \"?\"")
    );
    assert!(!talk.received_anything());
}

#[test]
fn an_answer_is_judged_as_far_as_one_goes() {
    let mut talk =
        talk("[{send: a}, {expect: ^(b)$}, {delay: 1s, send: c}, {expect: d}]").over_datagrams();
    begin(&mut talk);
    let judgement = talk.judge_datagram(Time::ZERO, b"b");
    assert!(judgement.matched && judgement.captures.len() == 1);
    assert!(!talk.judge_datagram(Time::ZERO, b"c").matched);
    let mut two = self::talk("[{send: a}, {expect: b}, {expect: c}]").over_datagrams();
    begin(&mut two);
    assert!(!two.judge_datagram(Time::ZERO, b"b").matched);
    assert!(two.judge_datagram(Time::ZERO, b"b\nc").matched);
}
