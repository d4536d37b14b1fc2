//! The results of probes of hosts.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::saved::{self, StaticText};
use crate::{Fault, HttpWarnings, Phases, Remote, Status, Time, Verdict};

/// The result of an `http` probe. What was not received before it failed is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpAnswer {
    /// The URL of the last request.
    pub url: Box<str>,
    /// The remote end of the last request.
    pub remote: Option<Remote>,
    /// The version of the response: `1.0` or `1.1`.
    #[serde(with = "saved")]
    pub version: Option<StaticText>,
    /// The last status code, even if the response is incomplete or its head is not accepted.
    pub code: Option<u16>,
    /// The value of `Content-Length`, in octets.
    pub content_length: Option<u64>,
    /// The value of `Content-Type`.
    pub content_type: Option<Box<str>>,
    /// The value of `Server`.
    pub server: Option<Box<str>>,
    /// The size of the body as received, without framing, in octets.
    pub body_bytes: Option<u64>,
    /// The size of the decoded body, in octets.
    pub decoded_bytes: Option<u64>,
    /// The redirects that were followed, in order.
    pub redirects: Vec<Hop>,
    /// The TLS connection of the last request.
    pub tls: Option<Box<TlsFacts>>,
    /// The number of the request, from 1, if the target is requested repeatedly.
    pub repeat: Option<u32>,
    /// The result for each address of the host, if all of them are probed.
    pub addresses: Option<Vec<AddressVerdict>>,
    /// The decoded body, if it is kept.
    pub body: Option<Vec<u8>>,
    /// Why the body was not kept, though it was to be.
    pub body_error: Option<Box<str>>,
    /// The proxy of the last request, without userinfo, if there was one.
    pub proxy: Option<Box<str>>,
    /// What is wrong with the response though it was read.
    pub warnings: HttpWarnings,
    /// Octets after the end of the response, if any: those that were received before the connection
    /// was closed or kept for another request.
    pub surplus_bytes: Option<u64>,
    /// The expectation that did not hold.
    pub unmet: Option<Box<Unmet>>,
    /// What was asked for besides. Boxed, since an ordinary answer has none.
    pub extras: Option<Box<HttpExtras>>,
}

/// An expectation that did not hold. Both texts are free of control characters and bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unmet {
    /// What was expected, such as `status 200-399`.
    pub expected: Box<str>,
    /// What was there instead, such as `503`. Text of the peer is quoted, escaped and cut.
    pub seen: Box<str>,
}

/// What an `http` probe collects of a response on request. A field that was not asked for is
/// `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HttpExtras {
    /// The headers of the response, in order.
    pub headers: Option<Vec<Header>>,
    /// The title of the page, if it has one.
    pub title: Option<Option<Box<str>>>,
    /// The SHA-256 of the decoded body, if that is complete.
    pub body_sha256: Option<Option<[u8; 32]>>,
    /// The response to the request for the site's icon, if there was one.
    pub favicon: Option<Option<Favicon>>,
}

/// A header of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Its name, as received.
    pub name: Box<str>,
    /// Its value, with U+FFFD for what is not UTF-8.
    pub value: Box<str>,
}

/// The response to the request for the icon of a site.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Favicon {
    /// The URL of the last request for it.
    pub url: Box<str>,
    /// The status code.
    pub code: u16,
    /// The MurmurHash3 (x86, 32 bits, seed 0) of the icon in Base64 with a line feed after every 76
    /// characters and at the end, as Shodan and httpx have it. `None` unless the code is 200 and
    /// there is an icon.
    pub mmh3: Option<i32>,
}

/// A redirect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hop {
    /// The URL that was requested.
    pub url: Box<str>,
    /// The status code of the response.
    pub code: u16,
    /// The remote end.
    pub remote: Option<Remote>,
    /// The absolute URL of the redirect target.
    pub location: Box<str>,
    /// More of the response, if it was asked for.
    pub details: Option<Box<HopDetails>>,
}

/// What is known of the response with a redirect, besides the redirect.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HopDetails {
    /// The version of the response: `1.0` or `1.1`.
    #[serde(with = "saved")]
    pub version: Option<StaticText>,
    /// The value of `Content-Length`, in octets.
    pub content_length: Option<u64>,
    /// The value of `Content-Type`.
    pub content_type: Option<Box<str>>,
    /// The value of `Server`.
    pub server: Option<Box<str>>,
    /// The TLS connection it was received over.
    pub tls: Option<Box<TlsFacts>>,
    /// The time spent in each phase since the hop before, or since the attempt began.
    pub phases: Phases,
}

/// The result of a `tcp` or a `udp` probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkAnswer {
    /// The remote end.
    pub remote: Option<Remote>,
    /// The captures of the script, in order. Names are unique.
    pub captures: Vec<(Box<str>, Box<str>)>,
    /// In hex, those of the captures that are not text.
    pub captures_hex: Vec<(Box<str>, Box<str>)>,
    /// Octets sent.
    pub sent_bytes: u64,
    /// Octets received.
    pub received_bytes: u64,
    /// The TLS connection, if there was one.
    pub tls: Option<Box<TlsFacts>>,
    /// How the input differs from what the script expects, if it does.
    pub mismatch: Option<Box<str>>,
    /// The expectation that did not hold: that of the script, or one of the probe.
    pub unmet: Option<Box<Unmet>>,
    /// All replies to a datagram, if several hosts may reply.
    pub replies: Option<Vec<TalkReply>>,
    /// The result for each address of the host, if all of them are probed.
    pub addresses: Option<Vec<AddressVerdict>>,
    /// The proxy, without userinfo, if there was one.
    pub proxy: Option<Box<str>>,
}

/// One of several replies to a datagram.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkReply {
    /// The sender.
    pub remote: Remote,
    /// The time since the datagram was sent.
    pub after: Duration,
    /// Octets received.
    pub received_bytes: u64,
    /// The captures of the script.
    pub captures: Vec<(Box<str>, Box<str>)>,
    /// In hex, those of the captures that are not text.
    pub captures_hex: Vec<(Box<str>, Box<str>)>,
    /// Whether it matches the script.
    pub matched: bool,
}

/// The result for one address of a host.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddressVerdict {
    /// The address.
    pub remote: Remote,
    /// The verdict.
    pub verdict: Verdict,
    /// The status.
    pub status: Status,
    /// The time spent in each phase.
    pub phases: Phases,
    /// Why there is no usable answer.
    pub fault: Option<Box<Fault>>,
    /// The expectation that did not hold.
    pub unmet: Option<Box<Unmet>>,
}

/// The result of a TLS handshake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFacts {
    /// The protocol version, `TLSv1.2` or `TLSv1.3`, or the older one that the server chose although
    /// it was not offered; `None` if the server chose none.
    #[serde(with = "saved")]
    pub version: Option<StaticText>,
    /// The IANA name of the cipher suite.
    pub cipher: Option<Box<str>>,
    /// The negotiated application protocol.
    pub alpn: Option<Box<str>>,
    /// Whether the certificate is valid now, for this host, and issued by a trusted authority.
    /// `None` if no certificate was received, or the handshake failed before it was checked.
    pub verified: Option<bool>,
    /// Why it is not.
    pub verify_error: Option<Box<str>>,
    /// The certificate of the host.
    pub certificate: Option<CertificateFacts>,
    /// The number of certificates that the host sent.
    pub chain_length: usize,
    /// The first end of the validity of any of them, in seconds since 1970 (UTC).
    pub chain_not_after_s: Option<i64>,
    /// Whether the host sent an OCSP response with its certificate (RFC 6066 §8); `None` if the
    /// handshake did not get as far.
    pub ocsp_stapled: Option<bool>,
}

/// The content of a certificate.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CertificateFacts {
    /// The subject (RFC 4514).
    pub subject: Box<str>,
    /// The names and addresses that it is issued for.
    pub subject_alt_names: Vec<Box<str>>,
    /// The issuer (RFC 4514).
    pub issuer: Box<str>,
    /// The start of its validity, in seconds since 1970 (UTC).
    pub not_before_s: i64,
    /// The end of its validity, in seconds since 1970 (UTC).
    pub not_after_s: i64,
    /// Whole days from the handshake to the end of its validity. If it has expired, minus the whole
    /// days since then, and at least one.
    pub days_left: i64,
    /// The SHA-256 of its DER encoding.
    pub sha256: [u8; 32],
    /// Its serial number in hexadecimal, two digits for an octet.
    pub serial: Box<str>,
}

/// An event of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TraceEvent {
    /// The time.
    pub at: Time,
    /// The kind of event: `socket`, `connect`, `write`, `read`, `close`, ...
    #[serde(with = "saved")]
    pub event: StaticText,
    /// A description for a person.
    pub detail: Box<str>,
    /// The number of octets that were transferred, if any.
    pub octets: Option<u64>,
}
