//! Runs that begin with what others have found of a resolver's limits.

mod common;

use std::time::Duration;

use canvass_engine::KnownWindow;
use canvass_model::{Transport, Verdict};
use canvass_proto::TransportPolicy;
use canvass_sim::{Peer, RunResult, Scenario, addresses};
use common::run_named;

/// dnsmasq as a forwarder, with its default `dns-forward-max`, and a server 20 ms behind it.
const DNSMASQ: &str = "delay=20ms,service-time=20us,inflight-cap=150,over=refused";
/// A server that drops what exceeds its rate.
const LIMITED: &str = "delay=20ms,rate-cap=3000,burst=100,over=silent";

fn scenario(impairments: &str, jobs: u32) -> Scenario {
    let peers = vec![Peer::impaired(0, impairments)];
    let mut scenario = Scenario::plain(1, addresses(jobs), peers);
    scenario.limits.transport = TransportPolicy::Udp;
    scenario
}

/// The same scenario, with what is known of the resolver.
fn knowing(scenario: &Scenario, in_flight: Option<u32>, rate_per_second: Option<f64>) -> Scenario {
    let known = KnownWindow {
        resolver: scenario.peers[0].address,
        transport: Transport::Udp,
        in_flight,
        rate_per_second,
    };
    Scenario {
        known: vec![known],
        ..scenario.clone()
    }
}

#[track_caller]
fn sound(scenario: &Scenario) -> RunResult {
    let result = run_named(scenario);
    assert_eq!(result.violations, [""; 0]);
    assert_eq!(result.count(Verdict::Failed), 0);
    assert_eq!(result.outcomes.len(), scenario.jobs.len());
    result
}

#[test]
fn a_limit_in_flight_that_is_known_is_not_found_out_by_refusals() {
    let unknown = scenario(DNSMASQ, 20_000);
    let finding = sound(&unknown);
    let window = finding.report.upstreams[0].udp.expect("it was used");
    let limit = window.in_flight_limit.expect("it was found");
    assert!((100..=150).contains(&limit), "{limit}");
    let knowing = sound(&knowing(&unknown, Some(limit), None));
    let (without, with) = (finding.report.losses.refused, knowing.report.losses.refused);
    assert!(without > 20 && with * 10 < without, "{with} of {without}");
    assert!(knowing.elapsed < finding.elapsed + Duration::from_millis(500));
    // A part of the limit is kept to as well.
    let window = |result: &RunResult| result.report.upstreams[0].udp.expect("it was used");
    assert!(window(&knowing).in_flight_max <= 150);
    let fourth = sound(&self::knowing(&unknown, Some(limit / 4), None));
    assert_eq!(fourth.report.losses.refused, 0);
    assert!(window(&fourth).in_flight_max <= 2 * limit / 4);
}

#[test]
fn a_rate_that_is_known_is_not_found_out_by_losses() {
    let unknown = scenario(LIMITED, 20_000);
    let finding = sound(&unknown);
    let knowing = sound(&knowing(&unknown, None, Some(2_850.0)));
    let (without, with) = (finding.report.losses.silence, knowing.report.losses.silence);
    assert!(with * 2 < without, "{with} of {without}");
    assert!(knowing.elapsed < finding.elapsed + Duration::from_secs(1));
}

#[test]
fn a_resolver_that_bears_more_than_is_known_is_asked_faster_in_time() {
    let unknown = scenario("delay=5ms,service-time=50us", 60_000);
    let result = sound(&knowing(&unknown, None, Some(500.0)));
    // At the rate that was known it would take two minutes.
    assert!(
        result.elapsed < Duration::from_secs(20),
        "{:?}",
        result.elapsed
    );
}

#[test]
fn what_is_known_too_high_is_corrected_by_what_is_found() {
    let unknown = scenario(DNSMASQ, 20_000);
    let finding = sound(&unknown);
    let misled = sound(&knowing(&unknown, Some(1_000), Some(50_000.0)));
    let (without, with) = (finding.report.losses.refused, misled.report.losses.refused);
    // As many as it was said to bear at once.
    assert!(with < without + 1_000, "{with}, and {without} without");
}
