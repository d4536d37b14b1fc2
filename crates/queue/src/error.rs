//! Errors of sources and of their settings.

use std::fmt;
use std::io;
use std::num::{NonZeroU16, NonZeroU64};

use crate::Protocol;

/// Why a source cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A list could not be opened.
    #[error("cannot read {name}: {error}")]
    Unreadable {
        /// The list's path, or what stands for it.
        name: Box<str>,
        /// The error of the system.
        error: io::Error,
    },
    /// A list could not be read to its end: its compressed data are corrupt or end early, or the
    /// system failed.
    #[error("cannot read {name}: {error}{}", After(*lines))]
    BrokenOff {
        /// The list's path, or what stands for it.
        name: Box<str>,
        /// The number of lines before, which are valid. An incomplete line at the end is not one.
        lines: u64,
        /// The error of the system or of the format, with the octet of the compressed data.
        error: io::Error,
    },
    /// A line is not a valid target (`--strict`).
    #[error("{name}:{line}: {}", Blame(given, reason))]
    BadLine {
        /// The list's path, or what stands for it.
        name: Box<str>,
        /// The line number, from 1.
        line: NonZeroU64,
        /// The text, shortened if it is very long.
        given: Box<str>,
        /// Why it is not valid.
        reason: Box<str>,
    },
    /// An argument is not a valid target (`--strict`).
    #[error("{}", Blame(given, reason))]
    BadArgument {
        /// The text, shortened if it is very long.
        given: Box<str>,
        /// Why it is not valid.
        reason: Box<str>,
    },
    /// The source is past the position at which a run is resumed.
    #[error("cannot go back to target {position}: {given} were given already")]
    Passed {
        /// How many targets stand in front of it.
        position: u64,
        /// How many were given.
        given: u64,
    },
    /// The list ends before the position at which a run is resumed.
    #[error("cannot resume at target {position}: the list ends after {given}")]
    TooShort {
        /// How many targets stand in front of it.
        position: u64,
        /// How many there are.
        given: u64,
    },
    /// The indexes of a shuffled list are limited to 128 bits.
    #[error("the arguments contain more than 2^128 targets, too many to shuffle as one list")]
    TooManyToShuffle,
}

/// Why an exclusion is not valid.
#[derive(Debug, thiserror::Error)]
pub enum ExclusionError {
    /// It is neither an address, a CIDR or a range nor a readable file.
    #[error(
        "bad exclusion: {}; reading it as a file failed: {error}",
        Blame(given, reason)
    )]
    Unreadable {
        /// The text.
        given: Box<str>,
        /// Why it is not an address, a CIDR or a range.
        reason: Box<str>,
        /// The error of the system when it was opened or read as a file.
        error: io::Error,
    },
    /// A line of an exclusion file is not valid. The run must not start, or it would probe
    /// addresses that were meant to be excluded.
    #[error("bad exclusion at {path}:{line}: {}", Blame(given, reason))]
    BadLine {
        /// The file.
        path: Box<str>,
        /// The line number, from 1.
        line: NonZeroU64,
        /// The text, shortened if it is very long.
        given: Box<str>,
        /// Why it is not an address, a CIDR or a range.
        reason: Box<str>,
    },
}

/// A text is not a delimiter of fields.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not one ASCII character other than a quote, nor \\t")]
pub struct DelimiterError(pub String);

/// A text is not a partition.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not of the form I/N with I from 1 to N, such as 1/4")]
pub struct PartitionError(pub String);

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

/// The last line that was read.
struct After(u64);

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            line => write!(f, " (after line {line})"),
        }
    }
}

/// The input and its error. Some reasons already contain the input.
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
