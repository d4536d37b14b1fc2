//! What one line or argument asks for.

use canvass_model::{DnsName, RecordType, Target};

use crate::TargetKind;
use crate::lines::BadLine;
use crate::spelling::{self, Misspelled, Span, Spelled, is_written, shorten};

/// What one line or argument asks for.
pub(crate) enum Entry {
    /// One target.
    One(Target, Types),
    /// Every address of a CIDR or a range.
    Span(Span),
}

/// Which record types are asked of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// Those that were asked for of the whole list.
    Asked,
    /// The one its line names.
    Only(RecordType),
}

/// Reads a line or an argument that is not blank.
pub(crate) fn parse(kind: &TargetKind, text: &str) -> Result<Entry, BadLine> {
    match kind {
        TargetKind::Ptr { .. } => parse_reverse(text),
        TargetKind::Dns { types } => parse_name_and_type(text, !types.is_empty()),
    }
    .map_err(|reason| BadLine {
        given: shorten(text),
        reason: reason.into(),
    })
}

fn parse_reverse(text: &str) -> Result<Entry, String> {
    // Before anything else: names after RFC 2317 §4 have slashes and dashes in them.
    if let Some(name) = parse_arpa_name(text) {
        let target = Target::Name {
            name: name?,
            given: text.into(),
        };
        return Ok(Entry::One(target, Types::Asked));
    }
    match spelling::parse(text) {
        Ok(Spelled::Address(address)) => {
            // IPv4 is read in its canonical form alone.
            let canonical = address.is_ipv4() || is_written(address, text);
            let given = (!canonical).then(|| text.into());
            Ok(Entry::One(Target::Address { address, given }, Types::Asked))
        }
        Ok(Spelled::Span(span)) => Ok(Entry::Span(span)),
        Err(Misspelled::Slip(reason)) => Err(reason),
        Err(Misspelled::Foreign) => Err(format!(
            "{:?} is not an address, a CIDR, a range or an .arpa name; to look up names use canvass dns",
            shorten(text)
        )),
    }
}

/// The name, if the text ends in `.arpa`.
fn parse_arpa_name(text: &str) -> Option<Result<DnsName, String>> {
    let stem = text.strip_suffix('.').unwrap_or(text);
    let suffix = stem.len().checked_sub(".arpa".len())?;
    if !stem.as_bytes()[suffix..].eq_ignore_ascii_case(b".arpa") {
        return None;
    }
    match text.parse::<DnsName>() {
        // The dot may have been escaped, and then it is part of a label.
        Ok(name) => name
            .labels()
            .last()
            .is_some_and(|label| label.eq_ignore_ascii_case(b"arpa"))
            .then_some(Ok(name)),
        Err(error) => Some(Err(error.to_string())),
    }
}

fn parse_name_and_type(text: &str, types_asked: bool) -> Result<Entry, String> {
    let mut words = text.split_ascii_whitespace();
    let name_text = words.next().unwrap_or(text);
    let types = match words.next() {
        Some(word) => Types::Only(word.parse::<RecordType>().map_err(|e| e.to_string())?),
        None if types_asked => Types::Asked,
        None => return Err("no record type was asked for, and the line names none".to_owned()),
    };
    if let Some(word) = words.next() {
        return Err(format!(
            "a name and a type make a line, and {:?} follows them",
            shorten(word)
        ));
    }
    let name = name_text.parse::<DnsName>().map_err(|e| e.to_string())?;
    let given = name_text.into();
    Ok(Entry::One(Target::Name { name, given }, types))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PTR: TargetKind = TargetKind::Ptr {
        forward_confirm: false,
    };

    fn dns() -> TargetKind {
        TargetKind::Dns {
            types: vec![RecordType::A],
        }
    }

    fn reason(kind: &TargetKind, text: &str) -> String {
        match parse(kind, text) {
            Err(bad) => {
                assert_eq!(bad.given, shorten(text));
                bad.reason.into()
            }
            Ok(_) => panic!("{text:?} was taken"),
        }
    }

    #[test]
    fn the_text_of_an_address_is_kept_only_where_it_says_more() {
        for (text, kept) in [
            ("192.0.2.1", false),
            ("2001:db8::1", false),
            ("2001:DB8::1", true),
            ("2001:db8:0::1", true),
            ("[2001:db8::1]", true),
            ("::ffff:192.0.2.1", false),
        ] {
            match parse(&PTR, text) {
                Ok(Entry::One(Target::Address { given, .. }, Types::Asked)) => {
                    assert_eq!(given.as_deref(), kept.then_some(text), "{text}");
                }
                _ => panic!("{text} is no address"),
            }
        }
    }

    #[test]
    fn arpa_names_are_names_whatever_is_in_them() {
        for text in [
            "1.2.0.192.in-addr.arpa",
            "1.0/25.2.0.192.in-addr.arpa",
            "0-127.2.0.192.IN-ADDR.ARPA.",
            "8.b.d.0.1.0.0.2.ip6.arpa",
            "home.arpa",
        ] {
            match parse(&PTR, text) {
                Ok(Entry::One(Target::Name { name, given }, Types::Asked)) => {
                    assert_eq!(&*given, text);
                    assert_eq!(name, text.parse().unwrap());
                }
                _ => panic!("{text} is no name"),
            }
        }
        assert!(reason(&PTR, "a..in-addr.arpa").contains("empty label"));
        assert!(reason(&PTR, "a b.in-addr.arpa").contains("blank"));
    }

    #[test]
    fn other_names_are_sent_to_the_other_command() {
        for text in [
            "example.net",
            "arpa",
            "xarpa",
            r"x\.arpa",
            "\u{e9}.arp",
            "\u{e9}",
        ] {
            assert_eq!(
                reason(&PTR, text),
                format!(
                    "{text:?} is not an address, a CIDR, a range or an .arpa name; to look up names use canvass dns"
                )
            );
        }
        assert!(reason(&PTR, "10.1.2.3/8").contains("the network is 10.0.0.0/8"));
        assert!(reason(&PTR, &"x".repeat(4000)).len() < 250);
    }

    #[test]
    fn a_line_may_name_its_type() {
        for (text, name, types) in [
            ("example.net", "example.net", Types::Asked),
            (
                "example.net AAAA",
                "example.net",
                Types::Only(RecordType::AAAA),
            ),
            (
                "example.net.\t type65 ",
                "example.net.",
                Types::Only(RecordType(65)),
            ),
        ] {
            match parse(&dns(), text) {
                Ok(Entry::One(Target::Name { given, .. }, read)) => {
                    assert_eq!((&*given, read), (name, types));
                }
                _ => panic!("{text} is no name"),
            }
        }
        assert!(reason(&dns(), "example.net BOGUS").contains("BOGUS"));
        assert!(reason(&dns(), "example.net A MX").contains("\"MX\" follows"));
        assert!(reason(&dns(), "a..b").contains("empty label"));
        let none = TargetKind::Dns { types: Vec::new() };
        assert!(reason(&none, "example.net").contains("no record type"));
        assert!(parse(&none, "example.net MX").is_ok());
    }

    proptest! {
        #[test]
        fn every_text_is_taken_or_bad(text in "\\PC{1,60}") {
            for kind in [PTR, dns()] {
                if let Err(bad) = parse(&kind, &text) {
                    prop_assert!(!bad.reason.is_empty());
                }
            }
        }
    }
}
