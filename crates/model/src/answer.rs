//! What connections to hosts had to say.

use std::time::Duration;

use crate::{Fault, Phases, Remote, Status, Time, Verdict};

/// What an `http` probe had to say. What was not learned before it failed is `None` or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpAnswer {
    /// The URL that was asked last.
    pub url: Box<str>,
    /// Where it was asked.
    pub remote: Option<Remote>,
    /// The version of the answer: `1.0` or `1.1`.
    pub version: Option<&'static str>,
    /// The last status code, also where the answer broke off after it.
    pub code: Option<u16>,
    /// What the head of the answer said of the length of its body, in octets.
    pub content_length: Option<u64>,
    /// What it said of the body's type.
    pub content_type: Option<Box<str>>,
    /// What it said of the server.
    pub server: Option<Box<str>>,
    /// Octets of the body as it was received, without its framing.
    pub body_bytes: Option<u64>,
    /// Octets of the body without its content codings.
    pub decoded_bytes: Option<u64>,
    /// Every answer that led on to another, in order.
    pub redirects: Vec<Hop>,
    /// The TLS connection that was asked last.
    pub tls: Option<Box<TlsFacts>>,
    /// Which of several requests to the same target this was, from 1; `None` where one was asked
    /// for.
    pub repeat: Option<u32>,
    /// What each address of the host gave, where all were to be asked.
    pub addresses: Option<Vec<AddressVerdict>>,
    /// The body without its content codings, where it is to be kept.
    pub body: Option<Vec<u8>>,
}

/// An answer that led on to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hop {
    /// What was asked.
    pub url: Box<str>,
    /// The status code of the answer.
    pub code: u16,
    /// Where it was asked.
    pub remote: Option<Remote>,
    /// Where it led, in full.
    pub location: Box<str>,
}

/// What a `tcp` or a `udp` probe had to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TalkAnswer {
    /// Where the connection led.
    pub remote: Option<Remote>,
    /// What the script picked out, in order, each name once.
    pub captures: Vec<(Box<str>, Box<str>)>,
    /// Octets sent.
    pub sent_bytes: u64,
    /// Octets received.
    pub received_bytes: u64,
    /// The TLS connection, where there was one.
    pub tls: Option<Box<TlsFacts>>,
    /// How what came differs from what the script expects, where it does.
    pub mismatch: Option<Box<str>>,
    /// Every answer to a datagram, where several hosts may give one.
    pub replies: Option<Vec<TalkReply>>,
    /// What each address of the host gave, where all were to be asked.
    pub addresses: Option<Vec<AddressVerdict>>,
}

/// One of several answers to a datagram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TalkReply {
    /// Who gave it.
    pub remote: Remote,
    /// How long after the datagram was sent.
    pub after: Duration,
    /// Octets received.
    pub received_bytes: u64,
    /// What the script picked out of it.
    pub captures: Vec<(Box<str>, Box<str>)>,
    /// Whether it is what the script expects.
    pub matched: bool,
}

/// What one address of a host gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressVerdict {
    /// Which.
    pub remote: Remote,
    /// How it ended.
    pub verdict: Verdict,
    /// The one word for it.
    pub status: Status,
    /// How the time was spent on it.
    pub phases: Phases,
    /// Why there is no usable answer.
    pub fault: Option<Box<Fault>>,
}

/// What a TLS handshake showed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsFacts {
    /// The protocol version, `TLSv1.2` or `TLSv1.3`; `None` where none was agreed on.
    pub version: Option<&'static str>,
    /// The cipher suite by its IANA name.
    pub cipher: Option<Box<str>>,
    /// The application protocol that was agreed on.
    pub alpn: Option<Box<str>>,
    /// Whether the chain leads to a trusted root and the certificate is for this host and this
    /// time; `None` where no certificate came.
    pub verified: Option<bool>,
    /// Why not.
    pub verify_error: Option<Box<str>>,
    /// The certificate of the host.
    pub certificate: Option<CertificateFacts>,
    /// How many certificates the host sent.
    pub chain_length: usize,
}

/// What a certificate says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Whose it is (RFC 4514).
    pub subject: Box<str>,
    /// The names and addresses it is for.
    pub subject_alt_names: Vec<Box<str>>,
    /// Who signed it.
    pub issuer: Box<str>,
    /// The first second of its time, since 1970 (UTC).
    pub not_before_s: i64,
    /// The last second of its time, since 1970 (UTC).
    pub not_after_s: i64,
    /// Whole days until then from when it was shown; negative once it is over.
    pub days_left: i64,
    /// The SHA-256 of its DER form.
    pub sha256: [u8; 32],
}

/// One thing that happened to a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// When.
    pub at: Time,
    /// What, in one word: `socket`, `connect`, `write`, `read`, `close`, ...
    pub event: &'static str,
    /// With whom or about what, for a person.
    pub detail: Box<str>,
    /// How many octets it moved, where it moves any.
    pub octets: Option<u64>,
}
