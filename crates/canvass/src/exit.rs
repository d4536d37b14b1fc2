//! How the command ends.

use std::fmt;
use std::process::ExitCode;

/// The exit statuses of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every admitted target has an outcome, and enough of them are good.
    Complete,
    /// The run is complete, and too many failed.
    TooManyFailed,
    /// A bad flag, an unreadable list, a bad line where none was allowed.
    Usage,
    /// Stopped early by an error on this side.
    Stopped,
    /// Stopped by this signal.
    Signal(i32),
}

impl Exit {
    /// The status of a run that went to its end.
    pub fn of(good: u64, all: u64, fail_below_percent: f64) -> Self {
        if good as f64 * 100.0 >= fail_below_percent * all as f64 {
            Self::Complete
        } else {
            Self::TooManyFailed
        }
    }

    /// The number of the contract.
    pub fn code(self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::TooManyFailed => 1,
            Self::Usage => 2,
            Self::Stopped => 3,
            Self::Signal(number) => 128 + number as u8,
        }
    }

    pub fn from_clap(error: &clap::Error) -> Self {
        if error.use_stderr() {
            Self::Usage
        } else {
            Self::Complete
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

/// Why there was no run, or no whole one, in words for a person.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// The person asked for something that cannot be.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.to_string(),
        }
    }

    /// This side could not go on.
    pub(crate) fn stopped(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Stopped,
            message: message.to_string(),
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}
