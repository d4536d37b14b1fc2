//! What can go wrong with what was asked for.

use std::fmt;
use std::io;
use std::num::{NonZeroU16, NonZeroU64};

use crate::Protocol;

/// Why a source cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A list could not be opened, or reading it failed half-way.
    #[error("cannot read {name}: {error}")]
    Unreadable {
        /// The list's path, or what stands for it.
        name: Box<str>,
        /// What the system said.
        error: io::Error,
    },
    /// A line is no target, and such lines were to stop the run.
    #[error("{name}:{line}: {}", Blame(given, reason))]
    BadLine {
        /// The list's path, or what stands for it.
        name: Box<str>,
        /// The line, from 1.
        line: NonZeroU64,
        /// What was written, shortened if it was very long.
        given: Box<str>,
        /// Why it is no target.
        reason: Box<str>,
    },
    /// An argument is no target, and such arguments were to stop the run.
    #[error("{}", Blame(given, reason))]
    BadArgument {
        /// What was written, shortened if it was very long.
        given: Box<str>,
        /// Why it is no target.
        reason: Box<str>,
    },
    /// The places of a shuffled list are numbers of 128 bits.
    #[error("the arguments contain more than 2^128 targets, too many to shuffle as one list")]
    TooManyToShuffle,
}

/// Why an exclusion could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum ExclusionError {
    /// It is neither addresses nor a file that can be read.
    #[error(
        "bad exclusion: {}; reading it as a file failed: {error}",
        Blame(given, reason)
    )]
    Unreadable {
        /// What was written.
        given: Box<str>,
        /// Why it is no address, CIDR or range.
        reason: Box<str>,
        /// What the system said when it was opened or read as a file.
        error: io::Error,
    },
    /// A line of an exclusion file is bad. None of it is used: what was meant to be spared must
    /// not be asked because of a slip.
    #[error("bad exclusion at {path}:{line}: {}", Blame(given, reason))]
    BadLine {
        /// The file.
        path: Box<str>,
        /// The line, from 1.
        line: NonZeroU64,
        /// What was written, shortened if it was very long.
        given: Box<str>,
        /// Why it is no address, CIDR or range.
        reason: Box<str>,
    },
}

/// A text that names no shard.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form I/N with I from 1 to N, such as 1/4")]
pub struct ShardError(pub String);

/// A text that lists no ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PortsError {
    /// Nothing stands where a port belongs.
    #[error("a port is missing")]
    Empty,
    /// A number that is no port's.
    #[error("port {0} is not between 1 and 65535")]
    OutOfRange(Box<str>),
    /// A range of which one end is missing.
    #[error("{0:?} is half a range; expected FIRST-LAST")]
    HalfRange(Box<str>),
    /// A range from a higher to a lower port.
    #[error("the port range is reversed; write {1}-{0}")]
    Backwards(NonZeroU16, NonZeroU16),
    /// A service that is known by the other protocol alone.
    #[error("{0:?} is a service of {1}, not of {other}", other = .1.other())]
    OtherProtocol(Box<str>, Protocol),
    /// Neither a number nor a service.
    #[error("unknown service {0:?}; expected a port number or a name from /etc/services")]
    UnknownService(Box<str>),
}

/// The input and what is wrong with it. Some reasons name the input themselves.
struct Blame<'a>(&'a str, &'a str);

impl fmt::Display for Blame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(given, reason) = self;
        if reason.starts_with(&format!("{given:?}")) {
            f.write_str(reason)
        } else {
            write!(f, "{given:?}: {reason}")
        }
    }
}
