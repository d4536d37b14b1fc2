//! Well-formed responses.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::fmt::{Display, Write};

use super::request::Request;
use super::step::Step;

/// A response.
pub(super) struct Response {
    code: u16,
    headers: String,
    body: Body,
    close: bool,
}

/// The content of a response.
pub(super) enum Body {
    /// None, and no Content-Length.
    Absent,
    /// A text.
    Text(Cow<'static, [u8]>),
    /// This many octets.
    Sized { octets: u64, steps: Vec<Step> },
    /// Steps that write all chunks including the last one. Not for HTTP/1.0.
    Chunked(Vec<Step>),
    /// All octets until the connection closes.
    UntilClose(Vec<Step>),
}

impl Response {
    pub(super) const fn new(code: u16, body: Body) -> Self {
        Self {
            code,
            headers: String::new(),
            body,
            close: false,
        }
    }

    /// A text with a Content-Type.
    pub(super) fn text(code: u16, text: impl Into<Cow<'static, [u8]>>) -> Self {
        Self::new(code, Body::Text(text.into())).header("Content-Type", "text/plain; charset=utf-8")
    }

    /// A code, with its reason phrase as content if it may have content (RFC 9110 §15).
    pub(super) fn status(code: u16) -> Self {
        match code {
            204 | 304 => Self::new(code, Body::Absent),
            205 => Self::new(code, Body::Text(Cow::Borrowed(b""))),
            _ => Self::text(code, format!("{code} {}\n", reason(code)).into_bytes()),
        }
    }

    /// Adds a header line.
    pub(super) fn header(mut self, name: &str, value: impl Display) -> Self {
        // Writing to a string cannot fail.
        let _ = write!(self.headers, "{name}: {value}\r\n");
        self
    }

    /// Closes the connection after the response.
    pub(super) const fn closing(mut self) -> Self {
        self.close = true;
        self
    }

    /// Appends the steps that send the response.
    pub(super) fn send(self, request: &Request, steps: &mut VecDeque<Step>) {
        let head = &request.head;
        let close = self.close || !head.keep_alive || matches!(self.body, Body::UntilClose(_));
        let version = if head.is_http10 { "1.0" } else { "1.1" };
        let mut text = format!(
            "HTTP/{version} {} {}\r\nServer: canvass-lab\r\n{}",
            self.code,
            reason(self.code),
            self.headers
        );
        let length = match &self.body {
            Body::Text(text) => Some(text.len() as u64),
            Body::Sized { octets, .. } => Some(*octets),
            _ => None,
        };
        if let Some(length) = length {
            // Writing to a string cannot fail.
            let _ = write!(text, "Content-Length: {length}\r\n");
        } else if let Body::Chunked(_) = self.body {
            text.push_str("Transfer-Encoding: chunked\r\n");
        }
        if close {
            text.push_str("Connection: close\r\n");
        } else if head.is_http10 {
            text.push_str("Connection: keep-alive\r\n");
        }
        text.push_str("\r\n");
        let mut bytes = text.into_bytes();
        let body = if head.method == "HEAD" {
            Vec::new()
        } else {
            match self.body {
                Body::Absent => Vec::new(),
                Body::Text(text) => {
                    bytes.extend_from_slice(&text);
                    Vec::new()
                }
                Body::Sized { steps, .. } | Body::Chunked(steps) | Body::UntilClose(steps) => steps,
            }
        };
        steps.push_back(Step::bytes(bytes));
        steps.extend(body);
        if close {
            steps.push_back(Step::Close);
        }
    }
}

/// Appends the steps that answer a malformed request and close the connection.
pub(super) fn push_error(code: u16, steps: &mut VecDeque<Step>) {
    let (reason, text) = (reason(code), format!("{code} {}\n", reason(code)));
    let bytes = format!(
        "HTTP/1.1 {code} {reason}\r\nServer: canvass-lab\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{text}",
        text.len()
    );
    steps.push_back(Step::bytes(bytes.into_bytes()));
    steps.push_back(Step::Close);
}

/// The reason phrases of the codes that the lab uses (RFC 9110 §15).
pub(super) const fn reason(code: u16) -> &'static str {
    match code {
        100 => "Continue",
        101 => "Switching Protocols",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        410 => "Gone",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        _ => "Unnamed",
    }
}
