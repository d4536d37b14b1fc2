//! Lists of ports such as `80,443,8000-8010,pop3`.

use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;

use crate::parse::shorten;
use crate::{PortsError, Protocol, services};

/// At least one port, in the given order and without duplicates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ports(Arc<[u16]>);

impl Ports {
    /// Parses a comma-separated list of numbers, ranges `first-last` and names of services (as in
    /// `/etc/services`, in any case). Duplicates are ignored.
    ///
    /// # Errors
    ///
    /// If an item is none of these.
    pub fn parse(text: &str, protocol: Protocol) -> Result<Self, PortsError> {
        let mut seen = [false; 1 << 16];
        let mut ports = Vec::new();
        for item in text.split(',') {
            let (first, last) = parse_item(item.trim(), protocol)?;
            for port in first.get()..=last.get() {
                if !std::mem::replace(&mut seen[usize::from(port)], true) {
                    ports.push(port);
                }
            }
        }
        Ok(Self(ports.into()))
    }

    /// These of the ports, in this order. `None` if they are none.
    pub(crate) fn select(&self, some: impl Iterator<Item = u16>) -> Option<Self> {
        let some: Arc<[u16]> = some.collect();
        (!some.is_empty()).then_some(Self(some))
    }

    /// The ports in order.
    pub fn as_slice(&self) -> &[u16] {
        &self.0
    }
}

impl From<NonZeroU16> for Ports {
    fn from(port: NonZeroU16) -> Self {
        Self(Arc::new([port.get()]))
    }
}

impl fmt::Display for Ports {
    /// A list that can be parsed, with ranges for consecutive ports.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let runs = self
            .0
            .chunk_by(|port, next| port.checked_add(1) == Some(*next));
        for (place, run) in runs.enumerate() {
            let comma = if place == 0 { "" } else { "," };
            match run {
                [first, .., last] => write!(f, "{comma}{first}-{last}")?,
                _ => write!(f, "{comma}{}", run[0])?,
            }
        }
        Ok(())
    }
}

/// Parses a port: a number or the name of a service.
pub(crate) fn parse_port(text: &str, protocol: Protocol) -> Result<NonZeroU16, PortsError> {
    if text.is_empty() {
        return Err(PortsError::Empty);
    }
    if is_number(text) {
        // A number that does not fit is greater than 65535, too.
        return text
            .parse()
            .map_err(|_| PortsError::OutOfRange(shorten(text)));
    }
    if let Some(port) = services::port(text, protocol) {
        return Ok(port);
    }
    let given = shorten(text);
    Err(match services::port(text, protocol.other()) {
        Some(_) => PortsError::OtherProtocol(given, protocol.other()),
        None => PortsError::UnknownService(given),
    })
}

fn parse_item(text: &str, protocol: Protocol) -> Result<(NonZeroU16, NonZeroU16), PortsError> {
    let Some((first, last)) = text.split_once('-').filter(|(first, last)| {
        // Names may have dashes and may begin with a digit.
        is_number(first.trim_end()) && (last.is_empty() || is_number(last.trim_start()))
    }) else {
        return parse_port(text, protocol).map(|port| (port, port));
    };
    if last.is_empty() {
        return Err(PortsError::HalfRange(shorten(text)));
    }
    let first = parse_port(first.trim_end(), protocol)?;
    let last = parse_port(last.trim_start(), protocol)?;
    if first > last {
        return Err(PortsError::Backwards(first, last));
    }
    Ok((first, last))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tcp(text: &str) -> Result<Vec<u16>, String> {
        Ports::parse(text, Protocol::Tcp)
            .map(|ports| ports.as_slice().to_vec())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn lists_keep_their_order_and_ask_once() {
        for (text, ports) in [
            ("80", &[80][..]),
            ("443,80", &[443, 80]),
            ("www,443,8000-8003", &[80, 443, 8000, 8001, 8002, 8003]),
            ("8002,8000-8003,HTTP,80", &[8002, 8000, 8001, 8003, 80]),
            (" 1 , 3 - 4 ", &[1, 3, 4]),
            ("65535-65535,1-1", &[65535, 1]),
            ("080", &[80]),
            ("http-alt,netbios-ssn,pop-3", &[8080, 139, 110]),
        ] {
            assert_eq!(tcp(text).as_deref(), Ok(ports), "{text}");
        }
        assert_eq!(tcp("1-65535").unwrap().len(), 65535);
        let udp = Ports::parse("time,ntp", Protocol::Udp).unwrap();
        assert_eq!(udp.as_slice(), [37, 123]);
    }

    #[test]
    fn bad_ports_are_named() {
        for (text, reason) in [
            ("", "a port is missing"),
            ("80,,443", "a port is missing"),
            ("80,", "a port is missing"),
            ("0", "port 0 is not between 1 and 65535"),
            ("0-80", "port 0 is not between 1 and 65535"),
            ("65536", "port 65536 is not between 1 and 65535"),
            (
                "99999999999999999999",
                "port 99999999999999999999 is not between 1 and 65535",
            ),
            ("90-80", "the port range is reversed; write 80-90"),
            ("80-", "\"80-\" is half a range; expected FIRST-LAST"),
            (
                "-80",
                "unknown service \"-80\"; expected a port number or a name from /etc/services",
            ),
            (
                "+80",
                "unknown service \"+80\"; expected a port number or a name from /etc/services",
            ),
            ("ntp", "\"ntp\" is a service of udp, not of tcp"),
            (
                "www,bogus",
                "unknown service \"bogus\"; expected a port number or a name from /etc/services",
            ),
        ] {
            assert_eq!(tcp(text), Err(reason.to_owned()), "{text:?}");
        }
        assert!(tcp(&"x".repeat(5000)).unwrap_err().len() < 200);
    }

    #[test]
    fn runs_are_shown_as_ranges() {
        for text in ["80", "1-65535", "443,80-82,7", "5,4,3", "65535,1-2"] {
            let ports = Ports::parse(text, Protocol::Tcp).unwrap();
            assert_eq!(ports.to_string(), text);
        }
    }

    proptest! {
        #[test]
        fn every_list_reads_back(items in prop::collection::vec((1u16.., 0u16..50), 1..12)) {
            let text: Vec<String> = items
                .iter()
                .map(|(first, more)| format!("{first}-{}", first.saturating_add(*more)))
                .collect();
            let ports = Ports::parse(&text.join(","), Protocol::Tcp).unwrap();
            let mut once = Vec::new();
            for (first, more) in items {
                for port in first..=first.saturating_add(more) {
                    if !once.contains(&port) {
                        once.push(port);
                    }
                }
            }
            prop_assert_eq!(ports.as_slice(), &once[..]);
            prop_assert_eq!(Ports::parse(&ports.to_string(), Protocol::Udp), Ok(ports));
        }

        #[test]
        fn every_text_is_a_list_or_an_error(text in "[0-9a-z,+ \u{e9}-]{0,40}") {
            match Ports::parse(&text, Protocol::Tcp) {
                Ok(ports) => prop_assert!(!ports.as_slice().contains(&0)),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }
}
