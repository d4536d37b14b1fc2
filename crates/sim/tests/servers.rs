//! The servers people have: what each of them does at its limit, and what a run may cost there.

mod common;
#[path = "servers/lanes.rs"]
mod lanes;

use std::time::Duration;

use canvass_model::{Time, Verdict};
use canvass_proto::TransportPolicy;
use canvass_sim::{Peer, RunResult, Scenario, addresses};
use common::run_named;

/// dnsmasq as a forwarder, with its default `dns-forward-max`, and a server 20 ms behind it.
const DNSMASQ: &str = "delay=20ms,service-time=20us,inflight-cap=150,over=refused";
/// Unbound as a forwarder: what exceeds its default `num-queries-per-thread` is dropped.
const UNBOUND: &str = "delay=20ms,service-time=30us,tcp-service-time=30us,inflight-cap=1024";
/// BIND as a forwarder, with its default `recursive-clients`.
const BIND: &str = "delay=20ms,service-time=40us,tcp-service-time=40us,inflight-cap=1000";
/// PowerDNS Recursor as a forwarder, with its default `max-mthreads`.
const POWERDNS: &str = "delay=20ms,service-time=25us,tcp-service-time=25us,inflight-cap=2048";
/// Knot with one UDP worker and a receive buffer as the system gives it. Streams cost it half.
const KNOT: &str = "service-time=14us,tcp-service-time=7us";
/// Response rate limiting of 500 responses per second, every second one over it truncated.
const RRL: &str = "rate-cap=500,burst=500,over=slip";
/// Answers of a recursive resolver to reverse lookups: at once, or after up to 40 ms.
const FAST: &str = "delay=20500us,jitter=19500us,nxdomain=20%";
/// Names that a recursive resolver finds no server for.
const LAME: &str = "lame=12%,never=8%";

/// What a run may cost.
struct Bounds {
    attempts_per_job_max: f64,
    elapsed_max: Duration,
    /// Whether the resolver may be taken for a bad one meanwhile.
    benched: bool,
}

impl Bounds {
    const fn new(attempts_per_job_max: f64, elapsed_max_ms: u64) -> Self {
        Self {
            attempts_per_job_max,
            elapsed_max: Duration::from_millis(elapsed_max_ms),
            benched: false,
        }
    }

    const fn benched(mut self) -> Self {
        self.benched = true;
        self
    }
}

fn server(seed: u64, jobs: u32, impairments: &str) -> Scenario {
    let mut peer = Peer::impaired(0, impairments);
    peer.impairments.seed = seed;
    Scenario::plain(seed, addresses(jobs), vec![peer])
}

/// Runs a scenario for several seeds.
fn all_right(make: impl Fn(u64) -> Scenario, bounds: &Bounds) -> Vec<RunResult> {
    (1..=3).map(|seed| right(&make(seed), bounds)).collect()
}

/// Runs a scenario in which all jobs must have their answers. The run itself verifies them.
fn right(scenario: &Scenario, bounds: &Bounds) -> RunResult {
    let result = run(scenario);
    let text = cost(&result);
    assert_eq!(result.count(Verdict::Failed), 0, "{text}");
    assert!(
        result.attempts_per_job() <= bounds.attempts_per_job_max,
        "{text}"
    );
    assert!(result.elapsed <= bounds.elapsed_max, "{text}");
    assert!(bounds.benched || !was_benched(&result), "{text}");
    result
}

fn run(scenario: &Scenario) -> RunResult {
    let result = run_named(scenario);
    println!("seed {}: {}", scenario.seed, cost(&result));
    assert!(result.violations.is_empty(), "{:#?}", result.violations);
    assert_eq!(result.outcomes.len(), scenario.jobs.len());
    result
}

fn cost(result: &RunResult) -> String {
    let upstream = &result.report.upstreams[0];
    format!(
        "{:.3} attempts a job in {:?}, {} failed, benched {} times, {} connections",
        result.attempts_per_job(),
        result.elapsed,
        result.count(Verdict::Failed),
        upstream.benched,
        upstream.connections,
    )
}

fn was_benched(result: &RunResult) -> bool {
    result.report.upstreams.iter().any(|one| one.benched > 0)
}

#[test]
fn response_rate_limiting_is_answered_by_streams() {
    let limited = |seed| server(seed, 20_000, &format!("delay=1ms,{RRL}"));
    for result in all_right(limited, &Bounds::new(1.3, 5_000)) {
        assert!(result.report.upstreams[0].connections > 0);
    }
    // Slowly enough for several returns to datagrams, each of which is over soon.
    let mut slow = server(1, 60_000, &format!("delay=1ms,{RRL}"));
    slow.rate_max_per_second = Some(600.0);
    right(&slow, &Bounds::new(1.3, 110_000));
}

#[test]
fn bind_with_response_rate_limiting_answers_ten_thousand_names() {
    all_right(|seed| server(seed, 10_000, RRL), &Bounds::new(1.3, 5_000));
}

#[test]
fn dnsmasq_refuses_what_its_table_does_not_hold() {
    // 150 in 20 ms are 7,500 per second: 2.7 s.
    all_right(
        |seed| server(seed, 20_000, DNSMASQ),
        &Bounds::new(1.15, 3_500),
    );
}

#[test]
fn dnsmasq_is_stopped_for_a_tenth_of_each_second() {
    let stopped = format!("{DNSMASQ},freeze=100ms");
    all_right(
        |seed| server(seed, 20_000, &stopped),
        &Bounds::new(1.5, 4_500).benched(),
    );
}

#[test]
fn a_freeze_of_half_a_second_is_one_event() {
    // 20,000 per second while it runs, which is for two thirds of the time: 3 s.
    let freezing = "delay=20ms,service-time=50us,freeze=500ms,freeze-every=1500ms,tcp-refuse";
    all_right(
        |seed| server(seed, 40_000, freezing),
        &Bounds::new(1.05, 5_500).benched(),
    );
}

#[test]
fn dnsmasq_holds_what_its_server_never_answers() {
    // 40 names are never answered, each of which takes a place of 150 for 10 s.
    let silent = format!("{DNSMASQ},never=2%");
    for seed in 1..=3 {
        let mut scenario = server(seed, 2_000, &silent);
        scenario.fair = false;
        let result = run(&scenario);
        let (attempts, answered_by) = answered(&result);
        println!("{attempts:.3} attempts, all answered by {answered_by:?}");
        assert!(attempts <= 1.15, "{attempts}");
        assert!(answered_by <= Duration::from_secs(2), "{answered_by:?}");
        assert!(!was_benched(&result));
    }
}

#[test]
fn dnsdist_drops_what_exceeds_its_rate() {
    // As many as its rate pass at once, and the other 27,000 in 9 s.
    let dnsdist = "delay=20ms,rate-cap=3000,burst=3000,over=silent";
    all_right(
        |seed| server(seed, 30_000, dnsdist),
        &Bounds::new(1.2, 10_900),
    );
}

#[test]
fn unbound_forwards_and_is_not_benched() {
    // 33,000 per second by its time for each. What it drops of a stream is waited for for a second.
    all_right(
        |seed| server(seed, 20_000, UNBOUND),
        &Bounds::new(1.15, 2_000),
    );
}

#[test]
fn dnsmasq_answers_one_at_a_time_over_tcp() {
    // Four connections, 20 ms per query: 200 per second.
    let by_stream = |seed| {
        let mut scenario = server(seed, 2_000, &format!("{DNSMASQ},tcp-serial"));
        scenario.limits.transport = TransportPolicy::Tcp;
        scenario
    };
    all_right(by_stream, &Bounds::new(1.05, 10_700));
}

#[test]
fn knot_is_asked_as_fast_as_its_worker_answers() {
    // 71,000 per second: 1.4 s.
    all_right(
        |seed| server(seed, 100_000, KNOT),
        &Bounds::new(1.02, 1_600),
    );
}

#[test]
fn knot_with_response_rate_limiting_sends_the_rest_by_stream() {
    let limited = format!("{KNOT},{RRL}");
    all_right(
        |seed| server(seed, 10_000, &limited),
        &Bounds::new(1.3, 5_000),
    );
}

#[test]
fn a_lossy_path_does_not_end_the_startup() {
    // Once in a while a name is lost seven times.
    let mut elapsed = (1..=5).map(|seed| {
        let lossy = server(seed, 20_000, "delay=20ms,loss=10%");
        right(&lossy, &Bounds::new(1.15, 2_000)).elapsed
    });
    let mut elapsed: [Duration; 5] = std::array::from_fn(|_| elapsed.next().unwrap());
    elapsed.sort();
    assert!(elapsed[2] <= Duration::from_millis(900), "{elapsed:?}");
}

#[test]
fn a_short_list_is_fast_on_a_lossy_path() {
    let lossy = |seed| server(seed, 2_000, "delay=20ms,loss=10%");
    all_right(lossy, &Bounds::new(1.15, 800));
}

#[test]
fn one_lookup_costs_one_round_trip() {
    all_right(|seed| server(seed, 1, "delay=20ms"), &Bounds::new(1.0, 21));
}

/// A fifth of the names is never answered, which takes eight attempts for each of them.
fn with_a_silent_fifth(seed: u64) -> Scenario {
    let mut scenario = server(seed, 5_000, "delay=5ms,never=20%");
    scenario.fair = false;
    scenario
}

#[test]
fn names_that_are_never_answered_leave_a_limited_rate_to_the_others() {
    for seed in 1..=3 {
        let mut whole = with_a_silent_fifth(seed);
        whole.rate_max_per_second = Some(500.0);
        let mut per_resolver = with_a_silent_fifth(seed);
        per_resolver.rate_per_resolver_max_per_second = Some(500.0);
        for scenario in [whole, per_resolver] {
            let result = run(&scenario);
            // All others have their answers when the last one was sent first.
            let (_, answered_by) = answered(&result);
            println!("all answered by {answered_by:?}");
            let allowed = 500.0 / result.attempts_per_job();
            let rate = 5_000.0 / answered_by.as_secs_f64();
            assert!(rate >= 0.9 * allowed, "{rate} of {allowed}");
            assert!(!was_benched(&result));
        }
    }
}

/// The attempts of each job that was answered, and when the last of them was.
fn answered(result: &RunResult) -> (f64, Duration) {
    let answered = || {
        let outcomes = result.outcomes.iter();
        outcomes.filter(|outcome| outcome.verdict != Verdict::Failed)
    };
    let attempts: u32 = answered().map(|outcome| outcome.attempts).sum();
    let last = answered().map(|outcome| outcome.finished).max();
    (
        f64::from(attempts) / answered().count() as f64,
        last.unwrap_or_default().since(Time::ZERO),
    )
}

#[test]
fn a_recursive_resolver_is_not_judged_by_names_that_are_slow_or_silent() {
    for (limit, attempts_max) in [("", 1.05), (",rate-cap=5000", 1.3)] {
        let is_limited = !limit.is_empty();
        let jobs = 20_000;
        for seed in 1..=3 {
            let fast = run(&server(seed, jobs, &format!("{FAST}{limit}")));
            let mut mixed = server(seed, jobs, &format!("{FAST},{LAME}{limit}"));
            mixed.fair = false;
            let mixed = run(&mixed);
            let (attempts, answered_by) = answered(&mixed);
            println!("{attempts:.3} attempts, all answered by {answered_by:?}");
            // Failed are the lame and the silent names.
            let failed = mixed.count(Verdict::Failed) as f64 / f64::from(jobs);
            assert!((0.19..0.21).contains(&failed), "{failed}");
            assert!(attempts <= attempts_max, "{attempts}");
            // The rate is at least 0.8 of that without them: of targets, or 0.7 of queries if they
            // are limited.
            let repeated = mixed.attempts_per_job() / fast.attempts_per_job();
            let share = if is_limited { 0.7 / repeated } else { 0.8 };
            let allowed = fast.elapsed.div_f64(share);
            assert!(answered_by <= allowed, "{answered_by:?} of {allowed:?}");
            assert!(!was_benched(&mixed));
        }
    }
}
