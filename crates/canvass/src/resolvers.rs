//! The list of resolvers.

use std::fmt::Display;
use std::net::SocketAddr;

use canvass_queue::{ResolverError, parse_resolver};

use crate::exit::Failure;
use crate::message::message;

/// The resolvers of the system.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// The keyword of resolv.conf(5) before the address of a resolver.
const NAMESERVER: &str = "nameserver";
/// The other keywords, of glibc and of the BSDs.
const KEYWORDS: [&str; 6] = [
    "domain", "search", "options", "sortlist", "lookup", "family",
];

/// Reads the values of `--resolver`: addresses, and files of addresses. Without any, reads
/// `/etc/resolv.conf`. Prints which lines of a file are skipped, unless `quiet`.
pub(crate) fn read(given: &[String], quiet: bool) -> Result<Vec<SocketAddr>, Failure> {
    let mut resolvers = Vec::new();
    if given.is_empty() {
        resolvers = read_file(RESOLV_CONF, quiet)?;
        if resolvers.is_empty() {
            return Err(Failure::usage(format!(
                "{RESOLV_CONF} lists no resolver; give one with --resolver"
            )));
        }
    }
    for given in given {
        let error = match parse_resolver(given) {
            Ok(address) => {
                resolvers.push(address);
                continue;
            }
            Err(error) => error,
        };
        if std::fs::metadata(given).is_ok_and(|file| !file.is_dir()) {
            let listed = read_file(given, quiet)?;
            if listed.is_empty() {
                return Err(Failure::usage(format!("{given} lists no resolver")));
            }
            resolvers.extend(listed);
            continue;
        }
        return Err(Failure::usage(match error {
            ResolverError::NotAddress(_) | ResolverError::Port(_) => format!(
                "the resolver {given:?} is neither an IP address (ADDR, ADDR:PORT, [ADDR]:PORT, \
                 ADDR#PORT) nor a file; a resolver cannot be given by its host name"
            ),
            ResolverError::Scope(_) => {
                format!("the resolver {given:?}: {error}")
            }
        }));
    }
    let mut seen = std::collections::HashSet::new();
    resolvers.retain(|resolver| seen.insert(*resolver));
    Ok(resolvers)
}

fn read_file(path: &str, quiet: bool) -> Result<Vec<SocketAddr>, Failure> {
    let octets = std::fs::read(path)
        .map_err(|error| Failure::usage(format!("cannot read resolvers from {path}: {error}")))?;
    let file = ResolverFile::parse(&octets);
    if let Some(bad) = file.bad.first().filter(|_| !file.is_resolv_conf) {
        let (line, error) = (bad.line, &bad.error);
        return Err(Failure::usage(format!("{path}, line {line}: {error}")));
    }
    if let ([first, rest @ ..], false) = (&file.bad[..], quiet) {
        message(skipped(path, first, rest.len()));
    }
    Ok(file.resolvers)
}

fn skipped(path: &str, first: &BadLine, more: usize) -> impl Display {
    let BadLine { line, error } = first;
    let more = match more {
        0 => String::new(),
        1 => " (and another line)".to_owned(),
        more => format!(" (and {more} more lines)"),
    };
    format!("canvass: {path}: skipping line {line}{more}: {error}")
}

/// A list of addresses, or a `resolv.conf`.
#[derive(Default)]
struct ResolverFile {
    resolvers: Vec<SocketAddr>,
    /// A line begins with `nameserver`. Lines that are not understood are then skipped, as libc
    /// does. In a list of addresses they are errors: it has no other content, and a slip would make
    /// the list shorter.
    is_resolv_conf: bool,
    /// The lines that are not understood.
    bad: Vec<BadLine>,
}

/// A line that is not understood.
struct BadLine {
    /// The line number, from 1.
    line: usize,
    error: ResolverError,
}

impl ResolverFile {
    /// Parses the octets of a file, of which comments may be in any encoding.
    fn parse(octets: &[u8]) -> Self {
        let octets = octets.strip_prefix(b"\xef\xbb\xbf").unwrap_or(octets);
        let mut file = Self::default();
        for (line, octets) in (1..).zip(octets.split(|octet| *octet == b'\n')) {
            let text = String::from_utf8_lossy(octets);
            let mut words = without_comment(&text)
                .split(|char: char| char.is_whitespace() || char == '\0')
                .filter(|word| !word.is_empty());
            let address = match words.next() {
                None => continue,
                Some(NAMESERVER) => {
                    file.is_resolv_conf = true;
                    words.next().unwrap_or_default()
                }
                Some(word) if KEYWORDS.contains(&word) => continue,
                Some(word) => word,
            };
            match parse_resolver(address) {
                Ok(address) => file.resolvers.push(address),
                Err(error) => file.bad.push(BadLine { line, error }),
            }
        }
        file
    }
}

/// A line up to its comment. `;` begins one, and `#` does unless it is that of `ADDR#PORT`.
fn without_comment(line: &str) -> &str {
    let line = line.split(';').next().unwrap_or_default();
    let is_comment = |at: &usize| {
        let before = line[..*at].chars().next_back();
        let after = line[at + 1..].chars().next();
        before.is_none_or(char::is_whitespace) || !after.is_some_and(|char| char.is_ascii_digit())
    };
    let comment = line.match_indices('#').map(|(at, _)| at).find(is_comment);
    &line[..comment.unwrap_or(line.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(octets: &[u8]) -> (Vec<String>, Vec<(usize, String)>) {
        let file = ResolverFile::parse(octets);
        (
            file.resolvers.iter().map(SocketAddr::to_string).collect(),
            file.bad
                .iter()
                .map(|bad| (bad.line, bad.error.to_string()))
                .collect(),
        )
    }

    #[test]
    fn a_list_may_have_comments_and_ports() {
        let (resolvers, bad) = parsed(
            b"\xef\xbb\xbf192.0.2.1 a note\r\n# \xe9\n192.0.2.2#5353\t# \xe9\n192.0.2.3 #53\n\
              192.0.2.4#home\n192.0.2.5;x\n[2001:db8::1]#5353\n2001:db8::2:5353\n\n;\n#192.0.2.9",
        );
        assert_eq!(bad, []);
        assert_eq!(
            resolvers,
            [
                "192.0.2.1:53",
                "192.0.2.2:5353",
                "192.0.2.3:53",
                "192.0.2.4:53",
                "192.0.2.5:53",
                "[2001:db8::1]:5353",
                "[2001:db8::2:5353]:53",
            ]
        );
    }

    #[test]
    fn a_resolv_conf_may_have_anything_else() {
        let text = "search example.net\nnameserver 192.0.2.1#5353\noptions edns0\ntrust-ad\n\
                    nameserver ns.example.net\nnameserver\nnameserver fe80::1%7\n\
                    nameserver fe80::1%nosuch0\n\0\0\nnameserver 192.0.2.2\0x\n";
        let (resolvers, bad) = parsed(text.as_bytes());
        assert_eq!(
            resolvers,
            ["192.0.2.1:5353", "[fe80::1%7]:53", "192.0.2.2:53"]
        );
        let lines: Vec<usize> = bad.iter().map(|(line, _)| *line).collect();
        assert_eq!(lines, [4, 5, 6, 8]);
        assert!(ResolverFile::parse(text.as_bytes()).is_resolv_conf);
    }

    #[test]
    fn a_bad_port_is_an_error_and_not_a_comment() {
        let (resolvers, bad) = parsed(b"192.0.2.1#0\n192.0.2.1#65536\n192.0.2.1#53x\n");
        assert_eq!((resolvers.len(), bad.len()), (0, 3));
        assert_eq!(bad[0].1, "\"0\" is not a port from 1 to 65535");
    }
}
