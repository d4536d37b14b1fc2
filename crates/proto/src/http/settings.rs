//! The settings that all requests of one kind share.

use std::fmt;
use std::str::FromStr;

use super::authorization::Authorization;
use super::extras::Extras;

/// The settings that all requests of one kind share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// The method of the first request; redirects may change it. See
    /// [`parse_method`].
    pub method: Box<str>,
    /// Headers to send in addition to, or instead of, the default ones.
    pub headers: Vec<RequestHeader>,
    /// The credentials for the target, in place of those in its URL.
    pub authorization: Option<Authorization>,
    /// The content of the request.
    pub body: Option<Box<[u8]>>,
    /// The HTTP version of the request.
    pub version: HttpVersion,
    /// The most redirects that are followed.
    pub follow_max: u32,
    /// Whether cookies that were received are sent with the further requests of a job.
    pub cookies: bool,
    /// The most octets of a head, final or interim, and of all chunk extensions and trailers of a
    /// body. At most 4 GiB.
    pub head_bytes_max: usize,
    /// The most header lines of a head.
    pub head_lines_max: usize,
    /// The most interim responses (RFC 9110 §15.2) before the final one.
    pub interim_max: u32,
    /// The most content codings of a body.
    pub codings_max: usize,
    /// The most octets of a body, both as received and decoded.
    pub body_bytes_max: u64,
    /// Whether the body is kept for
    /// [`ResponseReader::take_body`](super::ResponseReader::take_body).
    pub keep_body: bool,
    /// What is collected of a response besides.
    pub extras: Extras,
    /// Whether the server is asked to keep the connection open for another request.
    pub keep_alive: bool,
    /// Whether a response must keep the rules even where what it breaks has one reading only.
    pub strict: bool,
}

impl Default for HttpSettings {
    /// `GET` by HTTP/1.1, a connection for each request, no redirects, heads up to 64 KiB and 1,000
    /// lines, 16 interim responses, 4 content codings, bodies up to 16 MiB, and lenience.
    fn default() -> Self {
        Self {
            method: "GET".into(),
            headers: Vec::new(),
            authorization: None,
            body: None,
            version: HttpVersion::V11,
            follow_max: 0,
            cookies: false,
            head_bytes_max: 64 << 10,
            head_lines_max: 1_000,
            interim_max: 16,
            codings_max: 4,
            body_bytes_max: 16 << 20,
            keep_body: false,
            extras: Extras::default(),
            keep_alive: false,
            strict: false,
        }
    }
}

/// A version of HTTP/1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HttpVersion {
    /// HTTP/1.0.
    V10,
    /// HTTP/1.1; in a response also any later HTTP/1 (RFC 9110 §2.5).
    V11,
}

impl HttpVersion {
    /// `1.0` or `1.1`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::V10 => "1.0",
            Self::V11 => "1.1",
        }
    }
}

/// A header that the user adds, replaces or removes.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestHeader {
    name: Box<str>,
    value: Option<Box<str>>,
}

impl RequestHeader {
    /// A header to send. It replaces a default header of the same name.
    pub fn new(name: &str, value: &str) -> Result<Self, HeaderError> {
        if !is_token(name) {
            return Err(HeaderError::Name(name.into()));
        }
        if value.bytes().any(is_control) {
            return Err(HeaderError::Value(name.into()));
        }
        Ok(Self {
            name: name.into(),
            value: Some(value.trim_matches([' ', '\t']).into()),
        })
    }

    /// Removes the default header of this name.
    pub fn removed(name: &str) -> Result<Self, HeaderError> {
        Self::new(name, "").map(|header| Self {
            value: None,
            ..header
        })
    }

    /// Its name, as given.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its value; `None` if the header is removed.
    pub fn value(&self) -> Option<&str> {
        self.value.as_deref()
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    pub(super) fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| self.is(name))
    }
}

impl FromStr for RequestHeader {
    type Err = HeaderError;

    /// Parses a header as curl's `-H` does: `Name: value` sends it, `Name:` removes it, `Name;`
    /// sends it empty.
    fn from_str(text: &str) -> Result<Self, HeaderError> {
        if let Some((name, value)) = text.split_once(':') {
            if value.trim_matches([' ', '\t']).is_empty() {
                return Self::removed(name);
            }
            return Self::new(name, value);
        }
        match text.trim_end().strip_suffix(';') {
            Some(name) => Self::new(name, ""),
            None => Err(HeaderError::Colon(text.into())),
        }
    }
}

impl fmt::Debug for RequestHeader {
    /// Without the value, which may be a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestHeader")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Why a text is not a header.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// It has neither a colon nor a semicolon at the end.
    #[error("header {0:?} is neither `name: value` nor `name;`")]
    Colon(Box<str>),
    /// Its name is not a token (RFC 9110 §5.6.2).
    #[error("header name {0:?} is no token")]
    Name(Box<str>),
    /// Its value has control characters. It is not shown, as it may be a secret.
    #[error("the value of header {0:?} holds a control character")]
    Value(Box<str>),
}

/// Checks that `text` can be a method (RFC 9110 §9.1).
pub fn parse_method(text: &str) -> Result<Box<str>, MethodError> {
    is_token(text)
        .then(|| text.into())
        .ok_or_else(|| MethodError(text.into()))
}

/// A text that is not a method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("method {0:?} is no token")]
pub struct MethodError(Box<str>);

/// Whether an octet may be part of a token (RFC 9110 §5.6.2).
pub(super) fn is_token_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}

/// Whether an octet is a control character that no line may contain: all but the tab.
pub(super) fn is_control(octet: u8) -> bool {
    octet.is_ascii_control() && octet != b'\t'
}

fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_octet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_curl_reads_them() {
        for (text, name, value) in [
            ("X-A: b", "X-A", Some("b")),
            ("X-A:b:c ", "X-A", Some("b:c")),
            ("X-A:", "X-A", None),
            ("X-A:  ", "X-A", None),
            ("X-A;", "X-A", Some("")),
        ] {
            let header: RequestHeader = text.parse().unwrap();
            assert_eq!((header.name(), header.value()), (name, value), "{text}");
        }
    }

    #[test]
    fn what_would_break_out_of_its_line_is_refused() {
        let name = |name: &str| Err(HeaderError::Name(name.into()));
        let value = Err(HeaderError::Value("X-A".into()));
        assert_eq!("X-A : b".parse::<RequestHeader>(), name("X-A "));
        assert_eq!(": b".parse::<RequestHeader>(), name(""));
        assert_eq!("X\r\nA: b".parse::<RequestHeader>(), name("X\r\nA"));
        assert_eq!("X-A: b\r\nX-B: c".parse::<RequestHeader>(), value);
        assert_eq!("X-A: b\0".parse::<RequestHeader>(), value);
        assert_eq!(
            "X-A".parse::<RequestHeader>(),
            Err(HeaderError::Colon("X-A".into()))
        );
        assert_eq!(parse_method("GET /"), Err(MethodError("GET /".into())));
        assert_eq!(parse_method(""), Err(MethodError("".into())));
        assert_eq!(parse_method("PROPFIND").as_deref(), Ok("PROPFIND"));
    }

    #[test]
    fn no_secret_is_shown() {
        let header: RequestHeader = "Authorization: Basic c2VjcmV0".parse().unwrap();
        assert!(!format!("{header:?}").contains("c2VjcmV0"));
    }
}
