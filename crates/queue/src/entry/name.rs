//! Parses lines of dns probes: a name with optional record types.

use std::net::IpAddr;

use canvass_model::{DnsName, RecordType, Target};

use super::reverse::addresses;
use super::{Entry, Types};
use crate::parse::{self, ParseError, shorten};

/// Parses `name` or `name TYPE,...`. `asked` are the types for a name without. With PTR as the only
/// type, an address, a CIDR or a range is asked for its reverse names, as `dig -x` does.
pub(super) fn parse(text: &str, asked: &[RecordType]) -> Result<Entry, String> {
    let is_reverse = asked == [RecordType::PTR];
    // A range may have blanks.
    if is_reverse && let Ok(parsed) = parse::parse(text) {
        return Ok(addresses(parsed, text, Types::Asked));
    }
    let (name, types) = match split_blank(text) {
        None if asked.is_empty() => {
            return Err("the line has no record type, and none is given with --type".to_owned());
        }
        None => (text, Types::Asked),
        Some((name, types)) => (name, parse_types(types.trim_ascii_start())?),
    };
    if is_reverse && types == Types::Asked || types == Types::Only(RecordType::PTR) {
        match parse::parse(name) {
            Ok(parsed) => return Ok(addresses(parsed, name, types)),
            Err(ParseError::Invalid(reason)) if begins_with_address(name) => return Err(reason),
            Err(_) => {}
        }
    }
    let given = name.into();
    let name = DnsName::from_unicode(name).map_err(|error| error.to_string())?;
    Ok(Entry::One(Target::Name { name, given }, types))
}

/// Parses `TYPE,...`.
fn parse_types(text: &str) -> Result<Types, String> {
    if let Some((types, rest)) = split_blank(text) {
        let word = rest.split_ascii_whitespace().next().unwrap_or(types);
        return Err(format!(
            "unexpected {:?} after the name and the type",
            shorten(word)
        ));
    }
    let types: Result<Vec<RecordType>, _> = text.split(',').map(str::parse).collect();
    Ok(match types.map_err(|error| error.to_string())?[..] {
        [one] => Types::Only(one),
        ref several => Types::Listed(several.into()),
    })
}

/// Splits a text at its first blank.
fn split_blank(text: &str) -> Option<(&str, &str)> {
    let at = text.bytes().position(|byte| byte.is_ascii_whitespace())?;
    Some((&text[..at], &text[at + 1..]))
}

/// Whether a CIDR or a range begins with an address, as names do not.
fn begins_with_address(text: &str) -> bool {
    let first = text.split(['/', '-']).next().unwrap_or(text);
    first.len() < text.len() && first.parse::<IpAddr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const A: &[RecordType] = &[RecordType::A];
    const PTR: &[RecordType] = &[RecordType::PTR];

    fn reason(text: &str) -> String {
        parse(text, A).unwrap_err()
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
            (
                "example.net A,mx",
                "example.net",
                Types::Listed([RecordType::A, RecordType(15)].into()),
            ),
            ("m\u{fc}ller.example", "m\u{fc}ller.example", Types::Asked),
            ("192.0.2.1", "192.0.2.1", Types::Asked),
        ] {
            match parse(text.trim(), A) {
                Ok(Entry::One(Target::Name { given, .. }, read)) => {
                    assert_eq!((&*given, read), (name, types));
                }
                _ => panic!("{text} is no name"),
            }
        }
        assert!(reason("example.net BOGUS").contains("BOGUS"));
        assert!(reason("example.net A MX").contains("unexpected \"MX\""));
        assert!(reason("a..b").contains("empty label"));
        assert!(reason("example.net A,").contains("unknown record type"));
        assert!(reason("a.xn--\u{fc}").contains("label 2 of the name is not valid"));
        assert!(
            parse("example.net", &[])
                .unwrap_err()
                .contains("has no record type")
        );
        assert!(parse("example.net MX", &[]).is_ok());
    }

    #[test]
    fn addresses_have_reverse_names() {
        for (text, asked) in [
            ("192.0.2.1", PTR),
            ("::ffff:192.0.2.1", PTR),
            ("192.0.2.1 PTR", A),
            ("2001:db8::1 ptr", &[]),
        ] {
            let entry = parse(text, asked);
            assert!(
                matches!(entry, Ok(Entry::One(Target::Address { .. }, _))),
                "{text}: {entry:?}"
            );
        }
        for (text, asked) in [
            ("192.0.2.0/30", PTR),
            ("192.0.2.1 - 192.0.2.9", PTR),
            ("192.0.2.1-192.0.2.9 PTR", A),
        ] {
            let entry = parse(text, asked);
            assert!(
                matches!(entry, Ok(Entry::AddressRange(..))),
                "{text}: {entry:?}"
            );
        }
        for (text, asked) in [
            ("192.0.2.1", A),
            ("192.0.2.1", &[RecordType::A, RecordType::PTR]),
            ("192.0.2.1.", PTR),
            ("192.0.2.1 A,PTR", PTR),
            ("1.2.0.192.in-addr.arpa", PTR),
            ("0/25.2.0.192.in-addr.arpa", PTR),
            ("0-127.2.0.192.in-addr.arpa PTR", A),
            ("a-b.example", PTR),
            ("1-2.example", PTR),
        ] {
            let entry = parse(text, asked);
            assert!(
                matches!(entry, Ok(Entry::One(Target::Name { .. }, _))),
                "{text}: {entry:?}"
            );
        }
        assert!(
            parse("192.0.2.1/30", PTR)
                .unwrap_err()
                .contains("host bits")
        );
    }

    proptest! {
        #[test]
        fn every_text_is_taken_or_bad(text in "\\PC{1,60}", ptr: bool) {
            if let Err(reason) = parse(&text, if ptr { PTR } else { A }) {
                prop_assert!(!reason.is_empty());
            }
        }
    }
}
