//! Lines without an end.

use std::time::Duration;

use canvass_model::Time;

use super::rig::{Peer, preset, run, talk, talk_as, why};
use crate::talk::TalkOutput;

/// The usual quiet, in milliseconds.
const QUIET_MS: u64 = 500;

#[test]
fn a_prompt_counts_after_a_quiet() {
    for name in ["banner", "telnet"] {
        let early = run(
            talk(preset(name)),
            &[Peer::Says(b"login: "), Peer::Waits(QUIET_MS - 1)],
        );
        assert_eq!(early.end, TalkOutput::Wait(Time::from_nanos(500_000_001)));
        let quiet = run(
            talk(preset(name)),
            &[Peer::Says(b"login: "), Peer::Waits(QUIET_MS)],
        );
        assert_eq!(
            (quiet.shown().as_str(), quiet.end),
            ("banner=login: ", TalkOutput::Matched)
        );
    }
}

#[test]
fn what_comes_meanwhile_begins_the_quiet_anew() {
    let peer = [
        Peer::Says(b"log"),
        Peer::Waits(QUIET_MS - 1),
        Peer::Says(b"in: "),
        Peer::Waits(QUIET_MS - 1),
    ];
    assert!(matches!(
        run(talk(preset("banner")), &peer).end,
        TalkOutput::Wait(_)
    ));
    let whole = run(
        talk(preset("banner")),
        &[&peer[..], &[Peer::Waits(1)]].concat(),
    );
    assert_eq!(whole.shown(), "banner=login: ");
    // A line with its end needs no quiet.
    let whole = run(
        talk(preset("banner")),
        &[Peer::Says(b"220 ready\r"), Peer::Says(b"\nmore")],
    );
    assert_eq!(
        (whole.shown().as_str(), whole.end),
        ("banner=220 ready", TalkOutput::Matched)
    );
}

#[test]
fn only_a_step_that_says_so_takes_a_line_without_its_end() {
    let slow = [
        Peer::Says(b"220 mail.exam"),
        Peer::Waits(10 * QUIET_MS),
        Peer::Says(b"ple.net ESMTP\r\n"),
    ];
    let whole = run(talk("[{expect: '^220 (?P<host>.*)'}]"), &slow);
    assert_eq!(whole.shown(), "host=mail.example.net ESMTP");
    assert_eq!(whole.end, TalkOutput::Matched);
}

#[test]
fn a_part_that_does_not_match_is_not_consumed() {
    let script = "[{expect: '^ready$', partial: true, gather: '^(?P<all>.*)$', fail: '^-ERR no$'}]";
    let peer = [
        Peer::Says(b"one\nrea"),
        Peer::Waits(2 * QUIET_MS),
        Peer::Says(b"dy"),
    ];
    let open = run(talk(script), &peer[..2]);
    assert_eq!(open.end, TalkOutput::Read);
    assert_eq!(
        open.mismatch().as_deref(),
        Some("nothing that came is a line that matches /^ready$/; the last it said was \"rea\"")
    );
    let whole = run(
        talk(script),
        &[&peer[..], &[Peer::Waits(QUIET_MS)]].concat(),
    );
    assert_eq!(
        (whole.shown().as_str(), whole.end),
        ("all=one, ready", TalkOutput::Matched)
    );
    let failed = run(
        talk(script),
        &[Peer::Says(b"-ERR no"), Peer::Waits(QUIET_MS)],
    );
    assert_eq!(
        why(&failed.end).1,
        "waiting for a line that matches /^ready$/, the peer said \"-ERR no\""
    );
}

#[test]
fn quiet_takes_half_of_a_short_time_at_most() {
    let talk = talk(preset("banner")).within(Duration::from_millis(300));
    let early = run(talk.clone(), &[Peer::Says(b"login: "), Peer::Waits(149)]);
    assert!(matches!(early.end, TalkOutput::Wait(_)));
    assert_eq!(
        early.mismatch().as_deref(),
        Some(
            "nothing that came is a line that matches /^(?P<banner>.*)$/; the last it said was \"login: \""
        )
    );
    let quiet = run(talk, &[Peer::Says(b"login: "), Peer::Waits(150)]);
    assert_eq!(quiet.end, TalkOutput::Matched);
}

#[test]
fn a_script_says_how_long_quiet_is() {
    let script =
        "{quiet_after: 2s, query_response: [{expect: '^(.*)$', partial: true, send: '<$1>'}]}";
    let early = run(talk(script), &[Peer::Says(b"> "), Peer::Waits(1_999)]);
    assert_eq!(early.said, "");
    let late = run(talk(script), &[Peer::Says(b"> "), Peer::Waits(2_000)]);
    assert_eq!(
        (late.said.as_str(), late.end),
        ("<> >\n", TalkOutput::Matched)
    );
}

#[test]
fn the_beginning_of_a_password_is_not_shown() {
    let script = "[{send: 'PASS ${password}'}, {expect: '^you sent (?P<all>.*)$', partial: true}]";
    for (came, shown) in [
        (&b"you sent hunt"[..], "all=***"),
        (b"you sent PASS hunter2, hu", "all=PASS ***, ***"),
    ] {
        let peer = [Peer::Says(came), Peer::Waits(QUIET_MS)];
        assert_eq!(run(talk_as(script, "me", "hunter2"), &peer).shown(), shown);
    }
    let peer = [Peer::Says(b"no PASS hunt"), Peer::Waits(QUIET_MS)];
    let other = run(talk_as(script, "me", "hunter2"), &peer);
    assert!(other.mismatch().unwrap().ends_with("\"no PASS ***\""));
}
