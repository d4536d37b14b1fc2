//! What is wrong with an HTTP response that was read nevertheless.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::keyword::{self, KeywordError};

/// A deviation from HTTP/1 in a response that has one reading all the same, or another thing about
/// it that a person ought to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HttpWarning {
    /// The version is not written as `HTTP/1.0` or `HTTP/1.1`.
    HttpVersion,
    /// The parts of the status line are not separated by one space each.
    StatusLine,
    /// The status code is below 100 or above 599. It counts as 5xx (RFC 9110 §15).
    StatusCode,
    /// A header or trailer was ignored, as its name is not a token.
    HeaderName,
    /// There are blanks between the name of a header or trailer and the colon.
    BlankBeforeColon,
    /// There are control characters in a reason, a header, a trailer or a chunk extension.
    ControlCharacter,
    /// `Transfer-Encoding` is empty or names `identity`, which does not exist any more (RFC 9112
    /// §7).
    TransferEncoding,
    /// `Content-Encoding` names a coding that is not known. The body was not decoded.
    ContentEncoding,
    /// There are blanks after the size of a chunk.
    ChunkSize,
    /// An error 400 says that the port expects https.
    TlsPort,
}

impl HttpWarning {
    /// All warnings, in the order in which a line has them.
    pub const ALL: [Self; 10] = [
        Self::HttpVersion,
        Self::StatusLine,
        Self::StatusCode,
        Self::HeaderName,
        Self::BlankBeforeColon,
        Self::ControlCharacter,
        Self::TransferEncoding,
        Self::ContentEncoding,
        Self::ChunkSize,
        Self::TlsPort,
    ];

    /// The keyword in output lines.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HttpVersion => "http_version",
            Self::StatusLine => "status_line",
            Self::StatusCode => "status_code",
            Self::HeaderName => "header_name",
            Self::BlankBeforeColon => "blank_before_colon",
            Self::ControlCharacter => "control_character",
            Self::TransferEncoding => "transfer_encoding",
            Self::ContentEncoding => "content_encoding",
            Self::ChunkSize => "chunk_size",
            Self::TlsPort => "tls_port",
        }
    }

    const fn bit(self) -> u16 {
        1 << self as u16
    }
}

impl fmt::Display for HttpWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for HttpWarning {
    type Err = KeywordError;

    fn from_str(word: &str) -> Result<Self, KeywordError> {
        keyword::read("warning", word, &Self::ALL, Self::as_str)
    }
}

/// A set of warnings.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpWarnings(u16);

impl HttpWarnings {
    /// Adds a warning.
    pub const fn insert(&mut self, warning: HttpWarning) {
        self.0 |= warning.bit();
    }

    /// Whether it holds this one.
    pub const fn contains(self, warning: HttpWarning) -> bool {
        self.0 & warning.bit() != 0
    }

    /// Whether there are none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of both.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The warnings, in the order of [`HttpWarning::ALL`].
    pub fn iter(self) -> impl Iterator<Item = HttpWarning> {
        let all = HttpWarning::ALL.into_iter();
        all.filter(move |warning| self.contains(*warning))
    }
}

impl FromIterator<HttpWarning> for HttpWarnings {
    fn from_iter<I: IntoIterator<Item = HttpWarning>>(warnings: I) -> Self {
        let mut set = Self::default();
        for warning in warnings {
            set.insert(warning);
        }
        set
    }
}

impl fmt::Debug for HttpWarnings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_keeps_its_order() {
        let set: HttpWarnings = [HttpWarning::TlsPort, HttpWarning::StatusLine]
            .into_iter()
            .collect();
        let words: Vec<_> = set.iter().map(HttpWarning::as_str).collect();
        assert_eq!(words, ["status_line", "tls_port"]);
        assert!(!set.is_empty() && !set.contains(HttpWarning::ChunkSize));
        let all: HttpWarnings = HttpWarning::ALL.into_iter().collect();
        assert!(all.iter().eq(HttpWarning::ALL));
        assert_eq!(set.union(all), all);
        assert!(HttpWarnings::default().is_empty());
    }
}
