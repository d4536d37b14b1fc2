//! A borrowed view of a message.
//!
//! hickory-proto decodes whole messages into owned trees. Nearly every reply to a bulk query has
//! one record and is dropped at once, so it is walked here without an allocation. Record data
//! is written as text by `rdata`.

use canvass_model::Rcode;

use super::names::WireName;
use super::records::Records;
use super::{Question, RecordView};

/// Octets of the fixed header (RFC 1035 §4.1.1).
pub(super) const HEADER_OCTETS: usize = 12;

/// A message with a complete header. What follows the header is checked as it is walked.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    bytes: &'a [u8],
}

impl<'a> Message<'a> {
    /// A view of `bytes`; `None` when it is shorter than a header or is a query.
    #[inline]
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        (bytes.len() >= HEADER_OCTETS && bytes[2] & 0x80 != 0).then_some(Self { bytes })
    }

    /// The id.
    #[inline]
    pub fn id(&self) -> u16 {
        self.u16_at(0)
    }

    /// Whether the message was truncated to fit a datagram (the TC bit).
    #[inline]
    pub fn truncated(&self) -> bool {
        self.bytes[2] & 0x02 != 0
    }

    /// Whether the server has authority for the name of the question (the AA bit).
    #[inline]
    pub(super) fn is_authoritative(&self) -> bool {
        self.bytes[2] & 0x04 != 0
    }

    /// Whether the server recurses for this client (the RA bit).
    #[inline]
    pub(super) fn offers_recursion(&self) -> bool {
        self.bytes[3] & 0x80 != 0
    }

    /// Whether this is a reply to `question`: it repeats this question and no other. Names are
    /// compared without case (RFC 4343 §3), type and class exactly.
    ///
    /// A server that cannot or will not read the query may leave the question out of its error.
    /// That counts too: an error decides only whom to ask next, and how.
    #[inline]
    pub fn answers(&self, question: &Question) -> bool {
        if self.bytes[2] & 0x78 != 0 {
            return false;
        }
        let wire = question.wire();
        match self.question_count() {
            1 => self
                .bytes
                .get(HEADER_OCTETS..HEADER_OCTETS + wire.len())
                .is_some_and(|asked| {
                    asked.eq_ignore_ascii_case(wire) && asked.ends_with(&wire[wire.len() - 4..])
                }),
            0 => !matches!(self.rcode(), Rcode::NOERROR | Rcode::NXDOMAIN),
            _ => false,
        }
    }

    /// The response code, with the upper bits of an OPT record (RFC 6891 §6.1.3).
    ///
    /// The OPT record is searched for only where it matters: not in a plain NOERROR with answers.
    pub fn rcode(&self) -> Rcode {
        let low = u16::from(self.bytes[3] & 15);
        if low == 0 && self.u16_at(6) > 0 || self.u16_at(10) == 0 {
            return Rcode(low);
        }
        Rcode(
            self.opt()
                .map_or(low, |opt| (opt.ttl_s >> 24 << 4) as u16 | low),
        )
    }

    /// The number of questions, by the header.
    #[inline]
    pub(super) fn question_count(&self) -> u16 {
        self.u16_at(4)
    }

    /// The number of records of the answer section, by the header.
    #[inline]
    pub fn answer_count(&self) -> u16 {
        self.u16_at(6)
    }

    /// The records of the answer section. Ends early if the message is broken: compare the count
    /// with [`Self::answer_count`].
    pub fn answer_records(&self) -> impl Iterator<Item = RecordView<'a>> {
        self.records().take(usize::from(self.answer_count()))
    }

    /// The number of records of the authority section, by the header.
    pub(super) fn authority_count(&self) -> u16 {
        self.u16_at(8)
    }

    /// The number of records of the additional section, by the header.
    pub(super) fn additional_count(&self) -> u16 {
        self.u16_at(10)
    }

    /// The second word of the header: flags, operation and response code.
    pub(super) fn flags(&self) -> u16 {
        self.u16_at(2)
    }

    /// The whole message.
    #[inline]
    pub(super) fn octets(&self) -> &'a [u8] {
        self.bytes
    }

    /// Where its last record ends, in octets from its beginning; `None` while it is incomplete, or
    /// when it is broken.
    pub fn end(&self) -> Option<usize> {
        let mut records = self.records();
        records.by_ref().for_each(drop);
        records.end().filter(|end| *end <= self.bytes.len())
    }

    /// All records of all sections, as far as they can be walked.
    pub(super) fn records(&self) -> Records<'a> {
        let mut at = Some(HEADER_OCTETS);
        for _ in 0..self.question_count() {
            at = at.and_then(|at| self.skip_name(at)).map(|end| end + 4);
        }
        let counts = [6, 8, 10].map(|at| usize::from(self.u16_at(at)));
        Records::new(*self, at, counts.iter().sum())
    }

    #[inline]
    fn u16_at(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    /// The name of the question, if there is one.
    pub(super) fn question_name(&self) -> Option<WireName> {
        self.plain_name(HEADER_OCTETS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::RecordType;
    use hickory_proto::op::{Message as Owned, MessageType, OpCode, Query};
    use hickory_proto::rr::rdata::PTR;
    use hickory_proto::rr::{Name, RData, Record};
    use proptest::prelude::*;

    fn reply(question: &Question, names: &[&str]) -> Vec<u8> {
        let owner = Name::from_ascii("1.2.0.192.in-addr.arpa.").unwrap();
        let mut message = Owned::new(7, MessageType::Response, OpCode::Query);
        message.add_query(Query::query(owner.clone(), question.record_type().0.into()));
        for name in names {
            let data = RData::PTR(PTR(Name::from_ascii(name).unwrap()));
            message.add_answer(Record::from_rdata(owner.clone(), 400, data));
        }
        message.to_vec().unwrap()
    }

    fn question() -> Question {
        Question::reverse("192.0.2.1".parse().unwrap())
    }

    #[test]
    fn names_are_read_through_compression() {
        let names = [
            "a.example.net.",
            "b.example.net.",
            "1.2.0.192.in-addr.arpa.",
        ];
        let wire = reply(&question(), &names);
        let message = Message::new(&wire).unwrap();
        assert!(message.answers(&question()));
        let read: Vec<String> = message
            .answer_records()
            .map(|record| {
                let mut text = String::new();
                record.write_data_name(0, &mut text).unwrap();
                text
            })
            .collect();
        assert_eq!(read, names);
    }

    #[test]
    fn another_question_is_not_answered() {
        let wire = reply(&question(), &["a.example.net."]);
        let message = Message::new(&wire).unwrap();
        assert!(!message.answers(&Question::reverse("192.0.2.2".parse().unwrap())));
        let other = Question::new(&"1.2.0.192.in-addr.arpa".parse().unwrap(), RecordType::A);
        assert!(!message.answers(&other));
        let upper = Question::new(&"1.2.0.192.IN-ADDR.ARPA".parse().unwrap(), RecordType::PTR);
        assert!(message.answers(&upper));
        let mut query = wire;
        query[2] &= 0x7f;
        assert!(Message::new(&query).is_none());
    }

    #[test]
    fn pointers_that_do_not_lead_back_are_broken() {
        let mut wire = reply(&question(), &["a.example.net."]);
        let record = Message::new(&wire).unwrap().answer_records().next();
        let at = wire.len() - record.unwrap().data().len();
        wire[at] = 0xc0;
        wire[at + 1] = at as u8;
        let record = Message::new(&wire)
            .unwrap()
            .answer_records()
            .next()
            .unwrap();
        assert_eq!(record.write_data_name(0, &mut String::new()), None);
    }

    #[test]
    fn a_message_ends_with_its_last_record() {
        let mut wire = reply(&question(), &["a.example.net.", "b.example.net."]);
        let end = wire.len();
        for length in 12..end {
            assert_eq!(Message::new(&wire[..length]).unwrap().end(), None);
        }
        wire.extend_from_slice(&[0; 20]);
        for length in end..wire.len() {
            assert_eq!(Message::new(&wire[..length]).unwrap().end(), Some(end));
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_walked_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..600)) {
            walk(&bytes);
        }

        #[test]
        fn a_damaged_reply_is_walked_without_harm(at in 0usize..200, byte: u8, cut in 0usize..200) {
            let mut wire = reply(&question(), &["a.example.net.", "b.example.org."]);
            let at = at % wire.len();
            wire[at] = byte;
            wire.truncate(wire.len() - cut % wire.len());
            walk(&wire);
        }
    }

    fn walk(bytes: &[u8]) {
        let Some(message) = Message::new(bytes) else {
            return;
        };
        message.rcode();
        message.end();
        message.answers(&question());
        for record in message.answer_records() {
            record.write_owner(&mut String::new());
            record.write_data_name(0, &mut String::new());
            record.presentation();
        }
    }
}
