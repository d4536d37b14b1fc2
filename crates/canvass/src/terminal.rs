//! Whether to use colours.

use std::io::IsTerminal;

/// Whether to write colours to this stream: it is a terminal that supports them, and `NO_COLOR` is not
/// set (<https://no-color.org>).
pub(crate) fn use_colour(stream: &impl IsTerminal) -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    stream.is_terminal() && !no_color && !dumb
}
