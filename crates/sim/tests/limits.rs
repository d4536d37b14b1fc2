//! Limits of this machine: what its system refuses is sent later, and neither blamed on a peer nor
//! taken for its limit.

mod common;

use std::time::Duration;

use canvass_model::{Errno, Health, Losses, Status, Time, Verdict};
use canvass_proto::TransportPolicy;
use canvass_sim::{Peer, RunResult, Scenario, addresses};
use common::run_named;

const ERRNOS: [i32; 3] = [libc::EPERM, libc::ENOBUFS, libc::EAGAIN];

fn at_ms(ms: u64) -> Time {
    Time::from_nanos(ms * 1_000_000)
}

fn scenario(jobs: u32, resolvers: u16, transport: TransportPolicy) -> Scenario {
    let peers = (0..resolvers).map(|index| Peer::impaired(index, "delay=2ms"));
    let mut scenario = Scenario::plain(1, addresses(jobs), peers.collect());
    scenario.limits.transport = transport;
    scenario
}

/// Checks that no resolver is blamed for anything.
#[track_caller]
fn assert_nobody_blamed(result: &RunResult) {
    assert!(result.violations.is_empty(), "{:#?}", result.violations);
    for upstream in &result.report.upstreams {
        let blame = (upstream.benched, upstream.errors, upstream.timeouts);
        assert_eq!(blame, (0, 0, 0), "{upstream:#?}");
        assert_ne!(upstream.health, Health::Dead);
    }
    let losses = Losses {
        local_send_errors: result.report.losses.local_send_errors,
        ..Losses::default()
    };
    assert_eq!(result.report.losses, losses);
}

#[test]
fn what_is_refused_for_a_while_is_sent_later() {
    for transport in [TransportPolicy::Udp, TransportPolicy::Tcp] {
        for errno in ERRNOS {
            // For a stream that would block, the system says when it is writable again.
            if (transport, errno) == (TransportPolicy::Tcp, libc::EAGAIN) {
                continue;
            }
            for refused_ms in [(0, 1_500), (40, 1_540)] {
                let mut scenario = scenario(4_000, 2, transport);
                let (from, to) = refused_ms;
                scenario.host.sends_refused = Some((at_ms(from), at_ms(to), errno));
                let result = run_named(&scenario);
                assert_eq!(result.count(Verdict::Failed), 0, "{transport:?} {errno}");
                assert_eq!(result.outcomes.len(), 4_000);
                assert_nobody_blamed(&result);
                let expected = result.report.losses.local_send_errors;
                assert_eq!(
                    result.report.local_faults.by_errno(),
                    [(Errno(errno), expected)]
                );
                // The pauses grow: a few attempts for each resolver and connection.
                assert!((1..200).contains(&expected), "{expected}");
            }
        }
    }
}

#[test]
fn a_firewall_that_forbids_everything_ends_the_run_and_the_list_is_left() {
    let mut scenario = scenario(20_000, 3, TransportPolicy::Udp);
    scenario.fair = false;
    scenario.host.sends_refused = Some((Time::ZERO, Time::MAX, libc::EPERM));
    let result = run_named(&scenario);
    assert!(result.report.gave_up);
    assert_eq!(result.report.blocked_by, Some(Errno(libc::EPERM)));
    assert_nobody_blamed(&result);
    assert!(result.outcomes.len() < 100, "{}", result.outcomes.len());
    assert!(result.elapsed < Duration::from_secs(4));
    for outcome in &result.outcomes {
        let fault = outcome.fault.as_ref().expect("it failed");
        assert_eq!(outcome.status, Status::Local);
        assert_eq!(fault.errno, Some(Errno(libc::EPERM)));
        assert_eq!(outcome.attempts, 0);
    }
}

#[test]
fn a_refusal_in_the_middle_of_a_run_is_waited_out_for_longer() {
    let mut scenario = scenario(4_000, 1, TransportPolicy::Udp);
    scenario.limits.deadline = Duration::from_secs(60);
    scenario.host.sends_refused = Some((at_ms(20), at_ms(30_000), libc::EPERM));
    let result = run_named(&scenario);
    assert!(!result.report.gave_up);
    assert_eq!(result.count(Verdict::Failed), 0);
    assert_nobody_blamed(&result);
}

#[test]
fn what_the_kernel_drops_is_no_silence_of_a_resolver() {
    // Each answer comes many times over, and the buffer has room for a few.
    let mut scenario = scenario(3_000, 1, TransportPolicy::Udp);
    scenario.path.duplicate = 1.0;
    scenario.host.receive_buffer_octets = 3_000;
    scenario.host.stalls = (1..=20)
        .map(|turn| (at_ms(turn * 9), Duration::from_millis(8)))
        .collect();
    let result = run_named(&scenario);
    assert!(result.violations.is_empty(), "{:#?}", result.violations);
    assert_eq!(result.count(Verdict::Failed), 0);
    let losses = result.report.losses;
    assert!(losses.kernel_drops > 0, "{losses:?}");
    assert_eq!(losses.silence, 0, "{losses:?}");
    assert_eq!(result.report.upstreams[0].benched, 0);
}
