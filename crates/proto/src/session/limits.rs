//! What a session and the event loop tell each other, and the limits of a job.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Cause, Errno, Transport};

use crate::dns::{Message, QueryOptions};
use crate::output::QuestionId;

/// An upstream, by its place in the engine's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamId(pub u16);

/// Which transports a query may use.
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
    /// The transport of the first query.
    pub fn first(self) -> Transport {
        match self {
            Self::Tcp => Transport::Tcp,
            Self::Udp | Self::Auto => Transport::Udp,
        }
    }
}

/// The limits of a job, and how its questions are asked: the same for all jobs of a run.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Attempts after the first, per question.
    pub retries: u32,
    /// Total time limit, from when the engine admits the job.
    pub deadline: Duration,
    /// The longest wait for one attempt.
    pub timeout: Duration,
    /// Which transports may be used.
    pub transport: TransportPolicy,
    /// Whether there is more than one upstream.
    pub alternatives: bool,
    /// Whether the target of an alias is asked for, where the answer is an alias only.
    pub follow_cname: bool,
    /// Whether events are recorded in the outcome.
    pub trace: bool,
    /// How questions are asked.
    pub query: QueryOptions,
}

/// A query to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendRequest {
    /// By stream or by datagram.
    pub transport: Transport,
    /// The upstream whose last attempt failed.
    pub avoid: Option<UpstreamId>,
    /// The upstreams that do not recurse and had no answer to this question.
    pub lame: LameSet,
    /// The upstream that asked for a stream, or for a query without EDNS(0).
    pub prefer: Option<UpstreamId>,
    /// The only upstream that may be asked.
    pub only: Option<UpstreamId>,
    /// Whether the question is asked in this way for the first time. Only first queries measure
    /// an upstream: most of those that are sent again cannot be answered.
    pub first: bool,
}

/// A set of upstreams, as bits. Those whose ids are equal modulo 64 are not told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LameSet(u64);

impl LameSet {
    /// No upstream.
    pub const EMPTY: Self = Self(0);

    /// Whether it is in the set, or another one like it.
    pub fn contains(self, upstream: UpstreamId) -> bool {
        self.0 >> (upstream.0 % 64) & 1 == 1
    }

    /// Adds one.
    pub(super) fn insert(&mut self, upstream: UpstreamId) {
        self.0 |= 1 << (upstream.0 % 64);
    }
}

impl FromIterator<UpstreamId> for LameSet {
    fn from_iter<T: IntoIterator<Item = UpstreamId>>(upstreams: T) -> Self {
        let mut set = Self::EMPTY;
        upstreams.into_iter().for_each(|one| set.insert(one));
        set
    }
}

/// A query that was sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The question it carried.
    pub question: QuestionId,
    /// The upstream it was sent to.
    pub upstream: UpstreamId,
    /// The address of that upstream.
    pub resolver: SocketAddr,
    /// The transport.
    pub transport: Transport,
    /// How long to wait for that upstream's answer.
    pub patience: Duration,
}

/// A message that matches an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Reply<'a> {
    /// The question it answers.
    pub question: QuestionId,
    /// The upstream that sent it.
    pub upstream: UpstreamId,
    /// The address of that upstream.
    pub resolver: SocketAddr,
    /// The transport.
    pub transport: Transport,
    /// Whether the query it answers carried an OPT record.
    pub edns: bool,
    /// Whether the attempt it answers had expired.
    pub late: bool,
    /// The message.
    pub message: Message<'a>,
}

/// What a reply says of the upstream that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyClass {
    /// It answered the question, if only to say that there is no such name or record.
    Answer,
    /// It refuses to answer.
    Refused,
    /// It failed to find the answer.
    ServFail,
    /// It does not recurse, and has no authority for the name, or only for an alias.
    Lame,
    /// It does not support EDNS(0).
    NoEdns,
    /// Its answer did not fit a datagram.
    Truncated,
    /// Its reply cannot be read, or has a code that is no answer.
    Unusable,
}

/// Why an attempt failed before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LostCause {
    /// The cause.
    pub cause: Cause,
    /// The system's error number, if there is one.
    pub errno: Option<Errno>,
}

impl LostCause {
    /// The run was stopped.
    pub const INTERRUPTED: Self = Self {
        cause: Cause::Interrupted,
        errno: None,
    };
}
