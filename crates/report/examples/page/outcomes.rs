//! Outcomes as runs have them, made up.

use std::net::Ipv4Addr;
use std::num::NonZeroU32;
use std::time::Duration;

use canvass_model::{
    Answer, Cause, Class, Errno, Fault, Host, Job, ModuleId, Outcome, Phase, Phases, ProbeSpec,
    PtrAnswer, Rcode, Status, Target, Time, Transport, Verdict,
};
use rand::RngExt;
use rand::rngs::StdRng;

use super::{RESOLVERS, spread};

fn outcome(seq: u64, due: Time, target: Target, spec: ProbeSpec) -> Outcome {
    Outcome {
        job: Job {
            seq,
            line: None,
            target,
            spec,
            due: None,
            resolver: None,
        },
        verdict: Verdict::Answered,
        status: Status::Rcode(Rcode::NOERROR),
        attempts: 1,
        due,
        first_send: Some(due),
        finished: due,
        phases: Phases::default(),
        stalled: false,
        recheck: false,
        resolver: None,
        transport: None,
        class: Class::IN,
        answer: Answer::Ptr(PtrAnswer::default()),
        details: None,
        fault: None,
        trace: None,
    }
}

/// Hits in a millisecond, misses in some tens of them, and names that never answer.
pub(crate) fn ptr_outcome(seq: u64, due: Time, rng: &mut StdRng) -> Outcome {
    let target = Target::Address {
        address: Ipv4Addr::from(0x0a00_0000 + seq as u32).into(),
        given: None,
    };
    let spec = ProbeSpec::Ptr {
        forward_confirm: false,
    };
    let mut outcome = outcome(seq, due, target, spec);
    outcome.first_send = Some(due + spread(rng, 40.0, 0.9));
    let resolver = RESOLVERS[rng.random_range(0..RESOLVERS.len())];
    outcome.resolver = Some(resolver.parse().expect("a constant address"));
    outcome.transport = Some(Transport::Udp);
    let mut wait = Duration::ZERO;
    let chance: f64 = rng.random();
    let out = if chance < 0.62 {
        spread(rng, 900.0, 0.45)
    } else if chance < 0.985 {
        spread(rng, 38_000.0, 0.55)
    } else if chance < 0.994 {
        outcome.attempts = 2;
        wait = Duration::from_millis(180);
        spread(rng, 240_000.0, 0.2)
    } else {
        outcome.verdict = Verdict::Failed;
        outcome.status = Status::Timeout;
        outcome.attempts = 8;
        outcome.fault = fault(Phase::Dns, Cause::Timeout, None);
        wait = Duration::from_millis(700);
        Duration::from_millis(2_300)
    };
    if outcome.verdict == Verdict::Answered {
        match rng.random_range(0..100) {
            0..24 => {
                outcome.verdict = Verdict::Negative;
                outcome.status = Status::Rcode(Rcode::NXDOMAIN);
            }
            24 => {
                outcome.verdict = Verdict::Failed;
                outcome.status = Status::Rcode(Rcode::SERVFAIL);
                outcome.fault = fault(Phase::Dns, Cause::Rcode, None);
            }
            _ => {}
        }
    }
    outcome.phases = Phases::default()
        .with(Phase::Wait, wait)
        .with(Phase::Dns, out);
    outcome.finished = outcome.first_send.unwrap_or(due) + wait + out;
    outcome
}

/// Pages over TLS, some hosts that are down, and certificates that are not what they should be.
pub(crate) fn http_outcome(seq: u64, due: Time, rng: &mut StdRng) -> Outcome {
    let target = Target::Endpoint {
        host: Host::parse("www.example.net").expect("a constant name"),
        port: 443,
        given: None,
    };
    let spec = ProbeSpec::Http {
        module: ModuleId(0),
        requests: NonZeroU32::MIN,
    };
    let mut outcome = outcome(seq, due, target, spec);
    outcome.status = Status::Http(200);
    outcome.first_send = Some(due + spread(rng, 120.0, 1.2));
    outcome.answer = Answer::Http(Box::default());
    let mut spent = vec![(Phase::Wait, Duration::ZERO)];
    if seq.is_multiple_of(3) {
        spent.push((Phase::Resolve, spread(rng, 2_500.0, 0.8)));
    }
    spent.push((Phase::Connect, spread(rng, 11_000.0, 0.5)));
    let failed = match rng.random_range(0..200) {
        0..5 => Some((
            Status::ConnRefused,
            Phase::Connect,
            Cause::Refused,
            Some(Errno(111)),
        )),
        5..8 => Some((
            Status::Unreachable,
            Phase::Connect,
            Cause::Unreachable,
            Some(Errno(113)),
        )),
        8..10 => Some((Status::Tls, Phase::Tls, Cause::Expired, None)),
        10..12 => Some((Status::Timeout, Phase::FirstByte, Cause::Timeout, None)),
        12 => Some((
            Status::Reset,
            Phase::FirstByte,
            Cause::Reset,
            Some(Errno(104)),
        )),
        _ => None,
    };
    if let Some((status, phase, cause, errno)) = failed {
        outcome.verdict = Verdict::Failed;
        outcome.status = status;
        outcome.fault = fault(phase, cause, errno);
    }
    if failed.is_none_or(|(_, phase, ..)| phase != Phase::Connect) {
        spent.push((Phase::Tls, spread(rng, 24_000.0, 0.3)));
    }
    let past_tls = failed.is_none_or(|(_, phase, ..)| phase == Phase::FirstByte);
    if past_tls {
        let slow = matches!(failed, Some((Status::Timeout, ..)));
        let median_us = if slow { 2_000_000.0 } else { 60_000.0 };
        spent.push((Phase::FirstByte, spread(rng, median_us, 0.6)));
    }
    if failed.is_none() {
        // Most answers come whole in one read.
        let whole = rng.random_range(0..10) < 7;
        let transfer = if whole {
            Duration::ZERO
        } else {
            spread(rng, 1_800.0, 1.0)
        };
        spent.push((Phase::Transfer, transfer));
        match rng.random_range(0..50) {
            0..3 => outcome.status = Status::Http(301),
            3 => outcome.status = Status::Http(404),
            4 => {
                outcome.status = Status::Http(503);
                outcome.verdict = Verdict::Negative;
            }
            _ => {}
        }
    }
    for (phase, span) in spent {
        outcome.phases.add(phase, span);
    }
    let all = outcome.phases.total().unwrap_or_default();
    outcome.finished = outcome.first_send.unwrap_or(due) + all;
    outcome
}

fn fault(phase: Phase, cause: Cause, errno: Option<Errno>) -> Option<Box<Fault>> {
    Some(Box::new(Fault {
        phase,
        cause,
        message: "made up".into(),
        errno,
    }))
}
