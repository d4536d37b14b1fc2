//! Parses lines and arguments.

mod endpoint;
mod host;
mod lookup;
mod mixed;
mod name;
mod page;
mod password;
mod question;
mod reverse;
mod socket;

use std::net::SocketAddr;

use canvass_model::{ProbeSpec, RecordType, Target};
use memchr::memchr;

pub(crate) use host::Hosts;
pub(crate) use password::shown;

use crate::lines::BadLine;
use crate::parse::AddressRange;
use crate::resolver::parse_resolver;
use crate::target_template::TargetTemplate;
use crate::{Protocol, TargetKind};

/// The targets of a line or an argument.
#[derive(Debug)]
pub(crate) enum Entry {
    /// One target.
    One(Target, Types),
    /// All addresses of a CIDR or a range.
    AddressRange(AddressRange, Types),
    /// All targets of the hosts.
    Grid(Hosts, TargetTemplate),
}

impl Entry {
    /// What is asked of its targets.
    pub(crate) fn types(self) -> Types {
        match self {
            Self::One(_, types) | Self::AddressRange(_, types) => types,
            Self::Grid(..) => Types::Asked,
        }
    }
}

/// What is asked of a target: record types, or the probe of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Types {
    /// Those of the whole list.
    Asked,
    /// The one of the line.
    Only(RecordType),
    /// Several, at least two.
    Listed(Box<[RecordType]>),
    /// None, but the probe that the scheme of an endpoint stands for.
    Probe(ProbeSpec),
}

/// A parsed line or argument.
#[derive(Debug)]
pub(crate) struct ParsedLine {
    pub(crate) entry: Entry,
    /// The resolver that the line names.
    pub(crate) resolver: Option<Box<SocketAddr>>,
}

/// Parses a line or an argument that is not blank. A line of a lookup may end in ` @resolver`.
pub(crate) fn parse(kind: &TargetKind, text: &str) -> Result<ParsedLine, BadLine> {
    if matches!(kind, TargetKind::Ptr { .. })
        && let Some(target) = reverse::parse_address(text)
    {
        return Ok(ParsedLine {
            entry: Entry::One(target, Types::Asked),
            resolver: None,
        });
    }
    parse_line(kind, text).map_err(|reason| BadLine {
        given: shown(text),
        reason: reason.into(),
    })
}

/// What a bad line would have asked, as far as it is known.
pub(crate) fn types_of_bad(kind: &TargetKind, text: &str) -> Types {
    match kind {
        TargetKind::Endpoints { schemes } => mixed::types_of_bad(text, schemes),
        _ => Types::Asked,
    }
}

/// Splits `target @resolver`.
fn split_resolver(text: &str) -> (&str, Option<&str>) {
    if memchr(b'@', text.as_bytes()).is_none() {
        return (text, None);
    }
    match text.rsplit_once(|char: char| char.is_ascii_whitespace()) {
        Some((target, word)) if word.starts_with('@') => {
            (target.trim_ascii_end(), Some(&word[1..]))
        }
        _ => (text, None),
    }
}

fn parse_line(kind: &TargetKind, text: &str) -> Result<ParsedLine, String> {
    let (target, resolver) = match kind {
        TargetKind::Ptr { .. } | TargetKind::Dns { .. } => split_resolver(text),
        _ => (text, None),
    };
    let resolver = resolver.map(parse_resolver).transpose();
    let resolver = resolver.map_err(|error| error.to_string())?.map(Box::new);
    let entry = match kind {
        TargetKind::Ptr { .. } => reverse::parse(target),
        TargetKind::Dns { types } => name::parse(target, types),
        TargetKind::Lookups => lookup::parse(target),
        TargetKind::Http {
            ports, path_as_is, ..
        } => page::parse(target, ports.as_ref(), *path_as_is),
        TargetKind::Tcp {
            ports,
            default_port,
            ..
        } => endpoint::parse(target, Protocol::Tcp, ports.as_ref(), *default_port),
        TargetKind::Udp {
            ports,
            default_port,
            ..
        } => endpoint::parse(target, Protocol::Udp, ports.as_ref(), *default_port),
        TargetKind::Endpoints { schemes } => return mixed::parse(target, schemes),
    };
    Ok(ParsedLine {
        entry: entry?,
        resolver,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_lookup_may_name_its_resolver() {
        for (text, split) in [
            ("a", ("a", None)),
            ("a @192.0.2.1", ("a", Some("192.0.2.1"))),
            ("a MX \t@192.0.2.1#53", ("a MX", Some("192.0.2.1#53"))),
            (
                "192.0.2.1 - 192.0.2.9 @::1",
                ("192.0.2.1 - 192.0.2.9", Some("::1")),
            ),
            ("a@192.0.2.1", ("a@192.0.2.1", None)),
            ("@192.0.2.1", ("@192.0.2.1", None)),
            ("@192.0.2.1 a", ("@192.0.2.1 a", None)),
            ("a @", ("a", Some(""))),
        ] {
            assert_eq!(split_resolver(text), split, "{text}");
        }
        let kind = TargetKind::Ptr {
            forward_confirm: false,
        };
        let read = parse(&kind, "192.0.2.1 @192.0.2.53").unwrap();
        assert_eq!(
            read.resolver,
            Some(Box::new("192.0.2.53:53".parse().unwrap()))
        );
        let bad = parse(&kind, "192.0.2.1 @ns.example.net").unwrap_err();
        assert_eq!(&*bad.given, "192.0.2.1 @ns.example.net");
        assert_eq!(
            &*bad.reason,
            "\"ns.example.net\" is not the IP address of a resolver"
        );
    }
}
