//! Exit statuses, and the errors that end the command.

use std::fmt;
use std::process::ExitCode;

/// The documented exit statuses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Every target has an outcome, and enough of them are good.
    Complete,
    /// Every target has an outcome, and too many are not good.
    TooManyFailed,
    /// A bad flag, an unreadable list, or a bad line with `--strict`.
    Usage,
    /// Stopped early by an error of this machine.
    Stopped,
    /// Stopped by this signal.
    Signal(i32),
}

impl Exit {
    /// The status of a complete run.
    pub fn of(good: u64, all: u64, fail_below_percent: f64) -> Self {
        if good as f64 * 100.0 >= fail_below_percent * all as f64 {
            Self::Complete
        } else {
            Self::TooManyFailed
        }
    }

    /// The status of a run that has ended before, by its number.
    pub(crate) fn of_code(code: u8) -> Self {
        match code {
            0 => Self::Complete,
            1 => Self::TooManyFailed,
            2 => Self::Usage,
            _ => Self::Stopped,
        }
    }

    /// The number of the status.
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

/// Why there was no run, or only part of one, as a message for the user.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    message: String,
}

impl Failure {
    /// The arguments or the input cannot be used.
    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self {
            exit: Exit::Usage,
            message: message.to_string(),
        }
    }

    /// An error of this machine stopped the command.
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
