//! Why there is no usable answer.

use std::fmt;

/// Where in a job's life it went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Phase {
    /// Before anything was sent: the target could not be read.
    Target,
    /// Waiting for a permit, a pace or a backoff.
    Wait,
    /// A DNS query was out.
    Dns,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Target => "target",
            Self::Wait => "wait",
            Self::Dns => "dns",
        })
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
    /// No way to the peer.
    Unreachable,
    /// The answer did not fit, and TCP was not allowed or did not help.
    Truncated,
    /// The answer could not be read.
    Malformed,
    /// The server answered with a code that settles nothing (SERVFAIL, REFUSED, ...).
    Rcode,
    /// No descriptor was left for a socket.
    Descriptors,
    /// The system would not send, or would not open a socket, for another reason.
    System,
    /// The run was stopped before the job was done.
    Interrupted,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Invalid => "invalid",
            Self::Timeout => "timeout",
            Self::Refused => "refused",
            Self::Reset => "reset",
            Self::Unreachable => "unreachable",
            Self::Truncated => "truncated",
            Self::Malformed => "malformed",
            Self::Rcode => "rcode",
            Self::Descriptors => "descriptors",
            Self::System => "system",
            Self::Interrupted => "interrupted",
        })
    }
}

/// A system error number, printed by its symbolic name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Errno(pub i32);

impl fmt::Display for Errno {
    /// The symbolic name of the errors a socket can give on Linux; `Ennn` for any other.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            1 => "EPERM",
            2 => "ENOENT",
            4 => "EINTR",
            5 => "EIO",
            9 => "EBADF",
            11 => "EAGAIN",
            12 => "ENOMEM",
            13 => "EACCES",
            22 => "EINVAL",
            23 => "ENFILE",
            24 => "EMFILE",
            28 => "ENOSPC",
            32 => "EPIPE",
            90 => "EMSGSIZE",
            97 => "EAFNOSUPPORT",
            98 => "EADDRINUSE",
            99 => "EADDRNOTAVAIL",
            100 => "ENETDOWN",
            101 => "ENETUNREACH",
            103 => "ECONNABORTED",
            104 => "ECONNRESET",
            105 => "ENOBUFS",
            107 => "ENOTCONN",
            110 => "ETIMEDOUT",
            111 => "ECONNREFUSED",
            112 => "EHOSTDOWN",
            113 => "EHOSTUNREACH",
            other => return write!(f, "E{other}"),
        })
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
