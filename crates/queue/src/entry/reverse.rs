//! Parses lines of ptr probes: addresses, CIDRs, ranges and `.arpa` names.

use std::net::IpAddr;

use canvass_model::{DnsName, Target};

use super::{Entry, Types, shown};
use crate::parse::{self, ParseError, ParsedTarget, is_written};

pub(super) fn parse(text: &str) -> Result<Entry, String> {
    // Must be first: names of RFC 2317 §4 have slashes and dashes.
    if let Some(name) = parse_arpa_name(text) {
        let target = Target::Name {
            name: name?,
            given: text.into(),
        };
        return Ok(Entry::One(target, Types::Asked));
    }
    match parse::parse(text) {
        Ok(parsed) => Ok(addresses(parsed, text, Types::Asked)),
        Err(ParseError::Invalid(reason)) => Err(reason),
        Err(ParseError::NotAddress) => Err(format!(
            "{:?} is not an address, a CIDR, a range or an .arpa name; to look up names use canvass dns",
            shown(text)
        )),
    }
}

/// Parses an address without brackets, the most frequent line.
pub(super) fn parse_address(text: &str) -> Option<Target> {
    let written: IpAddr = text.parse().ok()?;
    let address = written.to_canonical();
    // IPv4 addresses are parsed in canonical form only.
    let canonical = written.is_ipv4() || is_written(address, text);
    let given = (!canonical).then(|| text.into());
    Some(Target::Address { address, given })
}

/// The entry of addresses that were given as `text`.
pub(super) fn addresses(parsed: ParsedTarget, text: &str, types: Types) -> Entry {
    match parsed {
        ParsedTarget::Address(address) => {
            let given = (!is_written(address, text)).then(|| text.into());
            Entry::One(Target::Address { address, given }, types)
        }
        ParsedTarget::AddressRange(span) => Entry::AddressRange(span, types),
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
        // An escaped dot is part of a label.
        Ok(name) => name
            .labels()
            .last()
            .is_some_and(|label| label.eq_ignore_ascii_case(b"arpa"))
            .then_some(Ok(name)),
        Err(error) => Some(Err(error.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(text: &str) -> String {
        parse(text).unwrap_err()
    }

    #[test]
    fn the_text_of_an_address_is_kept_only_where_it_says_more() {
        for (text, kept) in [
            ("192.0.2.1", false),
            ("2001:db8::1", false),
            ("2001:DB8::1", true),
            ("2001:db8:0::1", true),
            ("[2001:db8::1]", true),
            ("::ffff:192.0.2.1", true),
        ] {
            match parse(text) {
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
            match parse(text) {
                Ok(Entry::One(Target::Name { name, given }, Types::Asked)) => {
                    assert_eq!(&*given, text);
                    assert_eq!(name, text.parse().unwrap());
                }
                _ => panic!("{text} is no name"),
            }
        }
        assert!(reason("a..in-addr.arpa").contains("empty label"));
        assert!(reason("a b.in-addr.arpa").contains("space"));
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
                reason(text),
                format!(
                    "{text:?} is not an address, a CIDR, a range or an .arpa name; to look up names use canvass dns"
                )
            );
        }
        assert!(reason("10.1.2.3/8").contains("the network is 10.0.0.0/8"));
        assert!(reason(&"x".repeat(4000)).len() < 250);
    }

    proptest! {
        #[test]
        fn every_text_is_taken_or_bad(text in "\\PC{1,60}") {
            if let Err(reason) = parse(&text) {
                prop_assert!(!reason.is_empty());
            }
        }
    }
}
