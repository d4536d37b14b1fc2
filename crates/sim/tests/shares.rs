//! Runs whose share of their caps changes: each share is kept to, and reached.

mod common;

use std::sync::Arc;
use std::time::Duration;

use canvass_lab::ServiceKind;
use canvass_model::{Outcome, Time, Verdict};
use canvass_proto::http::HttpSettings;
use canvass_sim::{Peer, RunResult, Scenario, Site, addresses, http, url_job};
use common::run_named;

/// When each share begins, in milliseconds.
const SHARES: [(u64, f64); 6] = [
    (1_000, 0.5),
    (2_000, 0.25),
    (3_000, 0.0),
    (4_500, 1.0),
    (5_500, 0.1),
    (6_500, 0.75),
];
const END_MS: u64 = 7_500;
/// How long a shard may take to follow.
const FOLLOWS_WITHIN_MS: u64 = 200;

fn at_ms(at_ms: u64) -> Time {
    Time::from_nanos(at_ms * 1_000_000)
}

fn shared(mut scenario: Scenario) -> Scenario {
    scenario.shares = SHARES
        .iter()
        .map(|(at, share)| (at_ms(*at), *share))
        .collect();
    scenario
}

/// The spans of constant share, from when it is followed, with the share.
fn spans() -> impl Iterator<Item = (Time, Time, f64)> {
    let ends = SHARES[1..].iter().map(|(at, _)| *at).chain([END_MS]);
    let spans = SHARES.iter().zip(ends);
    spans.map(|((begin, share), end)| (at_ms(begin + FOLLOWS_WITHIN_MS), at_ms(end), *share))
}

/// Runs a scenario without failures. The run itself verifies that no rate is above its share.
#[track_caller]
fn sound(scenario: &Scenario) -> RunResult {
    let result = run_named(scenario);
    assert_eq!(result.violations, [""; 0]);
    assert_eq!(result.count(Verdict::Failed), 0);
    assert_eq!(result.outcomes.len(), scenario.jobs.len());
    assert!(result.elapsed > at_ms(END_MS).since(Time::ZERO));
    result
}

fn sent_between(outcomes: &[Outcome], from: Time, to: Time) -> usize {
    let is_between = |at: &Time| from <= *at && *at < to;
    let sent = outcomes.iter().filter_map(|outcome| outcome.first_send);
    sent.filter(is_between).count()
}

/// Checks that the rate of targets was within 2 % of each share of `rate_per_second`, but for one at the
/// beginning and the end of each of `lanes`.
#[track_caller]
fn assert_reached(result: &RunResult, rate_per_second: f64, lanes: f64) {
    for (from, to, share) in spans() {
        let sent = sent_between(&result.outcomes, from, to) as f64;
        let expected = rate_per_second * share * to.since(from).as_secs_f64();
        assert!(
            (expected * 0.98 - lanes..=expected * 1.02 + lanes).contains(&sent),
            "{sent} of {expected} from {from:?}"
        );
    }
}

fn lookups(count: u32) -> Scenario {
    shared(Scenario::plain(
        1,
        addresses(count),
        vec![Peer::impaired(0, "delay=20ms")],
    ))
}

/// Sets a rate, and when each job is due.
fn scheduled(mut scenario: Scenario, rate_per_second: u32) -> Scenario {
    scenario.rate_max_per_second = Some(rate_per_second.into());
    for job in &mut scenario.jobs {
        let due_ns = job.seq * 1_000_000_000 / u64::from(rate_per_second);
        job.due = Some(Time::from_nanos(due_ns));
    }
    scenario
}

#[test]
fn a_rate_follows_its_share() {
    for rate_per_second in [400, 4_000] {
        let mut scenario = lookups(rate_per_second * 5);
        scenario.rate_max_per_second = Some(rate_per_second.into());
        assert_reached(&sound(&scenario), rate_per_second.into(), 1.0);
    }
}

#[test]
fn a_schedule_follows_the_share_of_its_rate_and_is_never_in_arrears() {
    for rate_per_second in [400, 4_000] {
        let result = sound(&scheduled(lookups(rate_per_second * 5), rate_per_second));
        assert_reached(&result, rate_per_second.into(), 1.0);
        for outcome in &result.outcomes {
            let sent = outcome.first_send.expect("it was sent");
            let late = sent.since(outcome.due);
            // Two intervals of the lowest rate.
            assert!(
                outcome.due <= sent && late <= Duration::from_millis(52),
                "{outcome:?}"
            );
        }
    }
}

#[test]
fn a_rate_of_few_targets_follows_its_share() {
    // Two per second: the wait for the next is longer than the time to follow.
    let mut scenario = lookups(40);
    scenario.rate_max_per_second = Some(2.0);
    scenario.shares = vec![(Time::ZERO, 0.1), (at_ms(2_000), 1.0), (at_ms(6_000), 0.5)];
    let result = sound(&scenario);
    let counts = [(0, 2_000), (2_200, 6_000), (6_000, 16_000)]
        .map(|(from, to)| sent_between(&result.outcomes, at_ms(from), at_ms(to)));
    assert!(
        counts[0] == 1 && (7..=8).contains(&counts[1]) && (9..=11).contains(&counts[2]),
        "{counts:?}"
    );
}

#[test]
fn the_rate_of_each_resolver_follows_its_share() {
    let peers = (0..3).map(|index| Peer::impaired(index, "delay=20ms"));
    let mut scenario = shared(Scenario::plain(1, addresses(4_500), peers.collect()));
    scenario.rate_per_resolver_max_per_second = Some(300.0);
    assert_reached(&sound(&scenario), 900.0, 3.0);
}

#[test]
fn nothing_begins_with_a_share_of_nothing_and_all_is_done_with_the_next() {
    let mut scenario = scheduled(lookups(2_000), 1_000);
    scenario.shares = vec![(Time::ZERO, 0.0), (at_ms(6_000), 1.0)];
    let result = sound(&scenario);
    assert!(sent_between(&result.outcomes, Time::ZERO, at_ms(6_000)) <= 1);
    assert!(
        result.elapsed < Duration::from_millis(8_300),
        "{:?}",
        result.elapsed
    );
    // It sleeps meanwhile.
    assert!(result.turns < 20_000, "{}", result.turns);
}

/// The most targets that are under way at once between two times.
fn most_at_once(outcomes: &[Outcome], from: Time, to: Time) -> usize {
    let mut changes: Vec<(Time, i32)> = Vec::new();
    for outcome in outcomes {
        let began = outcome.first_send.expect("it was sent");
        if began < to && outcome.finished > from {
            changes.push((began.max(from), 1));
            changes.push((outcome.finished, -1));
        }
    }
    changes.sort_unstable();
    let mut at_once = 0;
    let counts = changes.into_iter().map(|(_, change)| {
        at_once += change;
        at_once
    });
    counts.max().unwrap_or(0) as usize
}

#[test]
fn the_number_of_targets_at_once_follows_its_share() {
    // 40 in 20 ms are 2,000 per second.
    let mut scenario = lookups(9_000);
    (scenario.jobs_max, scenario.concurrency_cap) = (40, Some(40));
    let result = sound(&scenario);
    for (from, to, share) in spans() {
        let expected = (40.0 * share) as usize;
        assert_eq!(
            most_at_once(&result.outcomes, from, to),
            expected,
            "{from:?}"
        );
    }
    assert_reached(&result, 1_990.0, 40.0);
}

#[test]
fn a_share_of_less_than_a_slot_begins_nothing() {
    let mut scenario = lookups(100);
    (scenario.jobs_max, scenario.concurrency_cap) = (3, Some(3));
    scenario.shares = vec![(Time::ZERO, 0.3), (at_ms(7_600), 1.0 / 3.0)];
    let result = sound(&scenario);
    assert!(sent_between(&result.outcomes, Time::ZERO, at_ms(7_600)) <= 3);
    let (from, to) = (at_ms(7_700), at_ms(20_000));
    assert_eq!(most_at_once(&result.outcomes, from, to), 1);
}

#[test]
fn a_limit_of_the_run_itself_has_no_share() {
    let mut scenario = lookups(5_000);
    scenario.jobs_max = 40;
    scenario.shares = vec![(Time::ZERO, 0.0)];
    let result = run_named(&scenario);
    assert_eq!(result.violations, [""; 0]);
    assert!(
        result.elapsed < Duration::from_secs(4),
        "{:?}",
        result.elapsed
    );
}

/// Pages of ten hosts.
fn pages(count: u64, path: &str) -> Scenario {
    let url = |seq| format!("http://10.0.9.{}/{path}", seq % 10);
    let jobs = (0..count).map(|seq| url_job(seq, &url(seq)));
    let mut scenario = shared(Scenario::plain(1, jobs.collect(), vec![Peer::new(0)]));
    let ip = |text: &str| text.parse().expect("an address");
    let site = Site::new(ip("10.0.9.0"), ServiceKind::Http);
    scenario.sites = vec![site.up_to(ip("10.0.9.9"))];
    scenario.probing.modules = vec![Arc::new(http(HttpSettings::default()))];
    scenario
}

#[test]
fn the_rate_of_each_host_follows_its_share() {
    let mut scenario = pages(5_000, "");
    scenario.probing.rate_per_host_max_per_second = Some(100.0);
    assert_reached(&sound(&scenario), 1_000.0, 10.0);
}

#[test]
fn the_number_of_probes_of_a_host_follows_its_share() {
    let mut scenario = pages(4_500, "delay/100");
    (
        scenario.probing.per_host_max,
        scenario.probing.per_host_is_cap,
    ) = (10, true);
    let result = sound(&scenario);
    for (from, to, share) in spans() {
        let expected = (10.0 * share) as usize * 10;
        let most = most_at_once(&result.outcomes, from, to);
        assert_eq!(most, expected, "{from:?}");
    }
}
