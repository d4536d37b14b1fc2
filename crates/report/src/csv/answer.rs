//! The fields that come out of an answer.

use canvass_model::{Answer, HttpAnswer, PtrAnswer, Record, Remote, TalkAnswer};

use super::column::Column;
use super::{Csv, push_joined, push_plain, push_quoted, push_some, push_some_number};
use crate::write::{push_address, push_display, push_number, push_remote};

impl Csv {
    /// Appends a field of `answer`; nothing where answers of its kind have none.
    pub(super) fn push_answer(&mut self, out: &mut Vec<u8>, column: Column, answer: &Answer) {
        match answer {
            Answer::Ptr(answer) => self.push_ptr(out, column, answer),
            Answer::Dns(answer) => {
                if column == Column::Answers {
                    self.quoted(out, |field| {
                        push_joined(field, &answer.records, " | ", push_record);
                    });
                }
            }
            Answer::Http(answer) => self.push_http(out, column, answer),
            Answer::Talk(answer) => self.push_talk(out, column, answer),
        }
    }

    fn push_ptr(&mut self, out: &mut Vec<u8>, column: Column, answer: &PtrAnswer) {
        let confirmation = answer.confirmation.as_deref();
        match column {
            Column::Names => self.quoted(out, |field| {
                push_joined(field, &answer.names, " ", |field, name| {
                    push_plain(field, name);
                });
            }),
            Column::Ttl => push_some_number(out, answer.ttl_s),
            Column::Confirmed => push_some(out, confirmation.and_then(|told| told.confirmed)),
            Column::Forward => {
                let forward = confirmation.map_or(&[][..], |told| &told.forward);
                self.quoted(out, |field| {
                    push_joined(field, forward, "; ", |field, (name, addresses)| {
                        push_plain(field, name);
                        field.push(b'=');
                        push_joined(field, addresses, " ", |field, address| {
                            push_address(field, *address);
                        });
                    });
                });
            }
            _ => {}
        }
    }

    fn push_http(&mut self, out: &mut Vec<u8>, column: Column, answer: &HttpAnswer) {
        match column {
            Column::Url => push_quoted(out, answer.url.as_bytes()),
            Column::Remote => self.push_remote(out, answer.remote.as_ref()),
            Column::HttpVersion => push_plain(out, answer.version.unwrap_or_default()),
            Column::StatusCode => push_some_number(out, answer.code),
            Column::ContentLength => push_some_number(out, answer.content_length),
            Column::BodyBytes => push_some_number(out, answer.body_bytes),
            Column::DecodedBytes => push_some_number(out, answer.decoded_bytes),
            Column::Redirects => push_number(out, answer.redirects.len()),
            Column::Repeat => push_some_number(out, answer.repeat),
            _ => {}
        }
    }

    fn push_talk(&mut self, out: &mut Vec<u8>, column: Column, answer: &TalkAnswer) {
        match column {
            Column::Remote => self.push_remote(out, answer.remote.as_ref()),
            Column::Captures => self.quoted(out, |field| {
                push_joined(field, &answer.captures, "; ", |field, (name, value)| {
                    push_plain(field, name);
                    field.push(b'=');
                    push_plain(field, value);
                });
            }),
            Column::SentBytes => push_number(out, answer.sent_bytes),
            Column::ReceivedBytes => push_number(out, answer.received_bytes),
            Column::Mismatch => {
                let mismatch = answer.mismatch.as_deref().unwrap_or_default();
                push_quoted(out, mismatch.as_bytes());
            }
            Column::Replies => push_some_number(out, answer.replies.as_ref().map(Vec::len)),
            _ => {}
        }
    }

    fn push_remote(&mut self, out: &mut Vec<u8>, remote: Option<&Remote>) {
        if let Some(remote) = remote {
            self.quoted(out, |field| push_remote(field, remote, push_plain));
        }
    }
}

fn push_record(out: &mut Vec<u8>, record: &Record) {
    push_display(
        out,
        format_args!(
            "{} {} {} {}",
            record.name, record.ttl_s, record.record_type, record.data
        ),
    );
}
