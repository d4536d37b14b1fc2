//! Credentials for HTTP (RFC 9110 §11).

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use canvass_model::Url;
use percent_encoding::percent_decode_str;

/// The value of an `Authorization` or a `Proxy-Authorization` header. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Authorization(Arc<str>);

impl Authorization {
    /// The value for a user and a password (RFC 7617 §2). A user with a colon would be read as
    /// another one with another password.
    pub fn basic(user: &[u8], password: &[u8]) -> Self {
        let credentials = [user, b":", password].concat();
        Self(format!("Basic {}", BASE64.encode(credentials)).into())
    }

    /// The value for the userinfo of a URL, if it has any.
    pub fn of_url(url: &Url) -> Option<Self> {
        let (user, password) = (url.username(), url.password());
        if user.is_empty() && password.is_none() {
            return None;
        }
        let user: Vec<u8> = percent_decode_str(user).collect();
        let password: Vec<u8> = percent_decode_str(password.unwrap_or_default()).collect();
        Some(Self::basic(&user, &password))
    }

    /// The value of the header.
    pub(crate) fn value(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Authorization {
    /// Without the credentials.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorization(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn userinfo_becomes_basic_credentials() {
        for (userinfo, value) in [
            ("", None),
            ("f@", Some("Basic Zjo=")),
            ("f:@", Some("Basic Zjo=")),
            (":p@", Some("Basic OnA=")),
            ("a%20b:%ff%@", Some("Basic YSBiOv8l")),
            ("%4g:oo@", Some("Basic JTRnOm9v")),
        ] {
            let url = format!("http://{userinfo}h/").parse().unwrap();
            let authorization = Authorization::of_url(&url);
            let shown = authorization.as_ref().map(Authorization::value);
            assert_eq!(shown, value, "{userinfo}");
        }
    }

    #[test]
    fn it_is_not_shown() {
        let authorization = Authorization::basic(b"somebody", b"hunter2");
        assert_eq!(format!("{authorization:?}"), "Authorization(***)");
    }
}
