//! Why there is no usable answer.

use std::fmt;
use std::str::FromStr;

use crate::Errno;
use crate::keyword::{self, KeywordError};

/// A stretch of a job's life: where its time went, and where it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Before anything was sent: the target could not be read. It takes no time.
    Target,
    /// Waiting for a permit, a pace or a backoff, after the first send.
    Wait,
    /// A DNS query was out, for a `ptr` or `dns` probe.
    Dns,
    /// The host's addresses were being looked up.
    Resolve,
    /// A stream connection was being opened.
    Connect,
    /// The TLS handshake.
    Tls,
    /// From the first octet that could be sent to the first that came back.
    FirstByte,
    /// From the first octet that came back to the last.
    Transfer,
}

impl Phase {
    /// Those that take time, in the order of a job's life.
    pub const TIMED: [Self; 7] = [
        Self::Wait,
        Self::Dns,
        Self::Resolve,
        Self::Connect,
        Self::Tls,
        Self::FirstByte,
        Self::Transfer,
    ];

    /// Its place in [`Self::TIMED`].
    pub const fn index(self) -> Option<usize> {
        match self {
            Self::Target => None,
            timed => Some(timed as usize - Self::Wait as usize),
        }
    }

    /// The word output lines carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Wait => "wait",
            Self::Dns => "dns",
            Self::Resolve => "resolve",
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::FirstByte => "first_byte",
            Self::Transfer => "transfer",
        }
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = KeywordError;

    fn from_str(word: &str) -> Result<Self, KeywordError> {
        if word == Self::Target.as_str() {
            return Ok(Self::Target);
        }
        keyword::read("phase", word, &Self::TIMED, Self::as_str)
    }
}

/// What went wrong, in one lower-case word that a script can match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Cause {
    /// The input was no target.
    Invalid,
    /// Nothing came back in time.
    Timeout,
    /// The port is closed.
    Refused,
    /// The peer broke the connection off.
    Reset,
    /// The peer closed the connection in good order, before its answer was there.
    Closed,
    /// No way to the peer.
    Unreachable,
    /// The answer did not fit, and TCP was not allowed or did not help; or the peer closed the
    /// connection in the middle of its answer.
    Truncated,
    /// The answer is larger than was allowed.
    Oversize,
    /// The answer could not be read.
    Malformed,
    /// The content coding of an answer is broken, or one that was not offered.
    Coding,
    /// There were more redirects than were to be followed, or one leads nowhere.
    Redirect,
    /// The server answered with a code that settles nothing (SERVFAIL, REFUSED, ...).
    Rcode,
    /// The host's name does not exist.
    NxDomain,
    /// The host's name has no address.
    NoData,
    /// The certificate's time is over.
    Expired,
    /// The certificate's time has not begun.
    NotYetValid,
    /// The certificate is for other hosts.
    WrongHost,
    /// No root that is trusted signed the certificate.
    UnknownIssuer,
    /// The certificate is not what it should be in another way.
    BadCertificate,
    /// The peer ended the handshake with a TLS alert.
    Alert,
    /// The peer does not speak TLS, or none that is spoken here.
    Handshake,
    /// No descriptor was left for a socket.
    Descriptors,
    /// No local port was left for a connection.
    Ports,
    /// The system would not send, or would not open a socket, for another reason.
    System,
    /// The run was stopped before the job was done.
    Interrupted,
}

impl Cause {
    /// Every one.
    pub const ALL: [Self; 25] = [
        Self::Invalid,
        Self::Timeout,
        Self::Refused,
        Self::Reset,
        Self::Closed,
        Self::Unreachable,
        Self::Truncated,
        Self::Oversize,
        Self::Malformed,
        Self::Coding,
        Self::Redirect,
        Self::Rcode,
        Self::NxDomain,
        Self::NoData,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongHost,
        Self::UnknownIssuer,
        Self::BadCertificate,
        Self::Alert,
        Self::Handshake,
        Self::Descriptors,
        Self::Ports,
        Self::System,
        Self::Interrupted,
    ];

    /// The word output lines carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::Unreachable => "unreachable",
            Self::Truncated => "truncated",
            Self::Oversize => "oversize",
            Self::Malformed => "malformed",
            Self::Coding => "coding",
            Self::Redirect => "redirect",
            Self::Rcode => "rcode",
            Self::NxDomain => "nxdomain",
            Self::NoData => "nodata",
            Self::Expired => "expired",
            Self::NotYetValid => "notyetvalid",
            Self::WrongHost => "wronghost",
            Self::UnknownIssuer => "unknownissuer",
            Self::BadCertificate => "badcertificate",
            Self::Alert => "alert",
            Self::Handshake => "handshake",
            Self::Descriptors => "descriptors",
            Self::Ports => "ports",
            Self::System => "system",
            Self::Interrupted => "interrupted",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Cause {
    type Err = KeywordError;

    fn from_str(word: &str) -> Result<Self, KeywordError> {
        keyword::read("cause", word, &Self::ALL, Self::as_str)
    }
}

/// Why there is no usable answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Where in the job's life.
    pub phase: Phase,
    /// What, in one word.
    pub cause: Cause,
    /// What, for a person: lower case, no full stop, with the peer's address where there is one.
    pub message: Box<str>,
    /// The system's own number, where there is one.
    pub errno: Option<Errno>,
}
