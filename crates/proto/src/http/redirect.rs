//! Where a redirect leads, and what goes along.

use canvass_model::Url;

use super::request::{Request, without_userinfo};

impl Request {
    /// The request that an answer with `code` and this `Location` leads to (RFC 9110 §15.4); `None`
    /// if the code is no redirect.
    ///
    /// 303 turns every method but `HEAD` into `GET`, 301 and 302 turn `POST` into `GET`, both
    /// without the content; 307 and 308 change nothing. The fragment goes along unless the location
    /// has its own (RFC 9110 §10.2.2). Credentials (in the URL, and the headers `Authorization`,
    /// `Cookie` and `Proxy-Authorization`) and the user's `Host` are left behind for good once the
    /// scheme, host or port is another. Userinfo in the location is not used: it is the peer's, not
    /// the user's.
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
        Ok(Some(Self {
            settings: self.settings.clone(),
            url: without_userinfo(url),
            authorization: self.authorization.clone().filter(|_| !leaves),
            without_content: self.without_content || drops_content,
            without_credentials: self.without_credentials || leaves,
        }))
    }
}

/// Why a redirect leads nowhere.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedirectError {
    /// The location is no URL.
    #[error("location {location:?} cannot be read: {reason}")]
    Unreadable {
        /// What it says.
        location: Box<str>,
        /// Why it cannot be read.
        reason: Box<str>,
    },
    /// The location is not for HTTP.
    #[error("location {location:?} has the scheme {scheme}, neither http nor https")]
    Scheme {
        /// What it is for.
        scheme: Box<str>,
        /// What it says.
        location: Box<str>,
    },
}

fn same_origin(a: &Url, b: &Url) -> bool {
    a.scheme() == b.scheme()
        && a.host_str() == b.host_str()
        && a.port_or_known_default() == b.port_or_known_default()
}
