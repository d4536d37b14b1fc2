//! Text for a terminal, with or without emphasis.

use crate::write::push_visible;

/// Whether text is emphasised with escape sequences (ECMA-48 §8.3.117).
#[derive(Clone, Copy)]
pub(super) struct Theme(pub(super) bool);

impl Theme {
    /// The name of a side.
    pub(super) fn name(self, text: &str) -> String {
        self.with("1", text)
    }

    /// An important figure.
    pub(super) fn figure(self, text: &str) -> String {
        self.with("1;32", text)
    }

    /// The label of a warning.
    pub(super) fn warning(self, text: &str) -> String {
        self.with("33", text)
    }

    fn with(self, rendition: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{rendition}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

/// `text` with escapes for characters that could break a line or control a terminal.
pub(super) fn visible(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    push_visible(&mut out, text);
    String::from_utf8(out).expect("escapes and what was a str are UTF-8")
}
