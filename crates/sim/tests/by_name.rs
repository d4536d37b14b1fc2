//! Jobs that name the resolver they ask, which the run learns of from them.

mod common;

use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Job, Outcome, ProbeSpec, Status, Time, Verdict};
use canvass_sim::{Peer, Reach, RunResult, Scenario, addresses};
use common::run_named;

/// Has every second job name `peer`.
fn every_second(count: u32, peer: &Peer) -> Vec<Job> {
    let mut jobs = addresses(count);
    for job in jobs.iter_mut().skip(1).step_by(2) {
        job.resolver = Some(Box::new(peer.address));
    }
    jobs
}

/// A world of two resolvers, of which the second is asked by name only.
fn by_name(jobs: Vec<Job>, shared: Peer, named: Peer) -> Scenario {
    let mut scenario = Scenario::plain(1, jobs, vec![shared, named]);
    scenario.peers_by_name = 1;
    scenario.limits.alternatives = false;
    scenario
}

/// Every resolver that replied to a job is the one that the job is for.
#[track_caller]
fn assert_asked(result: &RunResult, shared: SocketAddr) {
    assert!(result.violations.is_empty(), "{:#?}", result.violations);
    for outcome in &result.outcomes {
        let named = outcome.job.resolver.as_deref();
        let expected = named.copied().unwrap_or(shared);
        assert_eq!(outcome.resolver, Some(expected), "{outcome:?}");
    }
}

#[test]
fn jobs_that_name_a_resolver_are_answered_by_it() {
    let (shared, named) = (
        Peer::impaired(0, "delay=5ms"),
        Peer::impaired(1, "delay=20ms,loss=5%,truncate=20%"),
    );
    let mut jobs = every_second(4_000, &named);
    for job in jobs.iter_mut().take(1_000) {
        job.spec = ProbeSpec::Ptr {
            forward_confirm: true,
        };
    }
    let scenario = by_name(jobs, shared, named);
    let result = run_named(&scenario);
    assert_asked(&result, scenario.peers[0].address);
    assert_eq!(result.count(Verdict::Failed), 0);
    let sent: Vec<u64> = result.report.upstreams.iter().map(|one| one.sent).collect();
    assert_eq!(sent.len(), 2);
    // 500 jobs of each look up the names they found, at the resolver that named them.
    assert!((2_500..3_100).contains(&sent[0]), "{sent:?}");
    assert!((2_500..3_600).contains(&sent[1]), "{sent:?}");
}

#[test]
fn a_run_may_know_no_resolver_but_those_its_jobs_name() {
    let named = Peer::impaired(0, "delay=1ms,rate-cap=2000,over=silent");
    let mut jobs = addresses(4_000);
    for job in &mut jobs {
        job.resolver = Some(Box::new(named.address));
    }
    let mut scenario = Scenario::plain(1, jobs, vec![named]);
    scenario.peers_by_name = 1;
    let result = run_named(&scenario);
    assert_asked(&result, scenario.peers[0].address);
    assert_eq!(result.count(Verdict::Failed), 0);
    // It has a window of its own, which finds the limit.
    let attempts = result.attempts_per_job();
    assert!(attempts < 1.3, "{attempts}");
}

#[test]
fn a_named_resolver_that_is_gone_holds_up_only_the_jobs_that_name_it() {
    let mut gone = Peer::new(1);
    gone.reach = Reach::Blackhole;
    let jobs = every_second(6_000, &gone);
    let mut scenario = by_name(jobs, Peer::impaired(0, "delay=1ms"), gone);
    scenario.fair = false;
    let result = run_named(&scenario);
    assert!(result.violations.is_empty(), "{:#?}", result.violations);
    let (named, others): (Vec<_>, Vec<_>) = result
        .outcomes
        .iter()
        .partition(|outcome| outcome.job.resolver.is_some());
    assert_eq!((named.len(), others.len()), (3_000, 3_000));
    assert!(named.iter().all(|one| one.status == Status::Timeout));
    assert!(others.iter().all(|one| one.verdict != Verdict::Failed));
    let last = others.iter().map(|one| one.finished).max();
    assert!(last < Some(Time::from_nanos(2_000_000_000)), "{last:?}");
    // The others wait for no longer than a job may take, in all.
    assert!(
        result.elapsed < Duration::from_secs(25),
        "{:?}",
        result.elapsed
    );
    assert!(!result.report.gave_up);
}

#[test]
fn more_resolvers_than_descriptors_may_be_named() {
    let peers: Vec<Peer> = (0..400)
        .map(|index| Peer::impaired(index, "delay=1ms,truncate=10%"))
        .collect();
    let mut jobs = addresses(1_000);
    for (job, peer) in jobs.iter_mut().zip(peers.iter().cycle()) {
        job.resolver = Some(Box::new(peer.address));
    }
    let mut scenario = Scenario::plain(1, jobs, peers);
    scenario.peers_by_name = 400;
    scenario.host.descriptors_max = 40;
    let result = run_named(&scenario);
    assert!(result.violations.is_empty(), "{:#?}", result.violations);
    assert_eq!(result.count(Verdict::Failed), 0);
    let asked = |outcome: &Outcome| outcome.resolver == outcome.job.resolver.as_deref().copied();
    assert!(result.outcomes.iter().all(asked));
}
