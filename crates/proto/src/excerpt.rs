//! What a peer sent, shown to a person.

use std::fmt;

/// The most characters of an excerpt.
const CHARS_MAX: usize = 200;
/// The most octets that these characters take.
const BYTES_MAX: usize = CHARS_MAX * 4;
/// The most octets that are shown of a line.
const LINE_BYTES_MAX: usize = 40;

/// The first line of what a peer sent, or its beginning if that is long or the line is empty: in
/// quotes, with escapes for every octet that is not printable ASCII.
pub(crate) struct FirstLine<'a>(pub(crate) &'a [u8]);

impl fmt::Display for FirstLine<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut octets = self.0.iter();
        let line_end = octets.position(|octet| matches!(octet, b'\r' | b'\n'));
        let line_end = line_end.filter(|line_end| *line_end > 0);
        let shown = &self.0[..line_end.unwrap_or(self.0.len()).min(LINE_BYTES_MAX)];
        write!(f, "\"{}\"", shown.escape_ascii())
    }
}

/// The beginning of `octets` as text in quotes, with control characters escaped, and `...` after it
/// if there is more.
pub(crate) fn excerpt(octets: &[u8]) -> String {
    let start = &octets[..octets.len().min(BYTES_MAX)];
    let text = String::from_utf8_lossy(start);
    let mut chars = text.chars();
    let shown: String = chars.by_ref().take(CHARS_MAX).collect();
    let has_more = chars.next().is_some() || start.len() < octets.len();
    let more = if has_more { "..." } else { "" };
    format!("\"{}\"{more}", shown.escape_debug())
}

/// `text` with escapes for control characters.
pub(crate) fn visible(text: &str) -> String {
    let mut visible = String::new();
    for char in text.chars() {
        if char.is_control() {
            visible.extend(char.escape_debug());
        } else {
            visible.push(char);
        }
    }
    visible
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_is_shown_up_to_its_first_line_end() {
        for (octets, shown) in [
            (
                &b"HTTP/1.1 400 Bad Request\r\nDate: x"[..],
                "\"HTTP/1.1 400 Bad Request\"",
            ),
            (b"\r\n220 mail\r\n", "\"\\r\\n220 mail\\r\\n\""),
            (b"\x00\xff\"\x1b[2Jx", "\"\\x00\\xff\\\"\\x1b[2Jx\""),
            (&[b'a'; 100], "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""),
            (b"", "\"\""),
        ] {
            assert_eq!(FirstLine(octets).to_string(), shown);
        }
    }

    #[test]
    fn an_excerpt_is_bounded_and_holds_no_control_characters() {
        assert_eq!(
            excerpt(b"a\n\x1b[2J\"\xff"),
            "\"a\\n\\u{1b}[2J\\\"\u{fffd}\""
        );
        assert_eq!(excerpt(b""), "\"\"");
        let long = excerpt(&[b'x'; 5_000]);
        assert_eq!(long.len(), 200 + 5);
        assert!(long.ends_with("x\"..."));
        assert!(excerpt("é".repeat(200).as_bytes()).ends_with("é\""));
    }
}
