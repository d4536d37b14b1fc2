//! Named scenarios: each has one kind of impairment, and the maximum cost it may have.

mod common;

use std::time::Duration;

use canvass_model::{Health, Status, Time, Verdict};
use canvass_proto::TransportPolicy;
use canvass_sim::{Peer, Reach, RunResult, Scenario, addresses};
use common::run_named;

/// The limits of a scenario.
struct Bounds {
    attempts_per_job_max: f64,
    elapsed_max: Duration,
}

/// Runs a scenario, in which all jobs must have their answers. The run itself verifies them.
fn all_right(scenario: &Scenario, bounds: &Bounds) -> RunResult {
    let result = run_named(scenario);
    let text = format!(
        "{:.3} attempts a job in {:?}, {} failed, violations {:#?}, {:#?}",
        result.attempts_per_job(),
        result.elapsed,
        result.count(Verdict::Failed),
        result.violations,
        result.report,
    );
    assert!(result.violations.is_empty(), "{text}");
    assert_eq!(result.count(Verdict::Failed), 0, "{text}");
    assert_eq!(result.outcomes.len(), scenario.jobs.len(), "{text}");
    assert!(
        result.attempts_per_job() <= bounds.attempts_per_job_max,
        "{text}"
    );
    assert!(result.elapsed <= bounds.elapsed_max, "{text}");
    println!(
        "{:.3} attempts a job in {:?}",
        result.attempts_per_job(),
        result.elapsed
    );
    result
}

fn one(jobs: u32, impairments: &str) -> Scenario {
    Scenario::plain(1, addresses(jobs), vec![Peer::impaired(0, impairments)])
}

#[test]
fn nothing_wrong_is_one_attempt_each() {
    let result = all_right(
        &one(50_000, "delay=1ms"),
        &Bounds {
            attempts_per_job_max: 1.0,
            elapsed_max: Duration::from_secs(2),
        },
    );
    assert_eq!(result.report.upstreams[0].mismatched, 0);
}

#[test]
fn a_tenth_lost_is_asked_again() {
    all_right(
        &one(20_000, "delay=20ms,loss=10%"),
        &Bounds {
            attempts_per_job_max: 1.25,
            elapsed_max: Duration::from_secs(10),
        },
    );
}

#[test]
fn a_silent_cap_is_found_and_kept_to() {
    all_right(
        &one(50_000, "delay=1ms,rate-cap=5000,over=silent"),
        &Bounds {
            attempts_per_job_max: 1.3,
            // 1.3 times the duration at the cap, with its burst of 500.
            elapsed_max: Duration::from_millis(12_870),
        },
    );
}

#[test]
fn a_refusing_cap_is_found_and_kept_to() {
    all_right(
        &one(50_000, "delay=1ms,rate-cap=5000,over=refused"),
        &Bounds {
            attempts_per_job_max: 1.3,
            // 1.3 times the duration at the cap, with its burst of 500.
            elapsed_max: Duration::from_millis(12_870),
        },
    );
}

#[test]
fn a_recursive_resolver_is_waited_for_and_not_left_alone() {
    let mut scenario = one(20_000, "delay=1ms,slow=9%,never=1%");
    // One percent is never answered.
    scenario.fair = false;
    let result = run_named(&scenario);
    assert_eq!(result.violations, [""; 0]);
    let failed = result.count(Verdict::Failed);
    let attempts: u32 = result
        .outcomes
        .iter()
        .filter(|outcome| outcome.verdict != Verdict::Failed)
        .map(|outcome| outcome.attempts)
        .sum();
    let answered = (result.outcomes.len() - failed) as f64;
    let per_job = f64::from(attempts) / answered;
    println!(
        "{per_job:.3} attempts a job, {failed} failed, {:?}",
        result.elapsed
    );
    assert!((150..=250).contains(&failed), "{failed}");
    assert!(per_job <= 1.1, "{per_job}");
    assert_eq!(result.report.upstreams[0].benched, 0);
    assert!(
        result.elapsed <= Duration::from_secs(25),
        "{:?}",
        result.elapsed
    );
}

#[test]
fn a_good_resolver_beside_a_dead_one_and_a_liar_is_found() {
    let peers = vec![
        Peer::impaired(0, "delay=1ms"),
        Peer::impaired(1, "outage-after=0s"),
        Peer::impaired(2, "delay=1ms,servfail=100%"),
    ];
    let result = all_right(
        &Scenario::plain(1, addresses(20_000), peers),
        &Bounds {
            attempts_per_job_max: 1.1,
            elapsed_max: Duration::from_secs(10),
        },
    );
    let health: Vec<Health> = result
        .report
        .upstreams
        .iter()
        .map(|upstream| upstream.health)
        .collect();
    assert_eq!(health, [Health::Good, Health::Dead, Health::Lying]);
}

#[test]
fn resolvers_that_do_not_recurse_spoil_nothing_beside_one_that_does() {
    // One serves none of the names, and the other half of them.
    let peers = vec![
        Peer::impaired(0, "delay=1ms,referral=100%"),
        Peer::impaired(1, "delay=1ms"),
        Peer::impaired(2, "delay=1ms,referral=50%"),
    ];
    let result = all_right(
        &Scenario::plain(1, addresses(20_000), peers),
        &Bounds {
            attempts_per_job_max: 1.4,
            elapsed_max: Duration::from_secs(10),
        },
    );
    let upstreams = &result.report.upstreams;
    let health: Vec<Health> = upstreams.iter().map(|upstream| upstream.health).collect();
    assert_eq!(health, [Health::Lame, Health::Good, Health::Lame]);
    assert_eq!(upstreams[0].answered, 0);
    assert!(upstreams[0].benched > 0 && upstreams[2].answered > 0);
}

#[test]
fn a_lone_resolver_that_does_not_recurse_fails_each_job_at_once() {
    let mut scenario = one(2_000, "delay=1ms,referral=100%");
    scenario.fair = false;
    let result = run_named(&scenario);
    assert_eq!(result.violations, [""; 0]);
    assert_eq!(result.count(Verdict::Failed), 2_000);
    assert_eq!(result.attempts_per_job(), 1.0);
    assert_eq!(result.report.upstreams[0].health, Health::Lame);
}

#[test]
fn the_only_resolver_may_be_gone_for_five_seconds() {
    let mut scenario = one(50_000, "delay=1ms,outage-after=1s,outage=5s");
    scenario.rate_max_per_second = Some(10_000.0);
    all_right(
        &scenario,
        &Bounds {
            attempts_per_job_max: 1.1,
            elapsed_max: Duration::from_secs(12),
        },
    );
}

#[test]
fn the_only_resolver_may_be_gone_when_its_limit_has_just_lost_many() {
    let options = "delay=1ms,rate-cap=10000,outage-after=1s,outage=5s";
    all_right(
        &one(50_000, options),
        &Bounds {
            attempts_per_job_max: 1.4,
            elapsed_max: Duration::from_secs(14),
        },
    );
}

#[test]
fn a_third_of_three_hundred_may_be_dead() {
    let peers = (0..300)
        .map(|index| match index % 3 {
            0 => Peer::impaired(index, "delay=5ms,outage-after=0s"),
            _ => Peer::impaired(index, "delay=5ms"),
        })
        .collect();
    all_right(
        &Scenario::plain(1, addresses(100_000), peers),
        &Bounds {
            attempts_per_job_max: 1.1,
            elapsed_max: Duration::from_secs(15),
        },
    );
}

#[test]
fn a_third_of_a_few_may_have_closed_ports() {
    let mut peers: Vec<Peer> = (0..6)
        .map(|index| Peer::impaired(index, "delay=1ms"))
        .collect();
    peers[1].reach = Reach::Closed;
    peers[4].reach = Reach::Unroutable;
    all_right(
        &Scenario::plain(1, addresses(20_000), peers),
        &Bounds {
            attempts_per_job_max: 1.1,
            elapsed_max: Duration::from_secs(5),
        },
    );
}

/// Resolvers that answer nothing.
fn unfair(jobs: u32, peers: Vec<Peer>) -> Scenario {
    Scenario {
        fair: false,
        ..Scenario::plain(1, addresses(jobs), peers)
    }
}

#[test]
fn resolvers_that_cannot_be_reached_are_given_up_within_a_second() {
    // With more jobs to come, and with all under way.
    for (jobs, gave_up) in [(20_000, true), (3, false)] {
        let mut peers: Vec<Peer> = (0..3).map(Peer::new).collect();
        peers[0].reach = Reach::Closed;
        peers[1].reach = Reach::Unroutable;
        peers[2].reach = Reach::Closed;
        let result = run_named(&unfair(jobs, peers));
        assert!(result.violations.is_empty(), "{:#?}", result.violations);
        assert_eq!(result.report.gave_up, gave_up);
        assert!(
            result.elapsed <= Duration::from_secs(1),
            "{:?}",
            result.elapsed
        );
        assert_eq!(result.count(Verdict::Failed), result.outcomes.len());
        let says_why = |status| matches!(status, Status::ConnRefused | Status::Unreachable);
        assert!(result.outcomes.iter().all(|one| says_why(one.status)));
    }
}

#[test]
fn one_silent_resolver_among_them_is_waited_for() {
    let mut peers: Vec<Peer> = (0..2).map(Peer::new).collect();
    peers[0].reach = Reach::Closed;
    peers[1].reach = Reach::Blackhole;
    let result = run_named(&unfair(20_000, peers));
    assert!(result.violations.is_empty(), "{:#?}", result.violations);
    assert!(result.report.gave_up);
    assert!(
        result.elapsed >= Duration::from_secs(10),
        "{:?}",
        result.elapsed
    );
}

#[test]
fn what_came_while_this_process_stood_still_is_read_before_it_is_given_up() {
    let mut scenario = one(5_000, "delay=1ms");
    scenario.limits.retries = 0;
    scenario.limits.deadline = Duration::from_secs(2);
    scenario.host.stalls = [3, 9, 20, 21, 22]
        .map(|at_ms| (Time::from_nanos(at_ms * 1_000_000), Duration::from_secs(5)))
        .to_vec();
    let result = all_right(
        &scenario,
        &Bounds {
            attempts_per_job_max: 1.0,
            elapsed_max: Duration::from_secs(27),
        },
    );
    assert!(result.report.stalls > 0);
    assert!(result.outcomes.iter().any(|outcome| outcome.stalled));
}

/// A hundred addresses, one every 10 ms, so that the shard mostly waits.
fn one_at_a_time() -> Scenario {
    let mut scenario = one(100, "delay=1ms");
    scenario.rate_max_per_second = Some(100.0);
    scenario
}

#[test]
fn a_process_that_stands_still_while_it_sleeps_wakes_late_by_as_much() {
    let bounds = Bounds {
        attempts_per_job_max: 1.0,
        elapsed_max: Duration::from_secs(4),
    };
    let quiet = all_right(&one_at_a_time(), &bounds).report.late_wakes;
    assert!(quiet.total() >= 100, "{}", quiet.total());
    assert!(quiet.max() < Duration::from_micros(1), "{:?}", quiet.max());
    let mut scenario = one_at_a_time();
    let span = Duration::from_secs(2);
    scenario.host.stalls = vec![(Time::from_nanos(55_000_000), span)];
    let late = all_right(&scenario, &bounds).report.late_wakes;
    assert!(late.max() >= span, "{:?}", late.max());
    let usual = late.quantile(0.98).expect("it slept");
    assert!(usual < Duration::from_millis(1), "{usual:?}");
}

#[test]
fn a_resolver_that_is_gone_allows_nothing_meanwhile() {
    let mut scenario = one(2_000, "delay=1ms,outage-after=1s,outage=5s");
    scenario.rate_max_per_second = Some(1_000.0);
    let result = all_right(
        &scenario,
        &Bounds {
            attempts_per_job_max: 1.1,
            elapsed_max: Duration::from_secs(9),
        },
    );
    let samples = |from_ms: u64, to_ms: u64| {
        let within = move |at: Time| (from_ms..to_ms).contains(&(at.as_nanos() / 1_000_000));
        let samples = result.report.samples.iter();
        samples.filter(move |sample| within(sample.at))
    };
    assert!(samples(100, 900).count() >= 30);
    assert!(samples(100, 900).all(|sample| sample.rate_per_second >= 1_000.0));
    assert!(samples(3_000, 5_900).count() >= 5);
    assert!(samples(3_000, 5_900).all(|sample| sample.rate_per_second == 0.0));
    assert!(samples(3_000, 5_900).all(|sample| sample.window == 0));
}

fn by_stream(jobs: u32, peers: Vec<Peer>) -> Scenario {
    let mut scenario = Scenario::plain(1, addresses(jobs), peers);
    scenario.limits.transport = TransportPolicy::Tcp;
    scenario
}

#[test]
fn connections_that_close_after_a_hundred_cost_no_attempts() {
    let result = all_right(
        &by_stream(20_000, vec![Peer::impaired(0, "tcp-close-after=100")]),
        &Bounds {
            attempts_per_job_max: 1.02,
            elapsed_max: Duration::from_secs(5),
        },
    );
    assert_eq!(result.report.upstreams[0].queries_per_connection, Some(100));
}

#[test]
fn a_stream_that_is_misframed_is_closed_and_its_queries_go_elsewhere() {
    // A hundredth of the lengths is wrong, in a long run and in one that is over in a moment.
    for jobs in [20_000, 20] {
        all_right(
            &by_stream(jobs, vec![Peer::impaired(0, "tcp-misframe=1%")]),
            &Bounds {
                attempts_per_job_max: 1.2,
                elapsed_max: Duration::from_secs(10),
            },
        );
    }
    // A fifth of them by a server that is asked alone, and all by one that is not.
    for peers in [
        vec![Peer::impaired(0, "tcp-misframe=20%")],
        vec![Peer::impaired(0, "tcp-misframe=100%"), Peer::new(1)],
    ] {
        all_right(
            &by_stream(500, peers),
            &Bounds {
                attempts_per_job_max: 3.0,
                elapsed_max: Duration::from_secs(10),
            },
        );
    }
}

#[test]
fn connections_that_serve_one_at_a_time_are_not_overfilled() {
    // Four connections, one millisecond per query.
    all_right(
        &by_stream(8_000, vec![Peer::impaired(0, "tcp-serial,delay=1ms")]),
        &Bounds {
            attempts_per_job_max: 1.3,
            elapsed_max: Duration::from_secs(4),
        },
    );
}

#[test]
fn silence_on_streams_is_left_for_the_resolver_that_speaks() {
    let peers = vec![
        Peer::impaired(0, "tcp-silent"),
        Peer::impaired(1, "delay=1ms"),
    ];
    all_right(
        &by_stream(20_000, peers),
        &Bounds {
            attempts_per_job_max: 1.1,
            elapsed_max: Duration::from_secs(5),
        },
    );
}

#[test]
fn a_rate_for_each_resolver_holds_for_both_its_transports() {
    let mut scenario = one(2_000, "truncate=50%");
    scenario.rate_per_resolver_max_per_second = Some(500.0);
    let result = all_right(
        &scenario,
        &Bounds {
            attempts_per_job_max: 1.6,
            elapsed_max: Duration::from_secs(7),
        },
    );
    let queries = (result.queries_udp + result.queries_tcp) as f64;
    assert!(queries / result.elapsed.as_secs_f64() <= 501.0);
}
