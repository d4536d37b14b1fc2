//! Checks of the outcomes of DNS jobs.

use canvass_lab::Zone;
use canvass_model::{Answer, Outcome, Phase, ProbeSpec, ResponseDetails, Status, Verdict};

use super::Faults;
use crate::scenario::Scenario;
use crate::truth::{Expected, expected_of, missing_by};

/// Additional attempts of a question, as the server requires: without EDNS(0), and over TCP.
const FOLLOW_UPS_MAX: u32 = 2;

/// The errors of an outcome.
pub(super) fn faults_of(scenario: &Scenario, outcome: &Outcome, zone: &Zone) -> Faults {
    let expected = &expected_of(zone, &outcome.job);
    let failed = outcome.verdict == Verdict::Failed;
    let mut faults = Vec::new();
    let mut check = |holds: bool, what| {
        if !holds {
            faults.push(what);
        }
    };
    let phases = outcome.phases;
    check(
        Phase::TIMED.iter().all(|phase| {
            let own = matches!(phase, Phase::Wait | Phase::Dns);
            phases.span(*phase).is_some() == (own && outcome.first_send.is_some())
        }),
        "a phase that a question does not have, or none of its own",
    );
    let questions = match expected {
        Expected::Names { names, .. } if asks_forward(outcome) => 1 + names.len() as u32,
        _ => 1,
    };
    check(
        outcome.attempts <= questions * (1 + scenario.limits.retries + FOLLOW_UPS_MAX),
        "more attempts than may be",
    );
    let invalid = *expected == Expected::Invalid;
    check(
        invalid == (outcome.status == Status::Invalid),
        "invalid and taken for a job, or the other way",
    );
    check(
        outcome.attempts == 0 || outcome.resolver.is_some(),
        "attempts and no resolver",
    );
    check(
        failed || details_fit(outcome),
        "the response says what the zone does not, or nothing is kept of it",
    );
    if failed {
        check(
            !scenario.fair || matches!(expected, Expected::Invalid | Expected::Unanswerable),
            "it had a fair chance",
        );
    } else {
        check(
            is_true(scenario, outcome, expected) || is_missing(scenario, outcome),
            "the answer is not the truth",
        );
    }
    faults
}

fn asks_forward(outcome: &Outcome) -> bool {
    matches!(
        outcome.job.spec,
        ProbeSpec::Ptr {
            forward_confirm: true
        }
    )
}

/// Whether what is kept of a response besides its answer is what the zone sends: flags, and no
/// EDNS(0) option.
fn details_fit(outcome: &Outcome) -> bool {
    let Some(details) = outcome.details.as_deref() else {
        return matches!(outcome.job.spec, ProbeSpec::Ptr { .. });
    };
    let expected = ResponseDetails {
        flags: details.flags,
        ..ResponseDetails::default()
    };
    matches!(outcome.job.spec, ProbeSpec::Dns { .. }) && *details == expected
}

/// Whether an answer is that of a resolver that answers NXDOMAIN for its name.
fn is_missing(scenario: &Scenario, outcome: &Outcome) -> bool {
    let mut peers = scenario.peers.iter();
    peers.any(|peer| {
        missing_by(&peer.impairments, &outcome.job)
            .is_some_and(|expected| is_true(scenario, outcome, &expected))
    })
}

/// Whether an answer is that of the zone.
fn is_true(scenario: &Scenario, outcome: &Outcome, expected: &Expected) -> bool {
    let negative = outcome.verdict == Verdict::Negative;
    match (expected, &outcome.answer) {
        (
            Expected::Names {
                rcode,
                names,
                confirmed,
            },
            Answer::Ptr(ptr),
        ) => {
            let same = ptr
                .names
                .iter()
                .map(|name| &**name)
                .eq(names.iter().map(String::as_str));
            let confirmation = ptr.confirmation();
            let found = confirmation.and_then(|confirmation| confirmation.confirmed);
            let confirmation_fits = if scenario.fair && asks_forward(outcome) {
                found == *confirmed
            } else {
                found.is_none() || found == *confirmed
            };
            same && confirmation_fits
                && outcome.status == Status::Rcode(*rcode)
                && negative == names.is_empty()
                && ptr.ttl_s.is_none() == names.is_empty()
                && (asks_forward(outcome) || confirmation.is_none())
        }
        (
            Expected::Records {
                rcode,
                records,
                negative: none,
            },
            answer,
        ) => {
            let same = match answer {
                Answer::Dns(dns) => dns.records == *records,
                Answer::Ptr(ptr) => ptr.names.is_empty() == *none,
                Answer::Http(_) | Answer::Talk(_) => false,
            };
            same && outcome.status == Status::Rcode(*rcode) && negative == *none
        }
        _ => false,
    }
}
