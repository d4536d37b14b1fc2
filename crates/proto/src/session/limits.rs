//! What a session and whoever drives it say to each other.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Cause, Errno, Transport};

use crate::dns::Message;
use crate::output::QuestionId;

/// An upstream, by its place in the engine's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamId(pub u16);

/// Which transports a query may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportPolicy {
    /// Datagrams only.
    Udp,
    /// Streams only.
    Tcp,
    /// Datagrams, and a stream after a truncated answer (RFC 7766 §5).
    Auto,
}

impl TransportPolicy {
    /// How a question is asked first.
    pub fn first(self) -> Transport {
        match self {
            Self::Tcp => Transport::Tcp,
            Self::Udp | Self::Auto => Transport::Udp,
        }
    }
}

/// What a job may cost.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Attempts after the first, for each question.
    pub retries: u32,
    /// From when the engine takes a job to its end, whatever happens.
    pub deadline: Duration,
    /// The cap on the wait for one attempt.
    pub timeout: Duration,
    /// Which transports may be used.
    pub transport: TransportPolicy,
    /// Whether there is more than one upstream to turn to.
    pub alternatives: bool,
    /// Whether what happens is noted in the outcome.
    pub trace: bool,
}

/// A query that wants to leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendRequest {
    /// By stream or by datagram.
    pub transport: Transport,
    /// The upstream that did not help last time.
    pub avoid: Option<UpstreamId>,
    /// The upstream that asked for a stream.
    pub prefer: Option<UpstreamId>,
    /// Whether its question is asked this way for the first time, so that what becomes of it
    /// tells of the upstream: what is asked again is mostly what cannot be answered.
    pub first: bool,
}

/// A query left.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The question it carried.
    pub question: QuestionId,
    /// To which upstream.
    pub upstream: UpstreamId,
    /// At which address.
    pub resolver: SocketAddr,
    /// How.
    pub transport: Transport,
    /// How long that upstream's answers may take.
    pub patience: Duration,
}

/// A message that came and matched.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The question it answers.
    pub question: QuestionId,
    /// From which upstream.
    pub upstream: UpstreamId,
    /// At which address.
    pub resolver: SocketAddr,
    /// How it came.
    pub transport: Transport,
    /// Whether the query it answers carried an OPT record.
    pub edns: bool,
    /// Whether the attempt it answers had run out of time.
    pub late: bool,
    /// The message.
    pub message: Message<'a>,
}

/// What a reply says of the upstream it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyClass {
    /// It answered the question, if only to say that there is nothing.
    Answer,
    /// It will not answer.
    Refused,
    /// It cannot answer.
    ServFail,
    /// It does not know EDNS(0).
    NoEdns,
    /// Its answer did not fit a datagram.
    Truncated,
    /// Its answer cannot be read, or has a code that settles nothing.
    Unusable,
}

/// Why an attempt came to nothing before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostCause {
    /// In one word.
    pub cause: Cause,
    /// The system's own number, where there is one.
    pub errno: Option<Errno>,
}
