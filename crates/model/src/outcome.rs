//! What came of a job.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use smallvec::SmallVec;

use crate::{Fault, Job, RecordType, Status, Time};

/// The three ways a job can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// There is an answer.
    Answered,
    /// The answer is that there is none: NXDOMAIN, or no data of the type asked for.
    Negative,
    /// No usable answer.
    Failed,
}

impl Verdict {
    /// The word output lines carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Negative => "negative",
            Self::Failed => "failed",
        }
    }
}

/// How a DNS answer came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
}

impl Transport {
    /// The word output lines carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

/// How the time from the first send to the end was spent. A phase that was not reached is
/// `None`; the others add up to [`Outcome::latency`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// Waiting for permits, pace and backoff between attempts.
    pub wait: Option<Duration>,
    /// While a query was out.
    pub dns: Option<Duration>,
}

/// Exactly one for each [`Job`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The job this is the end of.
    pub job: Job,
    /// Which of the three ways it ended.
    pub verdict: Verdict,
    /// The one word for what happened.
    pub status: Status,
    /// Queries sent and counted: what an orderly close of a connection sent back is not.
    pub attempts: u32,
    /// When it was meant to start: [`Job::due`], or when the engine took it.
    pub due: Time,
    /// When the first query left; `None` where none ever did.
    pub first_send: Option<Time>,
    /// When it ended.
    pub finished: Time,
    /// How the time since the first send was spent.
    pub phases: Phases,
    /// This process was held up (stopped, or late in a turn) while the job was under way, so
    /// its times say more about this side than about the peer.
    pub stalled: bool,
    /// The resolver that had the last word, where one had.
    pub resolver: Option<SocketAddr>,
    /// How the last word came.
    pub transport: Option<Transport>,
    /// What was learned.
    pub answer: Answer,
    /// Why there is no usable answer; `None` unless the verdict is `Failed`.
    pub fault: Option<Box<Fault>>,
}

impl Outcome {
    /// Service time: from the first send to the end.
    pub fn latency(&self) -> Option<Duration> {
        self.first_send.map(|sent| self.finished - sent)
    }

    /// Response time: from when the job was due to the end.
    pub fn response(&self) -> Duration {
        self.finished - self.due
    }
}

/// What was learned, by kind of probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// From a `ptr` probe.
    Ptr(PtrAnswer),
    /// From a `dns` probe.
    Dns(DnsAnswer),
}

/// What reverse DNS had to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PtrAnswer {
    /// The names, in presentation form with the last dot, in the order they came.
    pub names: SmallVec<[Box<str>; 1]>,
    /// The least time to live among them, in seconds.
    pub ttl_s: Option<u32>,
    /// What looking the names up gave; `None` unless it was asked for.
    pub confirmation: Option<Box<Confirmation>>,
}

/// Whether the names of an address lead back to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Confirmation {
    /// `Some(true)` when at least one name has the address, `Some(false)` when every name was
    /// looked up and none has it, `None` when that could not be told.
    pub confirmed: Option<bool>,
    /// Each name with the addresses it has.
    pub forward: Vec<(Box<str>, Vec<IpAddr>)>,
}

/// What a `dns` probe had to say: the whole answer section, nothing else.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DnsAnswer {
    /// The records, in the order they came.
    pub records: Vec<Record>,
}

/// One resource record, as a zone file would show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The owner, with the last dot.
    pub name: Box<str>,
    /// Its type.
    pub record_type: RecordType,
    /// How long it may be kept, in seconds.
    pub ttl_s: u32,
    /// The data in presentation form, `\# length hex` (RFC 3597 §5) where there is none.
    pub data: Box<str>,
}
