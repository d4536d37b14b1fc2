//! What the answer section of a message says about its question.
//!
//! A record counts only if the aliases (CNAME, DNAME) lead from the question to its owner, in the
//! class that was asked for. Anything else that a server puts there is not believed.

use std::net::IpAddr;

use canvass_model::{Class, Rcode, Record, RecordType};

use super::message::{FoldedName, NAME_OCTETS_MAX};
use super::{Message, Question, RecordView};

/// Aliases that are followed in one answer. Resolvers give up earlier.
const ALIASES_MAX: usize = 32;

/// The records of an answer section that belong to its question.
#[derive(Debug)]
pub struct Answers<'a> {
    message: Message<'a>,
    /// Where not all records of the section are at the name of the question and of the type asked
    /// for: those of every name that the aliases lead through, in the order of the message, and
    /// whether the record is what was asked for.
    picked: Option<Vec<(RecordView<'a>, bool)>>,
}

/// Why an answer section is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// It cannot be read.
    Broken,
    /// It has records, and none of them belongs to the question.
    Unrelated,
    /// Its aliases lead in a circle, or to too many names.
    Loop,
}

impl<'a> Message<'a> {
    /// The records that belong to `question`.
    ///
    /// # Errors
    /// Why the answer section is not believed.
    pub fn answers_to(&self, question: &Question) -> Result<Answers<'a>, AnswerError> {
        // Nearly every answer holds only what was asked for, at the name that was asked for.
        let picked = if self.has_only_answers(question) {
            None
        } else {
            Some(follow_aliases(*self, question)?)
        };
        let message = *self;
        Ok(Answers { message, picked })
    }
}

impl<'a> Answers<'a> {
    /// The records of every name that the aliases lead through, the aliases among them.
    pub fn records(&self) -> impl Iterator<Item = RecordView<'a>> {
        self.marked().map(|(record, _)| record)
    }

    /// The records that were asked for, at the end of the aliases. A name that does not exist
    /// (NXDOMAIN) has none.
    pub fn wanted(&self) -> impl Iterator<Item = RecordView<'a>> {
        let exists = self.message.rcode() != Rcode::NXDOMAIN;
        let wanted = self.marked().filter(move |(_, is)| *is && exists);
        wanted.map(|(record, _)| record)
    }

    /// The records of the section, where all of them are what was asked for.
    #[inline]
    pub(crate) fn only_wanted(&self) -> Option<impl Iterator<Item = RecordView<'a>>> {
        let is_plain = self.picked.is_none() && self.message.rcode() == Rcode::NOERROR;
        is_plain.then(|| self.message.answer_records())
    }

    fn marked(&self) -> impl Iterator<Item = (RecordView<'a>, bool)> {
        let all = self.picked.is_none().then(|| self.message.answer_records());
        let all = all.into_iter().flatten().map(|record| (record, true));
        all.chain(self.picked.iter().flatten().copied())
    }

    /// Every record in presentation form; `None` when an owner is broken.
    pub fn presentation(&self) -> Option<Vec<Record>> {
        self.records().map(|record| record.presentation()).collect()
    }

    /// The addresses (of A or AAAA records), and the shortest TTL on the way to them; `None` when
    /// the data of one is broken. An alias is kept no longer than its target, nor the target
    /// longer than the alias.
    pub fn addresses(&self) -> Option<(Vec<IpAddr>, Option<u32>)> {
        let addresses = self.wanted().map(address).collect::<Option<_>>()?;
        Some((addresses, self.records().map(|record| record.ttl_s).min()))
    }
}

/// The records of the names that the aliases lead through, and whether they are at their end and
/// of the type asked for.
fn follow_aliases<'a>(
    message: Message<'a>,
    question: &Question,
) -> Result<Vec<(RecordView<'a>, bool)>, AnswerError> {
    let wanted = question.record_type();
    let records: Option<Vec<Owned<'a>>> = message
        .answer_records()
        .map(|record| Some((record.folded_owner()?, record)))
        .collect();
    let mut records = records
        .filter(|all| all.len() == usize::from(message.answer_count()))
        .ok_or(AnswerError::Broken)?;
    let is_empty = records.is_empty();
    let class = question.class();
    records.retain(|(_, record)| class == record.class || class == Class::ANY);
    let mut names = vec![question.folded_name()];
    let mut dnames = Vec::new();
    loop {
        let name = &names[names.len() - 1];
        let is_end = |(owner, record): &Owned<'_>| owner == name && is_of_type(record, wanted);
        if records.iter().any(is_end) {
            break;
        }
        let Some((target, dname)) = alias_of(&records, name)? else {
            break;
        };
        if names.contains(&target) || names.len() > ALIASES_MAX {
            return Err(AnswerError::Loop);
        }
        dnames.extend(dname);
        names.push(target);
    }
    let end = &names[names.len() - 1];
    let picked: Vec<_> = records
        .iter()
        .filter(|(owner, record)| {
            let is_dname = signed_type(record) == RecordType::DNAME;
            names.contains(owner) || is_dname && dnames.contains(owner)
        })
        .map(|(owner, record)| (*record, owner == end && is_of_type(record, wanted)))
        .collect();
    if picked.is_empty() && !is_empty {
        return Err(AnswerError::Unrelated);
    }
    Ok(picked)
}

/// A record with its owner.
type Owned<'a> = (FoldedName, RecordView<'a>);

/// Where the alias of `name` leads, if it has one, and the owner of the DNAME record that applies.
fn alias_of(
    records: &[Owned<'_>],
    name: &FoldedName,
) -> Result<Option<(FoldedName, Option<FoldedName>)>, AnswerError> {
    let of_type = |wanted| {
        let records = records.iter();
        records.filter(move |(_, record)| record.record_type == wanted)
    };
    let target = |record: &RecordView<'_>| record.folded_target().ok_or(AnswerError::Broken);
    let dname = of_type(RecordType::DNAME).find(|(owner, _)| is_below(name, owner));
    // A CNAME that says the same usually comes with a DNAME (RFC 6672 §3.1).
    if let Some((_, cname)) = of_type(RecordType::CNAME).find(|(owner, _)| owner == name) {
        let dname = dname.map(|(owner, _)| owner.clone());
        return Ok(Some((target(cname)?, dname)));
    }
    let Some((owner, record)) = dname else {
        return Ok(None);
    };
    // The end of the name is replaced (RFC 6672 §2.2).
    let mut led = FoldedName::from_slice(&name[..name.len() - owner.len()]);
    led.extend_from_slice(&target(record)?);
    if led.len() > NAME_OCTETS_MAX {
        return Err(AnswerError::Broken);
    }
    Ok(Some((led, Some(owner.clone()))))
}

/// The type of the record, or for a signature that of the records it signs (RFC 4034 §3.1.1).
fn signed_type(record: &RecordView<'_>) -> RecordType {
    match (record.record_type, record.data()) {
        (RecordType::RRSIG, &[high, low, ..]) => RecordType(u16::from_be_bytes([high, low])),
        (own, _) => own,
    }
}

fn is_of_type(record: &RecordView<'_>, wanted: RecordType) -> bool {
    record.record_type == wanted || wanted == RecordType::ANY
}

/// Whether `name` has labels before `end`, and ends with it.
fn is_below(name: &[u8], end: &[u8]) -> bool {
    let mut at = 0;
    while let Some(&length) = name.get(at).filter(|length| **length > 0) {
        at += 1 + usize::from(length);
        if name[at..] == *end {
            return true;
        }
    }
    false
}

fn address(record: RecordView<'_>) -> Option<IpAddr> {
    match record.record_type {
        RecordType::A => <[u8; 4]>::try_from(record.data()).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(record.data()).ok().map(IpAddr::from),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The question `wrong.test A`.
    fn question() -> Question {
        Question::new(&"wrong.test".parse().unwrap(), RecordType::A)
    }

    fn name(text: &str) -> Vec<u8> {
        let name: canvass_model::DnsName = text.parse().unwrap();
        name.wire().to_vec()
    }

    fn record(owner: &str, record_type: RecordType, class: u16, data: &[u8]) -> Vec<u8> {
        let mut wire = name(owner);
        wire.extend_from_slice(&record_type.0.to_be_bytes());
        wire.extend_from_slice(&class.to_be_bytes());
        wire.extend_from_slice(&[0, 0, 0, 60]);
        wire.extend_from_slice(&(data.len() as u16).to_be_bytes());
        wire.extend_from_slice(data);
        wire
    }

    fn a(owner: &str, last: u8) -> Vec<u8> {
        record(owner, RecordType::A, 1, &[192, 0, 2, last])
    }

    fn cname(owner: &str, target: &str) -> Vec<u8> {
        record(owner, RecordType::CNAME, 1, &name(target))
    }

    fn signature(owner: &str, signed: RecordType) -> Vec<u8> {
        let data = [&signed.0.to_be_bytes()[..], &[0; 20]].concat();
        record(owner, RecordType::RRSIG, 1, &data)
    }

    fn reply(rcode: u8, records: &[Vec<u8>]) -> Vec<u8> {
        let mut wire = vec![
            0,
            1,
            0x81,
            0x80 | rcode,
            0,
            1,
            0,
            records.len() as u8,
            0,
            0,
            0,
            0,
        ];
        wire.extend_from_slice(question().wire());
        wire.extend(records.concat());
        wire
    }

    /// The last octets of the addresses, and how many records belong.
    fn taken(rcode: u8, records: &[Vec<u8>]) -> Result<(Vec<u8>, usize), AnswerError> {
        let wire = reply(rcode, records);
        let answers = Message::new(&wire).unwrap().answers_to(&question())?;
        let (addresses, _) = answers.addresses().unwrap();
        let last = |address: &IpAddr| address.to_string().rsplit('.').next().unwrap().parse();
        Ok((
            addresses
                .iter()
                .map(|address| last(address).unwrap())
                .collect(),
            answers.records().count(),
        ))
    }

    #[test]
    fn only_records_of_the_question_and_its_aliases_count() {
        use AnswerError::{Loop, Unrelated};
        let dname = record("test", RecordType::DNAME, 1, &name("example"));
        for (records, expected) in [
            (vec![], Ok((vec![], 0))),
            (
                vec![a("wrong.test", 1), a("WRONG.test", 2)],
                Ok((vec![1, 2], 2)),
            ),
            (vec![a("other.example", 1)], Err(Unrelated)),
            (
                vec![a("wrong.test", 1), a("other.example", 2)],
                Ok((vec![1], 1)),
            ),
            (
                vec![record("wrong.test", RecordType::A, 3, &[1; 4])],
                Err(Unrelated),
            ),
            // The target may stand before its alias.
            (
                vec![
                    a("b.test", 2),
                    cname("a.test", "b.test"),
                    cname("wrong.test", "a.test"),
                ],
                Ok((vec![2], 3)),
            ),
            // An address beside an alias is not what the alias leads to.
            (vec![cname("wrong.test", "a.test")], Ok((vec![], 1))),
            (
                vec![cname("wrong.test", "a.test"), a("other.example", 1)],
                Ok((vec![], 1)),
            ),
            (
                vec![cname("wrong.test", "a.test"), cname("a.test", "wrong.test")],
                Err(Loop),
            ),
            (vec![cname("wrong.test", "wrong.test")], Err(Loop)),
            // Signatures belong to what they sign, and are not what was asked for.
            (
                vec![
                    dname.clone(),
                    signature("test", RecordType::DNAME),
                    signature("test", RecordType::A),
                    a("wrong.example", 7),
                    signature("wrong.example", RecordType::A),
                ],
                Ok((vec![7], 4)),
            ),
            (vec![dname.clone(), a("wrong.example", 7)], Ok((vec![7], 2))),
            (
                vec![
                    dname,
                    cname("wrong.test", "wrong.example"),
                    a("wrong.example", 7),
                ],
                Ok((vec![7], 3)),
            ),
        ] {
            assert_eq!(taken(0, &records), expected, "{records:?}");
        }
    }

    #[test]
    fn a_name_that_does_not_exist_has_no_records() {
        assert_eq!(taken(3, &[a("wrong.test", 1)]), Ok((vec![], 1)));
        assert_eq!(taken(3, &[a("other.test", 1)]), Err(AnswerError::Unrelated));
    }

    #[test]
    fn a_type_that_differs_by_case_of_its_octets_is_another_question() {
        // TYPE65 is HTTPS; 65 and 97 are the octets of A and a.
        let name = "wrong.test".parse().unwrap();
        let mut wire = vec![0, 1, 0x81, 0x80, 0, 1, 0, 0, 0, 0, 0, 0];
        wire.extend_from_slice(Question::new(&name, RecordType(97)).wire());
        let message = Message::new(&wire).unwrap();
        assert!(message.answers(&Question::new(&name, RecordType(97))));
        assert!(!message.answers(&Question::new(&name, RecordType(65))));
    }

    #[test]
    fn records_count_in_the_class_that_was_asked_for() {
        let records = [
            record("wrong.test", RecordType::A, 3, &[192, 0, 2, 3]),
            record("wrong.test", RecordType::A, 1, &[192, 0, 2, 1]),
        ];
        for (class, count) in [(1, 1), (3, 1), (4, 0), (255, 2)] {
            let mut wire = reply(0, &records);
            let question = question().in_class(Class(class));
            wire[12..12 + question.wire().len()].copy_from_slice(question.wire());
            let answers = Message::new(&wire).unwrap().answers_to(&question);
            let wanted = answers.map(|answers| answers.wanted().count());
            let expected = if count == 0 {
                Err(AnswerError::Unrelated)
            } else {
                Ok(count)
            };
            assert_eq!(wanted, expected, "{class}");
        }
    }
}
