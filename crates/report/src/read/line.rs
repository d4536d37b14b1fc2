//! A line of ndjson, and the outcome that it tells of.
//!
//! Only what is counted is read back: verdict, status, times, phases, fault, resolver, and how
//! long a certificate has left. Names, records and bodies are not.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::str::FromStr;

use canvass_model::{
    Answer, Cause, CertificateFacts, Confirmation, DnsAnswer, DnsName, Errno, Fault, HttpAnswer,
    Job, ModuleId, Outcome, Phase, Phases, ProbeSpec, PtrAnswer, RecordType, Status, TalkAnswer,
    Target, Time, TlsFacts, Transport, Verdict,
};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::word::{Millis, Word, if_present, present};
use crate::write::nanos;

/// Nanoseconds before the first line's time that times still have: a century.
const MARGIN_NS: i128 = 100 * 365 * 86_400 * 1_000_000_000;

/// A line of ndjson, as far as it is counted. Other keys may be there.
#[derive(Deserialize)]
pub(super) struct Line {
    seq: u64,
    target: Box<str>,
    probe: Word<Probe>,
    #[serde(rename = "type")]
    record_type: Option<Word<RecordType>>,
    outcome: Word<Verdict>,
    status: Word<Status>,
    #[serde(default, deserialize_with = "if_present")]
    confirmed: Option<Option<bool>>,
    resolver: Option<Word<SocketAddr>>,
    transport: Option<Word<Transport>>,
    tls: Option<Tls>,
    repeat: Option<u32>,
    attempts: u32,
    started: Word<Timestamp>,
    #[serde(deserialize_with = "present")]
    latency_ms: Option<Millis>,
    response_ms: Millis,
    phases_ms: PhasesMs,
    #[serde(deserialize_with = "present")]
    error: Option<ErrorKeys>,
    #[serde(default)]
    stalled: bool,
}

#[derive(Clone, Copy)]
enum Probe {
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
            _ => return Err("the probe is none of ptr, dns, http, tcp and udp".to_owned()),
        })
    }
}

#[derive(Deserialize)]
struct Tls {
    days_left: Option<i64>,
}

#[derive(Deserialize)]
struct PhasesMs {
    wait: Option<Millis>,
    dns: Option<Millis>,
    resolve: Option<Millis>,
    connect: Option<Millis>,
    tls: Option<Millis>,
    first_byte: Option<Millis>,
    transfer: Option<Millis>,
}

#[derive(Deserialize)]
struct ErrorKeys {
    phase: Word<Phase>,
    cause: Word<Cause>,
    message: Box<str>,
    errno: Option<Word<Errno>>,
}

/// The object that `compare` writes.
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
/// Says why it is none, for a person.
pub(super) fn parse(text: &[u8]) -> Result<Line, String> {
    serde_json::from_slice(text.trim_ascii_end()).map_err(|error| {
        if error.is_eof() {
            return "it is cut off".to_owned();
        }
        // There is only one line; which one of the file the caller knows.
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        match text.strip_suffix(&place) {
            Some(reason) => format!("{reason} at column {}", error.column()),
            None => text,
        }
    })
}

/// From the calendar to [`Time`], whose zero is chosen when the first line is known.
#[derive(Clone, Copy)]
pub(super) struct Clock {
    /// Nanoseconds from 1970 to [`Time::ZERO`].
    zero_ns: i128,
}

impl Clock {
    /// For a file whose first line is this one. Lines tell when they ended, more or less in
    /// order, so others may have begun long before it.
    pub(super) fn starting_with(first: &Line) -> Self {
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

impl Line {
    /// Nanoseconds from 1970 to when the job was due.
    fn due_ns(&self) -> i128 {
        // Where nothing was sent, the line says when it was due.
        let waited_ns = self.latency_ms.as_ref().map_or(0, |latency| {
            i128::from(nanos(self.response_ms.0)) - i128::from(nanos(latency.0))
        });
        self.started.0.as_nanosecond() - waited_ns
    }

    /// The outcome that it tells of.
    pub(super) fn into_outcome(self, clock: Clock) -> Outcome {
        let due = clock.time(self.due_ns());
        let started = clock.time(self.started.0.as_nanosecond());
        let first_send = self.latency_ms.is_some().then_some(started);
        let phases = self.phases_ms.phases();
        let status = self.status.0;
        let spec = spec(
            self.probe.0,
            self.record_type.map(|word| word.0),
            self.confirmed.is_some(),
        );
        Outcome {
            job: Job {
                seq: self.seq,
                line: None,
                target: target(self.target, status),
                spec,
                due: None,
                resolver: None,
            },
            verdict: self.outcome.0,
            status,
            attempts: self.attempts,
            due,
            first_send,
            finished: due + self.response_ms.0,
            phases,
            stalled: self.stalled,
            resolver: self.resolver.map(|word| word.0),
            transport: self.transport.map(|word| word.0),
            answer: answer(
                self.probe.0,
                self.confirmed.flatten(),
                self.tls,
                self.repeat,
            ),
            fault: self.error.map(|error| Box::new(error.fault())),
            trace: None,
        }
    }
}

fn spec(probe: Probe, record_type: Option<RecordType>, forward_confirm: bool) -> ProbeSpec {
    let module = ModuleId(0);
    match probe {
        Probe::Ptr => ProbeSpec::Ptr { forward_confirm },
        Probe::Dns => ProbeSpec::Dns {
            record_type: record_type.unwrap_or(RecordType::ANY),
        },
        Probe::Http => ProbeSpec::Http {
            module,
            requests: NonZeroU32::MIN,
        },
        Probe::Tcp => ProbeSpec::Tcp { module },
        Probe::Udp => ProbeSpec::Udp { module },
    }
}

/// Nothing is asked of the target any more, so its text is all of it that matters.
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

fn answer(probe: Probe, confirmed: Option<bool>, tls: Option<Tls>, repeat: Option<u32>) -> Answer {
    let tls = tls.map(|tls| Box::new(tls.facts()));
    match probe {
        Probe::Ptr => Answer::Ptr(PtrAnswer {
            confirmation: confirmed.map(|confirmed| {
                Box::new(Confirmation {
                    confirmed: Some(confirmed),
                    forward: Vec::new(),
                })
            }),
            ..PtrAnswer::default()
        }),
        Probe::Dns => Answer::Dns(DnsAnswer::default()),
        Probe::Http => Answer::Http(Box::new(HttpAnswer {
            tls,
            repeat,
            ..HttpAnswer::default()
        })),
        Probe::Tcp | Probe::Udp => Answer::Talk(Box::new(TalkAnswer {
            tls,
            ..TalkAnswer::default()
        })),
    }
}

impl Tls {
    fn facts(self) -> TlsFacts {
        TlsFacts {
            certificate: self.days_left.map(|days_left| CertificateFacts {
                days_left,
                ..CertificateFacts::default()
            }),
            ..TlsFacts::default()
        }
    }
}

impl PhasesMs {
    fn phases(self) -> Phases {
        let mut phases = Phases::default();
        for (phase, span) in [
            (Phase::Wait, self.wait),
            (Phase::Dns, self.dns),
            (Phase::Resolve, self.resolve),
            (Phase::Connect, self.connect),
            (Phase::Tls, self.tls),
            (Phase::FirstByte, self.first_byte),
            (Phase::Transfer, self.transfer),
        ] {
            if let Some(span) = span {
                phases.add(phase, span.0);
            }
        }
        phases
    }
}

impl ErrorKeys {
    fn fault(self) -> Fault {
        Fault {
            phase: self.phase.0,
            cause: self.cause.0,
            message: self.message,
            errno: self.errno.map(|word| word.0),
        }
    }
}
