//! The contents of a message besides its answer section: flags, OPT record, other sections.

use canvass_model::{HeaderFlags, ResponseDetails, Sections};

use super::edns::{OPT_OCTETS_MIN, ResponseOptions};
use super::{Message, QueryOptions, RecordView};

impl<'a> Message<'a> {
    /// What this reply to a query with `options` says besides the answer, as far as it can be read.
    pub fn details(&self, options: &QueryOptions) -> ResponseDetails {
        let opt = self.opt();
        let read = opt.map_or_else(ResponseOptions::default, |opt| {
            ResponseOptions::read(opt.data())
        });
        ResponseDetails {
            flags: HeaderFlags::from_header(self.flags()),
            edns: options.needs_edns().then_some(opt.is_some()),
            errors: read.errors,
            nsid: read.nsid,
            subnet: read.subnet,
            sections: options.sections.then(|| self.sections()),
        }
    }

    /// Whether the message may have EDNS(0) options: false where the only additional record is an
    /// OPT record without data at its end, and where there is none. This walks no record.
    #[inline]
    pub(crate) fn may_have_options(&self) -> bool {
        match self.additional_count() {
            0 => false,
            1 => !self
                .octets()
                .last_chunk::<OPT_OCTETS_MIN>()
                .is_some_and(|tail| matches!(tail, [0, 0, 41, .., 0, 0])),
            _ => true,
        }
    }

    /// The records of the authority section, as far as they can be walked.
    pub(super) fn authority_records(&self) -> impl Iterator<Item = RecordView<'a>> {
        let before = usize::from(self.answer_count());
        self.records()
            .skip(before)
            .take(usize::from(self.authority_count()))
    }

    /// The records of the additional section, as far as they can be walked.
    fn additional_records(&self) -> impl Iterator<Item = RecordView<'a>> {
        let before = usize::from(self.answer_count()) + usize::from(self.authority_count());
        self.records().skip(before)
    }

    /// The OPT record (RFC 6891 §6.1.1). If there are several, which is not allowed, the first.
    pub(super) fn opt(&self) -> Option<RecordView<'a>> {
        self.additional_records().find(RecordView::is_opt)
    }

    /// The records of the authority and additional sections whose owners can be read.
    fn sections(&self) -> Sections {
        let authority = self.authority_records();
        let additional = self.additional_records();
        Sections {
            authority: authority
                .filter_map(|record| record.presentation())
                .collect(),
            additional: additional
                .filter(|record| !record.is_opt())
                .filter_map(|record| record.presentation())
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{OptRecord, Question};
    use canvass_model::{Class, Record, RecordType};
    use proptest::prelude::*;

    const OPT_EMPTY: &[u8] = &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0];
    /// An OPT record with the extended error 3 and no text.
    const OPT_STALE: &[u8] = &[0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 15, 0, 2, 0, 3];
    /// The record `. 1 IN A 192.0.2.<last>`.
    const fn address(last: u8) -> [u8; 15] {
        [0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 192, 0, 2, last]
    }

    /// A reply to `1.2.0.192.in-addr.arpa PTR` with these records in its three sections.
    fn reply(sections: [&[&[u8]]; 3]) -> Vec<u8> {
        let mut wire = vec![0, 7, 0x85, 0xb0, 0, 1];
        for section in sections {
            wire.extend_from_slice(&(section.len() as u16).to_be_bytes());
        }
        wire.extend_from_slice(Question::reverse([192, 0, 2, 1].into()).wire());
        wire.extend(sections.concat().concat());
        wire
    }

    const ALL: QueryOptions = QueryOptions {
        sections: true,
        ..QueryOptions::PLAIN
    };

    fn details(wire: &[u8]) -> ResponseDetails {
        Message::new(wire).unwrap().details(&ALL)
    }

    fn codes(wire: &[u8]) -> Vec<u16> {
        let errors = details(wire).errors.into_iter();
        errors.map(|error| error.code).collect()
    }

    fn data(records: &[Record]) -> Vec<&str> {
        records.iter().map(|record| &*record.data).collect()
    }

    #[test]
    fn sections_are_told_apart_and_opt_is_no_record() {
        let (first, second, third) = (address(1), address(2), address(3));
        let wire = reply([&[&first], &[&second], &[OPT_STALE, &third]]);
        let details = details(&wire);
        let sections = details.sections.as_ref().unwrap();
        assert_eq!(data(&sections.authority), ["192.0.2.2"]);
        assert_eq!(data(&sections.additional), ["192.0.2.3"]);
        assert_eq!(sections.additional[0].class, Class::IN);
        assert_eq!(sections.additional[0].record_type, RecordType::A);
        assert_eq!(codes(&wire), [3]);
        let flags: Vec<_> = details.flags.names().collect();
        assert_eq!(flags, ["aa", "rd", "ra", "ad", "cd"]);
        let plain = Message::new(&wire).unwrap().details(&QueryOptions::PLAIN);
        assert_eq!((plain.sections, plain.edns), (None, None));
    }

    #[test]
    fn an_opt_record_counts_in_the_additional_section_and_the_first_counts() {
        let only_answer = reply([&[OPT_STALE], &[], &[]]);
        let only_authority = reply([&[], &[OPT_STALE], &[]]);
        let twice = reply([&[], &[], &[OPT_EMPTY, OPT_STALE]]);
        for (wire, expected) in [
            (only_answer, &[0_u16; 0][..]),
            (only_authority, &[]),
            (twice, &[]),
        ] {
            assert_eq!(codes(&wire), expected);
        }
        assert_eq!(codes(&reply([&[], &[], &[OPT_STALE, OPT_EMPTY]])), [3]);
    }

    #[test]
    fn whether_edns_was_used_is_known_where_it_was_needed() {
        let asking = QueryOptions {
            opt: Some(OptRecord::new(true, false, None)),
            ..QueryOptions::PLAIN
        };
        let edns = |wire: &[u8]| Message::new(wire).unwrap().details(&asking).edns;
        assert_eq!(edns(&reply([&[], &[], &[OPT_EMPTY]])), Some(true));
        assert_eq!(edns(&reply([&[], &[], &[]])), Some(false));
    }

    #[test]
    fn only_messages_that_may_have_options_are_walked() {
        let record = address(1);
        for (additional, expected) in [
            (&[][..], false),
            (&[OPT_EMPTY][..], false),
            (&[OPT_STALE][..], true),
            (&[&record[..]][..], true),
            (&[OPT_STALE, &record][..], true),
        ] {
            let wire = reply([&[&record], &[], additional]);
            let message = Message::new(&wire).unwrap();
            assert_eq!(message.may_have_options(), expected, "{additional:?}");
        }
    }

    proptest! {
        #[test]
        fn a_message_that_may_have_no_options_has_none(
            bytes in prop::collection::vec(any::<u8>(), 12..80),
            cut in 0usize..60,
        ) {
            let mut wire = reply([&[], &[], &[OPT_STALE]]);
            wire.truncate(wire.len() - cut.min(wire.len() - 12));
            for wire in [bytes, wire] {
                let Some(message) = Message::new(&wire) else { continue };
                let details = message.details(&ALL);
                prop_assert!(message.may_have_options() || details.errors.is_empty());
            }
        }
    }
}
