//! An answer section of the usual form, which one walk without comparing names recognises.

use canvass_model::RecordType;

use super::ALIASES_MAX;
use crate::dns::message::HEADER_OCTETS;
use crate::dns::names::pointer_to;
use crate::dns::records::Records;
use crate::dns::{Message, Question};

/// An answer section as servers usually write it: each owner is a pointer to the question, or to the
/// target of the alias before it, so no name has to be compared.
#[derive(Debug)]
pub(super) struct PlainSection<'a> {
    /// The number of aliases.
    pub(super) aliases: usize,
    pub(super) records: Records<'a>,
    /// The records behind the aliases.
    pub(super) wanted: Records<'a>,
}

impl<'a> Message<'a> {
    /// The answer section, if it has this form. One with aliases only has not.
    #[inline]
    pub(super) fn plain_section(&self, question: &Question) -> Option<PlainSection<'a>> {
        let asked = question.type_and_class();
        let start = HEADER_OCTETS + question.wire().len();
        let (mut owner, mut at) = (HEADER_OCTETS, start);
        let (mut aliases, mut wanted_at) = (0, start);
        let count = usize::from(self.answer_count());
        for index in 0..count {
            let fixed: &[u8; 12] = self.octets().get(at..)?.first_chunk()?;
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
        if !is_plain || self.question_count() != 1 || at > self.octets().len() {
            return None;
        }
        Some(PlainSection {
            aliases,
            records: Records::new(*self, Some(start), count),
            wanted: Records::new(*self, Some(wanted_at), count - aliases),
        })
    }
}
