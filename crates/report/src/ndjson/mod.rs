//! One JSON object a line, every key on every line.
//!
//! The keys and their order are the contract that docs and scripts are written against. What is
//! not known is null. Times in milliseconds are exact to the nanosecond, so that the phases add
//! up to `latency_ms`. Lines are built by hand: this is the path of every outcome of a run of
//! millions.

mod dns;
mod host;
mod http;
pub(crate) mod json;
mod talk;
#[cfg(test)]
mod tests;
mod tls;

use std::net::SocketAddr;

use canvass_model::{Outcome, ProbeSpec};

use crate::epoch::Calendar;
use crate::write::{LastSpan, push_number, push_socket_address, push_status, target_text};
use crate::{Epoch, LineFormat};
use json::{push_inner, push_or_null, push_word, put};

/// The `ndjson` format (RFC 8259, one object a line).
///
/// Control characters and the separators U+2028 and U+2029 are always escaped, so that no
/// reader finds a line end inside a line; other characters stand as UTF-8.
pub struct Ndjson {
    calendar: Calendar,
    /// The last resolver, as it is written: mostly it is the next one too.
    resolver: Option<(SocketAddr, Vec<u8>)>,
}

impl Ndjson {
    /// For a run that began at `epoch`.
    pub fn new(epoch: Epoch) -> Self {
        Self {
            calendar: Calendar::new(epoch),
            resolver: None,
        }
    }

    fn push_resolver(&mut self, out: &mut Vec<u8>, resolver: SocketAddr) {
        match &self.resolver {
            Some((known, text)) if *known == resolver => out.extend_from_slice(text),
            _ => {
                let mut text = vec![b'"'];
                push_socket_address(&mut text, resolver);
                text.push(b'"');
                out.extend_from_slice(&text);
                self.resolver = Some((resolver, text));
            }
        }
    }

    /// The keys of probes that ask resolvers alone.
    fn push_asked(&mut self, out: &mut Vec<u8>, outcome: &Outcome) {
        put(out, ",\"resolver\":");
        push_or_null(out, outcome.resolver, |out, resolver| {
            self.push_resolver(out, resolver);
        });
        put(out, ",\"transport\":");
        push_or_null(out, outcome.transport, |out, transport| {
            put(out, "\"");
            put(out, transport.as_str());
            put(out, "\"");
        });
    }
}

impl LineFormat for Ndjson {
    fn header(&mut self, _out: &mut Vec<u8>) {}

    fn line(&mut self, outcome: &Outcome, out: &mut Vec<u8>) {
        let job = &outcome.job;
        put(out, "{\"seq\":");
        push_number(out, job.seq);
        put(out, ",\"line\":");
        push_or_null(out, job.line, |out, line| push_number(out, line.get()));
        put(out, ",\"target\":\"");
        target_text(&job.target).push(out, push_inner);
        match job.spec {
            ProbeSpec::Ptr { .. } => put(out, "\",\"probe\":\"ptr\",\"outcome\":\""),
            ProbeSpec::Dns { record_type } => {
                put(out, "\",\"probe\":\"dns\",\"type\":");
                push_word(out, record_type);
                put(out, ",\"outcome\":\"");
            }
            ProbeSpec::Http { .. } => put(out, "\",\"probe\":\"http\",\"outcome\":\""),
            ProbeSpec::Tcp { .. } => put(out, "\",\"probe\":\"tcp\",\"outcome\":\""),
            ProbeSpec::Udp { .. } => put(out, "\",\"probe\":\"udp\",\"outcome\":\""),
        }
        put(out, outcome.verdict.as_str());
        put(out, "\",\"status\":\"");
        push_status(out, outcome.status);
        put(out, "\"");
        match job.spec {
            ProbeSpec::Ptr { forward_confirm } => {
                dns::push_ptr(out, outcome, forward_confirm);
                self.push_asked(out, outcome);
            }
            ProbeSpec::Dns { .. } => {
                dns::push_records(out, outcome);
                self.push_asked(out, outcome);
            }
            ProbeSpec::Http { .. } => http::push_http(out, outcome),
            ProbeSpec::Tcp { .. } | ProbeSpec::Udp { .. } => talk::push_talk(out, outcome),
        }
        put(out, ",\"attempts\":");
        push_number(out, outcome.attempts);
        put(out, ",\"started\":\"");
        self.calendar
            .push(out, outcome.first_send.unwrap_or(outcome.due));
        put(out, "\",\"latency_ms\":");
        let mut spans = LastSpan::default();
        spans.push(out, outcome.latency());
        put(out, ",\"response_ms\":");
        spans.push(out, Some(outcome.response()));
        match job.spec {
            ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. } => {
                host::push_dns_phases(out, &outcome.phases, &mut spans);
            }
            _ => host::push_host_phases(out, &outcome.phases, &mut spans),
        }
        host::push_error(out, outcome.fault.as_deref());
        put(
            out,
            if outcome.stalled {
                ",\"stalled\":true}\n"
            } else {
                "}\n"
            },
        );
    }
}
