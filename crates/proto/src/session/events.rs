//! What a session and the event loop tell each other.

use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Cause, Errno, Rcode, Transport};

use crate::dns::Message;
use crate::output::QuestionId;

/// An upstream, by its place in the engine's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UpstreamId(pub u16);

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

/// A set of upstreams, as bits. Upstreams whose ids are equal modulo 64 count as one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LameSet(u64);

impl LameSet {
    /// No upstream.
    pub const EMPTY: Self = Self(0);

    /// Whether it is in the set, or one with an equal id modulo 64.
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

impl Reply<'_> {
    /// What it says of the upstream, by its header and `rcode`, which is that of its message.
    pub(super) fn class(&self, rcode: Rcode) -> ReplyClass {
        if self.message.truncated() {
            let by_stream = self.transport == Transport::Tcp;
            return if by_stream {
                ReplyClass::Unusable
            } else {
                ReplyClass::Truncated
            };
        }
        match rcode {
            Rcode::NOERROR | Rcode::NXDOMAIN => ReplyClass::Answer,
            // Servers without EDNS(0) send FORMERR, NOTIMP or BADVERS (RFC 6891 §7).
            Rcode(1 | 4 | 16) if self.edns => ReplyClass::NoEdns,
            Rcode::REFUSED => ReplyClass::Refused,
            Rcode::SERVFAIL => ReplyClass::ServFail,
            _ => ReplyClass::Unusable,
        }
    }
}

/// What a reply says of the upstream that sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyClass {
    /// It answered the question, or denied that there is such a name or record.
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
    /// Whether the reason is on this side: it says nothing of the peer.
    pub fn is_local(self) -> bool {
        matches!(
            self.cause,
            Cause::Descriptors | Cause::Ports | Cause::System
        )
    }

    /// The run was stopped.
    pub const INTERRUPTED: Self = Self {
        cause: Cause::Interrupted,
        errno: None,
    };
}
