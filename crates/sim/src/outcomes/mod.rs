//! Checks of the outcomes of a run.

mod probe;
mod question;

use std::collections::BTreeMap;
use std::time::Duration;

use canvass_lab::Zone;
use canvass_model::{
    Answer, Cause, Host, Job, Outcome, Phase, ProbeSpec, RecordType, Status, Target, Time, Verdict,
};
use canvass_proto::dns::Question;
use hashbrown::{HashMap, HashSet};

use crate::scenario::Scenario;
use crate::truth::{HostTruth, host_truth};
use crate::watch::Watch;

/// The TTL of the addresses of the lab's names, in seconds.
const ADDRESSES_KEPT_S: u64 = 400;
/// The TTL of negative answers, in seconds.
const NOTHING_KEPT_S: u64 = 5;

/// A schedule is shifted by at most this.
const SHIFT_MAX: Duration = Duration::from_secs(1);

/// Collects what does not hold.
type Faults = Vec<&'static str>;

/// Checks each outcome, and that each job has all of its outcomes.
///
/// In a run that was `cut_short` a job may lack outcomes of requests that were not started.
pub(crate) fn check(
    scenario: &Scenario,
    outcomes: &[Outcome],
    admitted: u64,
    cut_short: bool,
    watch: &mut Watch,
) {
    let zone = Zone::default();
    let mut by_seq: HashMap<u64, Vec<&Outcome>> = HashMap::new();
    for outcome in outcomes {
        by_seq.entry(outcome.job.seq).or_default().push(outcome);
        for what in faults_of(scenario, outcome, &zone, watch) {
            let text = format!("{what}: {}", described(outcome));
            watch.violation(outcome.finished, &text);
        }
    }
    let end = outcomes.iter().map(|outcome| outcome.finished).max();
    let end = end.unwrap_or_default();
    if outcomes.len() as u64 != admitted {
        let text = format!("{} outcomes of {admitted} admitted jobs", outcomes.len());
        watch.violation(end, &text);
    }
    for job in &scenario.jobs {
        let of_job = by_seq.get(&job.seq).map_or(&[][..], |all| all);
        check_same(scenario, job, of_job, end, watch);
        check_count(job, of_job, cut_short, end, watch);
    }
    check_host_rates(scenario, outcomes, watch);
    check_lookups(scenario, &zone, end, watch);
    let single = by_seq.iter().map(|(seq, all)| (*seq, all[0])).collect();
    watch.check_ids(&owners(&scenario.jobs, &single));
}

fn described(outcome: &Outcome) -> String {
    let job = &outcome.job;
    format!(
        "job {} ({:?} {:?}): {:?} {:?} {} attempts, due {:?}, first sent {:?}, finished {:?}, {:?} {:?}",
        job.seq,
        job.target,
        job.spec,
        outcome.status,
        outcome.fault,
        outcome.attempts,
        outcome.due,
        outcome.first_send,
        outcome.finished,
        outcome.phases,
        outcome.answer,
    )
}

/// Whether a job was returned unchanged, except that its time may have been shifted by `shift_max`.
fn is_same(returned: &Job, job: &Job, shift_max: Duration) -> bool {
    let planned = Job {
        due: job.due,
        ..returned.clone()
    };
    let in_time = match (returned.due, job.due) {
        (Some(due), Some(planned)) => (planned..=planned + shift_max).contains(&due),
        (due, planned) => due == planned,
    };
    planned == *job && in_time
}

/// A job must be returned as it was.
fn check_same(scenario: &Scenario, job: &Job, outcomes: &[&Outcome], end: Time, watch: &mut Watch) {
    let shift_max = match scenario.rate_max_per_second {
        None => Duration::ZERO,
        // The smaller the share, the more slowly the schedule passes.
        Some(_) if !scenario.shares.is_empty() => Duration::MAX,
        Some(_) => SHIFT_MAX,
    };
    let mut returned = outcomes.iter().map(|outcome| &outcome.job);
    if !returned.all(|returned| is_same(returned, job, shift_max)) {
        watch.violation(end, &format!("job {} came back as another", job.seq));
    }
}

/// A job must have the expected number of outcomes.
fn check_count(job: &Job, outcomes: &[&Outcome], cut_short: bool, end: Time, watch: &mut Watch) {
    let seq = job.seq;
    let due = job.spec.outcomes();
    let count = outcomes.len() as u64;
    if count > due {
        let text = match due {
            1 => format!("job {seq} has two outcomes"),
            _ => format!("job {seq} has {count} outcomes of {due}"),
        };
        watch.violation(end, &text);
    }
    if count < due && count > 0 && !cut_short {
        let text = format!("job {seq} has {count} outcomes of {due}, and was not stopped");
        watch.violation(end, &text);
    }
    let numbered = outcomes.iter().filter_map(|outcome| match &outcome.answer {
        Answer::Http(page) => page.repeat,
        _ => None,
    });
    let numbers: Vec<u32> = numbered.collect();
    let in_order = numbers.iter().copied().eq(1..=numbers.len() as u32);
    if !in_order || (due > 1 && numbers.len() as u64 != count && !is_invalid(outcomes)) {
        let text = format!("the requests of job {seq} are numbered {numbers:?}");
        watch.violation(end, &text);
    }
}

fn is_invalid(outcomes: &[&Outcome]) -> bool {
    outcomes
        .iter()
        .all(|outcome| outcome.status == Status::Invalid)
}

/// The rate limit per host must hold over the whole run.
fn check_host_rates(scenario: &Scenario, outcomes: &[Outcome], watch: &mut Watch) {
    let Some(rate) = scenario.probing.rate_per_host_max_per_second else {
        return;
    };
    let mut asked: BTreeMap<String, Vec<Time>> = BTreeMap::new();
    for outcome in outcomes {
        let host = outcome.job.target.host();
        if let (Some(host), Some(at)) = (host, outcome.first_send) {
            asked.entry(host.to_string()).or_default().push(at);
        }
    }
    for (host, mut times) in asked {
        times.sort_unstable();
        for (count, at) in times.iter().enumerate() {
            let most = rate * at.since(Time::ZERO).as_secs_f64() + 1.001;
            if count as f64 > most {
                let text = format!("{host} was asked {} times, at {rate} a second", count + 1);
                watch.violation(*at, &text);
                break;
            }
        }
    }
}

/// If resolvers answer and nothing is lost, a name is queried once, and again only after its TTL
/// has expired.
fn check_lookups(scenario: &Scenario, zone: &Zone, end: Time, watch: &mut Watch) {
    let is_probe = |job: &Job| scenario.module_of(job).is_some();
    if !scenario.fair || !scenario.jobs.iter().all(is_probe) {
        return;
    }
    let hosts = scenario.jobs.iter().filter_map(|job| job.target.host());
    let hosts: HashSet<Host> = hosts.collect();
    for host in hosts {
        let Host::Name(name) = &host else { continue };
        let Ok(name) = name.parse() else { continue };
        let kept_s = match host_truth(zone, &host) {
            HostTruth::Addresses(addresses) if addresses.len() > 1 => ADDRESSES_KEPT_S,
            _ => NOTHING_KEPT_S,
        };
        for record_type in [RecordType::A, RecordType::AAAA] {
            let count = watch.times_asked(&Question::new(&name, record_type));
            if count > 1 + end.since(Time::ZERO).as_secs() / kept_s {
                let text = format!("resolvers were asked {count} times for one half of {host}");
                watch.violation(end, &text);
            }
        }
    }
}

/// The questions that belong to only one job, each with the outcome of the job.
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
            _ => continue,
        };
        owners
            .entry(question.wire().to_vec())
            .and_modify(|owner| *owner = None)
            .or_insert_with(|| by_seq.get(&job.seq).copied());
    }
    owners
}

/// The errors of one outcome.
fn faults_of(scenario: &Scenario, outcome: &Outcome, zone: &Zone, watch: &Watch) -> Faults {
    let mut faults = Vec::new();
    let failed = outcome.verdict == Verdict::Failed;
    let mut check = |holds: bool, what| {
        if !holds {
            faults.push(what);
        }
    };
    check(
        failed == outcome.fault.is_some(),
        "a fault and no failure, or the other way",
    );
    let interrupted = outcome
        .fault
        .as_ref()
        .is_some_and(|fault| fault.cause == Cause::Interrupted);
    check(
        !interrupted || scenario.interrupt.is_some(),
        "interrupted without an interrupt",
    );
    check_times(scenario, outcome, watch, &mut check);
    faults.extend(match outcome.job.spec {
        ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. } => {
            question::faults_of(scenario, outcome, zone)
        }
        _ => probe::faults_of(scenario, outcome, zone, watch),
    });
    faults
}

fn check_times(
    scenario: &Scenario,
    outcome: &Outcome,
    watch: &Watch,
    check: &mut impl FnMut(bool, &'static str),
) {
    let phases = outcome.phases;
    check(
        phases.total() == outcome.latency(),
        "the phases do not add up to the latency",
    );
    check(
        outcome.first_send.is_some() || outcome.attempts == 0,
        "attempts, and nothing was sent",
    );
    let begun = outcome.first_send.unwrap_or(outcome.due);
    check(
        outcome.due <= begun && begun <= outcome.finished,
        "due, sent and finished in the wrong order",
    );
    check(
        !outcome.stalled || watch.any_stall(outcome.due, outcome.finished),
        "marked as stalled without a stall",
    );
    let is_question = matches!(
        outcome.job.spec,
        ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. }
    );
    check(
        is_question || phases.span(Phase::Dns).is_none(),
        "a probe of a host in the phase of a question to resolvers",
    );
    // The time at which a scheduled job was taken is not known, but it precedes the first query.
    let taken = if outcome.job.due.is_none() {
        outcome.due
    } else {
        begun
    };
    let deadline = scenario.deadline_of(&outcome.job);
    let late = deadline + watch.lateness(taken, outcome.finished);
    check(
        outcome.finished - taken <= late
            || outcome.job.due.is_some() && outcome.first_send.is_none(),
        "the deadline was stretched",
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    use canvass_proto::http::HttpSettings;

    use crate::scenario::{Peer, addresses, http, url_job};
    use crate::trace::Telling;

    /// Returns the violations after `harm` has changed the outcomes of a correct run.
    fn violations_after(harm: impl FnOnce(&mut Vec<Outcome>)) -> Vec<String> {
        let scenario = Scenario::plain(3, addresses(40), vec![Peer::new(0)]);
        let mut outcomes = crate::run_scenario(&scenario, Telling::Nothing).outcomes;
        let admitted = outcomes.len() as u64;
        harm(&mut outcomes);
        let mut watch = Watch::new(&scenario);
        check(&scenario, &outcomes, admitted, false, &mut watch);
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
                all[5].phases.add(Phase::Wait, Duration::from_nanos(1));
            }),
            ("more attempts", |all| all[6].attempts = 11),
            ("deadline was stretched", |all| {
                all[7].finished = all[7].finished + Duration::from_secs(11);
            }),
            ("a fault and no failure", |all| {
                all[8].verdict = Verdict::Failed
            }),
            ("without a stall", |all| all[10].stalled = true),
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

    #[test]
    fn a_fault_that_is_laid_on_the_wrong_side_is_seen() {
        let jobs = vec![url_job(0, "http://10.0.0.1/")];
        let mut scenario = Scenario::plain(1, jobs, vec![Peer::new(0)]);
        scenario.fair = false;
        scenario.probing.modules = vec![Arc::new(http(HttpSettings::default()))];
        scenario.host.descriptors_max = 0;
        let mut outcomes = crate::run_scenario(&scenario, Telling::Nothing).outcomes;
        let violations = |outcomes: &[Outcome]| {
            let mut watch = Watch::new(&scenario);
            check(&scenario, outcomes, 1, false, &mut watch);
            watch.take_violations()
        };
        assert_eq!(violations(&outcomes), [""; 0]);
        let was = std::mem::replace(&mut outcomes[0].status, Status::Timeout);
        let seen = violations(&outcomes).concat();
        assert!(seen.contains("does not say so"), "{seen}");
        assert!(seen.contains("never asked"), "{seen}");
        outcomes[0].status = was;
        let fault = outcomes[0].fault.as_mut().expect("a fault");
        (fault.phase, fault.cause) = (Phase::Connect, Cause::Timeout);
        let seen = violations(&outcomes).concat();
        assert!(seen.contains("says that it is of this side"), "{seen}");
    }
}
