//! Outcomes for tests: one of each kind, and any at all.

use std::net::IpAddr;
use std::num::NonZeroU64;
use std::time::{Duration, UNIX_EPOCH};

use canvass_model::{
    Answer, Cause, Confirmation, DnsAnswer, Errno, Fault, Job, Outcome, Phase, Phases, ProbeSpec,
    PtrAnswer, Rcode, Record, RecordType, Status, Target, Time, Transport, Verdict,
};
use proptest::option;
use proptest::prelude::*;

use crate::Epoch;

/// 2026-01-02T03:04:05.123456Z.
pub(crate) fn epoch() -> Epoch {
    Epoch {
        wall: UNIX_EPOCH + Duration::new(1_767_323_045, 123_456_000),
    }
}

const PTR: ProbeSpec = ProbeSpec::Ptr {
    forward_confirm: false,
};

fn base(seq: u64, line: Option<u64>, target: Target, spec: ProbeSpec) -> Outcome {
    Outcome {
        job: Job {
            seq,
            line: line.and_then(NonZeroU64::new),
            target,
            spec,
            due: None,
        },
        verdict: Verdict::Answered,
        status: Status::Rcode(Rcode::NOERROR),
        attempts: 1,
        due: Time::ZERO,
        first_send: Some(Time::ZERO),
        finished: Time::ZERO,
        phases: Phases::default(),
        stalled: false,
        resolver: Some("127.0.0.1:53".parse().unwrap()),
        transport: Some(Transport::Udp),
        answer: Answer::Ptr(PtrAnswer::default()),
        fault: None,
    }
}

fn address(text: &str, given: Option<&str>) -> Target {
    Target::Address {
        address: text.parse().unwrap(),
        given: given.map(Into::into),
    }
}

fn names(names: &[&str]) -> PtrAnswer {
    PtrAnswer {
        names: names.iter().map(|&name| name.into()).collect(),
        ttl_s: Some(400),
        confirmation: None,
    }
}

fn spent(outcome: &mut Outcome, wait_ns: u64, dns_ns: u64) {
    outcome.phases = Phases {
        wait: Some(Duration::from_nanos(wait_ns)),
        dns: Some(Duration::from_nanos(dns_ns)),
    };
    let sent = outcome.first_send.unwrap();
    outcome.finished = sent.plus_nanos(wait_ns + dns_ns);
}

/// An answer in 412 µs that was due 18 µs before it was sent.
pub(crate) fn ptr_answered() -> Outcome {
    let mut outcome = base(0, Some(1), address("10.1.2.3", None), PTR);
    outcome.first_send = Some(Time::from_nanos(18_000));
    spent(&mut outcome, 0, 412_000);
    outcome.answer = Answer::Ptr(names(&["host-10-1-2-3.example.net."]));
    outcome
}

/// An NXDOMAIN over TCP at the second attempt.
pub(crate) fn ptr_negative() -> Outcome {
    let mut outcome = base(1, None, address("2001:db8::7", None), PTR);
    outcome.verdict = Verdict::Negative;
    outcome.status = Status::Rcode(Rcode::NXDOMAIN);
    outcome.attempts = 2;
    outcome.due = Time::from_nanos(1_000_000_000);
    outcome.first_send = Some(outcome.due);
    spent(&mut outcome, 100_000_000, 100_000_001);
    outcome.resolver = Some("[::1]:5353".parse().unwrap());
    outcome.transport = Some(Transport::Tcp);
    outcome
}

/// Eight attempts without an answer, in a process that was held up.
pub(crate) fn ptr_timeout() -> Outcome {
    let mut outcome = base(2, Some(9), address("10.9.9.9", Some("010.9.9.9")), PTR);
    outcome.verdict = Verdict::Failed;
    outcome.status = Status::Timeout;
    outcome.attempts = 8;
    spent(&mut outcome, 0, 10_000_000_000);
    outcome.stalled = true;
    outcome.fault = Some(fault(
        Phase::Dns,
        Cause::Timeout,
        "no answer from 127.0.0.1:53 in 8 attempts",
        None,
    ));
    outcome
}

/// Nothing was sent, since no descriptor was left.
pub(crate) fn local_failure() -> Outcome {
    let mut outcome = base(3, None, address("10.1.2.4", None), PTR);
    outcome.verdict = Verdict::Failed;
    outcome.status = Status::Local;
    outcome.attempts = 0;
    outcome.first_send = None;
    outcome.finished = Time::from_nanos(5_000_000);
    outcome.resolver = None;
    outcome.transport = None;
    outcome.fault = Some(fault(
        Phase::Wait,
        Cause::Descriptors,
        "no descriptor is left for a socket",
        Some(Errno(24)),
    ));
    outcome
}

/// A line that is no target, with everything in it that needs care.
pub(crate) fn invalid(spec: ProbeSpec) -> Outcome {
    let given = "not\tan \"address\" \\ ü\u{85}";
    let reason = "neither an address nor a name";
    let target = Target::Invalid {
        given: given.into(),
        reason: reason.into(),
    };
    let mut outcome = base(5, Some(6), target, spec);
    outcome.verdict = Verdict::Failed;
    outcome.status = Status::Invalid;
    outcome.attempts = 0;
    outcome.first_send = None;
    outcome.resolver = None;
    outcome.transport = None;
    if let ProbeSpec::Dns { .. } = spec {
        outcome.answer = Answer::Dns(DnsAnswer::default());
    }
    outcome.fault = Some(fault(Phase::Target, Cause::Invalid, reason, None));
    outcome
}

/// Two addresses behind an alias.
pub(crate) fn dns_answered() -> Outcome {
    let target = Target::Name {
        name: "www.example.net".parse().unwrap(),
        given: "www.example.net".into(),
    };
    let spec = ProbeSpec::Dns {
        record_type: RecordType::A,
    };
    let mut outcome = base(6, Some(2), target, spec);
    spent(&mut outcome, 0, 1_500_000);
    let record = |name: &str, record_type, ttl_s, data: &str| Record {
        name: name.into(),
        record_type,
        ttl_s,
        data: data.into(),
    };
    outcome.answer = Answer::Dns(DnsAnswer {
        records: vec![
            record(
                "www.example.net.",
                RecordType::CNAME,
                300,
                "web.example.net.",
            ),
            record("web.example.net.", RecordType::A, 60, "192.0.2.1"),
            record("web.example.net.", RecordType::A, 60, "192.0.2.2"),
        ],
    });
    outcome
}

/// Two names that were looked up in turn.
pub(crate) fn ptr_confirmed(confirmed: Option<bool>) -> Outcome {
    let mut outcome = ptr_answered();
    outcome.job.spec = ProbeSpec::Ptr {
        forward_confirm: true,
    };
    let mut answer = names(&["a.example.net.", "b.example.net."]);
    let addresses: Vec<IpAddr> = ["10.1.2.3", "2001:db8::1"]
        .iter()
        .map(|text| text.parse().unwrap())
        .collect();
    answer.confirmation = Some(Box::new(Confirmation {
        confirmed,
        forward: vec![
            ("a.example.net.".into(), addresses),
            ("b.example.net.".into(), Vec::new()),
        ],
    }));
    outcome.answer = Answer::Ptr(answer);
    outcome
}

fn fault(phase: Phase, cause: Cause, message: &str, errno: Option<Errno>) -> Box<Fault> {
    Box::new(Fault {
        phase,
        cause,
        message: message.into(),
        errno,
    })
}

/// What the target of `outcome` was written as.
pub(crate) fn target_string(outcome: &Outcome) -> String {
    match &outcome.job.target {
        Target::Address {
            address,
            given: None,
        } => address.to_string(),
        Target::Address {
            given: Some(given), ..
        }
        | Target::Name { given, .. }
        | Target::Invalid { given, .. } => given.to_string(),
    }
}

fn any_text() -> impl Strategy<Value = Box<str>> {
    prop_oneof![
        "[a-z0-9.-]{0,40}",
        prop::collection::vec(any::<char>(), 0..20).prop_map(String::from_iter),
        "[\",\\\\\n\r\t\u{7f}\u{85}\u{2028}|; ]{0,10}",
    ]
    .prop_map(String::into_boxed_str)
}

fn any_target() -> impl Strategy<Value = Target> {
    prop_oneof![
        (any::<IpAddr>(), option::of(any_text()))
            .prop_map(|(address, given)| Target::Address { address, given }),
        any_text().prop_map(|given| Target::Name {
            name: "example.net".parse().unwrap(),
            given
        }),
        (any_text(), any_text()).prop_map(|(given, reason)| Target::Invalid { given, reason }),
    ]
}

fn any_status() -> impl Strategy<Value = Status> {
    prop_oneof![
        any::<u16>().prop_map(|code| Status::Rcode(Rcode(code))),
        prop::sample::select(vec![
            Status::Timeout,
            Status::ConnRefused,
            Status::Reset,
            Status::Unreachable,
            Status::Truncated,
            Status::Malformed,
            Status::Invalid,
            Status::Local,
        ]),
    ]
}

fn any_fault() -> impl Strategy<Value = Box<Fault>> {
    let phase = prop::sample::select(vec![Phase::Target, Phase::Wait, Phase::Dns]);
    let cause = prop::sample::select(vec![Cause::Timeout, Cause::Rcode, Cause::System]);
    (phase, cause, any_text(), option::of(any::<i32>()))
        .prop_map(|(phase, cause, message, errno)| fault(phase, cause, &message, errno.map(Errno)))
}

fn any_ptr() -> impl Strategy<Value = (ProbeSpec, Answer)> {
    let forward = prop::collection::vec(
        (any_text(), prop::collection::vec(any::<IpAddr>(), 0..3)),
        0..4,
    );
    let confirmation = (any::<Option<bool>>(), forward)
        .prop_map(|(confirmed, forward)| Box::new(Confirmation { confirmed, forward }));
    (
        any::<bool>(),
        prop::collection::vec(any_text(), 0..4),
        any::<Option<u32>>(),
        option::of(confirmation),
    )
        .prop_map(|(forward_confirm, names, ttl_s, confirmation)| {
            (
                ProbeSpec::Ptr { forward_confirm },
                Answer::Ptr(PtrAnswer {
                    names: names.into_iter().collect(),
                    ttl_s,
                    confirmation,
                }),
            )
        })
}

fn any_dns() -> impl Strategy<Value = (ProbeSpec, Answer)> {
    let record = (any_text(), any::<u16>(), any::<u32>(), any_text()).prop_map(
        |(name, number, ttl_s, data)| Record {
            name,
            record_type: RecordType(number),
            ttl_s,
            data,
        },
    );
    (any::<u16>(), prop::collection::vec(record, 0..4)).prop_map(|(number, records)| {
        (
            ProbeSpec::Dns {
                record_type: RecordType(number),
            },
            Answer::Dns(DnsAnswer { records }),
        )
    })
}

/// Any outcome whose phases add up.
pub(crate) fn any_outcome() -> impl Strategy<Value = Outcome> {
    let span_ns = || prop_oneof![0..10_000_000_000_u64, 0..u64::MAX / 4];
    let times = (any::<bool>(), span_ns(), span_ns(), span_ns());
    let verdict = prop::sample::select(vec![Verdict::Answered, Verdict::Negative, Verdict::Failed]);
    let job = (any::<u64>(), any::<u64>(), any_target());
    let peer = (
        option::of((any::<IpAddr>(), any::<u16>())),
        option::of(prop::sample::select(vec![Transport::Udp, Transport::Tcp])),
    );
    (
        job,
        prop_oneof![any_ptr().boxed(), any_dns().boxed()],
        (verdict, any_status(), any::<u32>(), any::<bool>()),
        times,
        peer,
        option::of(any_fault()),
    )
        .prop_map(
            |((seq, line, target), (spec, answer), how, times, (resolver, transport), fault)| {
                let mut outcome = base(seq, Some(line), target, spec);
                (
                    outcome.verdict,
                    outcome.status,
                    outcome.attempts,
                    outcome.stalled,
                ) = how;
                let (sent, due_ns, wait_ns, dns_ns) = times;
                outcome.due = Time::from_nanos(due_ns);
                if sent {
                    outcome.first_send = Some(outcome.due);
                    spent(&mut outcome, wait_ns, dns_ns);
                } else {
                    outcome.first_send = None;
                    outcome.finished = outcome.due.plus_nanos(wait_ns);
                }
                outcome.resolver = resolver.map(Into::into);
                outcome.transport = transport;
                outcome.answer = answer;
                outcome.fault = fault;
                outcome
            },
        )
}
