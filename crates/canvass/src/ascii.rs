//! Text for a person whose locale has no UTF-8.

use std::borrow::Cow;
use std::ffi::OsString;
use std::sync::OnceLock;

/// The text as the user's locale can show it: unchanged in UTF-8, otherwise as ASCII.
pub(crate) fn readable(text: &str) -> Cow<'_, str> {
    match locale_is_utf8() {
        true => Cow::Borrowed(text),
        false => to_ascii(text),
    }
}

/// Whether the characters of the user's locale are in UTF-8.
pub(crate) fn locale_is_utf8() -> bool {
    static IS_UTF8: OnceLock<bool> = OnceLock::new();
    *IS_UTF8.get_or_init(|| is_utf8(|name| std::env::var_os(name)))
}

/// Judges the first variable that is set (POSIX.1-2024, Base Definitions §8.2). Without any, the locale
/// is C.
fn is_utf8(variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(variable)
        .find(|value| !value.is_empty());
    let locale = locale.unwrap_or_default().to_string_lossy().to_lowercase();
    let codeset = locale
        .split('@')
        .next()
        .and_then(|name| name.split_once('.'));
    codeset.is_some_and(|(_, codeset)| ["utf-8", "utf8"].contains(&codeset))
}

/// The text in ASCII: the characters that canvass itself uses have something that looks like them, all
/// others become escapes.
pub(crate) fn to_ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut ascii = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            _ if character.is_ascii() => ascii.push(character),
            'µ' => ascii.push('u'),
            'σ' => ascii.push('s'),
            '×' => ascii.push('x'),
            '–' => ascii.push('-'),
            '…' => ascii.push_str("..."),
            '±' => ascii.push_str("+/-"),
            // From half of a column to a full one.
            '▌' | '▋' | '▊' | '▉' | '█' => ascii.push('#'),
            '▏' | '▎' | '▍' => ascii.push('-'),
            _ => ascii.extend(character.escape_unicode()),
        }
    }
    Cow::Owned(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        for (set, expected) in [
            (&[][..], false),
            (&[("LANG", "C")], false),
            (&[("LANG", "POSIX")], false),
            (&[("LANG", "C.UTF-8")], true),
            (&[("LANG", "de_DE.utf8")], true),
            (&[("LANG", "de_DE.UTF-8@euro")], true),
            (&[("LANG", "de_DE.ISO-8859-15@utf8")], false),
            (&[("LANG", "de_DE")], false),
            (&[("LC_ALL", "C"), ("LANG", "C.UTF-8")], false),
            (
                &[("LC_ALL", ""), ("LC_CTYPE", "C.UTF-8"), ("LANG", "C")],
                true,
            ),
        ] {
            let variable = |name: &str| {
                let mut found = set.iter().filter(|(key, _)| *key == name);
                found.next().map(|(_, value)| OsString::from(value))
            };
            assert_eq!(is_utf8(variable), expected, "{set:?}");
        }
    }

    #[test]
    fn every_character_becomes_ascii() {
        assert_eq!(to_ascii("plain"), "plain");
        assert_eq!(
            to_ascii("412 µs  ×3  – 2 ± 1 … 9 ██▌▏ ü\u{2028}"),
            "412 us  x3  - 2 +/- 1 ... 9 ###- \\u{fc}\\u{2028}"
        );
    }
}
