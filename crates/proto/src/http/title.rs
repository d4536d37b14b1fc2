//! The title of an HTML page.

use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};
use html5gum::{DefaultEmitter, StartTag, Token, Tokenizer};

/// The most octets of a body that are searched for its title.
pub(super) const TITLE_SCAN_BYTES_MAX: usize = 256 << 10;
/// The most characters of a title. A longer one is cut, and ends in `...`.
const TITLE_CHARS_MAX: usize = 300;
/// How far into the page its encoding is looked for (HTML, "prescan a byte stream to determine its
/// encoding").
const PRESCAN_BYTES_MAX: usize = 1024;

/// The text of the first `title` element of an HTML page that is not part of an image, with
/// character references resolved and white space collapsed. `None` if the content is not HTML, or
/// has no title that is not empty.
///
/// Its encoding is that of the byte order mark, of `Content-Type`, or of a `meta` element, and
/// otherwise UTF-8 if it is valid, or else windows-1252.
pub(super) fn title(content_type: Option<&[u8]>, body: &[u8]) -> Option<Box<str>> {
    let content_type = content_type.map(String::from_utf8_lossy);
    if content_type.as_deref().is_some_and(|text| !is_html(text)) {
        return None;
    }
    let (encoding, mark_bytes) = match Encoding::for_bom(body) {
        Some(known) => known,
        None => (encoding(content_type.as_deref(), body), 0),
    };
    let (text, _) = encoding.decode_without_bom_handling(&body[mark_bytes..]);
    let raw = title_text(&text)?;
    let mut words = raw.split_ascii_whitespace();
    let mut title = words.next()?.to_owned();
    for word in words {
        title.push(' ');
        title.push_str(word);
    }
    if let Some((end, _)) = title.char_indices().nth(TITLE_CHARS_MAX) {
        title.truncate(end);
        title.push_str("...");
    }
    Some(title.into())
}

/// Whether the value of `Content-Type` is that of a page.
fn is_html(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    ["text/html", "application/xhtml+xml"]
        .iter()
        .any(|html| essence.eq_ignore_ascii_case(html))
}

fn encoding(content_type: Option<&str>, body: &[u8]) -> &'static Encoding {
    let named = content_type.and_then(charset);
    if let Some(encoding) = named.or_else(|| declared_encoding(body)) {
        return encoding;
    }
    // The end of what was kept may divide a character.
    let is_utf_8 = match std::str::from_utf8(body) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none(),
    };
    if is_utf_8 { UTF_8 } else { WINDOWS_1252 }
}

/// The encoding that `charset=` names in a value of `Content-Type`.
fn charset(content_type: &str) -> Option<&'static Encoding> {
    content_type.split(';').skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        let label = value.trim().trim_matches(['"', '\'']);
        is_charset.then(|| Encoding::for_label(label.as_bytes()))?
    })
}

/// The encoding that a `meta` element declares.
fn declared_encoding(body: &[u8]) -> Option<&'static Encoding> {
    let start = &body[..body.len().min(PRESCAN_BYTES_MAX)];
    let encoding = tokens(start).find_map(|token| match token {
        Token::StartTag(tag) if tag.name.as_slice() == b"meta" => match attribute(&tag, b"charset")
        {
            Some(label) => Encoding::for_label(label),
            None => charset(&String::from_utf8_lossy(attribute(&tag, b"content")?)),
        },
        _ => None,
    })?;
    // Such a page was read as ASCII, so it is not UTF-16 (HTML, "prescan").
    Some(encoding.output_encoding())
}

fn attribute<'a>(tag: &'a StartTag<()>, name: &[u8]) -> Option<&'a [u8]> {
    let value = tag.attributes.get(name)?;
    Some(value.value.as_slice())
}

fn title_text(page: &str) -> Option<String> {
    let mut images = 0_u32;
    let mut found: Option<String> = None;
    for token in tokens(page.as_bytes()) {
        match (token, &mut found) {
            (Token::String(text), Some(found)) => {
                found.push_str(&String::from_utf8_lossy(&text.value));
            }
            (Token::EndTag(_), Some(_)) => break,
            (Token::StartTag(tag), None) => match tag.name.as_slice() {
                b"svg" if !tag.self_closing => images += 1,
                b"title" if images == 0 => found = Some(String::new()),
                _ => {}
            },
            (Token::EndTag(tag), None) if tag.name.as_slice() == b"svg" => {
                images = images.saturating_sub(1);
            }
            _ => {}
        }
    }
    found
}

fn tokens(page: &[u8]) -> impl Iterator<Item = Token> {
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    let tokens = Tokenizer::new_with_emitter(page, emitter);
    tokens.map(|token| match token {
        Ok(token) => token,
        Err(never) => match never {},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(page: &str) -> Option<Box<str>> {
        title(Some(b"text/html"), page.as_bytes())
    }

    #[test]
    fn a_title_is_text_with_references_resolved_and_white_space_collapsed() {
        for (page, expected) in [
            ("<title>plain</title>", Some("plain")),
            (
                "<TITLE lang=en>\n  two \t words\r\n</TITLE >",
                Some("two words"),
            ),
            (
                "<title>a &amp; b &#x2014; &eacute;&nbsp;c</title>",
                Some("a & b \u{2014} é\u{a0}c"),
            ),
            (
                "<title>a <b>bold</b> one</title>",
                Some("a <b>bold</b> one"),
            ),
            ("<!-- <title>no</title> --><title>yes</title>", Some("yes")),
            (
                "<script>'<title>no</title>'</script><title>yes</title>",
                Some("yes"),
            ),
            (
                "<svg><title>icon</title></svg><title>page</title>",
                Some("page"),
            ),
            ("<title>first</title><title>second</title>", Some("first")),
            ("<title>cut of", Some("cut of")),
            ("<title> \n </title>", None),
            ("<title/>", None),
            ("<p>none", None),
            ("", None),
        ] {
            assert_eq!(of(page).as_deref(), expected, "{page}");
        }
    }

    #[test]
    fn the_encoding_is_that_of_the_mark_the_header_the_page_or_a_guess() {
        for (content_type, page, expected) in [
            ("text/html; charset=\"ISO-8859-1\"", &b"<title>h\xe9</title>"[..], "hé"),
            ("text/html;charset=utf-8", b"<title>h\xc3\xa9</title>", "hé"),
            ("text/html", b"<meta charset=Shift_JIS><title>\x93\xfa\x96{</title>", "日本"),
            (
                "text/html",
                b"<meta http-equiv=Content-Type content='text/html; charset=koi8-r'><title>\xc4\xc1</title>",
                "да",
            ),
            ("text/html", b"<title>h\xc3\xa9</title>", "hé"),
            ("text/html", b"<title>h\xe9</title>", "hé"),
            ("text/html; charset=latin1", b"\xef\xbb\xbf<title>h\xc3\xa9</title>", "hé"),
            ("text/html", b"\xff\xfe<\0t\0i\0t\0l\0e\0>\0x\0", "x"),
            ("application/xhtml+xml; charset=nonsense", b"<title>h\xc3\xa9</title>", "hé"),
        ] {
            let found = title(Some(content_type.as_bytes()), page);
            assert_eq!(found.as_deref(), Some(expected), "{content_type}");
        }
    }

    #[test]
    fn other_content_has_no_title_and_a_long_title_is_cut() {
        assert_eq!(title(Some(b"text/plain"), b"<title>x</title>"), None);
        assert_eq!(title(Some(b"image/svg+xml"), b"<title>x</title>"), None);
        assert_eq!(title(None, b"<title>x</title>").as_deref(), Some("x"));
        let long = of(&format!("<title>{}</title>", "é".repeat(1_000))).unwrap();
        assert_eq!(long.chars().count(), TITLE_CHARS_MAX + 3);
        assert!(long.ends_with("é..."));
    }
}
