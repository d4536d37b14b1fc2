//! Credentials for scripts.

use std::borrow::Cow;
use std::fmt;

/// A user and a password. Neither is ever printed; the password is masked in what the peer sends.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: Box<str>,
    password: Box<str>,
    password_quoted: Box<str>,
}

/// Why a user and a password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// The user has a control character. A line break could start another command.
    #[error("the user holds a control character")]
    User,
    /// The password has a control character.
    #[error("the password holds a control character")]
    Password,
}

/// Whether a script uses credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialUse {
    /// It does not use them.
    None,
    /// It uses them if there are any.
    Optional,
    /// It needs them.
    Required,
}

/// The mask for a password.
const MASK: &str = "***";

impl Credentials {
    /// Creates credentials.
    ///
    /// # Errors
    /// If one has a control character; the error does not show it.
    pub fn new(user: &str, password: &str) -> Result<Self, CredentialsError> {
        if user.chars().any(char::is_control) {
            return Err(CredentialsError::User);
        }
        if password.chars().any(char::is_control) {
            return Err(CredentialsError::Password);
        }
        Ok(Self {
            user: user.into(),
            password: password.into(),
            password_quoted: quoted(password).into(),
        })
    }

    /// The user.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// The user as an IMAP string (RFC 3501 §4.3).
    pub(super) fn user_quoted(&self) -> String {
        quoted(&self.user)
    }

    /// The password.
    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// The password as an IMAP string.
    pub(super) fn password_quoted(&self) -> &str {
        &self.password_quoted
    }

    /// `text` with the password masked, in both forms a script can send it in.
    pub(super) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let inner = &self.password_quoted[1..self.password_quoted.len() - 1];
        // The quoted form first, since it may contain the other.
        let mut masked = Cow::Borrowed(text);
        for form in [inner, &self.password] {
            if !form.is_empty() && masked.contains(form) {
                masked = Cow::Owned(masked.replace(form, MASK));
            }
        }
        masked
    }

    /// As [`Self::mask`] for octets that more may follow: an end that may be the beginning of the
    /// password is masked too.
    pub(super) fn mask_cut(&self, octets: &[u8]) -> String {
        let inner = &self.password_quoted[1..self.password_quoted.len() - 1];
        let begun = |form: &str| {
            let mut lengths = (1..=form.len()).rev();
            lengths.find(|length| octets.ends_with(&form.as_bytes()[..*length]))
        };
        let hidden = begun(inner).max(begun(&self.password)).unwrap_or(0);
        let shown = String::from_utf8_lossy(&octets[..octets.len() - hidden]);
        let mask = if hidden > 0 { MASK } else { "" };
        self.mask(&shown).into_owned() + mask
    }

    /// `hex`, the hex digits of `octets`, masked if the password is in the octets, or if it may begin
    /// at their end and more may follow (`is_cut`).
    pub(super) fn mask_hex(&self, octets: &[u8], hex: String, is_cut: bool) -> String {
        let text = String::from_utf8_lossy(octets);
        let is_masked = match self.mask(&text) {
            Cow::Borrowed(_) => is_cut && self.mask_cut(octets) != text,
            Cow::Owned(_) => true,
        };
        if is_masked {
            MASK.to_owned()
        } else {
            self.mask(&hex).into_owned()
        }
    }
}

impl fmt::Debug for Credentials {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(***)")
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_is_shown() {
        let credentials = Credentials::new("somebody", "hunter2").unwrap();
        let shown = format!("{credentials:?} {credentials:#?}");
        assert!(!shown.contains("hunter2") && !shown.contains("somebody"));
        for (user, password) in [("some\nbody", "hunter2"), ("somebody", "hunter2\r\nDELE 1")] {
            let error = Credentials::new(user, password).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"));
        }
    }

    #[test]
    fn the_password_is_masked_in_every_form() {
        let credentials = Credentials::new("u", r#"a"b\c"#).unwrap();
        assert_eq!(credentials.mask(r#"no a"b\c here"#), "no *** here");
        assert_eq!(credentials.mask(r#"no "a\"b\\c" here"#), r#"no "***" here"#);
        assert_eq!(
            credentials.mask_hex(b"\0a\"b\\c", "0061".to_owned(), false),
            "***"
        );
        assert_eq!(
            credentials.mask_hex(b"\0a\"", "0061".to_owned(), false),
            "0061"
        );
        assert_eq!(
            credentials.mask_hex(b"\0a\"", "0061".to_owned(), true),
            "***"
        );
        let empty = Credentials::new("u", "").unwrap();
        assert_eq!(empty.mask("as it is"), "as it is");
    }

    #[test]
    fn the_beginning_of_the_password_is_masked_where_more_may_follow() {
        let credentials = Credentials::new("u", "hünter\"").unwrap();
        for (octets, shown) in [
            (&b"login: "[..], "login: "),
            (b"you said h", "you said ***"),
            (b"you said h\xc3", "you said ***"),
            ("hünter\" hünt".as_bytes(), "*** ***"),
            ("said \"hünter\\".as_bytes(), "said \"***"),
            ("hünter\"".as_bytes(), "***"),
            (b"", ""),
        ] {
            assert_eq!(credentials.mask_cut(octets), shown, "{octets:?}");
        }
        assert_eq!(
            Credentials::new("u", "aa").unwrap().mask_cut(b"xaa"),
            "x***"
        );
    }

    #[test]
    fn strings_are_quoted_as_imap_asks() {
        let credentials = Credentials::new(r#"a"b\"#, "p q").unwrap();
        assert_eq!(credentials.user_quoted(), r#""a\"b\\""#);
        assert_eq!(credentials.password_quoted(), r#""p q""#);
    }
}
