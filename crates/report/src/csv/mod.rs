//! Comma-separated values with a header row, the same columns for every probe of a family
//! ([`Columns`]).
//!
//! Quoting is RFC 4180 §2 (a field with a comma, a quote or a line end is quoted, a quote inside
//! is doubled); rows end with a line feed alone, which every reader of the format takes and
//! line tools need. What is not known is an empty field. `names` holds the names joined by a
//! blank, `answers` the records as `name ttl TYPE data` joined by ` | `, `forward` each name as
//! `name=address address` joined by `; `, `captures` each capture as `name=value` joined by
//! `; `, `addresses` each address as `remote=STATUS` joined by a blank; `redirects` and `replies`
//! are counts.

mod answer;
mod column;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::num::NonZeroU64;
use std::time::Duration;

use canvass_model::{Outcome, ProbeSpec};

use crate::epoch::Calendar;
use crate::facts::{addresses, tls_facts};
use crate::write::{
    push_display, push_ms, push_number, push_remote, push_socket_address, push_status, target_text,
};
use crate::{Epoch, LineFormat};
use column::Column;
pub use column::Columns;

/// The `csv` format.
pub struct Csv {
    calendar: Calendar,
    columns: &'static [Column],
    /// A field that has to be seen whole before it is known whether it needs quotes.
    field: Vec<u8>,
}

impl Csv {
    /// For a run that began at `epoch` and whose probes have what `columns` hold. What an
    /// outcome has beside that is left out.
    pub fn new(columns: Columns, epoch: Epoch) -> Self {
        Self {
            calendar: Calendar::new(epoch),
            columns: columns.list(),
            field: Vec::new(),
        }
    }

    fn push(&mut self, out: &mut Vec<u8>, column: Column, outcome: &Outcome) {
        let job = &outcome.job;
        let fault = outcome.fault.as_deref();
        match column {
            Column::Seq => push_number(out, job.seq),
            Column::Line => push_some_number(out, job.line.map(NonZeroU64::get)),
            Column::Target => self.quoted(out, |field| {
                target_text(&job.target).push(field, push_plain);
            }),
            Column::Probe => push_plain(out, job.spec.probe()),
            Column::Type => {
                if let ProbeSpec::Dns { record_type } = job.spec {
                    push_display(out, record_type);
                }
            }
            Column::Outcome => push_plain(out, outcome.verdict.as_str()),
            Column::Status => push_status(out, outcome.status),
            Column::Resolver => {
                if let Some(resolver) = outcome.resolver {
                    push_socket_address(out, resolver);
                }
            }
            Column::Transport => {
                push_plain(
                    out,
                    outcome.transport.map_or("", |transport| transport.as_str()),
                );
            }
            Column::Addresses => self.quoted(out, |field| {
                push_joined(field, addresses(&outcome.answer), " ", |field, address| {
                    push_remote(field, &address.remote, push_plain);
                    field.push(b'=');
                    push_status(field, address.status);
                });
            }),
            Column::TlsVersion => {
                let version = tls_facts(&outcome.answer).and_then(|tls| tls.version);
                push_plain(out, version.unwrap_or_default());
            }
            Column::TlsDaysLeft => {
                let certificate =
                    tls_facts(&outcome.answer).and_then(|tls| tls.certificate.as_ref());
                push_some_number(out, certificate.map(|certificate| certificate.days_left));
            }
            Column::Attempts => push_number(out, outcome.attempts),
            Column::Started => self
                .calendar
                .push(out, outcome.first_send.unwrap_or(outcome.due)),
            Column::Latency => push_span(out, outcome.latency()),
            Column::Response => push_span(out, Some(outcome.response())),
            Column::Span(phase) => push_span(out, outcome.phases.span(phase)),
            Column::ErrorPhase => push_some(out, fault.map(|fault| fault.phase)),
            Column::ErrorCause => push_some(out, fault.map(|fault| fault.cause)),
            Column::ErrorMessage => {
                let message = fault.map_or("", |fault| &fault.message);
                push_quoted(out, message.as_bytes());
            }
            Column::ErrorErrno => push_some(out, fault.and_then(|fault| fault.errno)),
            Column::Stalled => push_plain(out, if outcome.stalled { "true" } else { "false" }),
            of_an_answer => self.push_answer(out, of_an_answer, &outcome.answer),
        }
    }

    /// Appends the field that `fill` writes, quoted where it must be.
    fn quoted(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
        self.field.clear();
        fill(&mut self.field);
        push_quoted(out, &self.field);
    }
}

impl LineFormat for Csv {
    fn header(&mut self, out: &mut Vec<u8>) {
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            push_plain(out, column.name());
        }
        out.push(b'\n');
    }

    fn line(&mut self, outcome: &Outcome, out: &mut Vec<u8>) {
        for (index, column) in self.columns.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.push(out, *column, outcome);
        }
        out.push(b'\n');
    }
}

fn push_plain(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// Appends what needs no quotes, or nothing.
fn push_some(out: &mut Vec<u8>, value: Option<impl Display>) {
    if let Some(value) = value {
        push_display(out, value);
    }
}

/// Appends a number, or nothing.
fn push_some_number(out: &mut Vec<u8>, number: Option<impl itoa::Integer>) {
    if let Some(number) = number {
        push_number(out, number);
    }
}

/// Appends a span in milliseconds, or nothing.
fn push_span(out: &mut Vec<u8>, span: Option<Duration>) {
    if let Some(span) = span {
        push_ms(out, span);
    }
}

fn push_joined<T>(
    out: &mut Vec<u8>,
    items: &[T],
    separator: &str,
    push: impl Fn(&mut Vec<u8>, &T),
) {
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            push_plain(out, separator);
        }
        push(out, item);
    }
}

/// RFC 4180 §2, rules 5 to 7.
fn push_quoted(out: &mut Vec<u8>, field: &[u8]) {
    if !field
        .iter()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for &byte in field {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}
