//! Scripts, and peers that send anything. The input is a script up to the first zero octet, one
//! octet for the size of the pieces and whether they are datagrams, and what the peer sends.

#![no_main]

use std::sync::Arc;

use canvass_model::Time;
use canvass_proto::talk::{Credentials, Script, Talk, TalkOutput};

const PASSWORD: &str = "mellon, said he";
/// More than any script has steps.
const POLLS_MAX: usize = 1000;

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some(end) = input.iter().position(|octet| *octet == 0) else {
        return;
    };
    let Ok(text) = std::str::from_utf8(&input[..end]) else {
        return;
    };
    let Ok(script) = Script::parse(text, "fuzz") else {
        return;
    };
    let Some((mode, sent)) = input[end + 1..].split_first() else {
        return;
    };
    let credentials = Credentials::new("frodo", PASSWORD).expect("they are plain words");
    let mut talk = Talk::new(&Arc::new(script), Some(&Arc::new(credentials)), 7, 0);
    if mode & 1 == 1 {
        talk = talk.over_datagrams();
    }
    let mut now = settle(&mut talk, Time::ZERO);
    for piece in sent.chunks(usize::from((mode >> 1).max(1))) {
        let judgement = talk.judge_datagram(now, piece);
        assert_eq!(judgement.matched, judgement.why_not.is_none());
        assert_hidden(&judgement.captures);
        talk.received(now, piece);
        now = settle(&mut talk, now);
    }
    talk.ended();
    settle(&mut talk, now);
    assert!(!talk.waiting_for().is_empty());
    let seen = talk.mismatch().and_then(|mismatch| mismatch.seen);
    assert!(seen.is_none_or(|seen| !seen.text.contains(PASSWORD)));
    assert_hidden(&talk.captures());
});

/// Polls until something must be received.
fn settle(talk: &mut Talk, mut now: Time) -> Time {
    for _ in 0..POLLS_MAX {
        match talk.poll(now, &mut Vec::new()) {
            TalkOutput::Send | TalkOutput::HalfClose => {}
            TalkOutput::StartTls => talk.secured(),
            TalkOutput::Wait(until) => {
                assert!(until > now);
                now = until;
            }
            TalkOutput::Read
            | TalkOutput::Matched
            | TalkOutput::Unmatched(_)
            | TalkOutput::Fault(_) => return now,
        }
    }
    panic!("{talk:?} never waits");
}

fn assert_hidden(captures: &[(Box<str>, Box<str>)]) {
    let mut values = captures.iter().map(|(_, value)| value);
    assert!(values.all(|value| !value.contains(PASSWORD)));
}
