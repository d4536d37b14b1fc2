//! The status of an outcome.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::keyword::{self, KeywordError};

/// A DNS response code, including the extended bits (RFC 6895 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Self = Self(0);
    /// The query is malformed.
    pub const FORMERR: Self = Self(1);
    /// The server failed to answer.
    pub const SERVFAIL: Self = Self(2);
    /// The name does not exist.
    pub const NXDOMAIN: Self = Self(3);
    /// The server does not support this kind of query.
    pub const NOTIMP: Self = Self(4);
    /// The server refuses to answer.
    pub const REFUSED: Self = Self(5);

    /// The names of the codes that have one, in the order of the codes.
    pub fn names() -> impl Iterator<Item = &'static str> {
        RCODE_NAMES.iter().map(|(_, name)| *name)
    }
}

/// The codes that have a name (IANA), in order.
const RCODE_NAMES: [(u16, &str); 14] = [
    (0, "NOERROR"),
    (1, "FORMERR"),
    (2, "SERVFAIL"),
    (3, "NXDOMAIN"),
    (4, "NOTIMP"),
    (5, "REFUSED"),
    (6, "YXDOMAIN"),
    (7, "YXRRSET"),
    (8, "NXRRSET"),
    (9, "NOTAUTH"),
    (10, "NOTZONE"),
    (11, "DSOTYPENI"),
    (16, "BADVERS"),
    (23, "BADCOOKIE"),
];

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match RCODE_NAMES.binary_search_by_key(&self.0, |(code, _)| *code) {
            Ok(at) => f.write_str(RCODE_NAMES[at].1),
            Err(_) => write!(f, "RCODE{}", self.0),
        }
    }
}

impl FromStr for Rcode {
    type Err = KeywordError;

    /// Parses the displayed form: a name, or `RCODEnnn` for a code without a name.
    fn from_str(word: &str) -> Result<Self, KeywordError> {
        let named = RCODE_NAMES.iter().find(|(_, name)| *name == word);
        let number = || word.strip_prefix("RCODE")?.parse().ok();
        let code = named.map(|(code, _)| *code).or_else(number);
        keyword::exactly("response code", word, code.map(Self))
    }
}

/// The status keyword of an outcome: a response code, or how it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Status {
    /// A DNS server answered with this code.
    Rcode(Rcode),
    /// An HTTP server answered with this code.
    Http(u16),
    /// The port is open.
    Open,
    /// The talk script matched.
    Matched,
    /// The talk script did not match.
    Unmatched,
    /// No answer was received in time.
    Timeout,
    /// The port is closed.
    ConnRefused,
    /// The peer reset the connection.
    Reset,
    /// There is no route to the peer.
    Unreachable,
    /// The answer is incomplete.
    Truncated,
    /// The answer is malformed.
    Malformed,
    /// A DNS server neither has authority for the name nor recurses.
    Lame,
    /// The TLS handshake failed, or the certificate is not trusted.
    Tls,
    /// The input is not a valid target.
    Invalid,
    /// The fault is on this side.
    Local,
}

impl Status {
    /// All keywords that are not codes.
    pub const WORDS: [Self; 13] = [
        Self::Open,
        Self::Matched,
        Self::Unmatched,
        Self::Timeout,
        Self::ConnRefused,
        Self::Reset,
        Self::Unreachable,
        Self::Truncated,
        Self::Malformed,
        Self::Lame,
        Self::Tls,
        Self::Invalid,
        Self::Local,
    ];

    /// The keyword, unless it is a code.
    pub const fn word(self) -> Option<&'static str> {
        Some(match self {
            Self::Rcode(_) | Self::Http(_) => return None,
            Self::Open => "OPEN",
            Self::Matched => "MATCHED",
            Self::Unmatched => "UNMATCHED",
            Self::Timeout => "TIMEOUT",
            Self::ConnRefused => "CONNREFUSED",
            Self::Reset => "RESET",
            Self::Unreachable => "UNREACHABLE",
            Self::Truncated => "TRUNCATED",
            Self::Malformed => "MALFORMED",
            Self::Lame => "LAME",
            Self::Tls => "TLS",
            Self::Invalid => "INVALID",
            Self::Local => "LOCAL",
        })
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rcode(rcode) => rcode.fmt(f),
            Self::Http(code) => code.fmt(f),
            other => f.write_str(other.word().unwrap_or_default()),
        }
    }
}

impl FromStr for Status {
    type Err = KeywordError;

    /// Parses the displayed form: a keyword, the name of a response code, or an HTTP status code.
    fn from_str(word: &str) -> Result<Self, KeywordError> {
        let words = || {
            let mut known = Self::WORDS.into_iter();
            known.find(|status| status.word() == Some(word))
        };
        let rcode = || word.parse().ok().map(Self::Rcode);
        let http = || word.parse().ok().map(Self::Http);
        keyword::exactly("status", word, rcode().or_else(http).or_else(words))
    }
}
