//! The limits of a job, and how its questions are asked.

use std::time::Duration;

use canvass_model::Transport;

use crate::dns::QueryOptions;

/// Which transports a query may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransportPolicy {
    /// Datagrams only.
    Udp,
    /// Streams only.
    Tcp,
    /// Datagrams, and a stream after a truncated answer (RFC 7766 §5). The event loop may turn a
    /// first query to a stream.
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
