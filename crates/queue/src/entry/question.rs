//! Parses questions in the form of a URI: `dns://RESOLVER/NAME?type=TYPE` (RFC 4501).

use canvass_model::{Class, DnsName, RecordType, Target};
use percent_encoding::percent_decode_str;

use super::{Entry, ParsedLine, Types};
use crate::parse::{parse_address, shorten};
use crate::resolver::parse_resolver;

/// Parses a question given as `text`, of which `rest` follows the scheme and its colon.
pub(super) fn parse(text: &str, rest: &str) -> Result<ParsedLine, String> {
    // Nothing is displayed of it: it may be a password.
    if rest.contains('@') {
        return Err("dns:// takes no credentials; write %40 for an @".to_owned());
    }
    let (resolver, question) = match rest.strip_prefix("//") {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "")),
        None => ("", rest),
    };
    let resolver = match resolver {
        "" => None,
        text => Some(Box::new(
            parse_resolver(text).map_err(|error| error.to_string())?,
        )),
    };
    let (name, query) = question.split_once('?').unwrap_or((question, ""));
    let record_type = parse_query(query)?;
    let name = percent_decode_str(name)
        .decode_utf8()
        .map_err(|_| "the name is not UTF-8 after percent decoding".to_owned())?;
    if name.is_empty() {
        return Err("the name is missing; write dns://RESOLVER/NAME, or dns:///NAME".to_owned());
    }
    let address = (record_type == RecordType::PTR).then(|| parse_address(&name));
    let given = text.into();
    let target = match address.flatten() {
        Some(address) => Target::Address {
            address,
            given: Some(given),
        },
        None => Target::Name {
            name: DnsName::from_unicode(&name).map_err(|error| error.to_string())?,
            given,
        },
    };
    Ok(ParsedLine {
        entry: Entry::One(target, Types::Only(record_type)),
        resolver,
    })
}

/// Parses `type=TYPE` and `class=IN`, each at most once, with `;` (RFC 4501 §3) or `&` between them.
fn parse_query(query: &str) -> Result<RecordType, String> {
    let mut record_type = None;
    let mut class = None;
    for parameter in query.split([';', '&']).filter(|text| !text.is_empty()) {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let repeated = if key.eq_ignore_ascii_case("type") {
            if value.contains(',') {
                return Err("an endpoint asks for one type; write a line for each".to_owned());
            }
            let parsed = value.parse::<RecordType>();
            record_type
                .replace(parsed.map_err(|error| error.to_string())?)
                .is_some()
        } else if key.eq_ignore_ascii_case("class") {
            let parsed = value.parse::<Class>().map_err(|error| error.to_string())?;
            if parsed != Class::IN {
                return Err("an endpoint is asked in the class IN".to_owned());
            }
            class.replace(parsed).is_some()
        } else {
            return Err(format!(
                "unknown parameter {:?}; a question has type and class",
                shorten(key)
            ));
        };
        if repeated {
            return Err(format!("the parameter {:?} is repeated", shorten(key)));
        }
    }
    Ok(record_type.unwrap_or(RecordType::A))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Target, type and resolver.
    fn read(text: &str) -> Result<(String, String, Option<String>), String> {
        let line = parse(text, text.strip_prefix("dns:").unwrap())?;
        let Entry::One(target, Types::Only(record_type)) = line.entry else {
            panic!("{text} gave {:?}", line.entry);
        };
        let (shown, given) = match target {
            Target::Name { name, given } => (name.to_string(), given),
            Target::Address { address, given } => (address.to_string(), given.unwrap()),
            other => panic!("{text} gave {other:?}"),
        };
        assert_eq!(&*given, text);
        let resolver = line.resolver.map(|resolver| resolver.to_string());
        Ok((shown, record_type.to_string(), resolver))
    }

    #[test]
    fn every_form_is_read() {
        let resolver = Some("192.0.2.53:53");
        for (text, name, record_type, resolver) in [
            (
                "dns://192.0.2.53/example.net",
                "example.net.",
                "A",
                resolver,
            ),
            (
                "dns://192.0.2.53:53/example.net.?type=mx",
                "example.net.",
                "MX",
                resolver,
            ),
            (
                "dns://[2001:db8::53]:5353/example.net?TYPE=type65",
                "example.net.",
                "HTTPS",
                Some("[2001:db8::53]:5353"),
            ),
            ("dns:///example.net?type=TXT", "example.net.", "TXT", None),
            ("dns:example.net?type=A;class=in", "example.net.", "A", None),
            ("dns:///.?class=IN&type=NS", ".", "NS", None),
            ("dns:///192.0.2.1?type=PTR", "192.0.2.1", "PTR", None),
            ("dns:///2001:db8::1?type=ptr", "2001:db8::1", "PTR", None),
            ("dns:///192.0.2.1", "192.0.2.1.", "A", None),
            (
                "dns:///0/25.2.0.192.in-addr.arpa?type=PTR",
                "0/25.2.0.192.in-addr.arpa.",
                "PTR",
                None,
            ),
            (
                "dns:///b%C3%BCcher.example",
                "xn--bcher-kva.example.",
                "A",
                None,
            ),
            ("dns:///a%5C.b.example", "a\\.b.example.", "A", None),
        ] {
            assert_eq!(
                read(text),
                Ok((name.into(), record_type.into(), resolver.map(Into::into))),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_question_says_why() {
        for (text, part) in [
            ("dns:", "the name is missing"),
            ("dns://192.0.2.53", "the name is missing"),
            ("dns://192.0.2.53/?type=A", "the name is missing"),
            (
                "dns://ns1.example.net/example.net",
                "\"ns1.example.net\" is not the IP address of a resolver",
            ),
            ("dns://192.0.2.53:0/a", "\"0\" is not a port"),
            ("dns:///a..b", "empty label"),
            ("dns:///a?type=A,MX", "one type"),
            ("dns:///a?type=BOGUS", "BOGUS"),
            ("dns:///a?type=", "unknown record type"),
            ("dns:///a?type=A&type=A", "\"type\" is repeated"),
            ("dns:///a?class=CH", "the class IN"),
            ("dns:///a?rd=0", "unknown parameter \"rd\""),
            ("dns:///%ff", "not UTF-8"),
            ("dns://user:secret@192.0.2.53/a", "takes no credentials"),
        ] {
            let reason = read(text).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
            assert!(!reason.contains("secret"), "{reason}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_taken_or_bad(text in "(//)?[0-9a-z.:/?=;&%\\[\\]-]{0,40}|\\PC{0,60}") {
            if let Err(reason) = parse(&text, &text) {
                prop_assert!(!reason.is_empty());
            }
        }
    }
}
