//! The fields of `tcp` and `udp`.

use std::time::Duration;

use canvass_model::{Answer as ProbeAnswer, Outcome, Remote, TalkAnswer, TalkReply};

use super::host::{Address, Tls};
use super::value::{Captures, KeyIfSome, Listed, Object, Objects};
use super::{LinePart, with_default};
use crate::read::LineDraft;

fields! {
    Answer: TalkAnswer, |answer| "," .. "", into LineDraft;

    remote: Option<&Remote> = answer.remote.as_ref(), csv,
        "the peer of the connection, or the address datagrams were sent to";
    captures: Captures<'_> = Captures(&answer.captures), csv,
        "what the script captured: strings by name, in the order they were found; `{}` if nothing was";
    sent_bytes: u64 = answer.sent_bytes, csv,
        "octets sent, without those of TLS";
    received_bytes: u64 = answer.received_bytes, csv,
        "octets received, without those of TLS";
    // It is read back by the entry of the same key for `http`.
    tls: Option<Object<'_, Tls>> = answer.tls.as_deref().map(Object), csv,
        "the [TLS connection](#tls); null if there was none";
    mismatch: KeyIfSome<&str> = KeyIfSome(answer.mismatch.as_deref()), csv,
        "with status `UNMATCHED`: how the reply differs from what the script expects, for people";
    replies: KeyIfSome<Objects<'_, Reply>> = KeyIfSome(answer.replies.as_deref().map(Objects)), csv,
        "where several hosts may reply to a datagram (`--window`, a multicast or a broadcast address): each reply in the order of arrival, at most 4,096; see [replies](#replies)";
    addresses: KeyIfSome<Objects<'_, Address>> = KeyIfSome(answer.addresses.as_deref().map(Objects)), csv,
        "with `--all-addresses`: the result for each [address](#addresses)";
    captures_hex: KeyIfSome<Captures<'_>> = binary(&answer.captures_hex), csv,
        "octets in hex by name, of those captures whose text does not show what came: it was not UTF-8, or had control characters";
}

fields! {
    Reply: TalkReply, |reply| "{" .. "}";

    remote: &Remote = &reply.remote, json, "the sender";
    after_ms: Duration = reply.after, json, "time since the first datagram was sent";
    received_bytes: u64 = reply.received_bytes, json, "octets received";
    matched: bool = reply.matched, json, "whether the reply is what the script expects";
    captures: Captures<'_> = Captures(&reply.captures), json,
        "what the script captured from it; `captures` of the line is empty then";
    captures_hex: KeyIfSome<Captures<'_>> = binary(&reply.captures_hex), json,
        "as `captures_hex` of the line";
}

impl Listed for Reply {}

fields! {
    /// Stands last, since its column is newer than the others.
    Path: TalkAnswer, |answer| "," .. "";

    proxy: KeyIfSome<&str> = KeyIfSome(answer.proxy.as_deref()), csv,
        "through a proxy: its URL without user and password; `remote` is its address then";
}

fn binary(captures: &[(Box<str>, Box<str>)]) -> KeyIfSome<Captures<'_>> {
    KeyIfSome((!captures.is_empty()).then_some(Captures(captures)))
}

macro_rules! talk_answer {
    ($($Part:ty),*) => {$(
        impl LinePart for $Part {
            #[inline(always)]
            fn with_subject(outcome: &Outcome, write: impl FnOnce(&TalkAnswer)) {
                match &outcome.answer {
                    ProbeAnswer::Talk(answer) => write(answer),
                    _ => with_default(write),
                }
            }
        }
    )*};
}

talk_answer!(Answer, Path);
