//! Where the body of a response ends (RFC 9112 §6.3).

use canvass_model::{HttpWarning, HttpWarnings};

use super::fault::HttpFault;
use super::head::{Head, trimmed};
use super::settings::HttpVersion;

/// How the end of a body is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// There is no body.
    None,
    /// It has this number of octets.
    Length(u64),
    /// By the last chunk (RFC 9112 §7.1).
    Chunked,
    /// By the end of the connection.
    Close,
}

/// What the method of a request means for the framing of its response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestKind {
    /// Nothing.
    Other,
    /// `HEAD`: the response has no body.
    HeadOnly,
    /// `CONNECT`: no HTTP follows a 2xx response.
    Tunnel,
}

impl RequestKind {
    pub(super) fn of(method: &str) -> Self {
        match method {
            "HEAD" => Self::HeadOnly,
            "CONNECT" => Self::Tunnel,
            _ => Self::Other,
        }
    }
}

/// How the end of the body after `head` is marked.
///
/// Unless `strict`, a transfer coding `identity` (RFC 2616 §3.6) and an empty list mean none, as to
/// curl.
pub(super) fn framing(
    head: &Head,
    kind: RequestKind,
    strict: bool,
    warnings: &mut HttpWarnings,
) -> Result<Framing, HttpFault> {
    let bodiless = match kind {
        RequestKind::HeadOnly => true,
        RequestKind::Tunnel => head.code() / 100 == 2,
        RequestKind::Other => false,
    };
    if bodiless || matches!(head.code(), 204 | 304) {
        return Ok(Framing::None);
    }
    let length = content_length(head)?;
    let by_length = length.map_or(Framing::Close, Framing::Length);
    let Some((offset, _)) = head.located("Transfer-Encoding").next() else {
        return Ok(by_length);
    };
    let codings = || head.list("Transfer-Encoding").map(|(_, coding)| coding);
    let is_none = |coding: &&[u8]| !strict && coding.eq_ignore_ascii_case(b"identity");
    let mut applied = codings().filter(|coding| !is_none(coding));
    let (first, second) = (applied.next(), applied.next());
    if !strict && (first.is_none() || codings().any(|coding| is_none(&coding))) {
        warnings.insert(HttpWarning::TransferEncoding);
        if first.is_none() {
            return Ok(by_length);
        }
    }
    // Both together, or transfer-encoding in an HTTP/1.0 response, can be an attempt at response
    // splitting, and ought to be handled as an error (RFC 9112 §6.1).
    if head.header("Content-Length").is_some() {
        let what = "both transfer-encoding and content-length";
        return Err(HttpFault::malformed(offset, what));
    }
    if head.version() == HttpVersion::V10 {
        return Err(HttpFault::malformed(
            offset,
            "transfer-encoding in http/1.0",
        ));
    }
    match (first, second) {
        (Some(coding), None) if coding.eq_ignore_ascii_case(b"chunked") => Ok(Framing::Chunked),
        // The request offers no other by TE (RFC 9110 §10.1.4).
        _ => Err(HttpFault::malformed(
            offset,
            "transfer-encoding other than chunked",
        )),
    }
}

/// Whether the connection persists after the response (RFC 9112 §9.3).
pub(super) fn keeps_alive(head: &Head) -> bool {
    let says = |option: &str| {
        head.list("Connection")
            .any(|(_, said)| said.eq_ignore_ascii_case(option.as_bytes()))
    };
    match head.version() {
        HttpVersion::V10 => says("keep-alive") && !says("close"),
        HttpVersion::V11 => !says("close"),
    }
}

/// The Content-Length. The same number repeated is valid (RFC 9110 §8.6).
pub(super) fn content_length(head: &Head) -> Result<Option<u64>, HttpFault> {
    let mut length = None;
    for (offset, value) in head.located("Content-Length") {
        for element in value.split(|octet| *octet == b',') {
            let Some(octets) = number(trimmed(element)) else {
                return Err(HttpFault::malformed(offset, "bad content-length"));
            };
            if length.is_some_and(|known| known != octets) {
                return Err(HttpFault::malformed(offset, "differing content-lengths"));
            }
            length = Some(octets);
        }
    }
    Ok(length)
}

fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |number, digit| {
        let digit = digit.is_ascii_digit().then(|| digit - b'0')?;
        number.checked_mul(10)?.checked_add(digit.into())
    })
}
