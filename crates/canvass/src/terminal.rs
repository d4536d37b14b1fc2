//! What a stream can show, if it is a terminal.

use std::io::IsTerminal;
use std::os::fd::AsFd;

use canvass_report::Layout;
use rustix::fs::fstat;
use rustix::termios::tcgetwinsize;

/// A terminal is not taken to be narrower.
const COLUMNS_MIN: usize = 20;

/// Whether to write colours to this stream: it is a terminal that supports them, and `NO_COLOR` is not
/// set (<https://no-color.org>).
pub(crate) fn use_colour(stream: &impl IsTerminal) -> bool {
    let no_color = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    moves_cursor(stream) && !no_color
}

/// Whether this stream is a terminal that obeys escape sequences.
pub(crate) fn moves_cursor(stream: &impl IsTerminal) -> bool {
    let dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
    stream.is_terminal() && !dumb
}

/// The number of columns of a terminal now; the usual number if it has none, or is no terminal.
pub(crate) fn columns(stream: impl AsFd) -> usize {
    match tcgetwinsize(stream) {
        Ok(size) if size.ws_col > 0 => usize::from(size.ws_col).max(COLUMNS_MIN),
        _ => Layout::COLUMNS_MAX,
    }
}

/// The layout of text that is written to this stream.
pub(crate) fn layout(stream: &(impl IsTerminal + AsFd), whole: bool) -> Layout {
    Layout {
        columns: columns(stream).min(Layout::COLUMNS_MAX),
        wraps: stream.is_terminal(),
        colour: use_colour(stream),
        whole,
    }
}

/// Whether both streams are the same terminal.
pub(crate) fn are_one(first: &(impl IsTerminal + AsFd), second: &(impl IsTerminal + AsFd)) -> bool {
    if !first.is_terminal() || !second.is_terminal() {
        return false;
    }
    match (fstat(first), fstat(second)) {
        (Ok(first), Ok(second)) => (first.st_dev, first.st_ino) == (second.st_dev, second.st_ino),
        _ => false,
    }
}
