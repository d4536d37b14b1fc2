//! Parses lines of lookups by the system's resolver: addresses or names.

use canvass_model::{DnsName, Host, RecordType, Target};

use super::host::parse_hosts;
use super::{Entry, Hosts, Types};
use crate::parse::is_written;

pub(super) fn parse(text: &str) -> Result<Entry, String> {
    match parse_hosts(text)? {
        Hosts::AddressRange(span) => Ok(Entry::AddressRange(span, Types::Asked)),
        Hosts::One(Host::Address(address)) => {
            let given = (!is_written(address, text)).then(|| text.into());
            Ok(Entry::One(Target::Address { address, given }, Types::Asked))
        }
        Hosts::One(Host::Scoped(_)) => {
            Err("a scope says where an address is reached, and only names are looked up".to_owned())
        }
        Hosts::One(Host::Name(name)) => {
            let name = name.parse::<DnsName>().map_err(|error| error.to_string())?;
            let given = text.into();
            Ok(Entry::One(
                Target::Name { name, given },
                Types::Only(RecordType::A),
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_names_are_told_apart() {
        for (text, types) in [
            ("192.0.2.1", Types::Asked),
            ("2001:db8::1", Types::Asked),
            ("example.net", Types::Only(RecordType::A)),
            ("example.net.", Types::Only(RecordType::A)),
            ("localhost", Types::Only(RecordType::A)),
            ("10-0-0-1.example.net", Types::Only(RecordType::A)),
        ] {
            match parse(text) {
                Ok(Entry::One(target, read)) => {
                    assert_eq!(read, types, "{text}");
                    let is_address = matches!(target, Target::Address { .. });
                    assert_eq!(is_address, types == Types::Asked, "{text}");
                }
                other => panic!("{text} gave {other:?}"),
            }
        }
        for text in ["192.0.2.0/28", "192.0.2.1-192.0.2.9"] {
            assert!(matches!(parse(text), Ok(Entry::AddressRange(..))), "{text}");
        }
    }

    #[test]
    fn what_is_neither_says_why() {
        for (text, part) in [
            ("192.0.2.300", "the octet 300 is over 255"),
            ("192.0.2.1/28", "the network is 192.0.2.0/28"),
            ("example.net MX", "neither an IP address nor a host name"),
            ("a..b", "an empty label"),
        ] {
            let reason = parse(text).unwrap_err();
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }
}
