//! Masks passwords in texts for output.

use std::borrow::Cow;

use crate::parse::shorten;

/// Replaces a password.
const MASK: &str = "***";

/// Masks the password of a valid URL.
pub(super) fn mask_password(url: &str) -> Cow<'_, str> {
    let start = url.find("://").map_or(0, |at| at + "://".len());
    let authority = url[start..].split(['/', '\\', '?', '#']).next();
    let Some((credentials, _)) = authority.and_then(|text| text.rsplit_once('@')) else {
        return url.into();
    };
    match credentials.find(':') {
        Some(colon) => masked(url, start + colon + 1, start + credentials.len()),
        None => url.into(),
    }
}

/// Shortens an invalid text for messages and masks what may be a password. The end of a password is
/// not known in a text that is not a URL (it may have a slash that is not escaped), so everything
/// that may belong to it is masked.
pub(crate) fn shown(text: &str) -> Box<str> {
    // An earlier colon than that of `://` does not belong to a scheme.
    let start = match text.split_once(':') {
        Some((scheme, rest)) if rest.starts_with("//") => scheme.len() + "://".len(),
        _ => 0,
    };
    match (text[start..].find(':'), text[start..].rfind('@')) {
        (Some(colon), Some(at)) if colon < at => {
            shorten(&masked(text, start + colon + 1, start + at))
        }
        _ => shorten(text),
    }
}

fn masked(text: &str, first: usize, end: usize) -> Cow<'_, str> {
    format!("{}{MASK}{}", &text[..first], &text[end..]).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn passwords_of_urls_are_masked_and_nothing_else_is() {
        for (url, masked) in [
            ("https://example.net/", "https://example.net/"),
            (
                "https://example.net:8080/a:b@c",
                "https://example.net:8080/a:b@c",
            ),
            ("https://example.net?a:b@c", "https://example.net?a:b@c"),
            ("https://user@example.net/", "https://user@example.net/"),
            (
                "https://user:secret@example.net:8080/x@y",
                "https://user:***@example.net:8080/x@y",
            ),
            (
                "https://user:s:e@c@example.net",
                "https://user:***@example.net",
            ),
            (
                "https://:secret@[2001:db8::1]/",
                "https://:***@[2001:db8::1]/",
            ),
        ] {
            assert_eq!(mask_password(url), masked);
        }
    }

    #[test]
    fn bad_texts_lose_all_that_may_be_a_password() {
        for (text, masked) in [
            (
                "ftp://user:secret@example.net/",
                "ftp://user:***@example.net/",
            ),
            (
                "http://user:se/cr@et@example.net/",
                "http://user:***@example.net/",
            ),
            ("user:secret@example.net", "user:***@example.net"),
            ("user:se://cret@example.net", "user:***@example.net"),
            ("example.net:99999", "example.net:99999"),
            ("someone@example.net:80", "someone@example.net:80"),
            ("a\u{e9}:\u{e9}@\u{e9}", "a\u{e9}:***@\u{e9}"),
        ] {
            assert_eq!(&*shown(text), masked);
        }
        let long = format!("ftp://user:{}@example.net", "secret".repeat(100));
        assert_eq!(&*shown(&long), "ftp://user:***@example.net");
    }

    proptest! {
        #[test]
        fn no_text_shows_what_stands_between_a_colon_and_an_at_sign(
            scheme in "([a-z]{1,5}://)?",
            user in "[a-z]{0,5}",
            // After two slashes it would be a user name.
            before in "([A-Z:@?#\u{e9}][A-Z/:@?#\u{e9}]{0,20})?",
            after in "[a-z/:?#]{0,20}",
        ) {
            let text = format!("{scheme}{user}:{before}@{after}");
            prop_assert_eq!(&*shown(&text), format!("{scheme}{user}:***@{after}"));
        }
    }
}
