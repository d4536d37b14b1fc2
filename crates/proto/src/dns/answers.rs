//! What the answer section of a message says about its question.
//!
//! A record counts only if the aliases (CNAME, DNAME) lead from the question to its owner, in the
//! class that was asked for. Anything else that a server puts there is not believed.

mod chain;
mod plain_section;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use canvass_model::{Class, DnsName, Rcode, Record, RecordType};

use super::names::{WireName, folded};
use super::records::Records;
use super::{Message, Question, RecordView};
use chain::Chain;
use plain_section::PlainSection;

/// Aliases that are followed in one answer. Resolvers give up earlier.
const ALIASES_MAX: usize = 32;

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
    /// Aliases in order, then only the records that were asked for.
    Plain(PlainSection<'a>),
    /// Anything else.
    Chain(Chain<'a>),
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
        // Nearly every answer has this form.
        let section = match self.plain_section(question) {
            Some(plain) => Section::Plain(plain),
            None => Section::Chain(Chain::follow(*self, question)?),
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

    /// [`Self::wanted`], if these records follow one another in the message.
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

    /// Whether there is an alias, but no record of the type asked for.
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

fn is_of_class(record: &RecordView<'_>, class: Class) -> bool {
    record.class == class || class == Class::ANY
}

fn address(record: RecordView<'_>) -> Option<IpAddr> {
    match record.record_type {
        RecordType::A => <[u8; 4]>::try_from(record.data()).ok().map(IpAddr::from),
        _ => <[u8; 16]>::try_from(record.data()).ok().map(IpAddr::from),
    }
}
