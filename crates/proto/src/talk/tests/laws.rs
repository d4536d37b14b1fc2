//! What holds for every script and every peer.

use std::sync::Arc;

use canvass_model::Time;
use proptest::prelude::*;

use super::rig::{Peer, run, talk_as};
use crate::talk::{Preset, Script, Talk, TalkOutput};

/// Steps of which nothing depends on when it is done.
const TIMELESS: &[&str] = &[
    "expect: '^(a+)(?P<n>b)?'",
    "expect: '.'\n  gather: '(?P<g>.)'\n  fail: 'z'",
    "expect: '(.*)'\n  send: '$1 ${1}'",
    "expect_bytes: \"ab\"",
    "expect_bytes: \"\\n\"",
    "expect_line: ab",
    "read: 3\n  as: three",
    "read: 2",
    "read: to_end\n  as: rest",
    "read: {length: 1, counts: itself}\n  as: m",
    "read: {length: 3, order: little, after: 1}\n  match: '(?s)(?P<n>.)$'",
    "read: 2\n  match: '^(?P<n>[ab])'",
    "expect: '^(?P<p>[^z]*)$'\n  partial: true",
    "when: {n: '^a'}\n  send: it is a",
    "when: plain\n  send: plain",
    "read: 4\n  as: t\n  form: time",
    "send: x ${user} ${password.quoted}",
    "send_bytes: ''",
    "half_close: true",
    "when: credentials\n  send: ${password}",
];
/// What comes in front of TLS is refused, and whether it does depends on when it comes.
const TIMED: &[&str] = &["delay: 5ms", "starttls: true"];

/// Scripts of these steps, right and wrong ones.
fn any_script(steps: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    let step = prop::sample::select(steps.to_vec());
    prop::collection::vec(step, 1..6).prop_map(|steps| {
        let steps: Vec<_> = steps.iter().map(|step| format!("- {step}\n")).collect();
        steps.concat()
    })
}

fn any_words() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(b"aabbz\r\n\n\0\xff".to_vec()), 0..40)
}

/// Polls until it waits. No conversation sends for ever without an answer.
fn settle(talk: &mut Talk, now: Time) -> TalkOutput {
    for _ in 0..300 {
        match talk.poll(now, &mut Vec::new()) {
            TalkOutput::Send | TalkOutput::HalfClose => {}
            TalkOutput::StartTls => talk.secured(),
            other => return other,
        }
    }
    panic!("{talk:?} does not come to rest");
}

proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "\\PC{0,200}") {
        let _ = Script::parse(&text, "any");
    }

    #[test]
    fn nothing_like_a_script_breaks_the_reader(
        pieces in prop::collection::vec(prop::sample::select(vec![
            "- ", "expect", ": ", "send", "\n", "  ", "'", "\"", "${1}", "(", ")", "[", "]", "{", "}",
            "read", "4", "as", "form", "time", "labels", "name", "value", "&a", "*a", "!!binary ", "|", ">",
            "query_response", "tcp", "starttls", "true", "#", ",", "\t", "\\x", "?", "---", "%",
        ]), 0..40),
    ) {
        let _ = Script::parse(&pieces.concat(), "any");
    }

    #[test]
    fn no_words_break_a_conversation(script in any_script(&[TIMELESS, TIMED].concat()), words in prop::collection::vec(any_words(), 0..6), datagrams: bool) {
        let Ok(script) = Script::parse(&script, "any") else { return Ok(()) };
        let mut talk = Talk::new(&Arc::new(script), None, 1, 0);
        if datagrams {
            talk = talk.over_datagrams();
        }
        let mut now = Time::ZERO;
        settle(&mut talk, now);
        for words in &words {
            talk.received(now, words);
            settle(&mut talk, now);
            let _ = (talk.waiting_for(), talk.mismatch(), talk.judge_datagram(now, words));
            now = now.plus_nanos(3_000_000);
        }
        talk.ended();
        for _ in 0..10 {
            now = now.plus_nanos(5_000_000);
            settle(&mut talk, now);
        }
        let end = settle(&mut talk, now);
        let is_end = matches!(end, TalkOutput::Matched | TalkOutput::Unmatched(_) | TalkOutput::Fault(_));
        prop_assert!(is_end || datagrams, "{end:?}");
    }

    #[test]
    fn it_does_not_matter_how_octets_come(script in any_script(TIMELESS), words in any_words(), cut in 0..40_usize) {
        prop_assume!(Script::parse(&script, "any").is_ok());
        let talk = talk_as(&script, "me", "its");
        let (first, second) = words.split_at(cut.min(words.len()));
        let whole = run(talk.clone(), &[Peer::Says(&words), Peer::Closes]);
        let split = run(talk, &[Peer::Says(first), Peer::Says(second), Peer::Closes]);
        prop_assert_eq!(&split.said, &whole.said);
        prop_assert_eq!(&split.end, &whole.end);
        prop_assert_eq!(&split.captures, &whole.captures);
        prop_assert_eq!(&split.captures_hex, &whole.captures_hex);
    }

    #[test]
    fn presets_stand_any_peer(which in 0..Preset::ALL.len(), words in prop::collection::vec(any::<u8>(), 0..100), datagrams: bool) {
        let talk = talk_as(Preset::ALL[which].text, "me", "its");
        let mut talk = if datagrams { talk.over_datagrams() } else { talk };
        settle(&mut talk, Time::ZERO);
        talk.received(Time::ZERO, &words);
        settle(&mut talk, Time::ZERO);
        talk.ended();
        settle(&mut talk, Time::ZERO);
    }
}
