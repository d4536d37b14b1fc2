//! Parses lines of dns probes: a name with an optional record type.

use canvass_model::{DnsName, RecordType, Target};

use super::{Entry, Types};
use crate::parse::shorten;

pub(super) fn parse(text: &str, types_asked: bool) -> Result<Entry, String> {
    let mut words = text.split_ascii_whitespace();
    let name_text = words.next().unwrap_or(text);
    let types = match words.next() {
        Some(word) => Types::Only(word.parse::<RecordType>().map_err(|e| e.to_string())?),
        None if types_asked => Types::Asked,
        None => return Err("the line has no record type, and none is given with --type".to_owned()),
    };
    if let Some(word) = words.next() {
        return Err(format!(
            "unexpected {:?} after the name and the type",
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

    fn reason(text: &str) -> String {
        parse(text, true).unwrap_err()
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
            match parse(text, true) {
                Ok(Entry::One(Target::Name { given, .. }, read)) => {
                    assert_eq!((&*given, read), (name, types));
                }
                _ => panic!("{text} is no name"),
            }
        }
        assert!(reason("example.net BOGUS").contains("BOGUS"));
        assert!(reason("example.net A MX").contains("unexpected \"MX\""));
        assert!(reason("a..b").contains("empty label"));
        assert!(
            parse("example.net", false)
                .unwrap_err()
                .contains("has no record type")
        );
        assert!(parse("example.net MX", false).is_ok());
    }

    proptest! {
        #[test]
        fn every_text_is_taken_or_bad(text in "\\PC{1,60}", types_asked: bool) {
            if let Err(reason) = parse(&text, types_asked) {
                prop_assert!(!reason.is_empty());
            }
        }
    }
}
