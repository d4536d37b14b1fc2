//! What `ptr` and `dns` lines have of their own.

use canvass_model::{Answer, Confirmation, DnsAnswer, Outcome, PtrAnswer, Record};

use super::json::{
    push_list, push_number_key, push_quoted_address, push_string, push_truth, push_word, put,
};
use crate::write::push_number;

/// Appends the keys from `names` on.
pub(super) fn push_ptr(out: &mut Vec<u8>, outcome: &Outcome, forward_confirm: bool) {
    let answer = ptr_answer(outcome);
    put(out, ",\"names\":[");
    let names = answer.map_or(&[][..], |answer| &answer.names);
    push_list(out, names, |out, name| push_string(out, name));
    put(out, "]");
    push_number_key(out, ",\"ttl\":", answer.and_then(|answer| answer.ttl_s));
    if forward_confirm {
        push_confirmation(
            out,
            answer.and_then(|answer| answer.confirmation.as_deref()),
        );
    }
}

/// Appends the key `answers`.
pub(super) fn push_records(out: &mut Vec<u8>, outcome: &Outcome) {
    put(out, ",\"answers\":[");
    let records = dns_answer(outcome).map_or(&[][..], |answer| &answer.records);
    push_list(out, records, push_record);
    put(out, "]");
}

fn ptr_answer(outcome: &Outcome) -> Option<&PtrAnswer> {
    match &outcome.answer {
        Answer::Ptr(answer) => Some(answer),
        _ => None,
    }
}

fn dns_answer(outcome: &Outcome) -> Option<&DnsAnswer> {
    match &outcome.answer {
        Answer::Dns(answer) => Some(answer),
        _ => None,
    }
}

fn push_confirmation(out: &mut Vec<u8>, confirmation: Option<&Confirmation>) {
    put(out, ",\"confirmed\":");
    push_truth(
        out,
        confirmation.and_then(|confirmation| confirmation.confirmed),
    );
    put(out, ",\"forward\":{");
    let forward = confirmation.map_or(&[][..], |confirmation| &confirmation.forward);
    let mut separator = "";
    for (index, (name, addresses)) in forward.iter().enumerate() {
        // A name may stand twice in an answer, and a key may not stand twice in an object.
        if forward[..index].iter().any(|(earlier, _)| earlier == name) {
            continue;
        }
        put(out, separator);
        separator = ",";
        push_string(out, name);
        put(out, ":[");
        push_list(out, addresses, |out, address| {
            push_quoted_address(out, *address);
        });
        put(out, "]");
    }
    put(out, "}");
}

fn push_record(out: &mut Vec<u8>, record: &Record) {
    put(out, "{\"name\":");
    push_string(out, &record.name);
    put(out, ",\"type\":");
    push_word(out, record.record_type);
    put(out, ",\"ttl\":");
    push_number(out, record.ttl_s);
    put(out, ",\"data\":");
    push_string(out, &record.data);
    put(out, "}");
}
