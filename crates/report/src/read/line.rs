//! A line of ndjson and its outcome.
//!
//! Only what is counted or named is read back: target, verdict, status, times, phases, fault, resolver,
//! expectations that did not hold and the end of a certificate. Names, records and bodies are not.

use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use canvass_model::{
    Answer, Cause, Class, Confirmation, DnsAnswer, DnsName, Fault, HttpAnswer, Job, ModuleId,
    Outcome, Phase, Phases, ProbeSpec, PtrAnswer, RecordType, Status, TalkAnswer, Target, Time,
    TlsFacts, Unmet, Verdict,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::fields::{LineReader, Read};
use crate::write::nanos;

/// How far before the first line times can lie, in nanoseconds: a century.
const MARGIN_NS: i128 = 100 * 365 * 86_400 * 1_000_000_000;

/// The values of a line while it is read.
pub(crate) struct LineDraft {
    /// The outcome, except for the values below.
    pub(crate) outcome: Outcome,
    pub(crate) target: Box<str>,
    pub(crate) probe: Probe,
    pub(crate) record_type: Option<RecordType>,
    pub(crate) started: Timestamp,
    pub(crate) latency: Option<Duration>,
    pub(crate) response: Duration,
    /// Whether it was due on a schedule, at the time that follows from the other times.
    pub(crate) is_scheduled: bool,
    pub(crate) ptr: PtrAnswer,
    pub(crate) http: HttpAnswer,
    /// Of `http`, `tcp` or `udp`.
    pub(crate) tls: Option<Box<TlsFacts>>,
    pub(crate) unmet: Option<Box<Unmet>>,
}

impl Default for LineDraft {
    fn default() -> Self {
        Self {
            outcome: Outcome {
                job: Job {
                    seq: 0,
                    line: None,
                    target: Target::Invalid {
                        given: Box::default(),
                        reason: Box::default(),
                    },
                    spec: Probe::Ptr.spec(None, false),
                    due: None,
                    resolver: None,
                },
                verdict: Verdict::Failed,
                status: Status::Invalid,
                attempts: 0,
                due: Time::ZERO,
                first_send: None,
                finished: Time::ZERO,
                phases: Phases::default(),
                stalled: false,
                recheck: false,
                resolver: None,
                transport: None,
                class: Class::IN,
                answer: Answer::Dns(DnsAnswer::default()),
                details: None,
                fault: None,
                trace: None,
            },
            target: Box::default(),
            probe: Probe::Ptr,
            record_type: None,
            started: Timestamp::UNIX_EPOCH,
            latency: None,
            response: Duration::ZERO,
            is_scheduled: false,
            ptr: PtrAnswer::default(),
            http: HttpAnswer::default(),
            tls: None,
            unmet: None,
        }
    }
}

/// The fault of a line while it is read.
pub(crate) struct FaultDraft(pub(crate) Fault);

impl Default for FaultDraft {
    fn default() -> Self {
        Self(Fault {
            phase: Phase::Target,
            cause: Cause::Invalid,
            message: Box::default(),
            errno: None,
        })
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Probe {
    Ptr,
    Dns,
    Http,
    Tcp,
    Udp,
}

impl FromStr for Probe {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Ok(match word {
            "ptr" => Self::Ptr,
            "dns" => Self::Dns,
            "http" => Self::Http,
            "tcp" => Self::Tcp,
            "udp" => Self::Udp,
            _ => return Err("the probe is not ptr, dns, http, tcp or udp".to_owned()),
        })
    }
}

/// A line of `compare`.
#[derive(Deserialize)]
#[expect(dead_code, reason = "that the keys are there is all there is to know")]
struct ComparisonLine {
    a: IgnoredAny,
    b: IgnoredAny,
    ratio: IgnoredAny,
}

/// Whether `text` is what `compare -f ndjson` writes.
pub(super) fn is_comparison(text: &[u8]) -> bool {
    serde_json::from_slice::<ComparisonLine>(text).is_ok()
}

/// Reads a line.
///
/// # Errors
/// The reason why the line cannot be read, for people.
pub(super) fn parse(text: &[u8]) -> Result<LineDraft, String> {
    let read = serde_json::from_slice::<Read<LineReader>>(text.trim_ascii_end());
    read.map(|line| line.0).map_err(|error| {
        if error.is_eof() {
            return "the line is incomplete".to_owned();
        }
        // The caller knows the line number.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        match text.strip_suffix(&place) {
            Some(reason) => format!("{reason} at column {}", error.column()),
            None => text,
        }
    })
}

/// Converts times of the calendar to [`Time`]. Its zero is chosen from the first line.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    /// Nanoseconds from 1970 to [`Time::ZERO`].
    zero_ns: i128,
}

impl Clock {
    /// For a file with this first line. Lines are ordered by their end, so later lines may have
    /// started long before it.
    pub(super) fn starting_with(first: &LineDraft) -> Self {
        Self {
            zero_ns: first.due_ns() - MARGIN_NS,
        }
    }

    fn time(self, since_1970_ns: i128) -> Time {
        let nanos = (since_1970_ns - self.zero_ns).clamp(0, u64::MAX.into());
        Time::from_nanos(nanos as u64)
    }

    /// Nanoseconds from 1970 to `time`.
    pub(super) fn since_1970_ns(self, time: Time) -> i128 {
        self.zero_ns + i128::from(time.as_nanos())
    }
}

impl LineDraft {
    /// `confirmed` is on a line only where names were to be confirmed.
    pub(crate) fn set_confirmed(&mut self, confirmed: Option<bool>) {
        self.ptr.extra.get_or_insert_default().confirmation = Some(Confirmation {
            confirmed,
            forward: Vec::new(),
        });
    }

    /// Nanoseconds from 1970 to when the job was due.
    fn due_ns(&self) -> i128 {
        // Where nothing was sent, `started` is when the job was due.
        let waited_ns = self.latency.map_or(0, |latency| {
            i128::from(nanos(self.response)) - i128::from(nanos(latency))
        });
        self.started.as_nanosecond() - waited_ns
    }

    /// The outcome that the line was written for.
    pub(super) fn into_outcome(self, clock: Clock) -> Outcome {
        let due = clock.time(self.due_ns());
        let started = clock.time(self.started.as_nanosecond());
        let mut outcome = self.outcome;
        outcome.due = due;
        outcome.job.due = self.is_scheduled.then_some(due);
        outcome.first_send = self.latency.is_some().then_some(started);
        outcome.finished = due + self.response;
        outcome.job.target = target(self.target, outcome.status);
        let forward_confirm = self.ptr.confirmation().is_some();
        outcome.job.spec = self.probe.spec(self.record_type, forward_confirm);
        outcome.answer = match self.probe {
            Probe::Ptr => {
                let mut ptr = self.ptr;
                if self.unmet.is_some() {
                    ptr.extra.get_or_insert_default().unmet = self.unmet;
                }
                Answer::Ptr(ptr)
            }
            Probe::Dns => Answer::Dns(DnsAnswer {
                unmet: self.unmet,
                ..DnsAnswer::default()
            }),
            Probe::Http => Answer::Http(Box::new(HttpAnswer {
                tls: self.tls,
                unmet: self.unmet,
                ..self.http
            })),
            Probe::Tcp | Probe::Udp => Answer::Talk(Box::new(TalkAnswer {
                tls: self.tls,
                unmet: self.unmet,
                ..TalkAnswer::default()
            })),
        };
        outcome
    }
}

impl Probe {
    fn spec(self, record_type: Option<RecordType>, forward_confirm: bool) -> ProbeSpec {
        let module = ModuleId(0);
        match self {
            Self::Ptr => ProbeSpec::Ptr { forward_confirm },
            Self::Dns => ProbeSpec::Dns {
                record_type: record_type.unwrap_or(RecordType::ANY),
            },
            Self::Http => ProbeSpec::Http {
                module,
                requests: NonZeroU32::MIN,
            },
            Self::Tcp => ProbeSpec::Tcp { module },
            Self::Udp => ProbeSpec::Udp { module },
        }
    }
}

/// No question is asked of the target any more, so its text is all that matters.
fn target(given: Box<str>, status: Status) -> Target {
    match status {
        Status::Invalid => Target::Invalid {
            given,
            reason: Box::default(),
        },
        _ => Target::Name {
            name: DnsName::root(),
            given,
        },
    }
}
