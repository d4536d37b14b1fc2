//! One request, and how it is written.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use canvass_model::Url;
use percent_encoding::percent_decode_str;

use super::settings::{HttpSettings, HttpVersion, RequestHeader};

/// One request to be made: that of a job, or that of a redirect ([`Request::redirected`]).
#[derive(Clone)]
pub struct Request {
    pub(super) settings: Arc<HttpSettings>,
    /// Without userinfo.
    pub(super) url: Url,
    /// `Basic ...`, out of the userinfo of the URL.
    pub(super) authorization: Option<Box<str>>,
    /// A redirect has turned the method into `GET` and left the content behind (RFC 9110 §15.4).
    pub(super) without_content: bool,
    /// A redirect has led away from where the credentials are for.
    pub(super) without_credentials: bool,
}

/// What is for one host alone, and not for the one it redirects to (RFC 9110 §15.4).
const HOST_BOUND: [&str; 4] = ["Authorization", "Cookie", "Proxy-Authorization", "Host"];

/// What speaks of content, and goes with it (RFC 9110 §15.4).
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
    /// The request for `url`. A user and password in it become `Authorization: Basic` (RFC 7617)
    /// and are in nothing else that is sent or shown.
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

    /// What is asked for, without userinfo.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The method it is asked with.
    pub fn method(&self) -> &str {
        if self.without_content {
            "GET"
        } else {
            &self.settings.method
        }
    }

    /// What it has in common with others.
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

        // RFC 9110 §7.2: first of all.
        if !self.is_the_users("Host") {
            out.extend_from_slice(b"Host: ");
            out.extend_from_slice(self.url.host_str().unwrap_or_default().as_bytes());
            if let Some(port) = self.url.port() {
                write!(out, ":{port}").expect("a vector takes what it is given");
            }
            out.extend_from_slice(b"\r\n");
        }
        for header in self.users().filter(|header| header.is("Host")) {
            write_header(out, header.name(), header.value());
        }

        self.write_ours(out, "Authorization", self.authorization.as_deref());
        self.write_ours(out, "User-Agent", Some(USER_AGENT));
        self.write_ours(out, "Accept", Some("*/*"));
        self.write_ours(out, "Accept-Encoding", Some("gzip, deflate, br, zstd"));
        let connection = match (settings.keep_alive, version) {
            (false, _) => Some("close"),
            (true, HttpVersion::V10) => Some("keep-alive"),
            (true, HttpVersion::V11) => None,
        };
        self.write_ours(out, "Connection", connection);
        let body = self.body();
        if body.is_some() {
            let form = "application/x-www-form-urlencoded";
            self.write_ours(out, "Content-Type", Some(form));
        }
        // RFC 9110 §8.6: also where a method that asks for content is sent without.
        if body.is_some() || matches!(self.method(), "POST" | "PUT" | "PATCH") {
            let length = body.map_or(0, <[u8]>::len).to_string();
            self.write_ours(out, "Content-Length", Some(&length));
        }

        for header in self.users().filter(|header| !header.is("Host")) {
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

    /// The headers the user asked for, as far as redirects have left them.
    fn users(&self) -> impl Iterator<Item = &RequestHeader> {
        self.settings.headers.iter().filter(|header| {
            !(self.without_credentials && header.is_one_of(&HOST_BOUND)
                || self.without_content && header.is_one_of(&CONTENT_BOUND))
        })
    }

    fn is_the_users(&self, name: &str) -> bool {
        self.users().any(|header| header.is(name))
    }

    fn write_ours(&self, out: &mut Vec<u8>, name: &str, value: Option<&str>) {
        if !self.is_the_users(name) {
            write_header(out, name, value);
        }
    }
}

impl fmt::Debug for Request {
    /// Without what may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method())
            .field("url", &self.url.as_str())
            .finish_non_exhaustive()
    }
}

pub(super) fn without_userinfo(mut url: Url) -> Url {
    if !url.username().is_empty() || url.password().is_some() {
        // They fail only for URLs without a host, which have no userinfo either.
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
