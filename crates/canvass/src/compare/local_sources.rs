//! The sources of libc's resolver besides DNS, which explain why its answers differ.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use super::question::{LookupResult, Question};

/// The system's table of hosts (hosts(5)).
const HOSTS: &str = "/etc/hosts";
/// The sources of libc, in order (nsswitch.conf(5)).
const NSSWITCH: &str = "/etc/nsswitch.conf";
/// The number of lines of the table that are read. A longer one is a blocklist.
const HOSTS_LINES_MAX: usize = 1_000_000;
/// The sockets of daemons that cache for libc (nscd(8)).
const CACHE_SOCKETS: [(&str, &str); 2] = [
    ("/run/nscd/socket", "nscd"),
    (
        "/run/systemd/resolve/io.systemd.Resolve",
        "systemd-resolved",
    ),
];

/// What libc's resolver can answer without DNS.
#[derive(Debug, Default)]
pub(super) struct LocalSources {
    names: HashMap<IpAddr, Vec<Box<str>>>,
    addresses: HashMap<Box<str>, Vec<IpAddr>>,
    /// Sources besides the table and DNS, by their names in the configuration.
    others: Vec<Box<str>>,
    uses_hosts: bool,
}

impl LocalSources {
    /// Reads this system's configuration. A missing file counts as empty.
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
            // Brackets contain actions (`[NOTFOUND=return]`), not sources.
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

    /// Why the result of libc differs from DNS, if there is an explanation.
    pub(super) fn reason(&self, question: &Question, libc_result: &LookupResult) -> Option<String> {
        if self.uses_hosts && self.is_in_hosts(question, libc_result) {
            return Some(HOSTS.into());
        }
        // The result may be from one of the other sources.
        (!self.others.is_empty() && libc_result.has_records())
            .then(|| format!("perhaps {} of {NSSWITCH}", self.others.join(", ")))
    }

    /// The caching daemons on this machine that libc may use.
    pub(super) fn caches() -> Vec<&'static str> {
        CACHE_SOCKETS
            .into_iter()
            .filter(|(path, _)| Path::new(path).exists())
            .map(|(_, name)| name)
            .collect()
    }

    fn is_in_hosts(&self, question: &Question, libc_result: &LookupResult) -> bool {
        match (question, libc_result) {
            (Question::Names(address), LookupResult::Names(result)) => self
                .names
                .get(address)
                .is_some_and(|names| result.iter().all(|name| names.contains(name))),
            (Question::Addresses { .. }, LookupResult::Addresses(result)) => {
                let name = question.shown().to_ascii_lowercase();
                let name = name.strip_suffix('.').unwrap_or(&name);
                self.addresses
                    .get(name)
                    .is_some_and(|known| result.iter().all(|address| known.contains(address)))
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_hosts_is_distinguished_from_other_sources() {
        let sources = LocalSources::parse(
            "127.0.0.1 localhost # us\n192.0.2.1\tPrinter.example printer\nbad line\n",
            "passwd: files\nhosts: files mdns4_minimal [NOTFOUND=return] dns myhostname\n",
        );
        let printer = Question::Names([192, 0, 2, 1].into());
        let other = Question::Names([192, 0, 2, 2].into());
        let result = LookupResult::names(["printer.example"]);
        assert_eq!(sources.reason(&printer, &result).unwrap(), HOSTS);
        assert_eq!(
            sources.reason(&other, &result).unwrap(),
            "perhaps mdns4_minimal, myhostname of /etc/nsswitch.conf"
        );
        assert_eq!(
            sources.reason(&other, &LookupResult::Empty("EAI_NONAME".into())),
            None
        );
    }

    #[test]
    fn a_table_that_is_not_used_explains_nothing() {
        let question = Question::Names([192, 0, 2, 1].into());
        let result = LookupResult::names(["printer.example"]);
        let hosts = "192.0.2.1 printer.example";
        assert_eq!(
            LocalSources::parse(hosts, "hosts: dns").reason(&question, &result),
            None
        );
        assert!(
            LocalSources::parse(hosts, "")
                .reason(&question, &result)
                .is_some()
        );
    }
}
