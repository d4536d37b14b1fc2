//! Writes DNS replies.

use crate::query::{Edns, HEADER_BYTES, Query};

/// The longest datagram that the lab accepts according to its OPT record.
const UDP_BYTES_MAX: u16 = 1232;
/// The position of the question's name, for compression (RFC 1035 §4.1.4).
const QUESTION_NAME: u16 = HEADER_BYTES as u16;
/// The TTL of every record, in seconds.
pub(crate) const TTL_S: u32 = 400;

/// The sections after the question (RFC 1035 §4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    Answer,
    Authority,
    Additional,
}

/// The owner name of a record.
#[derive(Clone, Copy)]
pub(crate) enum Owner<'n> {
    /// The name of the question.
    Question,
    /// The name at this position of the message.
    At(u16),
    /// A name in wire form, which is not compressed.
    Name(&'n [u8]),
}

/// A reply that is being written.
pub(crate) struct ReplyWriter<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    counts: [u16; 3],
    body_start: usize,
    additional_start: Option<usize>,
}

impl<'o> ReplyWriter<'o> {
    /// Begins the reply to a query, at the end of `out`, with the header and the question.
    pub(crate) fn to(query: &Query<'_>, out: &'o mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&query.bytes[..query.question_end]);
        mark_as_reply(&mut out[start..]);
        out[start + 6..start + HEADER_BYTES].fill(0);
        let body_start = out.len();
        Self {
            out,
            start,
            counts: [0; 3],
            body_start,
            additional_start: None,
        }
    }

    /// Clears RA: the server does not recurse.
    pub(crate) fn deny_recursion(&mut self) {
        self.out[self.start + 3] &= 0x7f;
    }

    /// Writes a record of class IN. Sections must be written in order. Returns the position of its
    /// data in the message.
    pub(crate) fn record(
        &mut self,
        section: Section,
        owner: Owner<'_>,
        record_type: u16,
        data: impl FnOnce(&mut Vec<u8>),
    ) -> u16 {
        if section == Section::Additional && self.additional_start.is_none() {
            self.additional_start = Some(self.out.len());
        }
        match owner {
            Owner::Question => self.out.extend_from_slice(&pointer(QUESTION_NAME)),
            Owner::At(offset) => self.out.extend_from_slice(&pointer(offset)),
            Owner::Name(wire) => self.out.extend_from_slice(wire),
        }
        let [t0, t1] = record_type.to_be_bytes();
        let [s0, s1, s2, s3] = TTL_S.to_be_bytes();
        self.out
            .extend_from_slice(&[t0, t1, 0, 1, s0, s1, s2, s3, 0, 0]);
        let data_start = self.out.len();
        data(self.out);
        let data_bytes = (self.out.len() - data_start) as u16;
        self.out[data_start - 2..data_start].copy_from_slice(&data_bytes.to_be_bytes());
        self.counts[section as usize] += 1;
        (data_start - self.start) as u16
    }

    /// Writes the code, the counts and, if the query had one, the OPT record. If the message is
    /// longer than `bytes_max`, drops first the additional records (RFC 2181 §9) and then all
    /// records, and sets TC. Returns whether TC is set.
    pub(crate) fn finish(mut self, rcode: u16, edns: Option<Edns>, bytes_max: usize) -> bool {
        let opt_bytes = if edns.is_some() { 11 } else { 0 };
        let fits = |out: &Vec<u8>| out.len() - self.start + opt_bytes <= bytes_max;
        if let Some(start) = self.additional_start.filter(|_| !fits(self.out)) {
            self.out.truncate(start);
            self.counts[Section::Additional as usize] = 0;
        }
        let truncated = !fits(self.out);
        if truncated {
            self.cut();
        }
        self.close(rcode, edns);
        truncated
    }

    /// Drops all records and sets TC.
    pub(crate) fn finish_truncated(mut self, edns: Option<Edns>) {
        self.cut();
        self.close(0, edns);
    }

    fn cut(&mut self) {
        self.out.truncate(self.body_start);
        self.counts = [0; 3];
        self.out[self.start + 2] |= 0x02;
    }

    fn close(mut self, rcode: u16, edns: Option<Edns>) {
        let [high, low] = (rcode >> 4).to_be_bytes();
        debug_assert_eq!(high, 0, "an extended code has 12 bits");
        if let Some(edns) = edns {
            let [u0, u1] = UDP_BYTES_MAX.to_be_bytes();
            let flags = u8::from(edns.dnssec_ok) << 7;
            self.out
                .extend_from_slice(&[0, 0, 41, u0, u1, low, 0, flags, 0, 0, 0]);
            self.counts[Section::Additional as usize] += 1;
        }
        self.out[self.start + 3] |= (rcode & 0x0f) as u8;
        let counts = &mut self.out[self.start + 6..self.start + HEADER_BYTES];
        for (field, count) in counts.chunks_exact_mut(2).zip(self.counts) {
            field.copy_from_slice(&count.to_be_bytes());
        }
    }
}

/// Writes a reply without a question, to a query whose question is malformed.
pub(crate) fn header_only(query: &[u8; HEADER_BYTES], rcode: u8, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(query);
    mark_as_reply(&mut out[start..]);
    out[start + 3] |= rcode;
    out[start + 4..].fill(0);
}

/// Turns the flags of a query into those of a reply: sets QR and RA, keeps opcode, RD and CD.
fn mark_as_reply(message: &mut [u8]) {
    message[2] = 0x80 | message[2] & 0x79;
    message[3] = 0x80 | message[3] & 0x10;
}

fn pointer(offset: u16) -> [u8; 2] {
    (0xc000 | offset).to_be_bytes()
}
