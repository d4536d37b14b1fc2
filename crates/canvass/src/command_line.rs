//! The command as it was typed, for whoever reads a report later.

use std::ffi::OsString;

/// Characters of it that are kept: a thousand targets are of no use there.
const CHARS_MAX: usize = 2_000;
/// Flags whose value may be secret.
const SECRET_FLAGS: [&str; 4] = ["-H", "--header", "-d", "--data"];
/// What stands where something secret was.
const MASK: &str = "***";

/// This process's own, without what is secret in it.
pub fn own() -> String {
    shown(std::env::args_os())
}

fn shown(words: impl IntoIterator<Item = OsString>) -> String {
    let mut text = String::from("canvass");
    let mut secret = false;
    for word in words.into_iter().skip(1) {
        let word = word.to_string_lossy();
        let shown = if std::mem::take(&mut secret) {
            MASK.to_owned()
        } else {
            secret = SECRET_FLAGS.contains(&&*word);
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

/// A word without the value of a secret flag that is written in one with it, and without the
/// credentials of a URL.
fn without_secrets(word: &str) -> String {
    for flag in SECRET_FLAGS {
        // `-Hname: value`, `--header=name: value`
        let joined = match flag.strip_prefix("--") {
            Some(_) => word
                .strip_prefix(flag)
                .and_then(|rest| rest.strip_prefix('=')),
            None => word.strip_prefix(flag).filter(|rest| !rest.is_empty()),
        };
        if joined.is_some() && !(flag.len() == 2 && word.starts_with("--")) {
            let equals = if flag.len() > 2 { "=" } else { "" };
            return format!("{flag}{equals}{MASK}");
        }
    }
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{MASK}{}", &rest[at..]),
        None => word.to_owned(),
    }
}

/// A word as a shell takes it.
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
    fn words_are_as_a_shell_takes_them() {
        assert_eq!(
            of(&["/x/canvass", "ptr", "192.0.2.0/28", "-o", "a b's"]),
            r"canvass ptr 192.0.2.0/28 -o 'a b'\''s'"
        );
    }

    #[test]
    fn what_is_secret_is_not_there() {
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
            &[
                "canvass",
                "http",
                "--connect-to",
                "https://secret@x.example",
            ],
        ] {
            let text = of(words);
            assert!(!text.contains("secret"), "{text}");
            assert!(text.contains(MASK), "{text}");
        }
        assert_eq!(of(&["canvass", "dns", "--help"]), "canvass dns --help");
    }

    #[test]
    fn a_very_long_one_is_cut() {
        let words = vec!["192.0.2.1"; 10_000];
        assert!(of(&words).chars().count() < CHARS_MAX + 20);
    }
}
