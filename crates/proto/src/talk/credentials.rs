//! What a script may say and nobody may read.

use std::borrow::Cow;
use std::fmt;

/// A user and a password. Neither is ever printed, and what the peer sends back of the password
/// is masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    user: Box<str>,
    password: Box<str>,
    password_quoted: Box<str>,
}

/// Why a user and a password cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// A line break in a name could end the line it stands in and begin another command.
    #[error("the user holds a control character")]
    User,
    /// The same for the password.
    #[error("the password holds a control character")]
    Password,
}

/// Whether a script speaks of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialUse {
    /// It does not.
    None,
    /// It says them where there are some.
    Optional,
    /// It cannot do without.
    Required,
}

/// What stands for a password.
const MASK: &str = "***";

impl Credentials {
    /// Takes a user and a password.
    ///
    /// # Errors
    /// If one holds a control character; the error does not show it.
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

    /// The user, as it is.
    pub(super) fn user(&self) -> &str {
        &self.user
    }

    /// The user as an IMAP string (RFC 3501 §4.3).
    pub(super) fn user_quoted(&self) -> String {
        quoted(&self.user)
    }

    /// The password, as it is.
    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// The password as an IMAP string.
    pub(super) fn password_quoted(&self) -> &str {
        &self.password_quoted
    }

    /// `text` without the password, in either of the forms a script may have said it in.
    pub(super) fn mask<'a>(&self, text: &'a str) -> Cow<'a, str> {
        let inner = &self.password_quoted[1..self.password_quoted.len() - 1];
        // The longer form first: it may hold the shorter.
        let mut masked = Cow::Borrowed(text);
        for form in [inner, &self.password] {
            if !form.is_empty() && masked.contains(form) {
                masked = Cow::Owned(masked.replace(form, MASK));
            }
        }
        masked
    }

    /// `hex` digits of `octets`; none of them where the password is among the octets.
    pub(super) fn mask_hex(&self, octets: &[u8], hex: String) -> String {
        match self.mask(&String::from_utf8_lossy(octets)) {
            Cow::Borrowed(_) => self.mask(&hex).into_owned(),
            Cow::Owned(_) => MASK.to_owned(),
        }
    }
}

impl fmt::Debug for Credentials {
    /// Shows neither.
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
        assert_eq!(credentials.mask_hex(b"\0a\"b\\c", "0061".to_owned()), "***");
        let empty = Credentials::new("u", "").unwrap();
        assert_eq!(empty.mask("as it is"), "as it is");
    }

    #[test]
    fn strings_are_quoted_as_imap_asks() {
        let credentials = Credentials::new(r#"a"b\"#, "p q").unwrap();
        assert_eq!(credentials.user_quoted(), r#""a\"b\\""#);
        assert_eq!(credentials.password_quoted(), r#""p q""#);
    }
}
