//! An answer section of any form: its aliases (CNAME, DNAME) are followed from the question.

use canvass_model::RecordType;

use super::{ALIASES_MAX, AnswerError, is_of_class};
use crate::dns::names::{NAME_OCTETS_MAX, WireName, folded, is_below};
use crate::dns::{Message, Question, RecordView};

/// The names that the aliases lead through.
#[derive(Debug)]
pub(super) struct Chain<'a> {
    /// The records of all of these names, in the order of the message, and whether the record is
    /// what was asked for.
    pub(super) records: Vec<(RecordView<'a>, bool)>,
    /// The last name; that of the question if there is no alias.
    pub(super) end: WireName,
    pub(super) has_alias: bool,
}

impl<'a> Chain<'a> {
    /// The records of the names that the aliases lead through, and whether they are at their end and
    /// of the type asked for.
    pub(super) fn follow(message: Message<'a>, question: &Question) -> Result<Self, AnswerError> {
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
        Ok(Self {
            records: picked,
            end,
            has_alias: names.len() > 1,
        })
    }
}

/// A record with its owner.
type Owned<'a> = (WireName, RecordView<'a>);

/// The target of the alias of `name`, if it has one, and the owner of the DNAME record that applies.
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
    // A DNAME usually comes with the equivalent CNAME (RFC 6672 §3.1).
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

fn is_of_type(record: &RecordView<'_>, wanted: RecordType) -> bool {
    record.record_type == wanted || wanted == RecordType::ANY
}
