//! HTTP requests.

use std::fmt;
use std::io::Write;
use std::sync::Arc;

use canvass_model::{Position, Url, UrlTarget};

use super::authorization::Authorization;
use super::settings::{HttpSettings, HttpVersion, RequestHeader};
use crate::tunnel::Proxy;

/// A request: that of a job, or that of a redirect ([`Request::redirected`]).
#[derive(Clone)]
pub struct Request {
    pub(super) settings: Arc<HttpSettings>,
    /// Without userinfo.
    pub(super) url: Url,
    /// The path that is sent instead of that of the URL.
    pub(super) raw_path: Option<Box<str>>,
    /// The URL that the job began with, if a redirect led here.
    pub(super) first: Option<Arc<Url>>,
    /// From the settings, or else from the userinfo of the URL.
    pub(super) authorization: Option<Authorization>,
    /// A redirect changed the method to `GET` and dropped the content (RFC 9110 §15.4).
    pub(super) without_content: bool,
    /// A redirect left the origin that the credentials are for.
    pub(super) without_credentials: bool,
}

/// What a request is sent with that depends on what was received before, and on the way to the
/// server.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestContext<'a> {
    /// The cookies to send (RFC 6265 §4.2.1); empty for none.
    pub cookies: &'a str,
    /// The proxy that it is sent to, in absolute form (RFC 9112 §3.2.2).
    pub proxy: Option<&'a Proxy>,
}

/// Headers for one origin only: redirects to another drop them (RFC 9110 §15.4).
const ORIGIN_BOUND: [&str; 3] = ["Authorization", "Cookie", "Proxy-Authorization"];

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

pub(crate) const USER_AGENT: &str = concat!("canvass/", env!("CARGO_PKG_VERSION"));

impl Request {
    /// The request for `url`. A user and password in the URL become `Authorization: Basic` (RFC
    /// 7617) unless the settings have others, as in curl, and are not sent or shown otherwise.
    pub fn new(settings: &Arc<HttpSettings>, url: &Url) -> Self {
        Self {
            settings: Arc::clone(settings),
            url: without_userinfo(url.clone()),
            raw_path: None,
            first: None,
            authorization: match &settings.authorization {
                Some(given) => Some(given.clone()),
                None => Authorization::of_url(url),
            },
            without_content: false,
            without_credentials: false,
        }
    }

    /// The request for a target.
    pub fn of_target(settings: &Arc<HttpSettings>, target: &UrlTarget) -> Self {
        Self {
            raw_path: target.raw_path.clone(),
            ..Self::new(settings, &target.url)
        }
    }

    /// The same by http instead of https, at this port. Credentials that were given for the target
    /// are not sent without TLS.
    pub(crate) fn over_http(&self, port: u16) -> Self {
        let mut request = self.clone();
        // It has a known scheme and a host, so neither can fail.
        let _ = request.url.set_scheme("http");
        let _ = request.url.set_port(Some(port));
        request.authorization = None;
        request
    }

    /// The URL, without userinfo.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL as it is shown: without userinfo, and with the path that is sent.
    pub fn shown_url(&self) -> Box<str> {
        match &self.raw_path {
            None => self.url.as_str().into(),
            Some(path) => {
                let url = &self.url;
                [
                    &url[..Position::BeforePath],
                    path,
                    &url[Position::AfterPath..],
                ]
                .concat()
                .into()
            }
        }
    }

    /// Whether it is sent to the host that the job began with. The user's `Host`, and the name to
    /// verify that the user gave, are meant for that one.
    pub fn is_at_first_host(&self) -> bool {
        let first = self.first.as_ref();
        first.is_none_or(|first| first.host_str() == self.url.host_str())
    }

    fn path(&self) -> &str {
        self.raw_path.as_deref().unwrap_or(self.url.path())
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
    pub fn write(&self, out: &mut Vec<u8>, context: &RequestContext<'_>) {
        let settings = &*self.settings;
        let version = settings.version;
        let origin = match context.proxy {
            Some(_) => &self.url[..Position::BeforePath],
            None => "",
        };
        for piece in [self.method(), " ", origin, self.path()] {
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

        let authorization = self.authorization.as_ref().map(Authorization::value);
        self.write_default(out, "Authorization", authorization);
        if let Some(proxy) = context.proxy {
            let authorization = proxy.authorization().map(Authorization::value);
            self.write_default(out, "Proxy-Authorization", authorization);
        }
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

        // There is one field for all cookies (RFC 6265 §5.4).
        let mut cookies = context.cookies;
        for header in self.user_headers().filter(|header| !header.is("Host")) {
            match header.value().filter(|_| !cookies.is_empty()) {
                Some(own) if header.is("Cookie") => {
                    let all = [own, "; ", std::mem::take(&mut cookies)].concat();
                    write_header(out, header.name(), Some(&all));
                }
                _ => write_header(out, header.name(), header.value()),
            }
        }
        if !cookies.is_empty() {
            write_header(out, "Cookie", Some(cookies));
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
            !(self.without_credentials && header.is_one_of(&ORIGIN_BOUND)
                || !self.is_at_first_host() && header.is("Host")
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
