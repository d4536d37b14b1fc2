//! Where libc's resolver looks besides DNS, to tell why its answer is another.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use super::question::{Found, Question};

/// The system's own table of hosts (hosts(5)).
const HOSTS: &str = "/etc/hosts";
/// Which sources libc asks, in order (nsswitch.conf(5)).
const NSSWITCH: &str = "/etc/nsswitch.conf";
/// Lines of the table that are read; a longer one is a list to block hosts by.
const HOSTS_LINES_MAX: usize = 1_000_000;
/// Where a daemon that caches for libc listens (nscd(8)).
const CACHE_SOCKETS: [(&str, &str); 2] = [
    ("/run/nscd/socket", "nscd"),
    (
        "/run/systemd/resolve/io.systemd.Resolve",
        "systemd-resolved",
    ),
];

/// What libc's resolver knows without DNS.
#[derive(Debug, Default)]
pub(super) struct LocalSources {
    names: HashMap<IpAddr, Vec<Box<str>>>,
    addresses: HashMap<Box<str>, Vec<IpAddr>>,
    /// Sources besides the table and DNS, as they are called in the configuration.
    others: Vec<Box<str>>,
    uses_hosts: bool,
}

impl LocalSources {
    /// Reads this system's configuration. What is not there adds nothing.
    pub(super) fn read() -> Self {
        let text = |path| std::fs::read_to_string(path).unwrap_or_default();
        Self::parse(&text(HOSTS), &text(NSSWITCH))
    }

    fn parse(hosts: &str, nsswitch: &str) -> Self {
        let mut sources = Self {
            uses_hosts: true,
            ..Self::default()
        };
        let order = nsswitch.lines().find_map(|line| {
            let line = line.split('#').next().unwrap_or_default().trim();
            line.strip_prefix("hosts:")
        });
        if let Some(order) = order {
            // What is in brackets says when to stop, and is no source.
            let words: Vec<&str> = order
                .split_whitespace()
                .filter(|word| !word.contains(['[', ']']))
                .collect();
            sources.uses_hosts = words.contains(&"files");
            sources.others = words
                .into_iter()
                .filter(|word| !matches!(*word, "files" | "dns"))
                .map(Into::into)
                .collect();
        }
        for line in hosts.lines().take(HOSTS_LINES_MAX) {
            let mut words = line
                .split('#')
                .next()
                .unwrap_or_default()
                .split_whitespace();
            let Some(address) = words.next().and_then(|word| word.parse::<IpAddr>().ok()) else {
                continue;
            };
            for name in words {
                let name: Box<str> = name.to_ascii_lowercase().into();
                sources
                    .addresses
                    .entry(name.clone())
                    .or_default()
                    .push(address);
                sources.names.entry(address).or_default().push(name);
            }
        }
        sources
    }

    /// Why libc found something else than DNS has, where that can be told.
    pub(super) fn reason(&self, question: &Question, libc_found: &Found) -> Option<String> {
        if self.uses_hosts && self.is_in_hosts(question, libc_found) {
            return Some(HOSTS.into());
        }
        // Another source may have it, or may have said that there is nothing.
        (!self.others.is_empty() && libc_found.is_something())
            .then(|| format!("perhaps {} of {NSSWITCH}", self.others.join(", ")))
    }

    /// The daemons on this machine that may answer for libc from a cache.
    pub(super) fn caches() -> Vec<&'static str> {
        CACHE_SOCKETS
            .into_iter()
            .filter(|(path, _)| Path::new(path).exists())
            .map(|(_, name)| name)
            .collect()
    }

    fn is_in_hosts(&self, question: &Question, libc_found: &Found) -> bool {
        match (question, libc_found) {
            (Question::Names(address), Found::Names(found)) => self
                .names
                .get(address)
                .is_some_and(|names| found.iter().all(|name| names.contains(name))),
            (Question::Addresses { .. }, Found::Addresses(found)) => {
                let name = question.shown().to_ascii_lowercase();
                let name = name.strip_suffix('.').unwrap_or(&name);
                self.addresses
                    .get(name)
                    .is_some_and(|known| found.iter().all(|address| known.contains(address)))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_hosts_is_told_from_other_sources() {
        let sources = LocalSources::parse(
            "127.0.0.1 localhost # us\n192.0.2.1\tPrinter.example printer\nbad line\n",
            "passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns myhostname\n",
        );
        let printer = Question::Names([192, 0, 2, 1].into());
        let other = Question::Names([192, 0, 2, 2].into());
        let found = Found::names(["printer.example"]);
        assert_eq!(sources.reason(&printer, &found).unwrap(), HOSTS);
        assert_eq!(
            sources.reason(&other, &found).unwrap(),
            "perhaps mdns4_minimal, myhostname of /etc/nsswitch.conf"
        );
        assert_eq!(
            sources.reason(&other, &Found::Nothing("EAI_NONAME".into())),
            None
        );
    }

    #[test]
    fn a_table_that_is_not_asked_explains_nothing() {
        let question = Question::Names([192, 0, 2, 1].into());
        let found = Found::names(["printer.example"]);
        let hosts = "192.0.2.1 printer.example";
        assert_eq!(
            LocalSources::parse(hosts, "hosts: dns").reason(&question, &found),
            None
        );
        assert!(
            LocalSources::parse(hosts, "")
                .reason(&question, &found)
                .is_some()
        );
    }
}
