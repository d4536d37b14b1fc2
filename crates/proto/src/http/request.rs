//! One request, and how it is written.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use canvass_model::Url;

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
    let mut credentials = percent_decoded(user);
    credentials.push(b':');
    credentials.extend(percent_decoded(password.unwrap_or_default()));
    let mut value = String::from("Basic ");
    push_base64(&mut value, &credentials);
    Some(value.into())
}

/// RFC 3986 §2.1; a percent sign that begins no triplet stands for itself.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digit = |at: usize| char::from(*after.get(at)?).to_digit(16);
        match (first, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high << 4 | low) as u8);
                rest = &after[2..];
            }
            _ => {
                decoded.push(*first);
                rest = after;
            }
        }
    }
    decoded
}

/// RFC 4648 §4.
fn push_base64(out: &mut String, octets: &[u8]) {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in octets.chunks(3) {
        let octet = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = octet(0) << 16 | octet(1) << 8 | octet(2);
        for place in 0..4 {
            out.push(if place <= group.len() {
                char::from(DIGITS[(bits >> (18 - 6 * place) & 63) as usize])
            } else {
                '='
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_the_rfc_has_it() {
        // RFC 4648 §10.
        for (octets, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = String::new();
            push_base64(&mut out, octets.as_bytes());
            assert_eq!(out, text, "{octets}");
        }
    }

    #[test]
    fn percent_triplets_are_octets_and_other_signs_themselves() {
        for (text, octets) in [("a%20b", &b"a b"[..]), ("%ff%", b"\xff%"), ("%4g", b"%4g")] {
            assert_eq!(percent_decoded(text), octets, "{text}");
        }
    }
}
