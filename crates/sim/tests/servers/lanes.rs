//! Whether `--transport auto` finds the cheaper of UDP and TCP, and what the trial costs.

use std::time::Duration;

use canvass_model::Verdict;
use canvass_proto::TransportPolicy;
use canvass_sim::RunResult;

use super::{BIND, DNSMASQ, KNOT, POWERDNS, RRL, UNBOUND, run, server};

/// The results of the same jobs with each transport. All of them are right.
struct Compared {
    auto: RunResult,
    udp: RunResult,
    tcp: RunResult,
}

impl Compared {
    fn run(seed: u64, jobs: u32, impairments: &str) -> Self {
        let by = |transport| by(seed, jobs, impairments, transport);
        Self {
            auto: by(TransportPolicy::Auto),
            udp: by(TransportPolicy::Udp),
            tcp: by(TransportPolicy::Tcp),
        }
    }

    /// Checks that the choice takes no longer than `times` as long as the better transport.
    fn check_auto_takes_at_most(&self, times: f64) {
        let best = self.udp.elapsed.min(self.tcp.elapsed);
        check_takes_at_most(&self.auto, best, times);
    }
}

fn by(seed: u64, jobs: u32, impairments: &str, transport: TransportPolicy) -> RunResult {
    let mut scenario = server(seed, jobs, impairments);
    scenario.limits.transport = transport;
    println!("{transport:?}, {impairments}");
    let result = run(&scenario);
    assert_eq!(result.count(Verdict::Failed), 0);
    result
}

fn check_takes_at_most(result: &RunResult, best: Duration, times: f64) {
    let allowed = best.mul_f64(times);
    assert!(
        result.elapsed <= allowed,
        "{:?} of {allowed:?}",
        result.elapsed
    );
}

#[test]
fn knot_is_asked_by_stream_on_a_long_list() {
    for seed in 1..=2 {
        let compared = Compared::run(seed, 100_000, KNOT);
        compared.check_auto_takes_at_most(1.2);
        assert!(compared.auto.queries_tcp > compared.auto.queries_udp);
    }
}

#[test]
fn forwarders_are_asked_by_what_is_better() {
    // What the lab drops of a stream is waited for for a second, which a real server would answer.
    for forwarder in [UNBOUND, BIND, POWERDNS] {
        Compared::run(1, 40_000, forwarder).check_auto_takes_at_most(1.15);
    }
}

/// Servers whose streams are worse than their datagrams, each in its own way.
const BAD_STREAMS: [&str; 5] = [
    "tcp-serial,delay=20ms",
    "tcp-close-after=2,delay=1ms",
    "tcp-silent,delay=1ms",
    "tcp-misframe=50%,delay=1ms",
    "tcp-refuse,delay=1ms",
];

#[test]
fn a_server_with_bad_streams_loses_little_to_the_trial() {
    let bad = BAD_STREAMS.map(|streams| format!("{KNOT},{streams}"));
    let dnsmasq = format!("{DNSMASQ},tcp-serial");
    for impairments in bad.iter().chain([&dnsmasq]) {
        let udp = by(1, 40_000, impairments, TransportPolicy::Udp);
        let auto = by(1, 40_000, impairments, TransportPolicy::Auto);
        check_takes_at_most(&auto, udp.elapsed, 1.03);
    }
}

#[test]
fn a_short_list_opens_no_stream() {
    for impairments in [KNOT, UNBOUND, DNSMASQ] {
        let udp = by(1, 1_000, impairments, TransportPolicy::Udp);
        let auto = by(1, 1_000, impairments, TransportPolicy::Auto);
        assert_eq!(auto.report.upstreams[0].connections, 0);
        check_takes_at_most(&auto, udp.elapsed, 1.0);
    }
}

#[test]
fn the_stream_carries_what_response_rate_limiting_forbids_datagrams() {
    let result = by(
        1,
        20_000,
        &format!("delay=1ms,{RRL}"),
        TransportPolicy::Auto,
    );
    let limited = 500.0 * (1.0 + result.elapsed.as_secs_f64());
    assert!((result.queries_udp as f64) <= 2.0 * limited);
    assert!(result.queries_tcp as f64 >= 20_000.0 - limited);
}
