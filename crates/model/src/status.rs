//! The one word a line of output carries for what happened.

use std::fmt;

/// A DNS response code, the extended bits included (RFC 6895 §2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Rcode(pub u16);

impl Rcode {
    /// No error.
    pub const NOERROR: Self = Self(0);
    /// The server could not read the query.
    pub const FORMERR: Self = Self(1);
    /// The server failed.
    pub const SERVFAIL: Self = Self(2);
    /// The name does not exist.
    pub const NXDOMAIN: Self = Self(3);
    /// The server does not do this kind of query.
    pub const NOTIMP: Self = Self(4);
    /// The server will not answer.
    pub const REFUSED: Self = Self(5);
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "NOERROR",
            1 => "FORMERR",
            2 => "SERVFAIL",
            3 => "NXDOMAIN",
            4 => "NOTIMP",
            5 => "REFUSED",
            6 => "YXDOMAIN",
            7 => "YXRRSET",
            8 => "NXRRSET",
            9 => "NOTAUTH",
            10 => "NOTZONE",
            11 => "DSOTYPENI",
            16 => "BADVERS",
            23 => "BADCOOKIE",
            other => return write!(f, "RCODE{other}"),
        })
    }
}

/// The one word for what happened: an rcode, or how it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// A DNS server answered with this code.
    Rcode(Rcode),
    /// An HTTP server answered with this code.
    Http(u16),
    /// The port is open.
    Open,
    /// The conversation went as its script says.
    Matched,
    /// The conversation went on, and not as its script says.
    Unmatched,
    /// Nothing came back in time.
    Timeout,
    /// The port is closed.
    ConnRefused,
    /// The peer broke the connection off.
    Reset,
    /// No way to the peer.
    Unreachable,
    /// The answer did not come whole: it did not fit, or broke off.
    Truncated,
    /// The answer could not be read.
    Malformed,
    /// TLS could not be agreed on, or the certificate is not to be trusted.
    Tls,
    /// The input was no target.
    Invalid,
    /// The fault was on this side.
    Local,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rcode(rcode) => return rcode.fmt(f),
            Self::Http(code) => return code.fmt(f),
            Self::Open => "OPEN",
            Self::Matched => "MATCHED",
            Self::Unmatched => "UNMATCHED",
            Self::Timeout => "TIMEOUT",
            Self::ConnRefused => "CONNREFUSED",
            Self::Reset => "RESET",
            Self::Unreachable => "UNREACHABLE",
            Self::Truncated => "TRUNCATED",
            Self::Malformed => "MALFORMED",
            Self::Tls => "TLS",
            Self::Invalid => "INVALID",
            Self::Local => "LOCAL",
        })
    }
}
