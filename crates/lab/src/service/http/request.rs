//! The heads of requests (RFC 9112 §2, §3).

use super::body::Framing;

/// A request. Its body may be cut.
pub(super) struct Request {
    pub head: Head,
    pub body: Vec<u8>,
    /// Its number on the connection, from 1.
    pub number: u64,
}

/// A request's head.
#[derive(Debug)]
pub(super) struct Head {
    pub method: String,
    /// In origin form, or `*`.
    pub target: String,
    /// Whether the version is HTTP/1.0.
    pub is_http10: bool,
    /// The header lines as received, without line endings.
    pub lines: Vec<String>,
    pub framing: Framing,
    /// Whether the connection persists (RFC 9112 §9.3).
    pub keep_alive: bool,
    pub expects_continue: bool,
    pub authorization: Option<String>,
}

/// The length of the head at the start of `bytes`, including the empty line.
pub(super) fn head_length(bytes: &[u8]) -> Option<usize> {
    // Input that cannot be a request, such as a TLS handshake, is answered at once.
    let first = bytes.first();
    if first.is_some_and(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()) {
        return Some(bytes.len());
    }
    let mut at = 0;
    loop {
        let end = at + bytes[at..].iter().position(|&byte| byte == b'\n')?;
        if matches!(&bytes[at..end], b"" | b"\r") {
            return Some(end + 1);
        }
        at = end + 1;
    }
}

impl Head {
    /// Parses a head.
    ///
    /// # Errors
    /// The status code to answer with.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, u16> {
        let text = std::str::from_utf8(bytes).map_err(|_| 400u16)?;
        let mut lines = text.split('\n').map(|line| line.trim_end_matches('\r'));
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(400);
        };
        let is_http10 = match version {
            "HTTP/1.1" => false,
            "HTTP/1.0" => true,
            _ if version.starts_with("HTTP/") => return Err(505),
            _ => return Err(400),
        };
        let mut head = Self {
            method: method.into(),
            target: origin_form(target).ok_or(400u16)?.into(),
            is_http10,
            lines: Vec::new(),
            framing: Framing::None,
            keep_alive: !is_http10,
            expects_continue: false,
            authorization: None,
        };
        let mut hosts = 0;
        for line in lines.take_while(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').ok_or(400u16)?;
            if name.is_empty() || name.contains([' ', '\t']) {
                return Err(400);
            }
            hosts += usize::from(name.eq_ignore_ascii_case("host"));
            head.take(name, value.trim())?;
            head.lines.push(line.into());
        }
        // RFC 9112 §3.2.
        if hosts > 1 || (hosts == 0 && !is_http10) {
            return Err(400);
        }
        Ok(head)
    }

    fn take(&mut self, name: &str, value: &str) -> Result<(), u16> {
        match name.to_ascii_lowercase().as_str() {
            "content-length" => {
                let digits = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
                let octets = value.parse().ok().filter(|_| digits).ok_or(400u16)?;
                match self.framing {
                    Framing::None => self.framing = Framing::Length(octets),
                    Framing::Length(same) if same == octets => {}
                    // Conflicting lengths allow request smuggling (RFC 9112 §6.3, §11.2).
                    _ => return Err(400),
                }
            }
            "transfer-encoding" => match self.framing {
                Framing::None if value.eq_ignore_ascii_case("chunked") => {
                    self.framing = Framing::Chunked;
                }
                Framing::None => return Err(501),
                _ => return Err(400),
            },
            "connection" => {
                for option in value.split(',').map(str::trim) {
                    if option.eq_ignore_ascii_case("close") {
                        self.keep_alive = false;
                    } else if option.eq_ignore_ascii_case("keep-alive") && self.is_http10 {
                        self.keep_alive = true;
                    }
                }
            }
            "expect" if value.eq_ignore_ascii_case("100-continue") => self.expects_continue = true,
            "authorization" => self.authorization = Some(value.into()),
            _ => {}
        }
        Ok(())
    }
}

/// The path and query of a target in absolute form (RFC 9112 §3.2.2) or origin form.
fn origin_form(target: &str) -> Option<&str> {
    if target == "*" || target.starts_with('/') {
        return Some(target);
    }
    let authority = target
        .strip_prefix("http://")
        .or_else(|| target.strip_prefix("https://"))?;
    Some(authority.find('/').map_or("/", |at| &authority[at..]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Head, u16> {
        assert_eq!(head_length(text.as_bytes()), Some(text.len()));
        Head::parse(text.as_bytes())
    }

    #[test]
    fn a_head_is_parsed() {
        let head = parse(
            "POST /echo?a=b HTTP/1.1\r\nHost: x\r\nContent-Length: 12\r\n\
             Expect: 100-Continue\r\nConnection: TE, Close\r\nAuthorization: Basic eA==\r\n\r\n",
        )
        .unwrap();
        assert_eq!(
            (head.method.as_str(), head.target.as_str()),
            ("POST", "/echo?a=b")
        );
        assert_eq!(head.framing, Framing::Length(12));
        assert!(head.expects_continue && !head.keep_alive && !head.is_http10);
        assert_eq!(head.authorization.as_deref(), Some("Basic eA=="));
        assert_eq!(head.lines[0], "Host: x");
    }

    #[test]
    fn a_connection_is_kept_as_the_version_has_it() {
        for (head, kept) in [
            ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", true),
            ("GET / HTTP/1.0\r\n\r\n", false),
            ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true),
            ("GET / HTTP/1.1\nHost: x\nConnection: close\n\n", false),
        ] {
            assert_eq!(parse(head).unwrap().keep_alive, kept, "{head:?}");
        }
    }

    #[test]
    fn malformed_requests_have_their_codes() {
        for (head, code) in [
            ("GET /\r\n\r\n", 400),
            ("GET / HTTP/1.1 x\r\nHost: x\r\n\r\n", 400),
            ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505),
            ("GET / SPDY\r\nHost: x\r\n\r\n", 400),
            ("GET x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\n",
                400,
            ),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
                400,
            ),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                400,
            ),
            (
                "GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n",
                501,
            ),
        ] {
            assert_eq!(parse(head).unwrap_err(), code, "{head:?}");
        }
    }

    #[test]
    fn absolute_targets_are_brought_into_origin_form() {
        assert_eq!(origin_form("http://host:80/a?b"), Some("/a?b"));
        assert_eq!(origin_form("https://host"), Some("/"));
        assert_eq!(origin_form("host:443"), None);
    }

    proptest! {
        #[test]
        fn no_octets_are_too_odd(bytes: Vec<u8>) {
            if let Some(length) = head_length(&bytes) {
                prop_assert!(length <= bytes.len());
            }
            let _ = Head::parse(&bytes);
        }
    }
}
