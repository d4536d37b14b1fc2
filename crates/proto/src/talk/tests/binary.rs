//! What is not text.

use super::rig::{Peer, run, run_split, talk, talk_as, why};
use crate::talk::{Talk, TalkOutput};
use canvass_model::{Cause, Time};

fn in_hex(whole: &super::rig::Transcript) -> String {
    let shown: Vec<_> = whole
        .captures_hex
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    shown.join(" ")
}

#[test]
fn captures_that_are_not_text_come_in_hex_too() {
    for (script, said, shown, hex) in [
        (
            "[{expect: '^220 (?P<a>.*) (?P<b>.*)$'}]",
            &b"220 caf\xe9 ok\r\n"[..],
            "a=caf\u{fffd} b=ok",
            "a=636166e9",
        ),
        (
            "[{expect: '^(?P<a>.*)$'}]",
            b"\x1b[2Jhi\n",
            "a=\u{1b}[2Jhi",
            "a=1b5b324a6869",
        ),
        (
            "[{expect: '^(?P<a>.*)$'}]",
            "höllo\n".as_bytes(),
            "a=höllo",
            "",
        ),
        (
            "[{expect: '^end$', gather: '^x(?P<a>.*)$'}]",
            b"x\xff\nxy\nend\n",
            "a=\u{fffd}, y",
            "a=ff2c2079",
        ),
        (
            "[{read: 2, as: a, form: text}]",
            b"a\xff",
            "a=a\u{fffd}",
            "a=61ff",
        ),
        // It is in hex already.
        ("[{read: 2, as: a}]", b"a\xff", "a=61ff", ""),
    ] {
        let whole = run_split(&talk(script), said);
        assert_eq!(
            (whole.shown().as_str(), in_hex(&whole).as_str()),
            (shown, hex)
        );
    }
    // A later capture of the same name replaces both.
    let whole = run_split(
        &talk("[{expect: '^(?P<a>.*)$'}, {expect: '^(?P<a>.*)$'}]"),
        b"\xff\nx\n",
    );
    assert_eq!(
        (whole.shown().as_str(), in_hex(&whole).as_str()),
        ("a=x", "")
    );
}

#[test]
fn a_password_is_not_shown_in_hex() {
    let whole = run(
        talk_as("[{expect: '^(?P<a>.*)$'}]", "me", "hunter2"),
        &[Peer::Says(b"\xff hunter2\n")],
    );
    assert_eq!(
        (whole.shown().as_str(), in_hex(&whole).as_str()),
        ("a=\u{fffd} ***", "a=***")
    );
}

#[test]
fn lines_match_by_characters_where_they_are_utf_8() {
    for (script, said, is_match) in [
        ("[{expect: '^h.llo$'}]", "höllo\r\n".as_bytes(), true),
        ("[{expect: '^h..llo$'}]", "höllo\r\n".as_bytes(), false),
        ("[{expect: '^h.llo$'}]", b"h\xf6llo\r\n", true),
    ] {
        let whole = run_split(&talk(script), said);
        assert_eq!(whole.end == TalkOutput::Matched, is_match, "{script}");
    }
}

#[test]
fn a_message_says_how_long_it_is() {
    for (script, said, shown) in [
        (
            "[{read: {length: 1}, as: a}, {read: 1, as: b}]",
            &b"\x02xyz"[..],
            "a=027879 b=z",
        ),
        ("[{read: {length: 2}, as: a}]", b"\0\x01xy", "a=000178"),
        (
            "[{read: {length: 2, order: little, after: 1}, as: a}]",
            b"\x01\0\x09xy",
            "a=01000978",
        ),
        (
            "[{read: {before: 1, length: 4, counts: itself}, as: a}]",
            b"R\0\0\0\x05xy",
            "a=520000000578",
        ),
        (
            "[{read: {length: 1}, match: '(?s)^.(?P<name>[a-z]+)\\x00'}, {send: 'hi ${name}'}]",
            b"\x05abc\0\n",
            "name=abc",
        ),
        ("[{read: {length: 1}}, {expect: '^a$'}]", b"\x03xyza\n", ""),
    ] {
        let whole = run_split(&talk(script), said);
        assert_eq!(
            (whole.shown().as_str(), &whole.end),
            (shown, &TalkOutput::Matched),
            "{script}"
        );
    }
    let whole = run_split(&talk("[{read: {length: 1}}]"), b"\x05abc");
    assert_eq!(
        why(&whole.end),
        (
            Some(Cause::Truncated),
            "the peer closed its side after 4 of a message".into()
        )
    );
}

#[test]
fn what_was_read_must_match() {
    let script = "[{read: {length: 1}, match: '^.ab'}]";
    let whole = run_split(&talk(script), b"\x03abc");
    assert_eq!(whole.end, TalkOutput::Matched);
    let whole = run_split(&talk(script), b"\x03xyz");
    assert_eq!(
        why(&whole.end),
        (
            None,
            "waiting for a message matching /^.ab/, the peer said \"\\u{3}xyz\"".into()
        )
    );
    let TalkOutput::Unmatched(mismatch) = whole.end else {
        panic!("it is a mismatch")
    };
    assert_eq!(&*mismatch.expected, "a message matching /^.ab/");
    assert_eq!(&*mismatch.seen.unwrap().text, "\u{3}xyz");
}

#[test]
fn text_where_a_message_is_waited_for_is_quoted_whole() {
    let script = "[{read: {length: 3, order: little, after: 1}, match: '^a'}]";
    let quoted = "waiting for a message matching /^a/, the peer said \"SSH-2.0-x\\r\\n\"";
    for cut in 4..10 {
        let said = b"SSH-2.0-x\r\n";
        let peer = [
            Peer::Says(&said[..cut]),
            Peer::Waits(499),
            Peer::Says(&said[cut..]),
            Peer::Waits(500),
        ];
        assert_eq!(why(&run(talk(script), &peer).end).1, quoted);
        let over = run(talk(script), &[Peer::Says(said)]);
        assert_eq!(
            over.mismatch().as_deref(),
            Some(
                "nothing that came is a message matching /^a/; the last it said was \"SSH-2.0-x\\r\\n\""
            )
        );
    }
    assert_eq!(
        why(&run_split(&talk(script), b"SSH-2.0-x\r\n").end).1,
        quoted
    );
}

#[test]
fn a_datagram_that_does_not_match_is_dropped() {
    let mut talk: Talk = talk("[{send: a}, {read: 2, match: '^ok', as: a}]").over_datagrams();
    let now = Time::ZERO;
    assert_eq!(talk.poll(now, &mut Vec::new()), TalkOutput::Send);
    for (datagram, expected) in [
        (&b"no"[..], TalkOutput::Read),
        (b"oko", TalkOutput::Read),
        (b"ok", TalkOutput::Matched),
    ] {
        talk.received(now, datagram);
        assert_eq!(talk.poll(now, &mut Vec::new()), expected);
    }
}
