//! Forged and corrupt replies.

use std::net::Ipv6Addr;

use canvass_model::Rcode;

use crate::impairment::Percent;
use crate::name_fate::hash;
use crate::query::{HEADER_BYTES, LowerName, Query};
use crate::reply::{Owner, ReplyWriter, Section};
use crate::zone::ResponseStatus;

/// The data of forged answers, by which a client that accepted one can be recognised (RFC 5737,
/// RFC 3849).
const FORGED_NAME: &[u8] = b"\x06forged\x07example\x03net\0";
const FORGED_V4: [u8; 4] = [203, 0, 113, 66];
const FORGED_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xbad, 0, 0, 0, 0, 0x66);

/// A label type that was never assigned (RFC 6891 §5).
const RESERVED_LABEL: u8 = 0x80;

/// Selects the replies with a wrong length, and the length.
const MISFRAMED: u64 = 0x1656_67b1_9e37_79f9;

/// The length that precedes `reply` on a stream: a wrong one for the share.
pub(super) fn stream_length(reply: &[u8], share: Percent) -> u16 {
    let length = reply.len() as u16;
    if share.is_zero() || !share.includes(hash(reply, MISFRAMED)) {
        return length;
    }
    match hash(reply, !MISFRAMED) % 3 {
        0 => u16::MAX,
        1 => length / 2,
        _ => length + 7,
    }
}

/// Writes a forged answer with an id that differs in the bits of `flipped`.
pub(super) fn wrong_id(query: &[u8], flipped: u16, reply: &mut Vec<u8>) -> Option<ResponseStatus> {
    let start = reply.len();
    let status = forge(query, reply)?;
    for (octet, flip) in reply[start..].iter_mut().zip(flipped.to_be_bytes()) {
        *octet ^= flip;
    }
    Some(status)
}

/// Writes a forged answer to another question: one letter of the name is different.
pub(super) fn wrong_question(query: &[u8], reply: &mut Vec<u8>) -> Option<ResponseStatus> {
    let start = reply.len();
    let status = forge(query, reply)?;
    let question = &mut reply[start + HEADER_BYTES..];
    if question[0] > 0 {
        question[1] = if question[1].eq_ignore_ascii_case(&b'x') {
            b'y'
        } else {
            b'x'
        };
    } else {
        // The root name has no letter, so the type is changed.
        question[2] ^= 1;
    }
    Some(status)
}

/// Makes the reply at `start..`, which has a header, unreadable.
pub(super) fn corrupt(reply: &mut Vec<u8>, start: usize, entropy: u64) {
    let Some(question_end) = question_end(&reply[start..]) else {
        reply.truncate(start + 1 + (entropy as usize / 4) % (HEADER_BYTES - 1));
        return;
    };
    match entropy % 3 {
        // Cut before the end of the question.
        0 => reply.truncate(start + 1 + (entropy as usize / 4) % (question_end - 1)),
        // A malformed name in the question.
        1 => reply[start + HEADER_BYTES] = RESERVED_LABEL,
        // The right question, and an answer that extends past the end of the message.
        _ => {
            reply.truncate(start + question_end);
            reply[start + 6..start + HEADER_BYTES].copy_from_slice(&[0, 1, 0, 0, 0, 0]);
            reply[start + 3] &= 0xf0;
            reply.extend_from_slice(&[0xff; 24]);
        }
    }
}

/// The end of a reply's question. `None` if it has no complete question.
fn question_end(reply: &[u8]) -> Option<usize> {
    let name = LowerName::parse(&reply[HEADER_BYTES..])?;
    let end = HEADER_BYTES + name.wire().len() + 4;
    (reply[4..6] != [0, 0] && end <= reply.len()).then_some(end)
}

/// Writes a forged answer with the right id and the right question.
fn forge(query: &[u8], reply: &mut Vec<u8>) -> Option<ResponseStatus> {
    let query = Query::parse(query).ok()?;
    let mut writer = ReplyWriter::to(&query, reply);
    let forged_data: Option<&[u8]> = match query.record_type {
        1 => Some(&FORGED_V4),
        12 => Some(FORGED_NAME),
        28 => Some(&FORGED_V6.octets()),
        _ => None,
    };
    let rcode = match forged_data {
        Some(data) => {
            writer.record(Section::Answer, Owner::Question, query.record_type, |out| {
                out.extend_from_slice(data);
            });
            Rcode::NOERROR
        }
        None => Rcode::NXDOMAIN,
    };
    writer.finish(rcode.0, query.edns, usize::MAX);
    Some(ResponseStatus {
        rcode,
        truncated: false,
    })
}
