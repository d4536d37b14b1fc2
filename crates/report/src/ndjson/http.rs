//! What `http` lines have of their own.

use canvass_model::{Answer, Hop, HttpAnswer, Outcome};

use super::host::{push_addresses, push_remote_key};
use super::json::{push_list, push_number_key, push_string, push_text_key, put};
use super::tls::push_tls;
use crate::write::push_number;

/// Appends the keys from `url` on.
pub(super) fn push_http(out: &mut Vec<u8>, outcome: &Outcome) {
    let nothing;
    let answer = match &outcome.answer {
        Answer::Http(answer) => &**answer,
        _ => {
            nothing = HttpAnswer::default();
            &nothing
        }
    };
    let url = (!answer.url.is_empty()).then_some(&*answer.url);
    push_text_key(out, ",\"url\":", url);
    push_remote_key(out, answer.remote.as_ref());
    push_text_key(out, ",\"http_version\":", answer.version);
    push_number_key(out, ",\"status_code\":", answer.code);
    push_number_key(out, ",\"content_length\":", answer.content_length);
    push_text_key(out, ",\"content_type\":", answer.content_type.as_deref());
    push_text_key(out, ",\"server\":", answer.server.as_deref());
    push_number_key(out, ",\"body_bytes\":", answer.body_bytes);
    push_number_key(out, ",\"decoded_bytes\":", answer.decoded_bytes);
    put(out, ",\"redirects\":[");
    push_list(out, &answer.redirects, push_hop);
    put(out, "]");
    push_tls(out, answer.tls.as_deref());
    if let Some(repeat) = answer.repeat {
        put(out, ",\"repeat\":");
        push_number(out, repeat);
    }
    push_addresses(out, answer.addresses.as_deref());
}

fn push_hop(out: &mut Vec<u8>, hop: &Hop) {
    put(out, "{\"url\":");
    push_string(out, &hop.url);
    put(out, ",\"code\":");
    push_number(out, hop.code);
    push_remote_key(out, hop.remote.as_ref());
    put(out, ",\"location\":");
    push_string(out, &hop.location);
    put(out, "}");
}
