//! `--transport auto`: which transport queries take that may go over either.

mod common;

use std::time::Duration;

use canvass_model::{Health, LaneVerdict, StreamFlaw, Verdict};
use canvass_proto::TransportPolicy;
use canvass_sim::{Peer, RunResult, Scenario, addresses};
use common::run_named;

fn scenario(jobs: u32, impairments: &str) -> Scenario {
    Scenario::plain(1, addresses(jobs), vec![Peer::impaired(0, impairments)])
}

/// A machine on which a system call costs what it costs on a real one, so that datagrams are limited
/// by it.
fn on_a_machine(mut scenario: Scenario) -> Scenario {
    scenario.host.call_cost_ns = 4_000;
    scenario
}

/// Runs a scenario in which all jobs must have their answers.
fn all_right(scenario: &Scenario) -> RunResult {
    let result = run_named(scenario);
    assert_eq!(result.violations, [""; 0], "{:#?}", result.report);
    assert_eq!(result.count(Verdict::Failed), 0, "{:#?}", result.report);
    println!(
        "{:?}: {:?}, {} by datagram, {} by stream, {:.4} attempts, {:?}",
        scenario.limits.transport,
        result.elapsed,
        result.queries_udp,
        result.queries_tcp,
        result.attempts_per_job(),
        result.report.upstreams[0].lanes,
    );
    result
}

/// The same with another transport policy.
fn by(policy: TransportPolicy, scenario: &Scenario) -> RunResult {
    let mut scenario = scenario.clone();
    scenario.limits.transport = policy;
    all_right(&scenario)
}

#[test]
fn a_server_that_serves_streams_well_gets_most_queries_by_stream() {
    for impairments in ["delay=1ms", "delay=10ms"] {
        let scenario = on_a_machine(scenario(150_000, impairments));
        let udp = by(TransportPolicy::Udp, &scenario);
        let tcp = by(TransportPolicy::Tcp, &scenario);
        let auto = by(TransportPolicy::Auto, &scenario);
        let verdict = auto.report.upstreams[0].lanes;
        assert!(
            matches!(verdict, Some(LaneVerdict::Streams { .. })),
            "{verdict:?}"
        );
        // Until the comparison is over, most queries go by datagram.
        let compared = Duration::from_millis(300);
        let better = udp.elapsed.min(tcp.elapsed);
        assert!(auto.elapsed <= better.mul_f64(1.1) + compared);
        assert!(auto.queries_tcp > auto.queries_udp);
    }
}

/// A server whose streams are bad costs a run by default flags next to nothing.
fn keeps_to_datagrams(impairments: &str) -> StreamFlaw {
    let mut flaw = None;
    for jobs in [3_000, 50_000] {
        let scenario = scenario(jobs, impairments);
        let udp = by(TransportPolicy::Udp, &scenario);
        let auto = by(TransportPolicy::Auto, &scenario);
        let upstream = &auto.report.upstreams[0];
        let found = match upstream.lanes {
            Some(LaneVerdict::Datagrams(found)) => Some(found),
            // It was over before the verdict.
            None if jobs == 3_000 => None,
            other => panic!("{other:?}"),
        };
        assert_eq!((upstream.health, upstream.benched), (Health::Good, 0));
        // The last of those that waited on the stream, for up to two round trips and 10 ms, may be
        // the last of all.
        let waited = Duration::from_millis(70);
        assert!(auto.elapsed <= udp.elapsed.mul_f64(1.03) + waited);
        assert!(auto.attempts_per_job() <= udp.attempts_per_job() + 0.01);
        flaw = found;
    }
    flaw.expect("it ran")
}

#[test]
fn a_server_that_answers_one_at_a_time_is_asked_by_datagram() {
    assert_eq!(
        keeps_to_datagrams("tcp-serial,delay=20ms"),
        StreamFlaw::Late
    );
    assert_eq!(keeps_to_datagrams("tcp-serial,delay=2ms"), StreamFlaw::Late);
}

#[test]
fn a_server_that_refuses_streams_is_asked_by_datagram() {
    let flaw = keeps_to_datagrams("tcp-refuse,delay=5ms");
    assert_eq!(flaw, StreamFlaw::Refused);
}

#[test]
fn a_server_that_is_silent_on_streams_is_asked_by_datagram() {
    let flaw = keeps_to_datagrams("tcp-silent,delay=20ms");
    assert_eq!(flaw, StreamFlaw::Late);
}

#[test]
fn a_server_that_closes_streams_soon_is_asked_by_datagram() {
    let flaw = keeps_to_datagrams("tcp-close-after=20,delay=5ms");
    assert_eq!(flaw, StreamFlaw::Closed { queries: 20 });
}

#[test]
fn a_server_that_misframes_is_asked_by_datagram() {
    let flaw = keeps_to_datagrams("tcp-misframe=100%,delay=5ms");
    assert_eq!(flaw, StreamFlaw::Misframed);
}

#[test]
fn queries_without_retries_survive_a_bad_trial() {
    for impairments in [
        "tcp-serial,delay=20ms",
        "tcp-refuse",
        "tcp-silent",
        "tcp-misframe=100%",
    ] {
        let mut scenario = scenario(5_000, impairments);
        scenario.limits.retries = 0;
        all_right(&scenario);
    }
}

#[test]
fn a_short_list_opens_no_stream() {
    let scenario = scenario(1_000, "delay=1ms");
    let auto = all_right(&scenario);
    assert_eq!(
        (auto.queries_tcp, auto.report.upstreams[0].connections),
        (0, 0)
    );
    assert_eq!(auto.elapsed, by(TransportPolicy::Udp, &scenario).elapsed);
}

#[test]
fn a_list_for_many_resolvers_opens_no_stream() {
    let peers = (0..40)
        .map(|index| Peer::impaired(index, "delay=5ms"))
        .collect();
    let auto = all_right(&Scenario::plain(1, addresses(40_000), peers));
    assert_eq!(auto.queries_tcp, 0);
}

#[test]
fn a_slow_run_opens_no_stream() {
    for per_resolver in [false, true] {
        let mut scenario = scenario(10_000, "delay=1ms");
        if per_resolver {
            scenario.rate_per_resolver_max_per_second = Some(1_500.0);
        } else {
            scenario.rate_max_per_second = Some(1_500.0);
        }
        assert_eq!(all_right(&scenario).queries_tcp, 0);
    }
}

#[test]
fn caps_hold_over_both_transports() {
    // The run itself verifies that the caps hold.
    let mut scenario = scenario(100_000, "delay=5ms");
    scenario.rate_max_per_second = Some(60_000.0);
    let result = all_right(&scenario);
    assert!(result.queries_tcp > 10_000 && result.queries_udp > 1_000);
    let mut scenario = scenario.clone();
    scenario.rate_max_per_second = None;
    scenario.rate_per_resolver_max_per_second = Some(60_000.0);
    all_right(&scenario);
    scenario.rate_per_resolver_max_per_second = None;
    scenario.jobs_max = 50;
    all_right(&scenario);
}

#[test]
fn response_rate_limiting_leads_to_streams_for_good() {
    let result = all_right(&scenario(
        60_000,
        "delay=1ms,rate-cap=500,burst=500,over=slip",
    ));
    assert!(result.elapsed <= Duration::from_secs(12));
    assert!(result.attempts_per_job() <= 1.1);
}

#[test]
fn each_resolver_is_judged_for_itself() {
    let peers = vec![
        Peer::impaired(0, "delay=5ms"),
        Peer::impaired(1, "delay=5ms,tcp-serial"),
        Peer::impaired(2, "delay=5ms,tcp-refuse"),
    ];
    let result = all_right(&on_a_machine(Scenario::plain(1, addresses(150_000), peers)));
    let lanes: Vec<_> = result
        .report
        .upstreams
        .iter()
        .map(|one| one.lanes)
        .collect();
    assert!(
        matches!(lanes[0], Some(LaneVerdict::Streams { .. })),
        "{lanes:?}"
    );
    assert_eq!(
        lanes[1..],
        [StreamFlaw::Late, StreamFlaw::Refused].map(|flaw| Some(LaneVerdict::Datagrams(flaw)))
    );
}

#[test]
fn an_outage_of_a_server_asked_by_stream_is_survived() {
    let mut scenario = scenario(40_000, "delay=1ms,outage-after=1s,outage=5s");
    scenario.rate_max_per_second = Some(10_000.0);
    let result = all_right(&scenario);
    assert!(result.attempts_per_job() <= 1.1);
    assert!(result.elapsed <= Duration::from_secs(10));
}

#[test]
fn long_lists_in_drawn_worlds_break_no_law() {
    for seed in 0..40 {
        let mut scenario = Scenario::from_seed(seed);
        scenario.jobs = addresses(6_000);
        scenario.limits.transport = TransportPolicy::Auto;
        let result = run_named(&scenario);
        assert_eq!(result.violations, [""; 0], "seed {seed}");
    }
}
