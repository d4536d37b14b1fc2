//! What a peer sent, as a message shows it.

use std::fmt;

/// The most octets that are shown.
const SHOWN_MAX: usize = 40;

/// The first line of what a peer sent, or its beginning if that is long or the line is empty: in
/// quotes, with escapes for every octet that is not printable ASCII.
pub(crate) struct Excerpt<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut octets = self.0.iter();
        let line_end = octets.position(|octet| matches!(octet, b'\r' | b'\n'));
        let line_end = line_end.filter(|line_end| *line_end > 0);
        let shown = &self.0[..line_end.unwrap_or(self.0.len()).min(SHOWN_MAX)];
        write!(f, "\"{}\"", shown.escape_ascii())
    }
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
            assert_eq!(Excerpt(octets).to_string(), shown);
        }
    }
}
