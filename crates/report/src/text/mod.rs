//! Tab-separated lines for people and `cut`, one per outcome.
//!
//! `ptr`: `target`, `STATUS`, then the names joined by a blank, `-` for a negative outcome or
//! `CNAME target` if there is an alias alone, or the message of a failure. With forward confirmation
//! the next column is `confirmed`, `unconfirmed` or `unknown`.
//!
//! `dns`: `target`, `TYPE`, `STATUS`, then the data of the records joined by ` | `. A record of
//! another type than that of the question (such as a CNAME) has its type before its data. Negative
//! outcomes and failures are as for `ptr`: where there are aliases alone, they are shown. A class
//! other than IN stands before the type.
//!
//! A line of `ptr` or `dns` has one more column if the response says more than its answer: notes
//! joined by ` | `, such as `EDE: Stale Answer (3)`, first an expectation that did not hold. The
//! last note of a target that answered only when it was asked again is `recheck: failed at first`; for the
//! other probes it is the last detail.
//!
//! `http`: `target`, `STATUS`, the size of the body, the time, and details joined by ` | `, such as
//! an expectation that did not hold, the destination of redirects and when the certificate expires. `tcp` and `udp`: `target`,
//! `STATUS`, the time, and the details, captures first. The details of a failure start with its cause
//! and message. Unknown values are `-`.
//!
//! Control characters are written as escapes (`\t`, `\u{7f}`), so that they cannot break a line or
//! control a terminal. Backslashes are not escaped, so the format cannot be parsed exactly; use
//! `ndjson` for that.

mod details;
mod host;
#[cfg(test)]
mod tests;

use canvass_model::{
    Answer, Class, DnsAnswer, Outcome, ProbeSpec, PtrAnswer, RecordType, Unmet, Verdict,
};

use crate::LineFormat;
use crate::theme::{PLAIN, StatusClass, Theme};
use crate::write::{push_display, push_status, push_visible, target_text};

/// The `text` format.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text {
    theme: Theme,
}

impl LineFormat for Text {
    fn colour(&mut self) {
        self.theme = Theme(true);
    }

    fn header(&mut self, _out: &mut Vec<u8>) {}

    fn line(&mut self, outcome: &Outcome, out: &mut Vec<u8>) {
        target_text(&outcome.job.target).push(out, push_visible);
        out.push(b'\t');
        match outcome.job.spec {
            ProbeSpec::Ptr { forward_confirm } => {
                push_status_of(out, outcome, self.theme);
                out.push(b'\t');
                match (&outcome.fault, &outcome.answer) {
                    (Some(fault), _) => push_visible(out, &fault.message),
                    (None, Answer::Ptr(answer)) if shows_records(outcome) => {
                        push_names(out, answer);
                    }
                    (None, answer) => push_lone_alias(out, answer),
                }
                if forward_confirm {
                    out.push(b'\t');
                    out.extend_from_slice(confirmation_word(&outcome.answer).as_bytes());
                }
                details::push_details(out, outcome);
            }
            ProbeSpec::Dns { record_type } => {
                if outcome.class != Class::IN {
                    push_display(out, outcome.class);
                    out.push(b' ');
                }
                push_display(out, record_type);
                out.push(b'\t');
                push_status_of(out, outcome, self.theme);
                out.push(b'\t');
                match (&outcome.fault, &outcome.answer) {
                    (Some(fault), _) => push_visible(out, &fault.message),
                    (None, Answer::Dns(answer))
                        if shows_records(outcome) || has_aliases_alone(answer, record_type) =>
                    {
                        push_data(out, answer, record_type);
                    }
                    _ => out.push(b'-'),
                }
                details::push_details(out, outcome);
            }
            ProbeSpec::Http { .. } => host::push_http(out, outcome, self.theme),
            ProbeSpec::Tcp { .. } | ProbeSpec::Udp { .. } => {
                host::push_talk(out, outcome, self.theme)
            }
        }
        out.push(b'\n');
    }
}

/// Appends the status of an outcome, in the colour of its class if there are colours.
fn push_status_of(out: &mut Vec<u8>, outcome: &Outcome, theme: Theme) {
    if !theme.0 {
        return push_status(out, outcome.status);
    }
    let class = StatusClass::of(outcome.verdict, outcome.status);
    out.extend_from_slice(class.colour().as_bytes());
    push_status(out, outcome.status);
    out.extend_from_slice(PLAIN.as_bytes());
}

/// Whether there are records to show: those of an answer, also of one that is not the expected one.
fn shows_records(outcome: &Outcome) -> bool {
    let is_unexpected = || match &outcome.answer {
        Answer::Ptr(answer) => !answer.names.is_empty(),
        Answer::Dns(answer) => !answer.records.is_empty(),
        Answer::Http(_) | Answer::Talk(_) => false,
    };
    outcome.verdict == Verdict::Answered || outcome.answer.unmet().is_some() && is_unexpected()
}

fn push_unmet(out: &mut Vec<u8>, unmet: &Unmet) {
    out.extend_from_slice(b"expected ");
    push_visible(out, &unmet.expected);
    out.extend_from_slice(b", seen ");
    push_visible(out, &unmet.seen);
}

fn push_names(out: &mut Vec<u8>, answer: &PtrAnswer) {
    for (index, name) in answer.names.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        push_visible(out, name);
    }
}

/// Writes the target of an alias that is all there is, or `-` if there is no alias.
fn push_lone_alias(out: &mut Vec<u8>, answer: &Answer) {
    let target = match answer {
        Answer::Ptr(answer) => answer.cname(),
        _ => None,
    };
    match target {
        Some(target) => {
            push_display(out, RecordType::CNAME);
            out.push(b' ');
            push_visible(out, target);
        }
        None => out.push(b'-'),
    }
}

fn push_data(out: &mut Vec<u8>, answer: &DnsAnswer, asked: RecordType) {
    for (index, record) in answer.records.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b" | ");
        }
        if record.record_type != asked {
            push_display(out, record.record_type);
            out.push(b' ');
        }
        push_visible(out, &record.data);
    }
}

/// Whether there are records, and none of the type asked for.
fn has_aliases_alone(answer: &DnsAnswer, asked: RecordType) -> bool {
    let mut records = answer.records.iter();
    records.len() > 0 && records.all(|record| record.record_type != asked)
}

fn confirmation_word(answer: &Answer) -> &'static str {
    let confirmed = match answer {
        Answer::Ptr(answer) => answer.confirmation().and_then(|one| one.confirmed),
        _ => None,
    };
    match confirmed {
        Some(true) => "confirmed",
        Some(false) => "unconfirmed",
        None => "unknown",
    }
}
