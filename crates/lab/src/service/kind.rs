//! The kinds of services.

use std::fmt;
use std::str::FromStr;

/// Declares the kinds, each with its name, its usual port and a line of help.
macro_rules! kinds {
    ($($place:ident, $name:literal, $port:literal, $help:literal;)*) => {
        /// The protocol of a service.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum ServiceKind {
            $(#[doc = $help] $place),*
        }

        impl ServiceKind {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$place),*];

            /// The name, as it is written in flags and reports.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$place => $name),* }
            }

            /// The usual port.
            pub const fn usual_port(self) -> u16 {
                match self { $(Self::$place => $port),* }
            }

            /// A line of help.
            pub const fn help(self) -> &'static str {
                match self { $(Self::$place => $help),* }
            }
        }
    };
}

kinds! {
    Http, "http", 80, "web pages for tests, selected by the path";
    Https, "https", 443, "the same over TLS, with certificates selected by the server name";
    Line, "line", 8377, "greets, answers every line with its reverse, and closes after END";
    Fortune, "fortune", 8378, "sends a few lines and closes";
    Checker, "checker", 8379, "reads user:password and answers 1 (right), 0 (wrong) or -1 (malformed)";
    Pop3, "pop3", 110, "a mailbox (RFC 1939)";
    Pop3s, "pop3s", 995, "the same mailbox over TLS";
    Imap, "imap", 143, "greeting, login and logout (RFC 3501)";
    Imaps, "imaps", 993, "the same over TLS";
    Smtp, "smtp", 25, "greeting and extensions (RFC 5321)";
    Smtps, "smtps", 465, "the same over TLS";
    Ssh, "ssh", 22, "sends its version (RFC 4253)";
    Ftp, "ftp", 21, "greeting, login and logout (RFC 959)";
    Time, "time", 37, "the seconds since 1900, over TCP and UDP (RFC 868)";
    Daytime, "daytime", 13, "date and time as text, over TCP and UDP (RFC 867)";
    Echo, "echo", 7, "returns what it receives, over TCP and UDP (RFC 862)";
}

impl ServiceKind {
    /// Whether connections are TLS from their first octet.
    pub const fn is_tls(self) -> bool {
        matches!(self, Self::Https | Self::Pop3s | Self::Imaps | Self::Smtps)
    }

    /// Whether it offers STARTTLS or STLS.
    pub const fn has_starttls(self) -> bool {
        matches!(self, Self::Pop3 | Self::Imap | Self::Smtp)
    }

    /// Whether it also answers datagrams, on the same port.
    pub const fn has_datagrams(self) -> bool {
        matches!(self, Self::Time | Self::Daytime | Self::Echo)
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An unknown name of a service.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown service {name:?}")]
pub struct ServiceKindError {
    /// The unknown name.
    pub name: Box<str>,
}

impl FromStr for ServiceKind {
    type Err = ServiceKindError;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|kind| kind.name() == name);
        known
            .copied()
            .ok_or_else(|| ServiceKindError { name: name.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_parsed_as_displayed() {
        for kind in ServiceKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(*kind));
        }
        assert_eq!(
            "gopher".parse::<ServiceKind>().unwrap_err().to_string(),
            "unknown service \"gopher\""
        );
    }

    #[test]
    fn every_port_is_one_services_alone() {
        let mut ports: Vec<u16> = ServiceKind::ALL
            .iter()
            .map(|kind| kind.usual_port())
            .collect();
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), ServiceKind::ALL.len());
    }
}
