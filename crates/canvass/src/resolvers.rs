//! The list of resolvers.

use std::net::{IpAddr, SocketAddr};

use crate::exit::Failure;

/// The port of DNS (RFC 1035 §4.2).
const DNS_PORT: u16 = 53;
/// The resolvers of the system.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// Reads the values of `--resolver`: addresses, and files of addresses. Without any, reads
/// `/etc/resolv.conf`.
pub(crate) fn read(given: &[String]) -> Result<Vec<SocketAddr>, Failure> {
    let mut resolvers = Vec::new();
    if given.is_empty() {
        read_file(RESOLV_CONF, &mut resolvers)?;
        if resolvers.is_empty() {
            return Err(Failure::usage(format!(
                "{RESOLV_CONF} lists no resolver; give one with --resolver"
            )));
        }
    }
    for given in given {
        match address(given) {
            Some(address) => resolvers.push(address),
            None if std::fs::metadata(given).is_ok_and(|file| !file.is_dir()) => {
                let before = resolvers.len();
                read_file(given, &mut resolvers)?;
                if resolvers.len() == before {
                    return Err(Failure::usage(format!("{given} lists no resolver")));
                }
            }
            None => {
                return Err(Failure::usage(format!(
                    "the resolver {given:?} is neither an IP address (ADDR, ADDR:PORT, [ADDR]:PORT) nor \
                     a file; a resolver cannot be given by its host name"
                )));
            }
        }
    }
    let mut seen = std::collections::HashSet::new();
    resolvers.retain(|resolver| seen.insert(*resolver));
    Ok(resolvers)
}

/// Reads `192.0.2.1`, `192.0.2.1:5353`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:5353`.
fn address(text: &str) -> Option<SocketAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return (address.port() != 0).then_some(address);
    }
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    bare.parse::<IpAddr>()
        .ok()
        .map(|ip| SocketAddr::new(ip, DNS_PORT))
}

/// Reads a list of addresses, or a `resolv.conf`.
fn read_file(path: &str, resolvers: &mut Vec<SocketAddr>) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read resolvers from {path}: {error}")))?;
    for (at, line) in text.lines().enumerate() {
        let line = line.split(['#', ';']).next().unwrap_or_default().trim();
        let mut words = line.split_whitespace();
        let word = match words.next() {
            None => continue,
            Some("nameserver") => match words.next().unwrap_or_default() {
                // A link-local address with an interface: skipped, as other resolvers may be listed.
                scoped if scoped.contains('%') => continue,
                word => word,
            },
            Some("domain" | "search" | "options" | "sortlist" | "lookup" | "family") => continue,
            Some(word) => word,
        };
        match address(word) {
            Some(address) => resolvers.push(address),
            None => {
                let line = at + 1;
                return Err(Failure::usage(format!(
                    "{path}, line {line}: {word:?} is not the IP address of a resolver"
                )));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_default_port() {
        for (text, expected) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5353", "192.0.2.1:5353"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5353", "[2001:db8::1]:5353"),
        ] {
            assert_eq!(address(text), Some(expected.parse().unwrap()));
        }
        for bad in ["localhost", "192.0.2.1:0", "192.0.2", "", "192.0.2.1:x"] {
            assert_eq!(address(bad), None, "{bad}");
        }
    }
}
