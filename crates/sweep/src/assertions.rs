//! What is expected of an outcome beyond what its probe judges itself.

use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;
use std::time::Duration;

use canvass_model::{Answer, Outcome, Phase, ProbeSpec, Record, RecordType, Unmet, Verdict};

/// Texts (RFC 1035 §3.3.14).
const TXT: RecordType = RecordType(16);
/// The most records of an answer that are shown.
const RECORDS_SHOWN_MAX: usize = 4;
/// The most characters of a record that are shown.
const RECORD_CHARS_MAX: usize = 80;

/// What is expected of an outcome that is an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Assertions {
    /// How long each may take at most.
    pub latency_max: Vec<(Span, Duration)>,
    /// Data that must be among the records of the type that was asked for, each.
    pub answers_contain: Vec<Box<str>>,
    /// The data that these records must have, in any order and no others.
    pub answers_equal: Option<Vec<Box<str>>>,
    /// How many of these records there must be at least.
    pub answers_min: Option<NonZeroU32>,
}

/// A span of time of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Span {
    /// From the first send to the end.
    Total,
    /// One phase. One that was not reached took no time.
    Phase(Phase),
}

/// Why a text is not a span of time of a probe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no phase; the phases are total, {phases}", phases = phases())]
pub struct SpanError(Box<str>);

impl Assertions {
    /// Whether nothing is expected.
    pub fn is_empty(&self) -> bool {
        self.latency_max.is_empty() && !self.expects_records()
    }

    /// Whether records are expected, so that only questions can meet it.
    pub fn expects_records(&self) -> bool {
        !self.answers_contain.is_empty()
            || self.answers_equal.is_some()
            || self.answers_min.is_some()
    }

    /// The first assertion that an outcome does not meet, if it is an answer.
    pub fn unmet(&self, outcome: &Outcome) -> Option<Unmet> {
        if outcome.verdict != Verdict::Answered {
            return None;
        }
        self.unmet_records(outcome)
            .or_else(|| self.latency_max.iter().find_map(|one| slow(*one, outcome)))
    }

    fn unmet_records(&self, outcome: &Outcome) -> Option<Unmet> {
        let (Answer::Dns(answer), ProbeSpec::Dns { record_type }) =
            (&outcome.answer, outcome.job.spec)
        else {
            return None;
        };
        let is_asked =
            |record: &&Record| record_type == RecordType::ANY || record.record_type == record_type;
        let records: Vec<&Record> = answer.records.iter().filter(is_asked).collect();
        let is_there = |data: &str| records.iter().any(|record| has_data(record, data));
        let unmet = |expected: String| Unmet {
            expected: expected.into(),
            seen: shown(&records).into(),
        };
        if let Some(min) = self.answers_min
            && records.len() < min.get() as usize
        {
            let noun = if min.get() == 1 { "record" } else { "records" };
            return Some(unmet(format!("at least {min} {noun}")));
        }
        if let Some(missing) = self.answers_contain.iter().find(|data| !is_there(data)) {
            return Some(unmet(format!("an answer with {missing:?}")));
        }
        let equal = self.answers_equal.as_ref()?;
        let is_expected = |record: &&Record| equal.iter().any(|data| has_data(record, data));
        let are_equal = equal.iter().all(|data| is_there(data)) && records.iter().all(is_expected);
        (!are_equal).then(|| unmet(format!("the answer {}", equal.join(", "))))
    }
}

/// Whether a record has these data. Names have no case (RFC 4343 §2), but texts do.
fn has_data(record: &Record, data: &str) -> bool {
    match record.record_type {
        TXT => *record.data == *data,
        _ => record.data.eq_ignore_ascii_case(data),
    }
}

fn shown(records: &[&Record]) -> String {
    if records.is_empty() {
        return "no such record".into();
    }
    let data = |record: &&Record| -> String {
        let data = record.data.chars().flat_map(char::escape_debug);
        data.take(RECORD_CHARS_MAX).collect()
    };
    let mut texts: Vec<String> = records.iter().take(RECORDS_SHOWN_MAX).map(data).collect();
    if records.len() > RECORDS_SHOWN_MAX {
        texts.push(format!("... ({} records)", records.len()));
    }
    texts.join(", ")
}

fn slow((span, max): (Span, Duration), outcome: &Outcome) -> Option<Unmet> {
    let taken = match span {
        Span::Total => outcome.latency(),
        Span::Phase(phase) => outcome.phases.span(phase),
    }?;
    // A process that was delayed measures itself.
    (taken > max && !outcome.stalled).then(|| Unmet {
        expected: format!("{span} within {max:?}").into(),
        seen: format!("{taken:.1?}").into(),
    })
}

impl FromStr for Span {
    type Err = SpanError;

    fn from_str(text: &str) -> Result<Self, SpanError> {
        if text == "total" {
            return Ok(Self::Total);
        }
        let phase = Phase::TIMED
            .into_iter()
            .find(|phase| phase.as_str() == text);
        phase.map(Self::Phase).ok_or_else(|| SpanError(text.into()))
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Total => f.write_str("total"),
            Self::Phase(phase) => phase.fmt(f),
        }
    }
}

fn phases() -> String {
    Phase::TIMED.map(Phase::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::{Class, DnsAnswer, Fault, Job, Status, Target, Time};

    const MX: RecordType = RecordType(15);

    fn outcome(data: &[(RecordType, &str)]) -> Outcome {
        let job = Job {
            seq: 0,
            line: None,
            target: Target::Name {
                name: "a.example.net".parse().unwrap(),
                given: "a.example.net".into(),
            },
            spec: ProbeSpec::Dns { record_type: MX },
            due: None,
            resolver: None,
        };
        let fault = Fault {
            phase: Phase::Dns,
            cause: canvass_model::Cause::Timeout,
            message: "".into(),
            errno: None,
        };
        let records = data.iter().map(|(record_type, data)| Record {
            name: "a.example.net.".into(),
            record_type: *record_type,
            class: Class::IN,
            ttl_s: 60,
            data: (*data).into(),
        });
        Outcome {
            verdict: Verdict::Answered,
            fault: None,
            first_send: Some(Time::ZERO),
            finished: Time::from_nanos(1_500_000_000),
            answer: Answer::Dns(DnsAnswer {
                records: records.collect(),
            }),
            phases: canvass_model::Phases::default().with(Phase::Dns, Duration::from_millis(1_200)),
            ..Outcome::unbegun(job, Time::ZERO, Status::Timeout, fault)
        }
    }

    fn texts(assertions: &Assertions, outcome: &Outcome) -> Option<String> {
        let unmet = assertions.unmet(outcome)?;
        Some(format!("{} | {}", unmet.expected, unmet.seen))
    }

    #[test]
    fn records_of_the_type_that_was_asked_for_are_judged() {
        let two = outcome(&[
            (RecordType::CNAME, "b.example.net."),
            (MX, "10 Mail.example.net."),
            (MX, "20 mx.example.net."),
        ]);
        let equal = |data: &[&str]| Assertions {
            answers_equal: Some(data.iter().copied().map(Box::from).collect()),
            ..Assertions::default()
        };
        let contain = |data: &str| Assertions {
            answers_contain: vec![data.into()],
            ..Assertions::default()
        };
        let min = |min| Assertions {
            answers_min: NonZeroU32::new(min),
            ..Assertions::default()
        };
        let seen = "10 Mail.example.net., 20 mx.example.net.";
        for (assertions, expected) in [
            (equal(&["20 mx.example.net.", "10 mail.example.net."]), None),
            (
                equal(&["10 mail.example.net."]),
                Some(format!("the answer 10 mail.example.net. | {seen}")),
            ),
            (contain("10 mail.example.net."), None),
            (
                contain("b.example.net."),
                Some(format!("an answer with \"b.example.net.\" | {seen}")),
            ),
            (min(2), None),
            (min(3), Some(format!("at least 3 records | {seen}"))),
        ] {
            assert_eq!(texts(&assertions, &two), expected);
        }
        let none = outcome(&[]);
        let expected = Some("at least 1 record | no such record".into());
        assert_eq!(texts(&min(1), &none), expected);
    }

    #[test]
    fn each_span_has_its_own_limit() {
        let limit = |span: &str, ms| Assertions {
            latency_max: vec![(span.parse().unwrap(), Duration::from_millis(ms))],
            ..Assertions::default()
        };
        let mut outcome = outcome(&[]);
        for (span, ms, expected) in [
            ("total", 1_500, None),
            ("total", 1_499, Some("total within 1.499s | 1.5s")),
            ("dns", 1_200, None),
            ("dns", 500, Some("dns within 500ms | 1.2s")),
            ("connect", 1, None),
        ] {
            let expected = expected.map(str::to_owned);
            assert_eq!(texts(&limit(span, ms), &outcome), expected, "{span} {ms}");
        }
        outcome.stalled = true;
        assert_eq!(texts(&limit("total", 1), &outcome), None);
        let error = "dsn".parse::<Span>().unwrap_err().to_string();
        assert!(error.contains("the phases are total, wait, dns"), "{error}");
    }
}
