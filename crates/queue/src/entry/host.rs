//! Parses hosts (addresses, names, CIDRs and ranges) with an optional port.

use std::net::IpAddr;

use canvass_model::{DnsName, Host};

use super::shown;
use crate::parse::{self, AddressRange, ParseError, ParsedTarget, explain_address, parse_address};
use crate::scope::parse_scoped;

/// The hosts of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Hosts {
    /// One host, by address or by name.
    One(Host),
    /// All addresses of a CIDR or a range.
    AddressRange(AddressRange),
}

/// Splits a text into hosts and port.
///
/// A colon is part of an IPv6 address unless the address is in brackets or the colon follows a
/// slash, as in `2001:db8::/64:443`.
pub(super) fn split_port(text: &str) -> (&str, Option<&str>) {
    let from = if text.starts_with('[') {
        text.find(']').unwrap_or(text.len())
    } else if text.matches(':').nth(1).is_some() {
        text.find('/').unwrap_or(text.len())
    } else {
        0
    };
    match text[from..].find(':') {
        Some(at) => (&text[..from + at], Some(&text[from + at + 1..])),
        None => (text, None),
    }
}

/// Parses an address, a name, a CIDR or a range `first-last`. IPv6 may be in brackets.
pub(super) fn parse_hosts(text: &str) -> Result<Hosts, String> {
    if text.contains('%') {
        // Names of interfaces may have dashes.
        return parse_host(text).map(Hosts::One);
    }
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let span_text = match inner {
        Some(inner) if inner.contains(['/', '-']) => inner,
        None if text.contains('/') || is_range(text) => text,
        _ => return parse_host(text).map(Hosts::One),
    };
    match parse::parse(span_text) {
        Ok(ParsedTarget::AddressRange(span)) if inner.is_none_or(|inner| inner.contains(':')) => {
            Ok(Hosts::AddressRange(span))
        }
        Ok(_) => Err("only IPv6 addresses go in brackets".to_owned()),
        Err(ParseError::Invalid(reason)) => Err(reason),
        Err(ParseError::NotAddress) => Err(format!(
            "{:?} is not a host, a CIDR or a range",
            shown(text)
        )),
    }
}

/// Parses an address (IPv6 with or without brackets, and a scope) or a name.
///
/// An IPv4 address must have four decimal octets. In URLs `010.1.2.3` is 8.1.2.3, `1.2.3` is
/// 1.2.0.3 and `0x7f.1` is 127.0.0.1; such forms are refused lest the wrong host is probed.
pub(super) fn parse_host(text: &str) -> Result<Host, String> {
    if let Some(address) = parse_address(text) {
        return Ok(Host::Address(address));
    }
    if let Some(scoped) = parse_scoped(text) {
        return scoped.map_err(|error| error.to_string());
    }
    if text.starts_with('[') {
        return match parse::parse(text) {
            Ok(ParsedTarget::Address(address)) => Ok(Host::Address(address)),
            Err(ParseError::Invalid(reason)) => Err(reason),
            _ => Err(no_host(text)),
        };
    }
    if let Some(ParseError::Invalid(reason)) = explain_address(text) {
        return Err(reason);
    }
    // The URL parser would decode it.
    if text.is_empty() || text.contains('%') {
        return Err(no_host(text));
    }
    match Host::parse(text) {
        Some(Host::Name(name)) => check_name(&name, text).map(|()| Host::Name(name)),
        Some(_) => Err("an IPv4 address is four decimal octets".to_owned()),
        None => Err(no_host(text)),
    }
}

/// Whether a text looks like an address.
pub(super) fn is_address_like(text: &str) -> bool {
    let mut bytes = text.bytes();
    !text.is_empty()
        && if text.matches(':').nth(1).is_some() {
            bytes.all(|byte| byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.'))
        } else {
            bytes.all(|byte| byte.is_ascii_digit() || byte == b'.')
        }
}

/// Whether a text looks like a range. Names have dashes and digits too.
fn is_range(text: &str) -> bool {
    let Some((first, last)) = text.split_once('-') else {
        return false;
    };
    let (first, last) = (first.trim(), last.trim());
    // "1.2-3" may be a name, but a name cannot end with a numeric label.
    is_address_like(first)
        && is_address_like(last)
        && (first.parse::<IpAddr>().is_ok() || last.contains(['.', ':']))
}

/// Checks that a name is a host name: RFC 1123 §2.1, and underscores, which are used in practice.
fn check_name(name: &str, text: &str) -> Result<(), String> {
    let strange = |char: &char| !(char.is_ascii_alphanumeric() || "-_.".contains(*char));
    if let Some(char) = name.chars().find(strange) {
        return Err(format!(
            "{:?} is not a host name: it contains {char:?}",
            shown(text)
        ));
    }
    match name.parse::<DnsName>() {
        Ok(name) if name.wire().len() > 1 => Ok(()),
        Ok(_) => Err(no_host(text)),
        Err(error) => Err(error.to_string()),
    }
}

fn no_host(text: &str) -> String {
    format!("{:?} is neither an IP address nor a host name", shown(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(text: &str) -> String {
        parse_hosts(text).unwrap_err()
    }

    #[test]
    fn hosts_are_brought_into_one_form() {
        for (text, shown) in [
            ("192.0.2.1", "192.0.2.1"),
            ("2001:DB8::1", "[2001:db8::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("fe80::1%lo", "[fe80::1%lo]"),
            ("[FE80::1%7]", "[fe80::1%7]"),
            ("[::ffff:c000:201]", "192.0.2.1"),
            ("Example.NET", "example.net"),
            ("example.net.", "example.net."),
            ("b\u{fc}cher.example", "xn--bcher-kva.example"),
            ("_dmarc.example.net", "_dmarc.example.net"),
            ("localhost", "localhost"),
            ("10-0-0-1.example.net", "10-0-0-1.example.net"),
            (
                "192.0.2.1-static.example.net",
                "192.0.2.1-static.example.net",
            ),
            ("1-2", "1-2"),
            ("1.2-3", "1.2-3"),
            ("3com.example", "3com.example"),
        ] {
            match parse_hosts(text) {
                Ok(Hosts::One(host)) => assert_eq!(host.to_string(), shown, "{text}"),
                other => panic!("{text} gave {other:?}"),
            }
        }
    }

    #[test]
    fn cidrs_and_ranges_are_spans() {
        for (text, first, last) in [
            ("192.0.2.0/30", 0xc000_0200, 0xc000_0203),
            ("192.0.2.1-192.0.2.9", 0xc000_0201, 0xc000_0209),
            ("192.0.2.1 - 192.0.2.1", 0xc000_0201, 0xc000_0201),
            ("::4/126", 4, 7),
            ("[::4/126]", 4, 7),
            ("[::ffff:192.0.2.0/126]", 0xc000_0200, 0xc000_0203),
            ("[::4-::5]", 4, 5),
            ("::4-::5", 4, 5),
        ] {
            match parse_hosts(text) {
                Ok(Hosts::AddressRange(span)) => assert_eq!((span.first, span.last), (first, last)),
                other => panic!("{text} gave {other:?}"),
            }
        }
    }

    #[test]
    fn odd_addresses_are_not_taken_for_others() {
        for (text, part) in [
            ("010.1.2.3", "write 10.1.2.3"),
            ("256.1.2.3", "the octet 256 is over 255"),
            ("1.2.3", "four octets"),
            ("2130706433", "four octets"),
            ("127.0.0.1.", "an octet is empty"),
            ("0x7f.1", "four decimal octets"),
            ("0x7f000001", "four decimal octets"),
            ("\u{ff11}27.0.0.1", "four decimal octets"),
            ("127\u{3002}0.0.1", "four decimal octets"),
            ("%31%32%37.0.0.1", "neither an IP address nor a host name"),
            ("example%2enet", "neither an IP address nor a host name"),
            ("fe80::1%nosuch0", "no network interface \"nosuch0\""),
            ("[fe80::1%nosuch0]", "no network interface \"nosuch0\""),
            ("192.0.2.1%lo", "192.0.2.1 has no scope"),
            ("fe80::/64%lo", "neither an IP address nor a host name"),
            ("[192.0.2.1]", "only IPv6 addresses"),
            ("[10.0.0.0/8]", "only IPv6 addresses"),
            ("[10.0.0.1/8]", "the network is 10.0.0.0/8"),
            ("2001:db8:::1", "not a well-formed IPv6 address"),
            ("10.1.2.3/8", "the network is 10.0.0.0/8"),
            ("010.0.0.0/8", "leading zeros"),
            ("192.0.2.9-192.0.2.1", "write 192.0.2.1-192.0.2.9"),
            ("192.0.2.1-50", "\"50\" is not an address"),
            ("192.0.2.300-192.0.2.310", "the octet 300 is over 255"),
        ] {
            assert!(reason(text).contains(part), "{text}: {}", reason(text));
        }
    }

    #[test]
    fn names_that_no_host_can_have_are_bad() {
        let label = "a".repeat(63);
        let full = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        assert!(parse_host(&full).is_ok());
        assert!(parse_host(&format!("{full}.")).is_ok());
        for (text, part) in [
            (format!("{full}a"), "more than 255 octets"),
            (format!("{label}a.example"), "a label has 64 octets"),
            ("a..b".into(), "empty label"),
            (".a".into(), "empty label"),
            ("".into(), "neither an IP address nor a host name"),
            (".".into(), "an octet is empty"),
            ("a b".into(), "neither an IP address nor a host name"),
            ("a@b".into(), "neither an IP address nor a host name"),
            ("[::1".into(), "neither an IP address nor a host name"),
            ("[]".into(), "only IPv6 addresses"),
            ("a\\b".into(), "neither an IP address nor a host name"),
            ("xn--\u{fc}".into(), "neither an IP address nor a host name"),
            ("a!b.example".into(), "contains '!'"),
            ("*.example.net".into(), "contains '*'"),
            ("example.net/x".into(), "not a host, a CIDR or a range"),
        ] {
            assert!(reason(&text).contains(part), "{text}: {}", reason(&text));
        }
    }

    #[test]
    fn ports_are_told_from_addresses() {
        for (text, host, port) in [
            ("example.net", "example.net", None),
            ("example.net:80", "example.net", Some("80")),
            ("example.net:", "example.net", Some("")),
            ("192.0.2.1:pop3", "192.0.2.1", Some("pop3")),
            ("2001:db8::1", "2001:db8::1", None),
            ("[2001:db8::1]", "[2001:db8::1]", None),
            ("[2001:db8::1]:80", "[2001:db8::1]", Some("80")),
            ("10.0.0.0/8:80", "10.0.0.0/8", Some("80")),
            ("2001:db8::/64", "2001:db8::/64", None),
            ("2001:db8::/64:80", "2001:db8::/64", Some("80")),
            ("[2001:db8::/64]:80", "[2001:db8::/64]", Some("80")),
            ("192.0.2.1-192.0.2.9:80", "192.0.2.1-192.0.2.9", Some("80")),
            ("[::1-::2]:80", "[::1-::2]", Some("80")),
            ("::1-::2", "::1-::2", None),
            ("[::1", "[::1", None),
            ("a:b:c", "a:b:c", None),
            ("", "", None),
            (":", "", Some("")),
        ] {
            assert_eq!(split_port(text), (host, port), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_text_is_hosts_or_bad(text in "[0-9a-fx:./%\\[\\] @\u{e9}-]{0,40}|\\PC{0,40}") {
            let (host, port) = split_port(&text);
            prop_assert_eq!(port.map_or(host.len(), |port| host.len() + 1 + port.len()), text.len());
            match parse_hosts(host) {
                Ok(Hosts::One(Host::Name(name))) => {
                    prop_assert!(name.parse::<DnsName>().is_ok());
                    prop_assert_eq!(parse_host(&name), Ok(Host::Name(name)));
                }
                Ok(_) => {}
                Err(reason) => prop_assert!(!reason.is_empty()),
            }
        }

        #[test]
        fn every_host_reads_back_with_its_port(
            host in prop_oneof![
                any::<u32>().prop_map(|bits| Host::Address(std::net::Ipv4Addr::from_bits(bits).into())),
                any::<u128>().prop_map(|bits| Host::Address(std::net::Ipv6Addr::from_bits(bits).into())),
                "[a-z]([a-z0-9-]{0,9}[a-z0-9])?(\\.[a-z][a-z0-9]{0,9}){0,3}"
                    .prop_map(|name| Host::Name(name.into())),
            ],
            port: u16,
        ) {
            let (text, port) = (format!("{host}:{port}"), port.to_string());
            let (host_text, port_text) = split_port(&text);
            prop_assert_eq!(port_text, Some(&*port));
            prop_assert_eq!(parse_hosts(host_text), Ok(Hosts::One(host)));
        }
    }
}
