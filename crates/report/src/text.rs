//! Tab-separated lines for people and `cut`, one for each target.
//!
//! `ptr`: `target`, `STATUS`, then the names joined by a blank, or `-` for a negative, or what
//! went wrong. With forward confirmation a last column says `confirmed`, `unconfirmed` or
//! `unknown`.
//!
//! `dns`: `target`, `TYPE`, `STATUS`, then the data of the records joined by ` | `; a record of
//! another type than the one asked for (a CNAME on the way) has its type in front of its data.
//! Negatives and failures are as for `ptr`.
//!
//! A control character is shown as an escape (`\t`, `\u{7f}`), so that nothing breaks a line or
//! reaches a terminal. A backslash is not escaped: the form is for reading, and `ndjson` is the
//! one that reads back exactly.

use canvass_model::{Answer, DnsAnswer, Outcome, ProbeSpec, PtrAnswer, RecordType, Verdict};

use crate::LineFormat;
use crate::write::{
    TargetText, is_breaking, is_plain, push_address, push_display, push_status, target_text,
};

/// The `text` format.
#[derive(Clone, Copy, Debug, Default)]
pub struct Text;

impl LineFormat for Text {
    fn header(&mut self, _out: &mut Vec<u8>) {}

    fn line(&mut self, outcome: &Outcome, out: &mut Vec<u8>) {
        match target_text(&outcome.job.target) {
            TargetText::Given(given) => push_visible(out, given),
            TargetText::Canonical(address) => push_address(out, address),
        }
        out.push(b'\t');
        if let ProbeSpec::Dns { record_type } = outcome.job.spec {
            push_display(out, record_type);
            out.push(b'\t');
        }
        push_status(out, outcome.status);
        out.push(b'\t');
        match (&outcome.fault, &outcome.answer, outcome.job.spec) {
            (Some(fault), ..) => push_visible(out, &fault.message),
            (None, Answer::Ptr(answer), _) if outcome.verdict == Verdict::Answered => {
                push_names(out, answer);
            }
            (None, Answer::Dns(answer), ProbeSpec::Dns { record_type })
                if outcome.verdict == Verdict::Answered =>
            {
                push_data(out, answer, record_type);
            }
            _ => out.push(b'-'),
        }
        if let ProbeSpec::Ptr {
            forward_confirm: true,
        } = outcome.job.spec
        {
            out.push(b'\t');
            out.extend_from_slice(confirmation_word(&outcome.answer).as_bytes());
        }
        out.push(b'\n');
    }
}

fn push_names(out: &mut Vec<u8>, answer: &PtrAnswer) {
    for (index, name) in answer.names.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        push_visible(out, name);
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

fn confirmation_word(answer: &Answer) -> &'static str {
    let confirmed = match answer {
        Answer::Ptr(answer) => answer
            .confirmation
            .as_ref()
            .and_then(|confirmation| confirmation.confirmed),
        Answer::Dns(_) => None,
    };
    match confirmed {
        Some(true) => "confirmed",
        Some(false) => "unconfirmed",
        None => "unknown",
    }
}

fn push_visible(out: &mut Vec<u8>, text: &str) {
    if is_plain(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    for character in text.chars() {
        if is_breaking(character) {
            push_display(out, character.escape_default());
        } else {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;
    use proptest::prelude::*;

    fn line(outcome: &Outcome) -> String {
        let mut out = Vec::new();
        Text.header(&mut out);
        Text.line(outcome, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn ptr_lines_have_three_columns() {
        for (outcome, text) in [
            (
                fixture::ptr_answered(),
                "10.1.2.3\tNOERROR\thost-10-1-2-3.example.net.\n",
            ),
            (fixture::ptr_negative(), "2001:db8::7\tNXDOMAIN\t-\n"),
            (
                fixture::ptr_timeout(),
                "010.9.9.9\tTIMEOUT\tno answer from 127.0.0.1:53 in 8 attempts\n",
            ),
            (
                fixture::local_failure(),
                "10.1.2.4\tLOCAL\tno descriptor is left for a socket\n",
            ),
            (
                fixture::invalid(ProbeSpec::Ptr {
                    forward_confirm: false,
                }),
                "not\\tan \"address\" \\ ü\\u{85}\tINVALID\tneither an address nor a name\n",
            ),
        ] {
            assert_eq!(line(&outcome), text);
        }
    }

    #[test]
    fn forward_confirmation_is_the_fourth_column() {
        for (confirmed, word) in [
            (Some(true), "confirmed"),
            (Some(false), "unconfirmed"),
            (None, "unknown"),
        ] {
            assert_eq!(
                line(&fixture::ptr_confirmed(confirmed)),
                format!("10.1.2.3\tNOERROR\ta.example.net. b.example.net.\t{word}\n")
            );
        }
    }

    #[test]
    fn dns_lines_name_the_type_and_mark_other_types() {
        assert_eq!(
            line(&fixture::dns_answered()),
            "www.example.net\tA\tNOERROR\tCNAME web.example.net. | 192.0.2.1 | 192.0.2.2\n"
        );
        let mut negative = fixture::dns_answered();
        negative.verdict = Verdict::Negative;
        assert_eq!(line(&negative), "www.example.net\tA\tNOERROR\t-\n");
    }

    proptest! {
        #[test]
        fn every_outcome_is_one_line_with_its_columns(outcome in fixture::any_outcome()) {
            let text = line(&outcome);
            prop_assert_eq!(text.matches(|c: char| c != '\t' && is_breaking(c)).count(), 1);
            prop_assert!(text.ends_with('\n'));
            let columns = match outcome.job.spec {
                ProbeSpec::Ptr { forward_confirm: false } => 3,
                _ => 4,
            };
            prop_assert_eq!(text.split('\t').count(), columns);
        }
    }
}
