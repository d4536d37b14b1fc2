//! Judges outcomes of questions.

use std::num::NonZeroU32;
use std::time::Duration;

use canvass_model::{
    Answer, Class, DnsAnswer, Fault, Job, Phase, Phases, ProbeSpec, PtrAnswer, Rcode, Record,
    RecordType, Status, Target, Time,
};

use super::*;

const MX: RecordType = RecordType(15);
const TXT: RecordType = RecordType(16);
const SOA: RecordType = RecordType(6);

/// An outcome after 1.5 s, of which 1.2 s were spent on the question.
fn outcome(asked: RecordType, data: &[(RecordType, &str)]) -> Outcome {
    let job = Job {
        seq: 0,
        line: None,
        target: Target::Name {
            name: "a.example.net".parse().unwrap(),
            given: "a.example.net".into(),
        },
        spec: ProbeSpec::Dns { record_type: asked },
        due: None,
        resolver: None,
    };
    let records = data.iter().map(|(record_type, data)| Record {
        name: "a.example.net.".into(),
        record_type: *record_type,
        class: Class::IN,
        ttl_s: 60,
        data: (*data).into(),
    });
    let fault = Fault {
        phase: Phase::Dns,
        cause: canvass_model::Cause::Timeout,
        message: "".into(),
        errno: None,
    };
    let status = Status::Rcode(Rcode::NOERROR);
    Outcome {
        verdict: if data.is_empty() {
            Verdict::Negative
        } else {
            Verdict::Answered
        },
        fault: None,
        first_send: Some(Time::ZERO),
        finished: Time::from_nanos(1_500_000_000),
        answer: Answer::Dns(DnsAnswer {
            records: records.collect(),
            unmet: None,
        }),
        phases: Phases::default().with(Phase::Dns, Duration::from_millis(1_200)),
        ..Outcome::unbegun(job, Time::ZERO, status, fault)
    }
}

fn texts(assertions: &Assertions, outcome: &Outcome) -> Option<String> {
    let unmet = assertions.unmet(outcome)?;
    Some(format!("{} | {}", unmet.expected, unmet.seen))
}

fn records(records: RecordAssertions) -> Assertions {
    Assertions {
        records,
        ..Assertions::default()
    }
}

fn equal(data: &[&str]) -> Assertions {
    records(RecordAssertions {
        equal: Some(data.iter().copied().map(Box::from).collect()),
        ..RecordAssertions::default()
    })
}

fn contain(data: &str) -> Assertions {
    records(RecordAssertions {
        contain: vec![data.into()],
        ..RecordAssertions::default()
    })
}

fn count_min(min: u32) -> Assertions {
    records(RecordAssertions {
        count_min: NonZeroU32::new(min),
        ..RecordAssertions::default()
    })
}

#[test]
fn records_of_the_type_that_was_asked_for_are_judged() {
    let two = outcome(
        MX,
        &[
            (RecordType::CNAME, "b.example.net."),
            (MX, "10 Mail.example.net."),
            (MX, "20 mx.example.net."),
        ],
    );
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
        (count_min(2), None),
        (count_min(3), Some(format!("at least 3 records | {seen}"))),
    ] {
        assert_eq!(texts(&assertions, &two), expected);
    }
    let text = outcome(TXT, &[(TXT, "\"A\"")]);
    assert_eq!(texts(&contain("\"A\""), &text), None);
    assert!(texts(&contain("\"a\""), &text).is_some());
}

#[test]
fn an_answer_without_records_is_not_as_expected_and_a_failure_is_not_judged() {
    let mut none = outcome(MX, &[]);
    let expected = Some("at least 1 record | no such record".into());
    assert_eq!(texts(&count_min(1), &none), expected);
    none.status = Status::Rcode(Rcode::NXDOMAIN);
    let expected = Some("at least 1 record | NXDOMAIN".into());
    assert_eq!(texts(&count_min(1), &none), expected);
    none.verdict = Verdict::Failed;
    assert_eq!(texts(&count_min(1), &none), None);
}

#[test]
fn the_names_of_an_address_are_its_records() {
    let mut outcome = outcome(MX, &[(MX, "")]);
    outcome.job.spec = ProbeSpec::Ptr {
        forward_confirm: false,
    };
    outcome.answer = Answer::Ptr(PtrAnswer {
        names: ["Host.example.net.".into()].into_iter().collect(),
        ..PtrAnswer::default()
    });
    assert_eq!(texts(&contain("host.example.net."), &outcome), None);
    let assertions = contain("other.example.net.");
    assertions.apply(&mut outcome);
    assert_eq!(outcome.verdict, Verdict::Negative);
    let seen = outcome.answer.unmet().map(|unmet| &*unmet.seen);
    assert_eq!(seen, Some("Host.example.net."));
    // The first that does not hold stays.
    assert_eq!(texts(&count_min(9), &outcome), None);
}

#[test]
fn a_serial_is_not_behind_another() {
    for (serial, other, expected) in [
        (7, 7, false),
        (8, 7, false),
        (6, 7, true),
        // RFC 1982 §5.2: past the end of the circle.
        (44, u32::MAX - 55, false),
        (u32::MAX - 55, 44, true),
        (0, 1 << 31, true),
    ] {
        assert_eq!(is_behind(serial, other), expected, "{serial} {other}");
    }
    let data = "ns.example.net. admin.example.net. 2026010101 3600 900 604800 300";
    let zone = outcome(SOA, &[(SOA, data)]);
    let times = SoaTimes {
        serial: 2_026_010_101,
        refresh_s: 3_600,
    };
    assert_eq!(soa(&zone), Some(times));
    let min = |serial| {
        records(RecordAssertions {
            serial_min: Some(serial),
            ..RecordAssertions::default()
        })
    };
    assert_eq!(texts(&min(2_026_010_101), &zone), None);
    assert_eq!(
        texts(&min(2_026_010_102), &zone).as_deref(),
        Some("serial 2026010102 or later | 2026010101")
    );
    let none = outcome(SOA, &[]);
    assert_eq!(
        texts(&min(1), &none).as_deref(),
        Some("serial 1 or later | no such record")
    );
    // It says nothing of other questions.
    assert_eq!(texts(&min(1), &outcome(MX, &[(MX, "10 a.")])), None);
}

#[test]
fn each_span_has_its_own_limit() {
    let limit = |span: &str, ms| Assertions {
        latency_max: vec![LatencyMax {
            span: span.parse().unwrap(),
            max: Duration::from_millis(ms),
        }],
        ..Assertions::default()
    };
    // An answer that there is no record takes its time too.
    let mut outcome = outcome(MX, &[]);
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
