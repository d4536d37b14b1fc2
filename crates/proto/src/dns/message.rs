//! A borrowed view of a message.
//!
//! hickory-proto decodes whole messages into owned trees. Nearly every reply to a bulk query has
//! one record and is dropped at once, so it is walked here without an allocation. Record data
//! is written as text by `rdata`.

use canvass_model::{Class, Rcode, RecordType, write_label};
use smallvec::SmallVec;

use super::Question;
use super::answers::{ALIASES_MAX, PlainSection};
use super::records::Records;

/// Octets of the fixed header (RFC 1035 §4.1.1).
const HEADER_OCTETS: usize = 12;
/// The most octets of a name on the wire (RFC 1035 §3.1).
pub(super) const NAME_OCTETS_MAX: usize = 255;

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
        match self.u16_at(4) {
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

    /// The answer section, if it has such a form. An alias alone has not.
    #[inline]
    pub(super) fn plain_section(&self, question: &Question) -> Option<PlainSection<'a>> {
        let asked = question.type_and_class();
        let start = HEADER_OCTETS + question.wire().len();
        let (mut owner, mut at) = (HEADER_OCTETS, start);
        let (mut aliases, mut wanted_at) = (0, start);
        let count = usize::from(self.answer_count());
        for index in 0..count {
            let fixed: &[u8; 12] = self.bytes.get(at..)?.first_chunk()?;
            let data_at = at + fixed.len();
            at = data_at + usize::from(u16::from_be_bytes([fixed[10], fixed[11]]));
            if fixed[..2] != pointer_to(owner)? {
                return None;
            }
            if fixed[2..6] != asked {
                let is_alias = fixed[2..4] == RecordType::CNAME.0.to_be_bytes();
                if !is_alias || fixed[4..6] != asked[2..] || aliases < index {
                    return None;
                }
                aliases += 1;
                (owner, wanted_at) = (data_at, at);
            }
        }
        let is_plain = aliases == 0 || aliases < count && aliases <= ALIASES_MAX;
        if !is_plain || self.u16_at(4) != 1 || at > self.bytes.len() {
            return None;
        }
        Some(PlainSection {
            aliases,
            records: Records::new(*self, Some(start), count),
            wanted: Records::new(*self, Some(wanted_at), count - aliases),
        })
    }

    /// The number of records of the answer section, by the header.
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
        for _ in 0..self.u16_at(4) {
            at = at.and_then(|at| self.skip_name(at)).map(|end| end + 4);
        }
        let counts = [6, 8, 10].map(|at| usize::from(self.u16_at(at)));
        Records::new(*self, at, counts.iter().sum())
    }

    fn u16_at(&self, at: usize) -> u16 {
        u16::from_be_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    /// The end of the name at `at` in place: after its first pointer or its root.
    fn skip_name(&self, mut at: usize) -> Option<usize> {
        loop {
            match *self.bytes.get(at)? {
                0 => return Some(at + 1),
                length @ 1..=63 => at += 1 + usize::from(length),
                0xc0.. => return (at + 1 < self.bytes.len()).then_some(at + 2),
                _ => return None,
            }
        }
    }

    /// The name of the question, if there is one.
    pub(super) fn question_name(&self) -> Option<WireName> {
        self.plain_name(HEADER_OCTETS)
    }

    /// The name at `at` as it is on the wire without compression; `None` when it is
    /// broken.
    fn plain_name(&self, mut at: usize) -> Option<WireName> {
        let mut name = WireName::new();
        let mut pointers_from = at;
        loop {
            match *self.bytes.get(at)? {
                0 => break,
                length @ 1..=63 => {
                    let end = at + 1 + usize::from(length);
                    name.extend_from_slice(self.bytes.get(at..end)?);
                    at = end;
                }
                high @ 0xc0.. => {
                    let low = *self.bytes.get(at + 1)?;
                    at = usize::from(high & 0x3f) << 8 | usize::from(low);
                    if at >= pointers_from {
                        return None;
                    }
                    pointers_from = at;
                }
                _ => return None,
            }
        }
        name.push(0);
        (name.len() <= NAME_OCTETS_MAX).then_some(name)
    }

    /// Appends the name at `at` in presentation form to `out`, and returns where it ends in place;
    /// `None` when it is broken: it exceeds the message or 255 octets, or a pointer does not point
    /// backwards (RFC 1035 §4.1.4).
    fn write_name(&self, mut at: usize, out: &mut String) -> Option<usize> {
        let mut end = None;
        let mut octets = 1;
        let mut pointers_from = at;
        let start = out.len();
        loop {
            match *self.bytes.get(at)? {
                0 => break,
                length @ 1..=63 => {
                    octets += 1 + usize::from(length);
                    if octets > NAME_OCTETS_MAX {
                        return None;
                    }
                    let label = self.bytes.get(at + 1..at + 1 + usize::from(length))?;
                    write_label(out, label);
                    out.push('.');
                    at += 1 + usize::from(length);
                }
                high @ 0xc0.. => {
                    let low = *self.bytes.get(at + 1)?;
                    end.get_or_insert(at + 2);
                    at = usize::from(high & 0x3f) << 8 | usize::from(low);
                    // Each pointer must point before everything read so far, so the walk ends.
                    if at >= pointers_from {
                        return None;
                    }
                    pointers_from = at;
                }
                _ => return None,
            }
        }
        if out.len() == start {
            out.push('.');
        }
        Some(end.unwrap_or(at + 1))
    }
}

/// A pointer to a name at this place (RFC 1035 §4.1.4); `None` if it is too far away.
#[inline]
fn pointer_to(place: usize) -> Option<[u8; 2]> {
    (place < 0x4000).then_some((0xc000 | place as u16).to_be_bytes())
}

/// A name on the wire, without compression.
pub(super) type WireName = SmallVec<[u8; 80]>;

/// Puts a name in lower case, so that names can be compared (RFC 4343 §3).
pub(super) fn folded(mut name: WireName) -> WireName {
    name.make_ascii_lowercase();
    name
}

/// One resource record in place.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    message: Message<'a>,
    name_at: usize,
    data_at: usize,
    data_octets: u16,
    /// Its type.
    pub record_type: RecordType,
    /// Its class.
    pub class: Class,
    /// How long it may be kept, in seconds.
    pub ttl_s: u32,
}

impl<'a> RecordView<'a> {
    /// The record that begins at `name_at`; `None` when it is broken.
    #[inline]
    pub(super) fn at(message: Message<'a>, name_at: usize) -> Option<Self> {
        let at = message.skip_name(name_at)?;
        let fixed: &[u8; 10] = message.bytes.get(at..at + 10)?.first_chunk()?;
        let record_type = RecordType(u16::from_be_bytes([fixed[0], fixed[1]]));
        let ttl_s = u32::from_be_bytes([fixed[4], fixed[5], fixed[6], fixed[7]]);
        // A TTL with its highest bit set means 0 (RFC 2181 §8). That of OPT is no TTL.
        let is_ttl = record_type != RecordType::OPT;
        let record = Self {
            message,
            name_at,
            data_at: at + 10,
            data_octets: u16::from_be_bytes([fixed[8], fixed[9]]),
            record_type,
            class: Class(u16::from_be_bytes([fixed[2], fixed[3]])),
            ttl_s: if is_ttl && ttl_s > i32::MAX as u32 {
                0
            } else {
                ttl_s
            },
        };
        (record.data_end() <= message.bytes.len()).then_some(record)
    }

    /// Whether it is the pseudo-record OPT.
    pub(super) fn is_opt(&self) -> bool {
        self.record_type == RecordType::OPT
    }

    /// Where in the message it ends.
    pub(super) fn data_end(&self) -> usize {
        self.data_at + usize::from(self.data_octets)
    }

    /// The data as it is in the message. Names in it may be compressed.
    pub fn data(&self) -> &'a [u8] {
        &self.message.bytes[self.data_at..self.data_end()]
    }

    /// The owner in lower case; `None` when it is broken.
    pub(super) fn folded_owner(&self) -> Option<WireName> {
        self.message.plain_name(self.name_at).map(folded)
    }

    /// The name that is the data; `None` when it is broken.
    pub(super) fn target(&self) -> Option<WireName> {
        self.message.plain_name(self.data_at)
    }

    /// Appends the owner in presentation form; `None` when it is broken.
    pub fn write_owner(&self, out: &mut String) -> Option<()> {
        self.message.write_name(self.name_at, out).map(drop)
    }

    /// Appends a name in the data, `skip` octets into it, in presentation form; `None` when it
    /// is broken or does not end where the data does.
    #[inline]
    pub fn write_data_name(&self, skip: usize, out: &mut String) -> Option<()> {
        let end = self.message.write_name(self.data_at + skip, out)?;
        (end == self.data_end()).then_some(())
    }

    /// Appends the name that begins `skip` octets into the data, in presentation form, and returns
    /// where in the data it ends; `None` if it is broken or ends after the data.
    pub(super) fn write_name_in_data(&self, skip: usize, out: &mut String) -> Option<usize> {
        let end = self.message.write_name(self.data_at + skip, out)?;
        (end <= self.data_end()).then_some(end - self.data_at)
    }

    /// The whole message, and where in it the data begins.
    pub(super) fn place(&self) -> (&'a [u8], u16) {
        (self.message.bytes, self.data_at as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
        let at = wire.len()
            - usize::from(
                Message::new(&wire)
                    .unwrap()
                    .answer_records()
                    .next()
                    .unwrap()
                    .data_octets,
            );
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
