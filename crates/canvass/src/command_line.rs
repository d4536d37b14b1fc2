//! The command line as it is shown in reports, without secrets.

use std::ffi::OsString;
use std::time::SystemTime;

use canvass_report::Origin;

/// The number of characters that are shown.
const CHARS_MAX: usize = 2_000;
/// Flags whose value may be secret, long and short.
const SECRET_FLAGS: [&str; 2] = ["header", "data"];
const SECRET_LETTERS: [char; 2] = ['H', 'd'];
/// Replaces a secret.
pub(crate) const MASK: &str = "***";

/// The origin of the figures of this process, which asked `list`: its command line without secrets.
pub(crate) fn origin(list: String, began: SystemTime) -> Origin {
    Origin {
        command: Some(shown(std::env::args_os())),
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        file: None,
        list: Some(list),
        began: Some(began),
    }
}

/// Words of a command line, without the name of the program and without secrets.
pub(crate) fn shown_words(words: &[String]) -> String {
    let program = OsString::from("canvass");
    shown(std::iter::once(program).chain(words.iter().map(Into::into)))
}

fn shown(words: impl IntoIterator<Item = OsString>) -> String {
    let mut text = String::from("canvass");
    let mut secret = false;
    for word in words.into_iter().skip(1) {
        let word = word.to_string_lossy();
        let shown = if std::mem::take(&mut secret) {
            MASK.to_owned()
        } else {
            secret = announces_secret(&word);
            without_secrets(&word)
        };
        text.push(' ');
        text.push_str(&quoted(&shown));
        if text.chars().count() > CHARS_MAX {
            let kept: String = text.chars().take(CHARS_MAX).collect();
            return format!("{kept} ...");
        }
    }
    text
}

/// Whether the value of a long flag may be secret.
pub(crate) fn is_secret(flag: &str) -> bool {
    SECRET_FLAGS.contains(&flag)
}

/// Whether the next word is the value of a secret flag: a long one, or the last in a cluster of short
/// ones (`-qH`).
fn announces_secret(word: &str) -> bool {
    match word.strip_prefix("--") {
        Some(flag) => is_secret(flag),
        None => word
            .strip_prefix('-')
            .is_some_and(|flags| flags.ends_with(SECRET_LETTERS)),
    }
}

/// Masks the value of a secret flag in the same word, and credentials.
pub(crate) fn without_secrets(word: &str) -> String {
    if let Some(long) = word.strip_prefix("--") {
        return match long.split_once('=') {
            Some((flag, _)) if is_secret(flag) => format!("--{flag}={MASK}"),
            Some((flag, value)) => format!("--{flag}={}", without_credentials(value)),
            None => word.to_owned(),
        };
    }
    if let Some(flags) = word.strip_prefix('-')
        && let Some(at) = flags.find(SECRET_LETTERS)
        && at + 1 < flags.len()
    {
        return format!("-{}{MASK}", &flags[..=at]);
    }
    without_credentials(word)
}

/// Masks the credentials in `user:password@host`, with or without a scheme.
pub(crate) fn without_credentials(word: &str) -> String {
    let (scheme, rest) = match word.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), word),
    };
    match rest.rfind('@') {
        Some(at) => format!("{scheme}{MASK}{}", &rest[at..]),
        None => word.to_owned(),
    }
}

/// Quotes a word for a shell.
fn quoted(word: &str) -> String {
    let plain = |char: char| char.is_alphanumeric() || "-_./:=,%@+*[]".contains(char);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(words: &[&str]) -> String {
        shown(words.iter().map(OsString::from))
    }

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(
            of(&["/x/canvass", "ptr", "192.0.2.0/28", "-o", "a b's"]),
            r"canvass ptr 192.0.2.0/28 -o 'a b'\''s'"
        );
    }

    #[test]
    fn secrets_are_masked() {
        for words in [
            &[
                "canvass",
                "http",
                "-H",
                "Authorization: secret",
                "x.example",
            ][..],
            &["canvass", "http", "-HCookie: secret"],
            &["canvass", "http", "--header=Cookie: secret"],
            &["canvass", "http", "--data", "secret"],
            &["canvass", "http", "https://me:secret@x.example/a"],
            &["canvass", "http", "https://me:se/cret@x.example/a"],
            &["canvass", "http", "me:secret@x.example"],
            &["canvass", "http", "-x", "me:secret@proxy.example"],
            &["canvass", "http", "-xhttp://me:secret@proxy.example"],
            &[
                "canvass",
                "http",
                "--proxy=socks5://me:secret@proxy.example",
            ],
            &["canvass", "http", "-qH", "Authorization: secret"],
            &["canvass", "http", "-qHAuthorization: secret"],
            &["canvass", "http", "-4d", "secret"],
            &["canvass", "http", "--data=secret"],
            &[
                "canvass",
                "http",
                "--connect-to",
                "https://secret@x.example",
            ],
        ] {
            let text = of(words);
            assert!(!text.contains("cret"), "{text}");
            assert!(text.contains(MASK), "{text}");
        }
        assert_eq!(of(&["canvass", "dns", "--help"]), "canvass dns --help");
    }

    #[test]
    fn a_very_long_command_line_is_cut() {
        let words = vec!["192.0.2.1"; 10_000];
        assert!(of(&words).chars().count() < CHARS_MAX + 20);
    }
}
