//! HTTP requests.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use canvass_model::Url;
use percent_encoding::percent_decode_str;

use super::settings::{HttpSettings, HttpVersion, RequestHeader};

/// A request: that of a job, or that of a redirect ([`Request::redirected`]).
#[derive(Clone)]
pub struct Request {
    pub(super) settings: Arc<HttpSettings>,
    /// Without userinfo.
    pub(super) url: Url,
    /// `Basic ...`, from the userinfo of the URL.
    pub(super) authorization: Option<Box<str>>,
    /// A redirect changed the method to `GET` and dropped the content (RFC 9110 §15.4).
    pub(super) without_content: bool,
    /// A redirect left the origin that the credentials are for.
    pub(super) without_credentials: bool,
}

/// Headers for one host only: redirects to another drop them (RFC 9110 §15.4).
const HOST_BOUND: [&str; 4] = ["Authorization", "Cookie", "Proxy-Authorization", "Host"];

/// Headers that describe the content, and are dropped with it (RFC 9110 §15.4).
const CONTENT_BOUND: [&str; 9] = [
    "Content-Digest",
    "Content-Encoding",
    "Content-Language",
    "Content-Length",
    "Content-Location",
    "Content-Type",
    "Digest",
    "Expect",
    "Transfer-Encoding",
];

const USER_AGENT: &str = concat!("canvass/", env!("CARGO_PKG_VERSION"));

impl Request {
    /// The request for `url`. A user and password in the URL become `Authorization: Basic` (RFC
    /// 7617), and are not sent or shown otherwise.
    pub fn new(settings: &Arc<HttpSettings>, url: &Url) -> Self {
        let authorization = basic_authorization(url);
        Self {
            settings: Arc::clone(settings),
            url: without_userinfo(url.clone()),
            authorization,
            without_content: false,
            without_credentials: false,
        }
    }

    /// The URL, without userinfo.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The method.
    pub fn method(&self) -> &str {
        if self.without_content {
            "GET"
        } else {
            &self.settings.method
        }
    }

    /// The settings it shares with others.
    pub fn settings(&self) -> &Arc<HttpSettings> {
        &self.settings
    }

    /// Appends the request, head and content, to `out` (RFC 9112 §3).
    pub fn write(&self, out: &mut Vec<u8>) {
        let settings = &*self.settings;
        let version = settings.version;
        for piece in [self.method(), " ", self.url.path()] {
            out.extend_from_slice(piece.as_bytes());
        }
        if let Some(query) = self.url.query() {
            out.push(b'?');
            out.extend_from_slice(query.as_bytes());
        }
        for piece in [" HTTP/", version.as_str(), "\r\n"] {
            out.extend_from_slice(piece.as_bytes());
        }

        // Host is the first header (RFC 9110 §7.2).
        if !self.is_overridden("Host") {
            out.extend_from_slice(b"Host: ");
            out.extend_from_slice(self.url.host_str().unwrap_or_default().as_bytes());
            if let Some(port) = self.url.port() {
                write!(out, ":{port}").expect("a vector takes what it is given");
            }
            out.extend_from_slice(b"\r\n");
        }
        for header in self.user_headers().filter(|header| header.is("Host")) {
            write_header(out, header.name(), header.value());
        }

        self.write_default(out, "Authorization", self.authorization.as_deref());
        self.write_default(out, "User-Agent", Some(USER_AGENT));
        self.write_default(out, "Accept", Some("*/*"));
        self.write_default(out, "Accept-Encoding", Some("gzip, deflate, br, zstd"));
        let connection = match (settings.keep_alive, version) {
            (false, _) => Some("close"),
            (true, HttpVersion::V10) => Some("keep-alive"),
            (true, HttpVersion::V11) => None,
        };
        self.write_default(out, "Connection", connection);
        let body = self.body();
        if body.is_some() {
            let form = "application/x-www-form-urlencoded";
            self.write_default(out, "Content-Type", Some(form));
        }
        // A method that defines content needs it even without (RFC 9110 §8.6).
        if body.is_some() || matches!(self.method(), "POST" | "PUT" | "PATCH") {
            let length = body.map_or(0, <[u8]>::len).to_string();
            self.write_default(out, "Content-Length", Some(&length));
        }

        for header in self.user_headers().filter(|header| !header.is("Host")) {
            write_header(out, header.name(), header.value());
        }
        out.extend_from_slice(b"\r\n");
        out.extend_from_slice(body.unwrap_or_default());
    }

    fn body(&self) -> Option<&[u8]> {
        self.settings
            .body
            .as_deref()
            .filter(|_| !self.without_content)
    }

    /// The user's headers, without those that redirects drop.
    fn user_headers(&self) -> impl Iterator<Item = &RequestHeader> {
        self.settings.headers.iter().filter(|header| {
            !(self.without_credentials && header.is_one_of(&HOST_BOUND)
                || self.without_content && header.is_one_of(&CONTENT_BOUND))
        })
    }

    fn is_overridden(&self, name: &str) -> bool {
        self.user_headers().any(|header| header.is(name))
    }

    fn write_default(&self, out: &mut Vec<u8>, name: &str, value: Option<&str>) {
        if !self.is_overridden(name) {
            write_header(out, name, value);
        }
    }
}

impl fmt::Debug for Request {
    /// Without headers and content, which may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

pub(super) fn without_userinfo(mut url: Url) -> Url {
    if !url.username().is_empty() || url.password().is_some() {
        // Both fail only for URLs without a host, which have no userinfo either.
        let _ = url.set_username("");
        let _ = url.set_password(None);
    }
    url
}

fn write_header(out: &mut Vec<u8>, name: &str, value: Option<&str>) {
    let Some(value) = value else { return };
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(if value.is_empty() { b":" } else { b": " });
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// RFC 7617 §2.
fn basic_authorization(url: &Url) -> Option<Box<str>> {
    let (user, password) = (url.username(), url.password());
    if user.is_empty() && password.is_none() {
        return None;
    }
    let mut credentials: Vec<u8> = percent_decode_str(user).collect();
    credentials.push(b':');
    credentials.extend(percent_decode_str(password.unwrap_or_default()));
    Some(format!("Basic {}", BASE64.encode(credentials)).into())
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
            assert_eq!(basic_authorization(&url).as_deref(), value, "{userinfo}");
        }
    }
}
