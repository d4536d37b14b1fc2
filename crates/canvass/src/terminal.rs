//! What a terminal wants.

use std::io::IsTerminal;

/// Whether what is written there goes to a terminal that welcomes colours
/// (<https://no-color.org>).
pub(crate) fn wants_colour(stream: &impl IsTerminal) -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    stream.is_terminal() && !no_color && !dumb
}
