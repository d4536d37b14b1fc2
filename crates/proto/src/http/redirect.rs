//! Redirects (RFC 9110 §15.4).

use std::sync::Arc;

use canvass_model::Url;

use super::request::{Request, without_userinfo};

impl Request {
    /// The request that a response with `code` and this `Location` leads to (RFC 9110 §15.4);
    /// `None` if the code is not a redirect.
    ///
    /// 303 changes every method but `HEAD` to `GET`, 301 and 302 change `POST` to `GET`, all
    /// without the content; 307 and 308 change nothing. The fragment is inherited unless the
    /// location has its own (RFC 9110 §10.2.2). Credentials (in the URL, and the headers
    /// `Authorization`, `Cookie` and `Proxy-Authorization`) are dropped for good once the origin
    /// differs; the user's `Host` is sent to the first host only, as by curl. Userinfo in the
    /// location is ignored: it is the peer's, not the user's.
    pub fn redirected(&self, code: u16, location: &str) -> Result<Option<Self>, RedirectError> {
        let drops_content = match code {
            301 | 302 => self.method() == "POST",
            303 => !matches!(self.method(), "GET" | "HEAD"),
            307 | 308 => false,
            _ => return Ok(None),
        };
        let mut url = self
            .url
            .join(location)
            .map_err(|error| RedirectError::Unreadable {
                location: location.into(),
                reason: error.to_string().into(),
            })?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(RedirectError::Scheme {
                scheme: url.scheme().into(),
                location: location.into(),
            });
        }
        if url.fragment().is_none() {
            url.set_fragment(self.url.fragment());
        }
        let leaves = !same_origin(&self.url, &url);
        let first = self.first.clone();
        Ok(Some(Self {
            settings: self.settings.clone(),
            url: without_userinfo(url),
            raw_path: None,
            first: first.or_else(|| Some(Arc::new(self.url.clone()))),
            authorization: self.authorization.clone().filter(|_| !leaves),
            without_content: self.without_content || drops_content,
            without_credentials: self.without_credentials || leaves,
        }))
    }
}

/// Why a redirect cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// The location is not a URL.
    #[error("location {location:?} cannot be read: {reason}")]
    Unreadable {
        /// The location.
        location: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// The location has another scheme than http and https.
    #[error("location {location:?} has the scheme {scheme}, neither http nor https")]
    Scheme {
        /// Its scheme.
        scheme: Box<str>,
        /// The location.
        location: Box<str>,
    },
}

fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}
