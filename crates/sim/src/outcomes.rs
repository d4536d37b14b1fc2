//! What is checked of every outcome when a run is over.

use canvass_lab::Zone;
use canvass_model::{Answer, Cause, Job, Outcome, ProbeSpec, RecordType, Status, Target, Verdict};
use canvass_proto::dns::Question;
use hashbrown::HashMap;

use crate::scenario::Scenario;
use crate::truth::{Expected, expected_of};
use crate::watch::Watch;

/// Attempts of one question that only ask again in the way the server wants: without EDNS(0), and
/// by TCP.
const FOLLOW_UPS_MAX: u32 = 2;

/// Checks every outcome by itself, and that each job has one.
pub(crate) fn check(scenario: &Scenario, outcomes: &[Outcome], admitted: u64, watch: &mut Watch) {
    let zone = Zone::default();
    let mut by_seq: HashMap<u64, &Outcome> = HashMap::new();
    for outcome in outcomes {
        let seq = outcome.job.seq;
        if by_seq.insert(seq, outcome).is_some() {
            watch.violation(outcome.finished, &format!("job {seq} has two outcomes"));
        }
        let expected = expected_of(&zone, &outcome.job);
        for what in faults_of(scenario, outcome, &expected, watch) {
            let job = &outcome.job;
            let text = format!(
                "job {seq} ({:?} {:?}): {what}: {:?} {} attempts, due {:?}, first sent {:?}, {:?} {:?}",
                job.target,
                job.spec,
                outcome.status,
                outcome.attempts,
                outcome.due,
                outcome.first_send,
                outcome.answer,
                outcome.fault,
            );
            watch.violation(outcome.finished, &text);
        }
    }
    if outcomes.len() as u64 != admitted {
        let text = format!("{} outcomes of {admitted} admitted jobs", outcomes.len());
        watch.violation(scenario_end(outcomes), &text);
    }
    for job in &scenario.jobs {
        match by_seq.get(&job.seq) {
            Some(outcome) if outcome.job != *job => {
                let text = format!("job {} came back as another", job.seq);
                watch.violation(outcome.finished, &text);
            }
            _ => {}
        }
    }
    watch.check_ids(&owners(&scenario.jobs, &by_seq));
}

/// Every question that only one job asks, with that job's end.
fn owners<'a>(
    jobs: &[Job],
    by_seq: &HashMap<u64, &'a Outcome>,
) -> HashMap<Vec<u8>, Option<&'a Outcome>> {
    let mut owners: HashMap<Vec<u8>, Option<&Outcome>> = HashMap::new();
    for job in jobs {
        let question = match (&job.target, job.spec) {
            (Target::Address { address, .. }, _) => Question::reverse(*address),
            (Target::Name { name, .. }, ProbeSpec::Ptr { .. }) => {
                Question::new(name, RecordType::PTR)
            }
            (Target::Name { name, .. }, ProbeSpec::Dns { record_type }) => {
                Question::new(name, record_type)
            }
            (Target::Invalid { .. }, _) => continue,
        };
        owners
            .entry(question.wire().to_vec())
            .and_modify(|owner| *owner = None)
            .or_insert_with(|| by_seq.get(&job.seq).copied());
    }
    owners
}

fn scenario_end(outcomes: &[Outcome]) -> canvass_model::Time {
    outcomes
        .iter()
        .map(|outcome| outcome.finished)
        .max()
        .unwrap_or_default()
}

/// All that is wrong with one outcome.
fn faults_of(
    scenario: &Scenario,
    outcome: &Outcome,
    expected: &Expected,
    watch: &Watch,
) -> Vec<&'static str> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, what| {
        if !holds {
            faults.push(what);
        }
    };
    let failed = outcome.verdict == Verdict::Failed;
    check(
        failed == outcome.fault.is_some(),
        "a fault and no failure, or the other way",
    );
    check_times(scenario, outcome, watch, &mut check);
    let questions = match &expected {
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
    if failed {
        check(
            scenario.interrupt.is_some()
                || outcome
                    .fault
                    .as_ref()
                    .is_none_or(|fault| fault.cause != Cause::Interrupted),
            "interrupted and nobody did",
        );
        check(
            !scenario.fair || matches!(expected, Expected::Invalid | Expected::Unanswerable),
            "it had a fair chance",
        );
    } else {
        check(
            is_true(scenario, outcome, expected),
            "the answer is not the truth",
        );
    }
    faults
}

fn check_times(
    scenario: &Scenario,
    outcome: &Outcome,
    watch: &Watch,
    check: &mut impl FnMut(bool, &'static str),
) {
    let phases = outcome.phases;
    match outcome.latency() {
        Some(latency) => check(
            phases.wait.zip(phases.dns).map(|(wait, dns)| wait + dns) == Some(latency),
            "the phases do not add up to the latency",
        ),
        None => check(
            phases.wait.is_none() && phases.dns.is_none() && outcome.attempts == 0,
            "phases or attempts, and nothing was sent",
        ),
    }
    let begun = outcome.first_send.unwrap_or(outcome.due);
    check(
        outcome.due <= begun && begun <= outcome.finished,
        "due, sent and finished in the wrong order",
    );
    check(
        !outcome.stalled || watch.any_stall(outcome.due, outcome.finished),
        "it was held up, and nobody did",
    );
    // When a job with a schedule was taken is not told; it was not after its first query.
    let taken = if outcome.job.due.is_none() {
        outcome.due
    } else {
        begun
    };
    let late = scenario.limits.deadline + watch.lateness(taken, outcome.finished);
    check(
        outcome.finished - taken <= late
            || outcome.job.due.is_some() && outcome.first_send.is_none(),
        "the deadline was stretched",
    );
}

fn asks_forward(outcome: &Outcome) -> bool {
    matches!(
        outcome.job.spec,
        ProbeSpec::Ptr {
            forward_confirm: true
        }
    )
}

/// Whether an answer is what the zone holds.
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
            let confirmation = ptr.confirmation.as_deref();
            let found = confirmation.and_then(|confirmation| confirmation.confirmed);
            let told = if scenario.fair && asks_forward(outcome) {
                found == *confirmed
            } else {
                found.is_none() || found == *confirmed
            };
            same && told
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
            };
            same && outcome.status == Status::Rcode(*rcode) && negative == *none
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    use crate::scenario::{Peer, addresses};
    use crate::trace::Telling;

    /// What the checks say of a sound run's outcomes after `harm` was done to them.
    fn violations_after(harm: impl FnOnce(&mut Vec<Outcome>)) -> Vec<String> {
        let scenario = Scenario::plain(3, addresses(40), vec![Peer::new(0)]);
        let mut outcomes = crate::run_scenario(&scenario, Telling::Nothing).outcomes;
        let admitted = outcomes.len() as u64;
        harm(&mut outcomes);
        let mut watch = Watch::new(&scenario);
        check(&scenario, &outcomes, admitted, &mut watch);
        watch.take_violations()
    }

    #[test]
    fn each_harm_to_an_outcome_is_seen() {
        assert_eq!(violations_after(|_| {}), [""; 0]);
        type Harm = (&'static str, fn(&mut Vec<Outcome>));
        let harms: [Harm; 9] = [
            ("has two outcomes", |all| all.push(all[0].clone())),
            ("39 outcomes of 40", |all| drop(all.pop())),
            ("not the truth", |all| {
                all[4].answer = Answer::Ptr(canvass_model::PtrAnswer::default());
            }),
            ("do not add up", |all| {
                all[5].phases.wait = Some(Duration::from_nanos(1));
            }),
            ("more attempts", |all| all[6].attempts = 11),
            ("deadline was stretched", |all| {
                all[7].finished = all[7].finished + Duration::from_secs(11);
            }),
            ("a fault and no failure", |all| {
                all[8].verdict = Verdict::Failed
            }),
            ("nobody did", |all| all[10].stalled = true),
            ("came back as another", |all| {
                all[9].job.line = std::num::NonZeroU64::new(1)
            }),
        ];
        for (words, harm) in harms {
            let seen = violations_after(harm);
            assert!(
                seen.iter().any(|one| one.contains(words)),
                "{words}: {seen:?}"
            );
        }
    }
}
