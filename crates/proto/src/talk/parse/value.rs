//! The values of keys.

use std::time::Duration;

use crate::talk::error::ParseError;
use crate::talk::pattern::Pattern;
use crate::talk::yaml::{Node, Scalar, Value};

impl Node {
    /// Octets: text or `!!binary`.
    pub(super) fn octets(&self, key: &str) -> Result<&[u8], ParseError> {
        let scalar = self.scalar(key)?;
        let is_null = matches!(
            scalar.octets.as_slice(),
            b"" | b"~" | b"null" | b"Null" | b"NULL"
        );
        if scalar.plain && is_null {
            return Err(ParseError::at(self.line, format!("`{key}` has no value")));
        }
        Ok(&scalar.octets)
    }

    /// Text.
    pub(super) fn text(&self, key: &str) -> Result<&str, ParseError> {
        std::str::from_utf8(self.octets(key)?)
            .map_err(|_| ParseError::at(self.line, format!("`{key}` must be text")))
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Result<bool, ParseError> {
        match self.octets(key)? {
            b"true" => Ok(true),
            b"false" => Ok(false),
            other => Err(ParseError::at(
                self.line,
                format!("`{key}` must be true or false, not `{}`", quoted(other)),
            )),
        }
    }

    /// A number from 0 up to `max`.
    pub(super) fn number(&self, key: &str, max: usize) -> Result<usize, ParseError> {
        let text = self.text(key)?;
        let is_number = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
        let number = text.parse().ok().filter(|number| *number <= max);
        number.filter(|_| is_number).ok_or_else(|| {
            let text = quoted(text.as_bytes());
            ParseError::at(
                self.line,
                format!("`{key}` must be a number up to {max}, not `{text}`"),
            )
        })
    }

    /// A duration such as `150ms`, `2s`, `1m` or `1h`.
    pub(super) fn duration(&self, key: &str) -> Result<Duration, ParseError> {
        let text = self.text(key)?;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let unit_ms = match unit {
            "ms" => Some(1),
            "s" => Some(1000),
            "m" => Some(60_000),
            "h" => Some(3_600_000),
            _ => None,
        };
        let span_ms = unit_ms.and_then(|unit_ms| number.parse::<u64>().ok()?.checked_mul(unit_ms));
        span_ms.map(Duration::from_millis).ok_or_else(|| {
            let text = quoted(text.as_bytes());
            ParseError::at(
                self.line,
                format!("`{key}` must be a span such as 150ms or 2s, not `{text}`"),
            )
        })
    }

    /// Octets in hex; white space is ignored.
    pub(super) fn hex(&self, key: &str) -> Result<Vec<u8>, ParseError> {
        let octets = self.octets(key)?;
        let wrong = || {
            let text = quoted(octets);
            ParseError::at(
                self.line,
                format!("`{key}` must be pairs of hex digits, not `{text}`"),
            )
        };
        let digits = octets
            .iter()
            .filter(|octet| !octet.is_ascii_whitespace())
            .map(|octet| char::from(*octet).to_digit(16))
            .collect::<Option<Vec<u32>>>()
            .ok_or_else(wrong)?;
        let (pairs, odd) = digits.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(wrong());
        }
        Ok(pairs
            .iter()
            .map(|[high, low]| (high * 16 + low) as u8)
            .collect())
    }

    /// A regular expression over lines.
    pub(super) fn pattern(&self, key: &str) -> Result<Pattern, ParseError> {
        self.compiled(key, Pattern::parse)
    }

    /// A regular expression over octets.
    pub(super) fn octet_pattern(&self, key: &str) -> Result<Pattern, ParseError> {
        self.compiled(key, Pattern::over_octets)
    }

    fn compiled(
        &self,
        key: &str,
        compile: impl FnOnce(&str) -> Result<Pattern, String>,
    ) -> Result<Pattern, ParseError> {
        let source = self.text(key)?;
        if source.is_empty() {
            return Err(ParseError::at(self.line, format!("`{key}` is empty")));
        }
        compile(source).map_err(|reason| {
            ParseError::at(
                self.line,
                format!(
                    "`{key}` is no regular expression: /{}/: {reason}",
                    quoted(source.as_bytes())
                ),
            )
        })
    }

    fn scalar(&self, key: &str) -> Result<&Scalar, ParseError> {
        match &self.value {
            Value::Scalar(scalar) => Ok(scalar),
            _ => Err(ParseError::at(
                self.line,
                format!("`{key}` must be one value, not several"),
            )),
        }
    }
}

/// Quotes what was written, shortened if it is long.
fn quoted(octets: &[u8]) -> String {
    const SHOWN_CHARS_MAX: usize = 60;
    let text = String::from_utf8_lossy(octets);
    let mut quoted: String = text.chars().take(SHOWN_CHARS_MAX).collect();
    if quoted.len() < text.len() {
        quoted.push_str("...");
    }
    quoted.escape_debug().to_string()
}
