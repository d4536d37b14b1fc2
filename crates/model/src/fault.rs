//! Why there is no usable answer.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::Errno;
use crate::keyword::{self, KeywordError};

/// A phase of a job, for its timing and for the place of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Phase {
    /// Parsing the target, before anything is sent. Takes no time.
    Target,
    /// Waiting for a permit, the rate limit or a backoff, after the first send.
    Wait,
    /// Waiting for a DNS answer, in a `ptr` or `dns` probe.
    Dns,
    /// Looking up the addresses of the host.
    Resolve,
    /// Opening a connection.
    Connect,
    /// The TLS handshake.
    Tls,
    /// From the first octet that could be sent to the first that was received.
    FirstByte,
    /// From the first octet that was received to the last.
    Transfer,
}

impl Phase {
    /// The phases that take time, in order.
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

    /// The keyword in output lines.
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

/// The cause of a fault, as a lower-case keyword that scripts can match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Cause {
    /// The input is not a valid target.
    Invalid,
    /// No answer was received in time.
    Timeout,
    /// The port is closed.
    Refused,
    /// The peer reset the connection.
    Reset,
    /// The peer closed the connection before it had answered.
    Closed,
    /// There is no route to the peer.
    Unreachable,
    /// The answer was truncated and TCP was not allowed or did not help, or the peer closed the
    /// connection in the middle of its answer.
    Truncated,
    /// The answer is larger than allowed.
    Oversize,
    /// The answer is malformed.
    Malformed,
    /// The content coding of an answer is invalid or was not requested.
    Coding,
    /// There were too many redirects, or one has no valid target.
    Redirect,
    /// A proxy did not open the connection.
    Proxy,
    /// The server answered with an error code (SERVFAIL, REFUSED, ...).
    Rcode,
    /// The server neither has authority for the name nor recurses. It referred to other servers, or
    /// its reply was empty.
    Lame,
    /// The host's name does not exist.
    NxDomain,
    /// The host's name has no address.
    NoData,
    /// The certificate has expired.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The certificate is for other hosts.
    WrongHost,
    /// The certificate was not issued by a trusted authority.
    UnknownIssuer,
    /// The key of the certificate, or of one of its issuers, is too short.
    WeakKey,
    /// The certificate is invalid in another way.
    BadCertificate,
    /// The peer ended the handshake with a TLS alert.
    Alert,
    /// The peer does not support TLS, or no common version or cipher suite.
    Handshake,
    /// There was no file descriptor for a socket.
    Descriptors,
    /// There was no local port for a connection.
    Ports,
    /// The system failed to send or to open a socket for another reason.
    System,
    /// The run was stopped before the job had finished.
    Interrupted,
    /// Every worker that was given the job was lost.
    Quarantined,
    /// It may not be sent to: the address is not among those that are allowed.
    Denied,
}

impl Cause {
    /// All causes.
    pub const ALL: [Self; 30] = [
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
        Self::Proxy,
        Self::Rcode,
        Self::Lame,
        Self::NxDomain,
        Self::NoData,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongHost,
        Self::UnknownIssuer,
        Self::WeakKey,
        Self::BadCertificate,
        Self::Alert,
        Self::Handshake,
        Self::Descriptors,
        Self::Ports,
        Self::System,
        Self::Interrupted,
        Self::Quarantined,
        Self::Denied,
    ];

    /// The keyword in output lines.
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
            Self::Proxy => "proxy",
            Self::Rcode => "rcode",
            Self::Lame => "lame",
            Self::NxDomain => "nxdomain",
            Self::NoData => "nodata",
            Self::Expired => "expired",
            Self::NotYetValid => "notyetvalid",
            Self::WrongHost => "wronghost",
            Self::UnknownIssuer => "unknownissuer",
            Self::WeakKey => "weakkey",
            Self::BadCertificate => "badcertificate",
            Self::Alert => "alert",
            Self::Handshake => "handshake",
            Self::Descriptors => "descriptors",
            Self::Ports => "ports",
            Self::System => "system",
            Self::Interrupted => "interrupted",
            Self::Quarantined => "quarantined",
            Self::Denied => "denied",
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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// The phase in which it occurred.
    pub phase: Phase,
    /// The cause.
    pub cause: Cause,
    /// A description for a person: lower case, no full stop, with the address of the peer if known.
    pub message: Box<str>,
    /// The error number of the system, if there is one.
    pub errno: Option<Errno>,
}
