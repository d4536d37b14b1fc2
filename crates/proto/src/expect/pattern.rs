//! Regular expressions for headers and bodies.

use std::fmt;
use std::str::FromStr;

use regex::bytes::{Regex, RegexBuilder};

use crate::excerpt::visible;
use crate::http::RequestHeader;

/// The most octets of a compiled regular expression.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// The most octets of the cache for one regular expression, per thread.
const REGEX_CACHE_BYTES_MAX: usize = 2 << 20;

/// What must be found in a body: a regular expression over characters where the body is UTF-8, and
/// over octets with `(?-u)`.
#[derive(Clone, Debug)]
pub struct BodyPattern(Regex);

/// A header that must be there with a value in which a regular expression is found, written as
/// `NAME: REGEX`.
#[derive(Clone, Debug)]
pub struct HeaderPattern {
    name: Box<str>,
    regex: Regex,
}

/// Why a text is not a pattern.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// The regular expression is invalid or too large.
    #[error("not a regular expression: {0}")]
    Regex(Box<str>),
    /// There is no colon.
    #[error("not `NAME: REGEX`")]
    Colon,
    /// The name is not that of a header (RFC 9110 §5.6.2).
    #[error("{0:?} is not the name of a header")]
    Name(Box<str>),
}

impl BodyPattern {
    /// Whether it is found in the body.
    pub fn matches(&self, body: &[u8]) -> bool {
        self.0.is_match(body)
    }

    /// The first part of the body that matches.
    pub fn find<'a>(&self, body: &'a [u8]) -> Option<&'a [u8]> {
        self.0.find(body).map(|found| found.as_bytes())
    }
}

impl FromStr for BodyPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        regex(text).map(Self)
    }
}

impl fmt::Display for BodyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "body matching /{}/", visible(self.0.as_str()))
    }
}

impl HeaderPattern {
    /// The name of the header.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is found in a value of the header.
    pub fn matches(&self, value: &[u8]) -> bool {
        self.regex.is_match(value)
    }
}

impl FromStr for HeaderPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        let (name, pattern) = text.split_once(':').ok_or(PatternError::Colon)?;
        // A name that could be sent is one that can be received.
        RequestHeader::removed(name).map_err(|_| PatternError::Name(name.into()))?;
        Ok(Self {
            name: name.into(),
            regex: regex(pattern.trim_matches([' ', '\t']))?,
        })
    }
}

impl fmt::Display for HeaderPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "header {} matching /{}/",
            self.name,
            visible(self.regex.as_str())
        )
    }
}

fn regex(pattern: &str) -> Result<Regex, PatternError> {
    RegexBuilder::new(pattern)
        .size_limit(REGEX_BYTES_MAX)
        .dfa_size_limit(REGEX_CACHE_BYTES_MAX)
        .build()
        .map_err(|error| PatternError::Regex(error.to_string().into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_that_is_none_is_refused() {
        assert!(matches!(
            "a(".parse::<BodyPattern>(),
            Err(PatternError::Regex(_))
        ));
        assert!(matches!(
            "(\\w{1000}){1000}".parse::<BodyPattern>(),
            Err(PatternError::Regex(_))
        ));
        let header = |text: &str| text.parse::<HeaderPattern>().unwrap_err();
        assert_eq!(header("Server nginx"), PatternError::Colon);
        assert_eq!(header("Ser ver: x"), PatternError::Name("Ser ver".into()));
        assert_eq!(header(": x"), PatternError::Name("".into()));
        assert!(matches!(header("Server: ["), PatternError::Regex(_)));
    }

    #[test]
    fn a_pattern_shows_itself_on_one_line() {
        let pattern: BodyPattern = "a\n\\d".parse().unwrap();
        assert_eq!(pattern.to_string(), "body matching /a\\n\\d/");
    }
}
