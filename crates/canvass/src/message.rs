//! Messages on standard error.

use std::fmt;
use std::io::{self, Write};

/// Writes one or more lines to standard error. Errors are ignored: a closed pipe there must not change
/// how the command ends.
pub(crate) fn message(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
