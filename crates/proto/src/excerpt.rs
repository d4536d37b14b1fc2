//! What a peer sent, shown to a person.

/// The most characters of an excerpt.
const CHARS_MAX: usize = 200;
/// The most octets that these characters take.
const BYTES_MAX: usize = CHARS_MAX * 4;

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

#[cfg(test)]
mod tests {
    use super::*;

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
