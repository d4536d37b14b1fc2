//! What the answer section of a message says about its question.
//!
//! A record counts only if the aliases (CNAME, DNAME) lead from the question to its owner, in the
//! class that was asked for. Anything else that a server puts there is not believed.

use std::net::IpAddr;

use canvass_model::{Class, DnsName, Rcode, Record, RecordType};

use super::message::{NAME_OCTETS_MAX, WireName, folded};
use super::records::Records;
use super::{Message, Question, RecordView};

/// Aliases that are followed in one answer. Resolvers give up earlier.
pub(super) const ALIASES_MAX: usize = 32;

/// The records of an answer section that belong to its question.
#[derive(Debug)]
pub struct Answers<'a> {
    pub(super) message: Message<'a>,
    rcode: Rcode,
    class: Class,
    section: Section<'a>,
}

#[derive(Debug)]
enum Section<'a> {
    /// Aliases in order, and then nothing but what was asked for at the end of them.
    Plain(PlainSection<'a>),
    /// Anything else.
    Chain(Chain<'a>),
}

/// An answer section as servers write it: each owner is a pointer to the question, or to the target
/// of the alias before it. So nothing has to be compared.
#[derive(Debug)]
pub(super) struct PlainSection<'a> {
    /// The number of aliases.
    pub(super) aliases: usize,
    pub(super) records: Records<'a>,
    /// Those behind the aliases.
    pub(super) wanted: Records<'a>,
}

/// The names that the aliases lead through.
#[derive(Debug)]
struct Chain<'a> {
    /// The records of all of these names, in the order of the message, and whether the record is
    /// what was asked for.
    records: Vec<(RecordView<'a>, bool)>,
    /// The last name; that of the question if there is no alias.
    end: WireName,
    has_alias: bool,
}

/// Why an answer section is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerError {
    /// It cannot be read.
    Broken,
    /// It has records, and none of them belongs to the question.
    Unrelated,
    /// Its aliases lead in a circle.
    Loop,
    /// Its aliases lead through too many names.
    TooManyAliases,
}

impl<'a> Message<'a> {
    /// The records that belong to `question`.
    ///
    /// # Errors
    /// Why the answer section is not believed.
    pub fn answers_to(&self, question: &Question) -> Result<Answers<'a>, AnswerError> {
        self.answers_with_rcode(question, self.rcode())
    }

    /// The same for a caller who has [`Self::rcode`] already: where that is no plain NOERROR, it
    /// takes a walk over all records.
    #[inline]
    pub(crate) fn answers_with_rcode(
        &self,
        question: &Question,
        rcode: Rcode,
    ) -> Result<Answers<'a>, AnswerError> {
        // Nearly every answer is so simple.
        let section = match self.plain_section(question) {
            Some(plain) => Section::Plain(plain),
            None => Section::Chain(follow_aliases(*self, question)?),
        };
        Ok(Answers {
            message: *self,
            rcode,
            class: question.class(),
            section,
        })
    }
}

impl<'a> Answers<'a> {
    /// The response code of the message.
    pub fn rcode(&self) -> Rcode {
        self.rcode
    }

    /// Whether a record is of the class that was asked for.
    pub(super) fn is_of_class(&self, record: &RecordView<'_>) -> bool {
        is_of_class(record, self.class)
    }

    /// The records of every name that the aliases lead through, the aliases among them.
    pub fn records(&self) -> impl Iterator<Item = RecordView<'a>> {
        self.marked().map(|(record, _)| record)
    }

    /// The records that were asked for, at the end of the aliases. A name that does not exist
    /// (NXDOMAIN) has none.
    pub fn wanted(&self) -> impl Iterator<Item = RecordView<'a>> {
        let exists = self.rcode != Rcode::NXDOMAIN;
        let wanted = self.marked().filter(move |(_, is)| *is && exists);
        wanted.map(|(record, _)| record)
    }

    /// Whether there are records that were asked for.
    #[inline]
    pub fn has_wanted(&self) -> bool {
        self.rcode != Rcode::NXDOMAIN
            && match &self.section {
                Section::Plain(plain) => plain.wanted.promised() > 0,
                Section::Chain(chain) => chain.records.iter().any(|(_, is)| *is),
            }
    }

    /// [`Self::wanted`], where they are one behind the other.
    #[inline]
    pub(crate) fn only_wanted(&self) -> Option<Records<'a>> {
        match &self.section {
            Section::Plain(plain) if self.rcode == Rcode::NOERROR => Some(plain.wanted.clone()),
            _ => None,
        }
    }

    /// The target of the last alias, where it has none of the records that were asked for.
    pub fn alias_target(&self) -> Option<DnsName> {
        DnsName::from_wire(self.alias_end()?)
    }

    /// Whether there is an alias, and not what was asked for.
    pub(super) fn has_lone_alias(&self) -> bool {
        self.alias_end().is_some()
    }

    /// The name that the aliases lead to, or that of the question, in lower case.
    pub(super) fn last_name(&self) -> Option<WireName> {
        let end = match &self.section {
            Section::Plain(_) => self.message.question_name(),
            Section::Chain(chain) => Some(chain.end.clone()),
        };
        end.map(folded)
    }

    fn alias_end(&self) -> Option<&WireName> {
        match &self.section {
            Section::Chain(chain) if chain.has_alias && !self.has_wanted() => Some(&chain.end),
            _ => None,
        }
    }

    fn marked(&self) -> impl Iterator<Item = (RecordView<'a>, bool)> {
        let (plain, chain) = match &self.section {
            Section::Plain(plain) => (Some(plain), None),
            Section::Chain(chain) => (None, Some(&chain.records)),
        };
        let plain = plain.into_iter().flat_map(|plain| {
            let records = plain.records.clone().enumerate();
            records.map(|(at, record)| (record, at >= plain.aliases))
        });
        plain.chain(chain.into_iter().flatten().copied())
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
fn follow_aliases<'a>(message: Message<'a>, question: &Question) -> Result<Chain<'a>, AnswerError> {
    let wanted = question.record_type();
    let records: Option<Vec<Owned<'a>>> = message
        .answer_records()
        .map(|record| Some((record.folded_owner()?, record)))
        .collect();
    let mut records = records
        .filter(|all| all.len() == usize::from(message.answer_count()))
        .ok_or(AnswerError::Broken)?;
    let is_empty = records.is_empty();
    records.retain(|(_, record)| is_of_class(record, question.class()));
    let mut names = vec![question.folded_name()];
    let mut dnames = Vec::new();
    // The last name as the server writes it.
    let mut end = question.folded_name();
    loop {
        let name = &names[names.len() - 1];
        let is_end = |(owner, record): &Owned<'_>| owner == name && is_of_type(record, wanted);
        if records.iter().any(is_end) {
            break;
        }
        let Some((target, dname)) = alias_of(&records, name)? else {
            break;
        };
        end = target.clone();
        let target = folded(target);
        if names.contains(&target) {
            return Err(AnswerError::Loop);
        }
        if names.len() > ALIASES_MAX {
            return Err(AnswerError::TooManyAliases);
        }
        dnames.extend(dname);
        names.push(target);
    }
    let last = &names[names.len() - 1];
    let picked: Vec<_> = records
        .iter()
        .filter(|(owner, record)| {
            let is_dname = signed_type(record) == RecordType::DNAME;
            names.contains(owner) || is_dname && dnames.contains(owner)
        })
        .map(|(owner, record)| (*record, owner == last && is_of_type(record, wanted)))
        .collect();
    if picked.is_empty() && !is_empty {
        return Err(AnswerError::Unrelated);
    }
    Ok(Chain {
        records: picked,
        end,
        has_alias: names.len() > 1,
    })
}

/// A record with its owner.
type Owned<'a> = (WireName, RecordView<'a>);

/// Where the alias of `name` leads, if it has one, and the owner of the DNAME record that applies.
fn alias_of(
    records: &[Owned<'_>],
    name: &WireName,
) -> Result<Option<(WireName, Option<WireName>)>, AnswerError> {
    let of_type = |wanted| {
        let records = records.iter();
        records.filter(move |(_, record)| record.record_type == wanted)
    };
    let target = |record: &RecordView<'_>| record.target().ok_or(AnswerError::Broken);
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
    let mut led = WireName::from_slice(&name[..name.len() - owner.len()]);
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

fn is_of_class(record: &RecordView<'_>, class: Class) -> bool {
    record.class == class || class == Class::ANY
}

fn is_of_type(record: &RecordView<'_>, wanted: RecordType) -> bool {
    record.record_type == wanted || wanted == RecordType::ANY
}

/// Whether `name` has labels before `end`, and ends with it.
pub(super) fn is_below(name: &[u8], end: &[u8]) -> bool {
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
            let mut question = question();
            question.set_class(Class(class));
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
