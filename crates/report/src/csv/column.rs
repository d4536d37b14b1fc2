//! The columns: what they are called, and which lines have them.

use canvass_model::{Phase, ProbeSpec};

/// Which columns there are: those of a family of probes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Columns {
    /// For `ptr` and `dns`.
    Dns,
    /// For `http`.
    Http,
    /// For `tcp` and `udp`.
    Talk,
}

impl Columns {
    /// Those that hold what `spec` gives.
    pub const fn of(spec: &ProbeSpec) -> Self {
        match spec {
            ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. } => Self::Dns,
            ProbeSpec::Http { .. } => Self::Http,
            ProbeSpec::Tcp { .. } | ProbeSpec::Udp { .. } => Self::Talk,
        }
    }

    pub(super) const fn list(self) -> &'static [Column] {
        match self {
            Self::Dns => &DNS,
            Self::Http => &HTTP,
            Self::Talk => &TALK,
        }
    }
}

/// One column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    Seq,
    Line,
    Target,
    Probe,
    Type,
    Outcome,
    Status,
    Names,
    Ttl,
    Answers,
    Confirmed,
    Forward,
    Resolver,
    Transport,
    Url,
    Remote,
    HttpVersion,
    StatusCode,
    ContentLength,
    BodyBytes,
    DecodedBytes,
    Redirects,
    Captures,
    SentBytes,
    ReceivedBytes,
    TlsVersion,
    TlsDaysLeft,
    Repeat,
    Mismatch,
    Replies,
    Addresses,
    Attempts,
    Started,
    Latency,
    Response,
    Span(Phase),
    ErrorPhase,
    ErrorCause,
    ErrorMessage,
    ErrorErrno,
    Stalled,
}

impl Column {
    /// Its place in the header.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Seq => "seq",
            Self::Line => "line",
            Self::Target => "target",
            Self::Probe => "probe",
            Self::Type => "type",
            Self::Outcome => "outcome",
            Self::Status => "status",
            Self::Names => "names",
            Self::Ttl => "ttl",
            Self::Answers => "answers",
            Self::Confirmed => "confirmed",
            Self::Forward => "forward",
            Self::Resolver => "resolver",
            Self::Transport => "transport",
            Self::Url => "url",
            Self::Remote => "remote",
            Self::HttpVersion => "http_version",
            Self::StatusCode => "status_code",
            Self::ContentLength => "content_length",
            Self::BodyBytes => "body_bytes",
            Self::DecodedBytes => "decoded_bytes",
            Self::Redirects => "redirects",
            Self::Captures => "captures",
            Self::SentBytes => "sent_bytes",
            Self::ReceivedBytes => "received_bytes",
            Self::TlsVersion => "tls_version",
            Self::TlsDaysLeft => "tls_days_left",
            Self::Repeat => "repeat",
            Self::Mismatch => "mismatch",
            Self::Replies => "replies",
            Self::Addresses => "addresses",
            Self::Attempts => "attempts",
            Self::Started => "started",
            Self::Latency => "latency_ms",
            Self::Response => "response_ms",
            Self::Span(Phase::Target) => "target_ms",
            Self::Span(Phase::Wait) => "wait_ms",
            Self::Span(Phase::Dns) => "dns_ms",
            Self::Span(Phase::Resolve) => "resolve_ms",
            Self::Span(Phase::Connect) => "connect_ms",
            Self::Span(Phase::Tls) => "tls_ms",
            Self::Span(Phase::FirstByte) => "first_byte_ms",
            Self::Span(Phase::Transfer) => "transfer_ms",
            Self::ErrorPhase => "error_phase",
            Self::ErrorCause => "error_cause",
            Self::ErrorMessage => "error_message",
            Self::ErrorErrno => "error_errno",
            Self::Stalled => "stalled",
        }
    }
}

use Column as C;

const DNS: [Column; 25] = [
    C::Seq,
    C::Line,
    C::Target,
    C::Probe,
    C::Type,
    C::Outcome,
    C::Status,
    C::Names,
    C::Ttl,
    C::Answers,
    C::Confirmed,
    C::Forward,
    C::Resolver,
    C::Transport,
    C::Attempts,
    C::Started,
    C::Latency,
    C::Response,
    C::Span(Phase::Wait),
    C::Span(Phase::Dns),
    C::ErrorPhase,
    C::ErrorCause,
    C::ErrorMessage,
    C::ErrorErrno,
    C::Stalled,
];

const HTTP: [Column; 33] = [
    C::Seq,
    C::Line,
    C::Target,
    C::Probe,
    C::Outcome,
    C::Status,
    C::Url,
    C::Remote,
    C::HttpVersion,
    C::StatusCode,
    C::ContentLength,
    C::BodyBytes,
    C::DecodedBytes,
    C::Redirects,
    C::TlsVersion,
    C::TlsDaysLeft,
    C::Repeat,
    C::Addresses,
    C::Attempts,
    C::Started,
    C::Latency,
    C::Response,
    C::Span(Phase::Wait),
    C::Span(Phase::Resolve),
    C::Span(Phase::Connect),
    C::Span(Phase::Tls),
    C::Span(Phase::FirstByte),
    C::Span(Phase::Transfer),
    C::ErrorPhase,
    C::ErrorCause,
    C::ErrorMessage,
    C::ErrorErrno,
    C::Stalled,
];

const TALK: [Column; 30] = [
    C::Seq,
    C::Line,
    C::Target,
    C::Probe,
    C::Outcome,
    C::Status,
    C::Remote,
    C::Captures,
    C::SentBytes,
    C::ReceivedBytes,
    C::TlsVersion,
    C::TlsDaysLeft,
    C::Mismatch,
    C::Replies,
    C::Addresses,
    C::Attempts,
    C::Started,
    C::Latency,
    C::Response,
    C::Span(Phase::Wait),
    C::Span(Phase::Resolve),
    C::Span(Phase::Connect),
    C::Span(Phase::Tls),
    C::Span(Phase::FirstByte),
    C::Span(Phase::Transfer),
    C::ErrorPhase,
    C::ErrorCause,
    C::ErrorMessage,
    C::ErrorErrno,
    C::Stalled,
];
