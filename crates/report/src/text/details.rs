//! The last column of `ptr` and `dns`, which only some lines have: notes on the response besides its
//! answer.

use canvass_model::{Cause, Class, Outcome, ProbeSpec, Record, ResponseDetails};

use super::push_unmet;
use crate::fields::shows_flags;
use crate::write::{push_display, push_record, push_visible};

/// The notes on a line, which are separated from each other and from the columns before.
struct Notes<'a> {
    out: &'a mut Vec<u8>,
    is_first: bool,
}

impl Notes<'_> {
    /// Begins a note.
    fn begin_unlabelled(&mut self) -> &mut Vec<u8> {
        let separator = if self.is_first { "\t" } else { " | " };
        self.is_first = false;
        self.out.extend_from_slice(separator.as_bytes());
        self.out
    }

    /// Begins a note, and appends its label and a blank.
    fn begin(&mut self, label: &str) -> &mut Vec<u8> {
        let out = self.begin_unlabelled();
        out.extend_from_slice(label.as_bytes());
        out.push(b' ');
        out
    }

    fn push(&mut self, label: &str, value: impl std::fmt::Display) {
        push_display(self.begin(label), value);
    }

    fn records(&mut self, label: &str, records: &[Record]) {
        for record in records {
            push_record(self.begin(label), record, push_visible);
        }
    }
}

/// Appends a tab and the notes, if there are any. The labels are those of dig.
pub(super) fn push_details(out: &mut Vec<u8>, outcome: &Outcome) {
    let mut notes = Notes {
        out,
        is_first: true,
    };
    if let Some(unmet) = outcome.answer.unmet() {
        push_unmet(notes.begin_unlabelled(), unmet);
    }
    // The type of `dns` has its class.
    if outcome.class != Class::IN && matches!(outcome.job.spec, ProbeSpec::Ptr { .. }) {
        notes.push("class:", outcome.class);
    }
    if let Some(details) = outcome.details.as_deref() {
        push_response(&mut notes, outcome, details);
    }
    if outcome.recheck {
        notes.push("recheck:", "failed at first");
    }
}

fn push_response(notes: &mut Notes<'_>, outcome: &Outcome, details: &ResponseDetails) {
    let shows_ad = details.flags.is_authentic() && shows_flags(outcome);
    if details.sections.is_some() || shows_ad {
        let names: Vec<_> = details.flags.names().collect();
        let shown = names.join(" ");
        notes.push("flags:", if shown.is_empty() { "-" } else { &shown });
    }
    // The message of an `rcode` failure includes them.
    let fault = outcome.fault.as_deref();
    if fault.is_none_or(|fault| fault.cause != Cause::Rcode) {
        for error in &details.errors {
            notes.push("EDE:", error);
        }
    }
    if let Some(nsid) = &details.nsid {
        notes.push("NSID:", nsid);
    }
    if let Some(subnet) = &details.subnet {
        notes.push("CLIENT-SUBNET:", subnet);
    }
    if details.edns == Some(false) {
        notes.push("EDNS:", "not supported");
    }
    if let Some(sections) = &details.sections {
        notes.records("AUTHORITY:", &sections.authority);
        notes.records("ADDITIONAL:", &sections.additional);
    }
}
