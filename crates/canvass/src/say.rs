//! What is said on standard error.

use std::fmt;
use std::io::{self, Write};

/// Writes a whole line, or several, to standard error. Whoever read it may have gone, and that
/// is no reason to end in another way.
pub fn say(words: impl fmt::Display) {
    let _ = writeln!(io::stderr(), "{words}");
}
