//! Text for a terminal: emphasis or none, and nothing that drives it.

use crate::write::push_visible;

/// Whether words are emphasised by escape sequences (ECMA-48 §8.3.117).
#[derive(Clone, Copy)]
pub(super) struct Paint(pub(super) bool);

impl Paint {
    /// A name.
    pub(super) fn name(self, text: &str) -> String {
        self.with("1", text)
    }

    /// A figure that matters.
    pub(super) fn figure(self, text: &str) -> String {
        self.with("1;32", text)
    }

    /// A reason to doubt.
    pub(super) fn doubt(self, text: &str) -> String {
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

/// `text` with what could break a line or drive a terminal as escapes.
pub(super) fn visible(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    push_visible(&mut out, text);
    String::from_utf8(out).expect("escapes and what was a str are UTF-8")
}
