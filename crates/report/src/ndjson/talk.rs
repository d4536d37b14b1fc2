//! What `tcp` and `udp` lines have of their own.

use canvass_model::{Answer, Outcome, TalkAnswer, TalkReply};

use super::host::{push_addresses, push_remote_key};
use super::json::{push_list, push_quoted_remote, push_string, put};
use super::tls::push_tls;
use crate::write::{push_ms, push_number};

/// Appends the keys from `remote` on.
pub(super) fn push_talk(out: &mut Vec<u8>, outcome: &Outcome) {
    let nothing;
    let answer = match &outcome.answer {
        Answer::Talk(answer) => &**answer,
        _ => {
            nothing = TalkAnswer::default();
            &nothing
        }
    };
    push_remote_key(out, answer.remote.as_ref());
    push_captures(out, &answer.captures);
    put(out, ",\"sent_bytes\":");
    push_number(out, answer.sent_bytes);
    put(out, ",\"received_bytes\":");
    push_number(out, answer.received_bytes);
    push_tls(out, answer.tls.as_deref());
    if let Some(mismatch) = &answer.mismatch {
        put(out, ",\"mismatch\":");
        push_string(out, mismatch);
    }
    if let Some(replies) = &answer.replies {
        put(out, ",\"replies\":[");
        push_list(out, replies, push_reply);
        put(out, "]");
    }
    push_addresses(out, answer.addresses.as_deref());
}

fn push_captures(out: &mut Vec<u8>, captures: &[(Box<str>, Box<str>)]) {
    put(out, ",\"captures\":{");
    push_list(out, captures, |out, (name, value)| {
        push_string(out, name);
        put(out, ":");
        push_string(out, value);
    });
    put(out, "}");
}

fn push_reply(out: &mut Vec<u8>, reply: &TalkReply) {
    put(out, "{\"remote\":");
    push_quoted_remote(out, &reply.remote);
    put(out, ",\"after_ms\":");
    push_ms(out, reply.after);
    put(out, ",\"received_bytes\":");
    push_number(out, reply.received_bytes);
    put(out, ",\"matched\":");
    put(out, if reply.matched { "true" } else { "false" });
    push_captures(out, &reply.captures);
    put(out, "}");
}
