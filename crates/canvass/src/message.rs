//! What is written on standard error.

use std::fmt;
use std::io::{self, Write};

/// Writes a line, or several, to standard error. Its reader may have gone, and that is no reason
/// to end in another way.
pub(crate) fn message(text: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}
