//! Comma-separated values with a header row, the same columns for every probe.
//!
//! Quoting is RFC 4180 §2 (a field with a comma, a quote or a line end is quoted, a quote inside
//! is doubled); rows end with a line feed alone, which every reader of the format takes and
//! line tools need. What is not known is an empty field. `names` holds the names joined by a
//! blank, `answers` the records as `name ttl TYPE data` joined by ` | `, `forward` each name as
//! `name=address address` joined by `; `.

use std::time::Duration;

use canvass_model::{Answer, Outcome, ProbeSpec};

use crate::epoch::Calendar;
use crate::write::{
    TargetText, push_address, push_display, push_ms, push_number, push_socket_address, push_status,
    target_text,
};
use crate::{Epoch, LineFormat};

const HEADER: &str = "seq,line,target,probe,type,outcome,status,names,ttl,answers,confirmed,\
    forward,resolver,transport,attempts,started,latency_ms,response_ms,wait_ms,dns_ms,\
    error_phase,error_cause,error_message,error_errno,stalled\n";

/// The `csv` format.
pub struct Csv {
    calendar: Calendar,
    /// A field that has to be seen whole before it is known whether it needs quotes.
    field: Vec<u8>,
}

impl Csv {
    /// For a run that began at `epoch`.
    pub fn new(epoch: Epoch) -> Self {
        Self {
            calendar: Calendar::new(epoch),
            field: Vec::new(),
        }
    }

    /// Appends the field that `fill` writes, quoted where it must be, and a comma.
    fn composed(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>)) {
        self.field.clear();
        fill(&mut self.field);
        push_quoted(out, &self.field);
        out.push(b',');
    }
}

impl LineFormat for Csv {
    fn header(&mut self, out: &mut Vec<u8>) {
        out.extend_from_slice(HEADER.as_bytes());
    }

    fn line(&mut self, outcome: &Outcome, out: &mut Vec<u8>) {
        let job = &outcome.job;
        push_number(out, job.seq);
        out.push(b',');
        if let Some(line) = job.line {
            push_number(out, line.get());
        }
        out.push(b',');
        match target_text(&job.target) {
            TargetText::Given(given) => push_quoted(out, given.as_bytes()),
            TargetText::Canonical(address) => push_address(out, address),
        }
        out.push(b',');
        push_word(out, job.spec.probe());
        if let ProbeSpec::Dns { record_type } = job.spec {
            push_display(out, record_type);
        }
        out.push(b',');
        push_word(out, outcome.verdict.as_str());
        push_status(out, outcome.status);
        out.push(b',');
        self.push_answer(out, &outcome.answer);
        if let Some(resolver) = outcome.resolver {
            push_socket_address(out, resolver);
        }
        out.push(b',');
        push_word(
            out,
            outcome.transport.map_or("", |transport| transport.as_str()),
        );
        push_number(out, outcome.attempts);
        out.push(b',');
        self.calendar
            .push(out, outcome.first_send.unwrap_or(outcome.due));
        out.push(b',');
        push_span(out, outcome.latency());
        push_span(out, Some(outcome.response()));
        push_span(out, outcome.phases.wait);
        push_span(out, outcome.phases.dns);
        match &outcome.fault {
            Some(fault) => {
                push_display(out, fault.phase);
                out.push(b',');
                push_display(out, fault.cause);
                out.push(b',');
                push_quoted(out, fault.message.as_bytes());
                out.push(b',');
                if let Some(errno) = fault.errno {
                    push_display(out, errno);
                }
                out.push(b',');
            }
            None => out.extend_from_slice(b",,,,"),
        }
        push_display(out, outcome.stalled);
        out.push(b'\n');
    }
}

impl Csv {
    /// The columns `names` to `forward`.
    fn push_answer(&mut self, out: &mut Vec<u8>, answer: &Answer) {
        match answer {
            Answer::Ptr(answer) => {
                self.composed(out, |field| {
                    push_joined(field, &answer.names, " ", |field, name| {
                        field.extend_from_slice(name.as_bytes());
                    });
                });
                if let Some(ttl_s) = answer.ttl_s {
                    push_number(out, ttl_s);
                }
                out.extend_from_slice(b",,");
                let confirmation = answer.confirmation.as_deref();
                if let Some(confirmed) = confirmation.and_then(|told| told.confirmed) {
                    push_display(out, confirmed);
                }
                out.push(b',');
                let forward = confirmation.map_or(&[][..], |told| &told.forward);
                self.composed(out, |field| {
                    push_joined(field, forward, "; ", |field, (name, addresses)| {
                        field.extend_from_slice(name.as_bytes());
                        field.push(b'=');
                        push_joined(field, addresses, " ", |field, address| {
                            push_address(field, *address);
                        });
                    });
                });
            }
            Answer::Dns(answer) => {
                out.extend_from_slice(b",,");
                self.composed(out, |field| {
                    push_joined(field, &answer.records, " | ", |field, record| {
                        push_display(
                            field,
                            format_args!(
                                "{} {} {} {}",
                                record.name, record.ttl_s, record.record_type, record.data
                            ),
                        );
                    });
                });
                out.extend_from_slice(b",,");
            }
        }
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
            out.extend_from_slice(separator.as_bytes());
        }
        push(out, item);
    }
}

/// Appends a word that never needs quotes, and a comma.
fn push_word(out: &mut Vec<u8>, word: &str) {
    out.extend_from_slice(word.as_bytes());
    out.push(b',');
}

/// Appends a span in milliseconds, or nothing, and a comma.
fn push_span(out: &mut Vec<u8>, span: Option<Duration>) {
    if let Some(span) = span {
        push_ms(out, span);
    }
    out.push(b',');
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use proptest::prelude::*;

    fn written(outcomes: &[Outcome]) -> String {
        let mut format = Csv::new(fixture::epoch());
        let mut out = Vec::new();
        format.header(&mut out);
        for outcome in outcomes {
            format.line(outcome, &mut out);
        }
        String::from_utf8(out).unwrap()
    }

    /// Reads as RFC 4180 says, with LF or CRLF as the end of a record.
    fn read(text: &str) -> Vec<Vec<String>> {
        let mut records = Vec::new();
        let mut record = Vec::new();
        let mut field = String::new();
        let mut quoted = false;
        let mut characters = text.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '"' if quoted && characters.peek() == Some(&'"') => {
                    characters.next();
                    field.push('"');
                }
                '"' => quoted = !quoted,
                ',' if !quoted => record.push(std::mem::take(&mut field)),
                '\n' if !quoted => {
                    record.push(std::mem::take(&mut field));
                    records.push(std::mem::take(&mut record));
                }
                other => field.push(other),
            }
        }
        assert!(record.is_empty() && field.is_empty() && !quoted, "{text:?}");
        records
    }

    fn cell(outcome: &Outcome, column: &str) -> String {
        let records = read(&written(std::slice::from_ref(outcome)));
        let index = records[0].iter().position(|name| name == column).unwrap();
        records[1][index].clone()
    }

    #[test]
    fn rows_are_as_the_header_says() {
        let text = written(&[
            fixture::ptr_answered(),
            fixture::ptr_timeout(),
            fixture::dns_answered(),
        ]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "seq,line,target,probe,type,outcome,status,names,ttl,answers,confirmed,forward,\
             resolver,transport,attempts,started,latency_ms,response_ms,wait_ms,dns_ms,\
             error_phase,error_cause,error_message,error_errno,stalled"
        );
        assert_eq!(
            lines[1],
            "0,1,10.1.2.3,ptr,,answered,NOERROR,host-10-1-2-3.example.net.,400,,,,127.0.0.1:53,\
             udp,1,2026-01-02T03:04:05.123474Z,0.412,0.43,0,0.412,,,,,false"
        );
        assert_eq!(
            lines[2],
            "2,9,010.9.9.9,ptr,,failed,TIMEOUT,,,,,,127.0.0.1:53,udp,8,\
             2026-01-02T03:04:05.123456Z,10000,10000,0,10000,dns,timeout,\
             no answer from 127.0.0.1:53 in 8 attempts,,true"
        );
        assert_eq!(
            lines[3],
            "6,2,www.example.net,dns,A,answered,NOERROR,,,\
             www.example.net. 300 CNAME web.example.net. | web.example.net. 60 A 192.0.2.1 | \
             web.example.net. 60 A 192.0.2.2,,,127.0.0.1:53,udp,1,2026-01-02T03:04:05.123456Z,\
             1.5,1.5,0,1.5,,,,,false"
        );
    }

    #[test]
    fn forward_confirmation_has_its_columns() {
        let outcome = fixture::ptr_confirmed(Some(true));
        assert_eq!(cell(&outcome, "confirmed"), "true");
        assert_eq!(
            cell(&outcome, "forward"),
            "a.example.net.=10.1.2.3 2001:db8::1; b.example.net.="
        );
        assert_eq!(cell(&fixture::ptr_confirmed(None), "confirmed"), "");
    }

    #[test]
    fn a_bad_line_reads_back_as_it_was() {
        let outcome = fixture::invalid(ProbeSpec::Ptr {
            forward_confirm: false,
        });
        assert_eq!(cell(&outcome, "target"), "not\tan \"address\" \\ ü\u{85}");
        assert_eq!(cell(&outcome, "latency_ms"), "");
        assert_eq!(cell(&fixture::local_failure(), "error_errno"), "EMFILE");
    }

    proptest! {
        #[test]
        fn every_outcome_is_one_record_that_reads_back(outcome in fixture::any_outcome()) {
            let records = read(&written(std::slice::from_ref(&outcome)));
            prop_assert_eq!(records.len(), 2);
            prop_assert_eq!(records[0].len(), records[1].len());
            prop_assert_eq!(cell(&outcome, "target"), fixture::target_string(&outcome));
            let message = outcome.fault.as_ref().map_or("", |fault| &fault.message);
            prop_assert_eq!(cell(&outcome, "error_message"), message);
            if let Answer::Ptr(answer) = &outcome.answer {
                prop_assert_eq!(cell(&outcome, "names"), answer.names.join(" "));
            }
        }
    }
}
