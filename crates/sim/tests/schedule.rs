//! Runs with a rate: when their targets are due, and what response times say about hold-ups.

mod common;

use std::sync::Arc;
use std::time::Duration;

use canvass_lab::ServiceKind;
use canvass_model::{Outcome, Time, Verdict};
use canvass_proto::http::HttpSettings;
use canvass_sim::{Peer, RunResult, Scenario, Site, addresses, http, url_job};
use common::run_named;

fn at_ms(at_ms: u64) -> Time {
    Time::from_nanos(at_ms * 1_000_000)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
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

fn lookups(count: u32, rate_per_second: u32, impairments: &str) -> Scenario {
    let peers = vec![Peer::impaired(0, impairments)];
    scheduled(Scenario::plain(1, addresses(count), peers), rate_per_second)
}

/// Runs a scenario without failures.
fn sound(scenario: &Scenario) -> RunResult {
    let result = run_named(scenario);
    assert_eq!(result.violations, [""; 0]);
    assert_eq!(result.count(Verdict::Failed), 0);
    assert_eq!(result.outcomes.len(), scenario.jobs.len());
    result
}

fn quantile(outcomes: &[Outcome], share: f64, span: fn(&Outcome) -> Duration) -> Duration {
    let mut spans: Vec<Duration> = outcomes.iter().map(span).collect();
    spans.sort();
    spans[((spans.len() as f64 * share) as usize).min(spans.len() - 1)]
}

fn service(outcome: &Outcome) -> Duration {
    outcome.latency().expect("it was sent")
}

#[test]
fn a_run_that_is_held_up_by_nothing_has_the_service_times_as_response_times() {
    for (rate_per_second, shift_ms) in [(5_000, 10..=300), (100, 0..=10)] {
        let scenario = lookups(4 * rate_per_second, rate_per_second, "delay=20ms");
        let result = sound(&scenario);
        let shift = result.report.schedule_shift.expect("it began");
        assert!(
            shift_ms.contains(&(shift.as_millis() as u64)),
            "{rate_per_second}: {shift:?}"
        );
        for share in [0.5, 0.9, 0.99, 1.0] {
            let response = quantile(&result.outcomes, share, Outcome::response);
            let service = quantile(&result.outcomes, share, service);
            assert!(
                response <= service + ms(2),
                "{rate_per_second}, {share}: {response:?}, {service:?}"
            );
        }
    }
}

#[test]
fn a_hold_up_after_the_start_is_in_the_response_times() {
    let quiet = sound(&lookups(20_000, 5_000, "delay=20ms"));
    let mut scenario = lookups(20_000, 5_000, "delay=20ms");
    scenario.host.stalls = vec![(at_ms(1_500), ms(2_000))];
    let held_up = sound(&scenario);
    assert_eq!(
        held_up.report.schedule_shift, quiet.report.schedule_shift,
        "the schedule is shifted once"
    );
    // The rate is also the limit, so those after it are late as well, but for 100 ms.
    let late = |outcome: &&Outcome| outcome.response() >= ms(1_880);
    let number = held_up.outcomes.iter().filter(late).count();
    assert!(number >= 12_000, "{number}");
    // Each of the 10,000 that were due meanwhile waited for the end of it at least.
    let waited = |outcome: &&Outcome| outcome.due > at_ms(1_500) && outcome.due < at_ms(3_500);
    let meanwhile: Vec<&Outcome> = held_up.outcomes.iter().filter(waited).collect();
    assert!(meanwhile.len() >= 9_990, "{}", meanwhile.len());
    for outcome in meanwhile {
        assert!(outcome.finished >= at_ms(3_500), "{outcome:?}");
    }
    let usual = quantile(&held_up.outcomes, 0.9, service);
    assert!(usual < ms(30), "{usual:?}");
}

#[test]
fn a_schedule_that_is_never_allowed_begins_after_a_second() {
    // It answers less than a tenth of the rate.
    let result = sound(&lookups(3_000, 5_000, "delay=20ms,rate-cap=400,burst=1"));
    let shift = result.report.schedule_shift.expect("it began");
    let sent_before = |outcome: &&Outcome| outcome.first_send < Some(at_ms(1_000));
    let (early, later): (Vec<&Outcome>, Vec<&Outcome>) =
        result.outcomes.iter().partition(sent_before);
    // Those before it were due when they were sent.
    assert!(early.len() > 200, "{}", early.len());
    for outcome in early {
        assert_eq!(Some(outcome.due), outcome.first_send);
    }
    // The first of the others is due after one second, and each 0.2 ms after the one before.
    let first = later.iter().map(|outcome| outcome.job.seq).min();
    let first = first.expect("some are sent later");
    assert_eq!(shift, at_ms(1_000) - Time::from_nanos(first * 200_000));
    for outcome in later {
        let after_ns = (outcome.job.seq - first) * 200_000;
        assert_eq!(outcome.due, at_ms(1_000).plus_nanos(after_ns));
    }
}

#[test]
fn a_list_may_be_over_before_the_schedule_begins() {
    let result = sound(&lookups(50, 5_000, "delay=20ms"));
    assert_eq!(result.report.schedule_shift, None);
    for outcome in &result.outcomes {
        assert_eq!(Some(outcome.due), outcome.first_send);
    }
}

#[test]
fn the_schedule_of_probes_begins_at_once() {
    let jobs = (0..400).map(|seq| url_job(seq, &format!("http://10.0.9.{}/", seq % 100)));
    let mut scenario = Scenario::plain(1, jobs.collect(), vec![Peer::new(0)]);
    let ip = |text: &str| text.parse().expect("an address");
    let site = Site::new(ip("10.0.9.0"), ServiceKind::Http);
    scenario.sites = vec![site.up_to(ip("10.0.9.99"))];
    scenario.probing.modules = vec![Arc::new(http(HttpSettings::default()))];
    let result = sound(&scheduled(scenario, 200));
    let shift = result.report.schedule_shift.expect("it began");
    assert!(shift < ms(1), "{shift:?}");
    for outcome in &result.outcomes {
        assert!(outcome.response() < service(outcome) + ms(1), "{outcome:?}");
    }
}
