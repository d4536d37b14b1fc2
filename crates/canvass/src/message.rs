//! Text for a person, on standard error or standard output.

use std::fmt;

use crate::ascii::readable;
use crate::exit::Failure;
use crate::files::{self, Written};
use crate::screen;

/// Writes one or more lines to standard error. Errors are ignored: a closed pipe there must not change
/// how the command ends.
pub(crate) fn message(text: impl fmt::Display) {
    let _ = screen::write(&readable(&format!("{text}\n")));
}

/// As [`message`], or does nothing where that would have to wait, as on a terminal that was stopped.
pub(crate) fn message_if_free(text: impl fmt::Display) {
    let _ = screen::write_if_free(&readable(&format!("{text}\n")));
}

/// Writes text to standard output. Lines of a format are written as they are instead.
pub(crate) fn print(text: &str) -> Result<Written, Failure> {
    files::write_stdout(readable(text).as_bytes())
}
