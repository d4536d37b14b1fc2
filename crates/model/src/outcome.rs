//! What came of a job.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use smallvec::SmallVec;

use crate::keyword::{self, KeywordError};
use crate::{Fault, HttpAnswer, Job, Phases, RecordType, Status, TalkAnswer, Time, TraceEvent};

/// The three ways a job can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Verdict {
    /// There is an answer.
    Answered,
    /// The answer is that there is none (NXDOMAIN, or no data of the type asked for), or it is
    /// not what was expected.
    Negative,
    /// No usable answer.
    Failed,
}

impl Verdict {
    /// Every one.
    pub const ALL: [Self; 3] = [Self::Answered, Self::Negative, Self::Failed];

    /// The word output lines carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Negative => "negative",
            Self::Failed => "failed",
        }
    }
}

impl FromStr for Verdict {
    type Err = KeywordError;

    fn from_str(word: &str) -> Result<Self, KeywordError> {
        keyword::read("verdict", word, &Self::ALL, Self::as_str)
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
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Udp, Self::Tcp];

    /// The word output lines carry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        }
    }
}

impl FromStr for Transport {
    type Err = KeywordError;

    fn from_str(word: &str) -> Result<Self, KeywordError> {
        keyword::read("transport", word, &Self::ALL, Self::as_str)
    }
}

/// Exactly one for each [`Job`], or for each of its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The job this is the end of.
    pub job: Job,
    /// Which of the three ways it ended.
    pub verdict: Verdict,
    /// The one word for what happened.
    pub status: Status,
    /// Queries or connections tried and counted: what an orderly close of a connection sent back
    /// is not.
    pub attempts: u32,
    /// When it was meant to start: [`Job::due`], or when the engine took it.
    pub due: Time,
    /// When the first query left or the first connection was begun; `None` where none ever was.
    pub first_send: Option<Time>,
    /// When it ended.
    pub finished: Time,
    /// How the time since the first send was spent.
    pub phases: Phases,
    /// This process was held up (stopped, or late in a turn) while the job was under way, so
    /// its times say more about this side than about the peer.
    pub stalled: bool,
    /// The resolver that had the last word, where one had and the probe asks resolvers.
    pub resolver: Option<SocketAddr>,
    /// How the last word came.
    pub transport: Option<Transport>,
    /// What was learned.
    pub answer: Answer,
    /// Why there is no usable answer; `None` unless the verdict is `Failed`.
    pub fault: Option<Box<Fault>>,
    /// What happened when, where that was asked for.
    pub trace: Option<Box<[TraceEvent]>>,
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
    /// From an `http` probe.
    Http(Box<HttpAnswer>),
    /// From a `tcp` or a `udp` probe.
    Talk(Box<TalkAnswer>),
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
