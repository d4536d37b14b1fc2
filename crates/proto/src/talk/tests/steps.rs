//! What each step does, however its octets come.

use canvass_model::Cause;

use super::rig::{Peer, run, run_split, talk, why};
use crate::talk::{LINE_BYTES_MAX, RECEIVED_BYTES_MAX, Talk, TalkOutput, UNREAD_BYTES_MAX};

#[test]
fn lines_go_by_until_one_matches() {
    let script = r#"[{expect: "^b(?P<rest>.*)$"}, {expect: "^(c+)$"}]"#;
    let whole = run_split(&talk(script), b"a\r\nbanana\r\nabc\ncc\nlater\n");
    assert_eq!(whole.end, TalkOutput::Matched);
    assert_eq!(whole.shown(), "rest=anana 1=cc");
    assert_eq!(whole.received_bytes, 24);
}

#[test]
fn the_last_line_needs_no_end() {
    assert_eq!(
        run_split(&talk("[{expect: ^bye$}]"), b"hi\nbye").end,
        TalkOutput::Matched
    );
    let open = run(talk("[{expect: ^bye$}]"), &[Peer::Says(b"hi\nbye")]);
    assert_eq!(open.end, TalkOutput::Read);
}

#[test]
fn what_is_waited_for_is_told() {
    let script = r#"[{expect: "^220"}]"#;
    let silent = run(talk(script), &[]);
    assert_eq!(silent.end, TalkOutput::Read);
    assert_eq!(silent.waiting_for, "a line that matches /^220/");
    assert!(!silent.received_anything && silent.timed_out.is_none());

    let other = run(talk(script), &[Peer::Says(b"one\n\x1b[2Jtwo\r\n")]);
    assert_eq!(
        other.waiting_for,
        "a line that matches /^220/; the last it said was \"\\u{1b}[2Jtwo\""
    );
    assert!(other.received_anything);
    assert_eq!(
        other.mismatch().as_deref(),
        Some(
            "nothing that came is a line that matches /^220/; the last it said was \"\\u{1b}[2Jtwo\""
        )
    );

    // What it said before belongs to the step before.
    let later = run(
        talk("[{expect: a}, {send: b}, {expect: c}]"),
        &[Peer::Says(b"a\n")],
    );
    assert!(later.received_anything && later.timed_out.is_none());
    assert_eq!(later.waiting_for, "a line that matches /c/");

    let partial = run(talk(script), &[Peer::Says(b"no\nlogin: ")]);
    assert_eq!(
        partial.mismatch().as_deref(),
        Some("nothing that came is a line that matches /^220/; the last it said was \"login: \"")
    );
    assert_eq!(
        run(talk("[{read: 4}]"), &[Peer::Says(b"abc")]).timed_out,
        None
    );
    let octets = run(talk("[{expect_bytes: abc}]"), &[Peer::Says(b"xxab")]);
    assert_eq!(
        octets.mismatch().as_deref(),
        Some("nothing that came is the octets \"abc\"; the last it said was \"xxab\"")
    );
}

#[test]
fn a_peer_that_closes_is_told_by_what_it_said() {
    for (script, said, cause, message) in [
        (
            "[{expect: ^220}]",
            &b""[..],
            Some(Cause::Closed),
            "the peer closed its side before a line that matches /^220/ came",
        ),
        (
            "[{expect: ^220}]",
            b"554 no\r\n",
            None,
            "the peer closed its side before a line that matches /^220/ came; the last it said was \"554 no\"",
        ),
        (
            "[{expect: ^220}, {expect: ^250}]",
            b"220 yes\r\n",
            Some(Cause::Closed),
            "the peer closed its side before a line that matches /^250/ came",
        ),
        (
            "[{read: 150}]",
            b"0123456789",
            Some(Cause::Truncated),
            "the peer closed its side after 10 of 150 octets",
        ),
        (
            "[{read: 150, as: all}]",
            b"0123456789",
            Some(Cause::Truncated),
            "the peer closed its side after 10 of 150 octets",
        ),
        (
            "[{read: 1}]",
            b"",
            Some(Cause::Closed),
            "the peer closed its side before an octet came",
        ),
        (
            "[{expect_line: 'a\"b'}]",
            b"ab\n",
            None,
            "the peer closed its side before the line \"a\\\"b\" came; the last it said was \"ab\"",
        ),
        (
            r#"[{expect_bytes: "\0END"}]"#,
            b"ENDE",
            None,
            "the peer closed its side before the octets \"\\x00END\" came; the last it said was \"ENDE\"",
        ),
    ] {
        assert_eq!(
            why(&run_split(&talk(script), said).end),
            (cause, message.into()),
            "{script}"
        );
    }
}

#[test]
fn octets_are_found_wherever_they_begin() {
    let script = r#"[{expect_bytes: "aab"}, {expect: "^rest$"}]"#;
    let whole = run_split(&talk(script), b"noise\naaaabrest\n");
    assert_eq!(whole.end, TalkOutput::Matched);
    let script = r#"[{expect_bytes: !!binary "AP8="}, {read: 1, as: next}]"#;
    assert_eq!(run_split(&talk(script), b"\0\0\xff!").shown(), "next=!");
    let noise = vec![b'x'; 300];
    let whole = run_split(&talk("[{expect_bytes: y}]"), &noise);
    assert_eq!(
        why(&whole.end),
        (
            None,
            "the peer closed its side before the octets \"y\" came; 300 octets came".into()
        )
    );
}

#[test]
fn octets_are_read_and_kept() {
    for (script, said, shown) in [
        (
            "[{read: 5, as: a}, {read: 3, as: b}]",
            &b"hello123more"[..],
            "a=hello b=123",
        ),
        ("[{read: 3, as: a}]", b"\x00\xffz", "a=00ff7a"),
        ("[{read: 3, as: a}]", b"a\tb", "a=a\tb"),
        ("[{read: 3, as: a, form: hex}]", b"abc", "a=616263"),
        ("[{read: 3, as: a, form: text}]", b"a\xffb", "a=a\u{fffd}b"),
        (
            "[{read: 3}, {read: to_end, as: rest}]",
            b"abcdef\r\n",
            "rest=def\r\n",
        ),
        ("[{read: to_end}]", b"abc", ""),
        ("[{read: to_end, as: all}]", b"", "all="),
        ("[{expect: a}, {read: 2, as: b}]", b"a\r\nbc", "b=bc"),
    ] {
        let whole = run_split(&talk(script), said);
        assert_eq!(
            (&whole.end, whole.shown()),
            (&TalkOutput::Matched, shown.to_owned()),
            "{script}"
        );
    }
    assert_eq!(
        run(talk("[{read: to_end}]"), &[Peer::Says(b"abc")]).end,
        TalkOutput::Read
    );
}

#[test]
fn a_delay_is_waited_for_and_what_comes_meanwhile_is_kept() {
    let script = "[{expect: a, delay: 150ms, send: b}, {expect: c}]";
    let early = run(
        talk(script),
        &[Peer::Waits(1000), Peer::Says(b"a\n"), Peer::Waits(149)],
    );
    let TalkOutput::Wait(until) = early.end else {
        panic!("{early:?}")
    };
    assert_eq!(until, canvass_model::Time::from_nanos(1_150_000_001));
    assert_eq!(early.said, "");
    let peer = [Peer::Says(b"a\n"), Peer::Says(b"c\n"), Peer::Waits(150)];
    let late = run(talk(script), &peer);
    assert_eq!((late.said.as_str(), late.end), ("b\n", TalkOutput::Matched));
}

#[test]
fn what_is_sent_ends_as_asked() {
    for (script, said) in [
        ("[{send: a}]", "a\n"),
        ("[{send: a, crlf: true}]", "a\r\n"),
        ("[{send: \"a\\r\", crlf: true}]", "a\r\n"),
        (
            "[{send: a, newline: none}, {send: b, newline: crlf}]",
            "ab\r\n",
        ),
        (
            "{crlf: true, query_response: [{send: a}, {send: b, crlf: false}, {send: c, newline: lf}]}",
            "a\r\nb\nc\n",
        ),
        ("[{send_bytes: '61 0a 62'}]", "a\nb"),
        ("[{send_bytes: ''}]", ""),
        ("[{send: a, half_close: true}]", "a\n<half close>"),
    ] {
        let whole = run(talk(script), &[]);
        assert_eq!(
            (whole.said.as_str(), whole.end),
            (said, TalkOutput::Matched),
            "{script}"
        );
    }
}

#[test]
fn a_half_closed_side_is_read_on() {
    let script = "[{send: hello, half_close: true}, {read: to_end, as: answer}]";
    let whole = run_split(&talk(script), b"olleh");
    assert_eq!(
        (whole.said.as_str(), whole.shown().as_str()),
        ("hello\n<half close>", "answer=olleh")
    );
}

#[test]
fn groups_are_sent_back_by_later_steps_too() {
    let script = r#"
        - expect: '^(?P<who>\w+) (\d+)$'
        - send: "${who}: ${2}$ $1"
        - expect: (x)?y
          send: "<$1>"
    "#;
    let whole = run_split(&talk(script), b"me 7\ny\n");
    assert_eq!(whole.said, "me: 7$ $1\n<>\n");
    // What is expanded to nothing is not sent, as with blackbox_exporter.
    let whole = run_split(
        &talk("[{expect: (x)?y, send: '${1}', newline: none}]"),
        b"y\n",
    );
    assert_eq!((whole.said.as_str(), whole.sent_bytes), ("", 0));
}

#[test]
fn a_line_that_fails_ends_it_at_once() {
    let script = r#"
        fail: "^-ERR"
        query_response:
          - expect: '^\+OK'
          - expect: "^[0-9]"
            fail: "^9"
    "#;
    for (said, message) in [
        (
            &b"-ERR go away\r\n+OK\r\n"[..],
            r#"waiting for a line that matches /^\+OK/, the peer said "-ERR go away""#,
        ),
        (
            b"+OK\r\n-ERR\r\n",
            r#"waiting for a line that matches /^[0-9]/, the peer said "-ERR""#,
        ),
        (
            b"+OK\r\n9\r\n1\r\n",
            r#"waiting for a line that matches /^[0-9]/, the peer said "9""#,
        ),
    ] {
        assert_eq!(
            why(&run_split(&talk(script), said).end),
            (None, message.into())
        );
    }
    assert_eq!(
        run_split(&talk(script), b"9\n+OK\n1\n").end,
        TalkOutput::Matched
    );
}

#[test]
fn lines_that_go_by_are_gathered() {
    let script =
        r#"[{expect: "^250 ", gather: "^250[- ](?P<all>(?P<word>[A-Z]+).*)", gather_skip: 1}]"#;
    let whole = run_split(
        &talk(script),
        b"250-HOST\r\nnoise\r\n250-SIZE 10\r\n250-lower\r\n250 HELP\r\n",
    );
    assert_eq!(whole.shown(), "all=SIZE 10, HELP word=SIZE, HELP");
    assert_eq!(run_split(&talk(script), b"250 HOST\r\n").shown(), "");
}

#[test]
fn what_is_not_utf_8_matches_and_is_shown_lossily() {
    let whole = run_split(
        &talk("[{expect: '^220 (.*) ready$'}]"),
        b"220 caf\xe9 ready\r\n",
    );
    assert_eq!(whole.shown(), "1=caf\u{fffd}");
    let whole = run_split(&talk(r"[{expect: '^(\p{Lu})$'}]"), "É\n".as_bytes());
    assert_eq!(whole.shown(), "1=É");
}

#[test]
fn peers_that_say_too_much_are_stopped() {
    let endless = vec![b'x'; LINE_BYTES_MAX + 1];
    for script in ["[{expect: y}]", "[{expect_line: y}]"] {
        let whole = run(
            talk(script),
            &[Peer::Says(&endless[..10]), Peer::Says(&endless)],
        );
        assert_eq!(
            why(&whole.end),
            (
                Some(Cause::Oversize),
                "a line has more than 65535 octets".into()
            )
        );
    }
    let much = vec![b'x'; UNREAD_BYTES_MAX];
    let peer = [Peer::Says(&much), Peer::Says(b"x"), Peer::Waits(2000)];
    let whole = run(talk("[{delay: 1s}]"), &peer);
    assert_eq!(why(&whole.end).0, Some(Cause::Oversize));
    assert_eq!(
        run(talk("[{delay: 1s}]"), &[peer[0], peer[2]]).end,
        TalkOutput::Matched
    );
    let whole = run(talk("[{read: to_end, as: all}]"), &[Peer::Says(&much)]);
    assert_eq!(why(&whole.end).0, Some(Cause::Oversize));

    let mut peer = vec![Peer::Says(&much); RECEIVED_BYTES_MAX as usize / much.len()];
    assert_eq!(run(talk("[{read: to_end}]"), &peer).end, TalkOutput::Read);
    peer.push(Peer::Says(b"x"));
    assert_eq!(
        why(&run(talk("[{read: to_end}]"), &peer).end).0,
        Some(Cause::Oversize)
    );
}

#[test]
fn a_group_that_is_sent_over_and_over_is_stopped() {
    let script = format!("[{{expect: '(.*)', send: '{}'}}]", "${1}".repeat(40));
    let line = [vec![b'x'; LINE_BYTES_MAX], vec![b'\n']].concat();
    let whole = run(talk(&script), &[Peer::Says(&line)]);
    assert_eq!(
        why(&whole.end),
        (
            Some(Cause::Oversize),
            "step 1 would send more than 1048576 octets".into()
        )
    );
    assert_eq!(whole.said, "");
}

#[test]
fn the_end_stays_the_end() {
    let mut talk: Talk = talk("[{expect: a, fail: b}]");
    let now = canvass_model::Time::ZERO;
    talk.received(now, b"b\n");
    let end = talk.poll(now, &mut Vec::new());
    talk.received(now, b"a\n");
    talk.ended();
    assert_eq!(talk.poll(now, &mut Vec::new()), end);
    assert_eq!(talk.received_bytes(), 4);
}
