//! Parses lines of tcp and udp probes: hosts and ports.

use std::num::NonZeroU16;

use canvass_model::Target;

use super::host::{parse_hosts, split_port};
use super::{Entry, Hosts, Types, socket};
use crate::parse::is_written;
use crate::ports::parse_port;
use crate::target_template::TargetTemplate;
use crate::{Ports, Protocol};

/// Parses `host:port`, or hosts without a port, which get `ports` or `default_port`.
pub(super) fn parse(
    text: &str,
    protocol: Protocol,
    ports: Option<&Ports>,
    default_port: Option<NonZeroU16>,
) -> Result<Entry, String> {
    if let Some(entry) = socket::parse(text) {
        return match protocol {
            Protocol::Tcp => entry,
            Protocol::Udp => Err("unix: targets are for tcp and http, not for udp".to_owned()),
        };
    }
    if text.contains("://") {
        return Err("expected HOST:PORT, not a URL".to_owned());
    }
    let (hosts_text, port_text) = split_port(text);
    let hosts = parse_hosts(hosts_text)?;
    let port = match (port_text, ports, default_port) {
        (Some(text), ..) => parse_port(text, protocol).map_err(|error| error.to_string())?,
        (None, Some(ports), _) => {
            return Ok(Entry::Grid(hosts, TargetTemplate::Endpoint(ports.clone())));
        }
        (None, None, Some(port)) => port,
        (None, None, None) => {
            return Err(
                "the port is missing; write HOST:PORT, or give ports with --ports".to_owned(),
            );
        }
    };
    let host = match hosts {
        Hosts::One(host) => host,
        Hosts::AddressRange(_) => {
            return Ok(Entry::Grid(hosts, TargetTemplate::Endpoint(port.into())));
        }
    };
    let canonical = is_written(format_args!("{host}:{port}"), text);
    let target = Target::Endpoint {
        host,
        port: port.get(),
        given: (!canonical).then(|| text.into()),
    };
    Ok(Entry::One(target, Types::Asked))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn one(text: &str, default_port: u16) -> String {
        match parse(text, Protocol::Tcp, None, NonZeroU16::new(default_port)) {
            Ok(Entry::One(Target::Endpoint { host, port, given }, Types::Asked)) => {
                format!("{host}:{port} {}", given.as_deref().unwrap_or("-"))
            }
            other => panic!("{text} gave {other:?}"),
        }
    }

    fn reason(text: &str, protocol: Protocol) -> String {
        parse(text, protocol, None, None).unwrap_err()
    }

    #[test]
    fn an_endpoint_keeps_its_text_where_it_says_more() {
        for (text, shown) in [
            ("example.net:80", "example.net:80 -"),
            ("192.0.2.1:80", "192.0.2.1:80 -"),
            ("[2001:db8::1]:80", "[2001:db8::1]:80 -"),
            ("[2001:DB8::1]:80", "[2001:db8::1]:80 [2001:DB8::1]:80"),
            ("Example.net:pop3", "example.net:110 Example.net:pop3"),
            ("example.net:080", "example.net:80 example.net:080"),
            ("example.net", "example.net:25 example.net"),
            ("2001:db8::1", "[2001:db8::1]:25 2001:db8::1"),
        ] {
            assert_eq!(one(text, 25), shown);
        }
    }

    #[test]
    fn several_hosts_or_ports_are_a_grid() {
        let listed = Ports::parse("80,443", Protocol::Tcp).unwrap();
        for (text, ports, default_port, shown) in [
            ("example.net", Some(&listed), None, "80,443"),
            ("example.net", Some(&listed), Some(25), "80,443"),
            ("10.0.0.0/24", Some(&listed), None, "80,443"),
            ("10.0.0.0/24:ssh", Some(&listed), None, "22"),
            ("10.0.0.1-10.0.0.9:22", None, None, "22"),
            ("[2001:db8::/64]:22", None, None, "22"),
            ("10.0.0.0/24", None, Some(25), "25"),
        ] {
            match parse(
                text,
                Protocol::Tcp,
                ports,
                default_port.and_then(NonZeroU16::new),
            ) {
                Ok(Entry::Grid(_, TargetTemplate::Endpoint(ports))) => {
                    assert_eq!(ports.to_string(), shown, "{text}");
                }
                other => panic!("{text} gave {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_endpoint_says_why() {
        for (text, part) in [
            ("example.net", "the port is missing"),
            ("10.0.0.0/24", "the port is missing"),
            ("example.net:", "a port is missing"),
            ("example.net:0", "port 0 is not"),
            ("example.net:70000", "port 70000 is not"),
            ("example.net:bogus", "unknown service \"bogus\""),
            ("example.net:80,443", "unknown service \"80,443\""),
            ("example.net:ntp", "a service of udp, not of tcp"),
            ("10.1.2.3/8:80", "the network is 10.0.0.0/8"),
            ("010.1.2.3:80", "write 10.1.2.3"),
            (":80", "neither an IP address nor a host name"),
            ("http://example.net/", "expected HOST:PORT"),
            ("example.net/x:80", "not a host, a CIDR or a range"),
        ] {
            let reason = reason(text, Protocol::Tcp);
            assert!(reason.contains(part), "{text}: {reason}");
        }
    }

    #[test]
    fn sockets_of_the_file_system_are_for_tcp() {
        let socket = parse("unix:/run/x", Protocol::Tcp, None, None);
        assert!(matches!(socket, Ok(Entry::One(Target::Unix { .. }, _))));
        assert!(reason("unix:/run/x", Protocol::Udp).contains("not for udp"));
    }

    proptest! {
        #[test]
        fn every_text_is_taken_or_bad(text in "[0-9a-f:./%\\[\\] @-]{0,40}|\\PC{0,60}", udp: bool) {
            let protocol = if udp { Protocol::Udp } else { Protocol::Tcp };
            if let Err(reason) = parse(&text, protocol, None, NonZeroU16::new(7)) {
                prop_assert!(!reason.is_empty());
            }
        }
    }
}
