//! What the lines of all probes of hosts have in common.

use canvass_model::{AddressVerdict, Fault, Phase, Phases, Remote};

use super::json::{push_list, push_or_null, push_quoted_remote, push_string, push_word, put};
use crate::write::{LastSpan, push_status};

/// Appends the key `phases_ms` of a `ptr` or `dns` line.
pub(super) fn push_dns_phases(out: &mut Vec<u8>, phases: &Phases, spans: &mut LastSpan) {
    put(out, ",\"phases_ms\":{\"wait\":");
    spans.push(out, phases.span(Phase::Wait));
    put(out, ",\"dns\":");
    spans.push(out, phases.span(Phase::Dns));
    put(out, "}");
}

/// Appends the key `phases_ms` of another line.
pub(super) fn push_host_phases(out: &mut Vec<u8>, phases: &Phases, spans: &mut LastSpan) {
    put(out, ",\"phases_ms\":{\"wait\":");
    spans.push(out, phases.span(Phase::Wait));
    put(out, ",\"resolve\":");
    spans.push(out, phases.span(Phase::Resolve));
    put(out, ",\"connect\":");
    spans.push(out, phases.span(Phase::Connect));
    put(out, ",\"tls\":");
    spans.push(out, phases.span(Phase::Tls));
    put(out, ",\"first_byte\":");
    spans.push(out, phases.span(Phase::FirstByte));
    put(out, ",\"transfer\":");
    spans.push(out, phases.span(Phase::Transfer));
    put(out, "}");
}

/// Appends the key `remote`.
pub(super) fn push_remote_key(out: &mut Vec<u8>, remote: Option<&Remote>) {
    put(out, ",\"remote\":");
    push_or_null(out, remote, push_quoted_remote);
}

/// Appends the key `addresses`, where it was asked for.
pub(super) fn push_addresses(out: &mut Vec<u8>, addresses: Option<&[AddressVerdict]>) {
    if let Some(addresses) = addresses {
        put(out, ",\"addresses\":[");
        push_list(out, addresses, push_address_verdict);
        put(out, "]");
    }
}

/// Appends the key `error`.
pub(super) fn push_error(out: &mut Vec<u8>, fault: Option<&Fault>) {
    put(out, ",\"error\":");
    push_or_null(out, fault, push_fault);
}

fn push_address_verdict(out: &mut Vec<u8>, address: &AddressVerdict) {
    put(out, "{\"remote\":");
    push_quoted_remote(out, &address.remote);
    put(out, ",\"outcome\":\"");
    put(out, address.verdict.as_str());
    put(out, "\",\"status\":\"");
    push_status(out, address.status);
    put(out, "\"");
    push_host_phases(out, &address.phases, &mut LastSpan::default());
    push_error(out, address.fault.as_deref());
    put(out, "}");
}

fn push_fault(out: &mut Vec<u8>, fault: &Fault) {
    put(out, "{\"phase\":\"");
    put(out, fault.phase.as_str());
    put(out, "\",\"cause\":\"");
    put(out, fault.cause.as_str());
    put(out, "\",\"message\":");
    push_string(out, &fault.message);
    put(out, ",\"errno\":");
    push_or_null(out, fault.errno, push_word);
    put(out, "}");
}
