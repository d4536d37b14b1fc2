//! A peer that sends what a test gives it.

use std::sync::Arc;

use canvass_model::{Cause, Time};

use crate::talk::{Credentials, Mismatch, Preset, Script, Talk, TalkOutput};

/// 2023-11-14T22:13:20Z.
pub(super) const UNIX_S_AT_ZERO: i128 = 1_700_000_000;
pub(super) const NONCE: u64 = 0x0123_4567_89ab_cdef;

/// What became of a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transcript {
    /// All that was sent; `<tls>` and `<half close>` where those were asked for.
    pub(super) said: String,
    pub(super) end: TalkOutput,
    pub(super) captures: Vec<(Box<str>, Box<str>)>,
    pub(super) captures_hex: Vec<(Box<str>, Box<str>)>,
    pub(super) received_bytes: u64,
    pub(super) sent_bytes: u64,
    pub(super) waiting_for: String,
    pub(super) received_anything: bool,
    /// What it comes to if the time is over then.
    pub(super) timed_out: Option<Mismatch>,
}

impl Transcript {
    /// What was captured under a name.
    pub(super) fn capture(&self, name: &str) -> Option<&str> {
        let capture = self.captures.iter().find(|(known, _)| **known == *name);
        capture.map(|(_, value)| &**value)
    }

    /// The message if the time is over at the end; `None` if the peer is silent then.
    pub(super) fn mismatch(&self) -> Option<String> {
        self.timed_out.as_ref().map(ToString::to_string)
    }

    /// The captures as one text.
    pub(super) fn shown(&self) -> String {
        let shown: Vec<_> = self
            .captures
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        shown.join(" ")
    }
}

/// A conversation after `script`.
pub(super) fn talk(script: &str) -> Talk {
    let script = Script::parse(script, "test").unwrap();
    Talk::new(
        &Arc::new(script),
        None,
        NONCE,
        UNIX_S_AT_ZERO * 1_000_000_000,
    )
}

/// The same with credentials.
pub(super) fn talk_as(script: &str, user: &str, password: &str) -> Talk {
    let script = Script::parse(script, "test").unwrap();
    let credentials = Arc::new(Credentials::new(user, password).unwrap());
    Talk::new(
        &Arc::new(script),
        Some(&credentials),
        NONCE,
        UNIX_S_AT_ZERO * 1_000_000_000,
    )
}

/// A preset's text.
pub(super) fn preset(name: &str) -> &'static str {
    Script::preset(name)
        .map(|preset: &Preset| preset.text)
        .unwrap()
}

/// What the peer does, in order.
#[derive(Clone, Copy, Debug)]
pub(super) enum Peer<'a> {
    /// It says this in one go.
    Says(&'a [u8]),
    /// It closes its side.
    Closes,
    /// Time goes by.
    Waits(u64),
}

/// Lets a peer do all it does, and TLS begin as soon as it is asked for.
pub(super) fn run(mut talk: Talk, peer: &[Peer<'_>]) -> Transcript {
    let mut now = Time::from_nanos(1);
    let mut said = String::new();
    let mut end = drain(&mut talk, now, &mut said);
    for act in peer {
        match act {
            Peer::Says(octets) => talk.received(now, octets),
            Peer::Closes => talk.ended(),
            Peer::Waits(ms) => now = now.plus_nanos(ms * 1_000_000),
        }
        end = drain(&mut talk, now, &mut said);
    }
    Transcript {
        said,
        end,
        waiting_for: talk.waiting_for(),
        received_anything: talk.received_anything(),
        timed_out: talk.mismatch(),
        received_bytes: talk.received_bytes(),
        sent_bytes: talk.sent_bytes(),
        captures: talk.captures(),
        captures_hex: talk.captures_hex(),
    }
}

/// The conversation with a peer that says `octets` and closes. However they are cut in two, and
/// octet by octet, it goes the same way.
pub(super) fn run_split(talk: &Talk, octets: &[u8]) -> Transcript {
    let whole = run(talk.clone(), &[Peer::Says(octets), Peer::Closes]);
    for cut in 0..=octets.len() {
        let (first, second) = octets.split_at(cut);
        let peer = [Peer::Says(first), Peer::Says(second), Peer::Closes];
        assert_eq!(run(talk.clone(), &peer), whole, "cut at {cut}");
    }
    let mut peer: Vec<_> = octets.chunks(1).map(Peer::Says).collect();
    peer.push(Peer::Closes);
    assert_eq!(run(talk.clone(), &peer), whole, "octet by octet");
    whole
}

/// The message of an end that is no good one, with its cause where it is a fault.
pub(super) fn why(end: &TalkOutput) -> (Option<Cause>, String) {
    match end {
        TalkOutput::Unmatched(mismatch) => (None, mismatch.to_string()),
        TalkOutput::Fault(fault) => (Some(fault.cause), fault.message.clone()),
        other => panic!("{other:?}"),
    }
}

fn drain(talk: &mut Talk, now: Time, said: &mut String) -> TalkOutput {
    loop {
        let mut out = Vec::new();
        let output = talk.poll(now, &mut out);
        assert_eq!(output == TalkOutput::Send, !out.is_empty(), "{output:?}");
        match output {
            TalkOutput::Send => said.push_str(&String::from_utf8_lossy(&out)),
            TalkOutput::StartTls => {
                said.push_str("<tls>");
                talk.secured();
            }
            TalkOutput::HalfClose => said.push_str("<half close>"),
            other => return other,
        }
    }
}
