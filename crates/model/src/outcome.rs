//! The result of a job.

use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::keyword::{self, KeywordError};
use crate::saved;
use crate::{
    Cause, Class, Fault, HttpAnswer, Job, Phase, Phases, ProbeSpec, RecordType, ResponseDetails,
    Status, TalkAnswer, Time, TlsFacts, TraceEvent, Unmet,
};

/// Whether a job has an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Verdict {
    /// There is a positive answer.
    Answered,
    /// The answer is that there are no data (NXDOMAIN or NODATA), or it is not the expected one
    /// ([`Answer::unmet`]).
    Negative,
    /// There is no usable answer.
    Failed,
}

impl Verdict {
    /// All verdicts.
    pub const ALL: [Self; 3] = [Self::Answered, Self::Negative, Self::Failed];

    /// The keyword in output lines.
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

/// The transport of a DNS answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl Transport {
    /// All transports.
    pub const ALL: [Self; 2] = [Self::Udp, Self::Tcp];

    /// The keyword in output lines.
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

/// The result of a [`Job`]: exactly one per job, or one per request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// The job.
    pub job: Job,
    /// Whether there is an answer.
    pub verdict: Verdict,
    /// The status keyword.
    pub status: Status,
    /// The number of queries or connections. A query that has to be sent again because its
    /// connection was closed in an orderly way does not count.
    pub attempts: u32,
    /// When it was scheduled to start: [`Job::due`], or when the engine took it.
    pub due: Time,
    /// When the first query was sent or the first connection attempt was made. `None` if there was
    /// none.
    pub first_send: Option<Time>,
    /// When the job ended.
    pub finished: Time,
    /// The time spent in each phase since the first send.
    pub phases: Phases,
    /// This process was delayed (stopped, or late in a turn) during the job, so its times do not
    /// measure the peer.
    pub stalled: bool,
    /// It failed at first, and this is the result of asking once more at the end of the run.
    pub recheck: bool,
    /// The resolver of the last answer or fault, if the probe queries resolvers.
    #[serde(with = "saved")]
    pub resolver: Option<SocketAddr>,
    /// The transport of the last answer.
    pub transport: Option<Transport>,
    /// The class of the question. [`Class::IN`] for a job that asked none.
    pub class: Class,
    /// The answer.
    pub answer: Answer,
    /// What the response that decided the outcome says besides the answer. Boxed, since an ordinary
    /// `ptr` outcome has none.
    pub details: Option<Box<ResponseDetails>>,
    /// Why there is no usable answer. `None` unless the verdict is `Failed`.
    pub fault: Option<Box<Fault>>,
    /// The events of the probe, if they are traced.
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

    /// The outcome of a job that ends at `now` without having begun.
    pub fn unbegun(job: Job, now: Time, status: Status, fault: Fault) -> Self {
        Self {
            verdict: Verdict::Failed,
            status,
            attempts: 0,
            due: job.due.unwrap_or(now),
            first_send: None,
            finished: now,
            phases: Phases::default(),
            stalled: false,
            recheck: false,
            resolver: None,
            transport: None,
            class: Class::IN,
            answer: Answer::empty(job.spec),
            details: None,
            fault: Some(Box::new(fault)),
            trace: None,
            job,
        }
    }

    /// The outcome of a job whose target is invalid, or does not suit its kind of probe.
    pub fn invalid(job: Job, now: Time, reason: Box<str>) -> Self {
        let fault = Fault {
            phase: Phase::Target,
            cause: Cause::Invalid,
            message: reason,
            errno: None,
        };
        Self::unbegun(job, now, Status::Invalid, fault)
    }
}

/// The answer of each kind of probe.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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

impl Answer {
    /// What a probe that found nothing has for an answer.
    pub fn empty(spec: ProbeSpec) -> Self {
        match spec {
            ProbeSpec::Ptr { .. } => Self::Ptr(PtrAnswer::default()),
            ProbeSpec::Dns { .. } => Self::Dns(DnsAnswer::default()),
            ProbeSpec::Http { .. } => Self::Http(Box::default()),
            ProbeSpec::Tcp { .. } | ProbeSpec::Udp { .. } => Self::Talk(Box::default()),
        }
    }

    /// The expectation that did not hold, if there is one.
    pub fn unmet(&self) -> Option<&Unmet> {
        match self {
            Self::Http(answer) => answer.unmet.as_deref(),
            Self::Talk(answer) => answer.unmet.as_deref(),
            Self::Ptr(answer) => answer.extra.as_ref()?.unmet.as_deref(),
            Self::Dns(answer) => answer.unmet.as_deref(),
        }
    }

    /// The TLS connection, if there was one.
    pub fn tls(&self) -> Option<&TlsFacts> {
        match self {
            Self::Http(answer) => answer.tls.as_deref(),
            Self::Talk(answer) => answer.tls.as_deref(),
            Self::Ptr(_) | Self::Dns(_) => None,
        }
    }

    /// Sets the expectation that did not hold.
    pub fn set_unmet(&mut self, unmet: Unmet) {
        let unmet = Some(Box::new(unmet));
        match self {
            Self::Http(answer) => answer.unmet = unmet,
            Self::Talk(answer) => answer.unmet = unmet,
            Self::Ptr(answer) => answer.extra.get_or_insert_default().unmet = unmet,
            Self::Dns(answer) => answer.unmet = unmet,
        }
    }
}

/// The answer of a `ptr` probe.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PtrAnswer {
    /// The names in presentation form with a trailing dot, in the order of the answer.
    pub names: SmallVec<[Box<str>; 1]>,
    /// The lowest TTL, in seconds.
    pub ttl_s: Option<u32>,
    /// What few answers have.
    pub extra: Option<Box<PtrExtra>>,
}

impl PtrAnswer {
    /// The result of forward confirmation. `None` unless it was requested.
    pub fn confirmation(&self) -> Option<&Confirmation> {
        self.extra.as_ref()?.confirmation.as_ref()
    }

    /// The last alias target; see [`PtrExtra::cname`].
    pub fn cname(&self) -> Option<&str> {
        self.extra.as_ref()?.cname.as_deref()
    }
}

/// What few answers of `ptr` probes have. Boxed, so that the others are small.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PtrExtra {
    /// The result of forward confirmation. `None` unless it was requested.
    pub confirmation: Option<Confirmation>,
    /// The name that the alias of the target leads to (RFC 2317), if the server that was asked for
    /// the target's own name had only the alias: the last one, if there are several.
    pub cname: Option<Box<str>>,
    /// The expectation that did not hold.
    pub unmet: Option<Box<Unmet>>,
}

/// Whether lookups of the names of an address return the address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// `Some(true)` if at least one name has the address, `Some(false)` if all names were looked up
    /// and none has it, `None` if that is not known.
    pub confirmed: Option<bool>,
    /// The names with their addresses.
    pub forward: Vec<(Box<str>, Vec<IpAddr>)>,
}

/// The answer of a `dns` probe: the answer section.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DnsAnswer {
    /// The records, in the order of the answer.
    pub records: Vec<Record>,
    /// The expectation that did not hold.
    pub unmet: Option<Box<Unmet>>,
}

/// A resource record in presentation form.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// The owner name with a trailing dot.
    pub name: Box<str>,
    /// Its type.
    pub record_type: RecordType,
    /// Its class.
    pub class: Class,
    /// The TTL, in seconds.
    pub ttl_s: u32,
    /// The data in presentation form, or `\# length hex` (RFC 3597 §5) if the type has none.
    pub data: Box<str>,
}
