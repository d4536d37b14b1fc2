//! Time limits, interrupts, shortages.

use std::time::Duration;

use canvass_model::{Cause, Phase, Status};

use super::rig::*;
use crate::http::HttpSettings;
use crate::probe::*;

#[test]
fn each_phase_has_its_time() {
    let limits = timeouts();
    // The name.
    let mut rig = Rig::http("http://a.example/");
    rig.pass_wait();
    assert_eq!(cause(&rig.finish()), (Phase::Resolve, Cause::Timeout));
    assert_eq!(
        rig.now.as_nanos(),
        1_000_000_000 + limits.resolve.as_nanos() as u64
    );
    // The connection.
    let mut rig = Rig::http("http://192.0.2.1/");
    rig.pass_ms(250);
    rig.pass_wait();
    let outcome = rig.finish();
    assert_eq!(cause(&outcome), (Phase::Connect, Cause::Timeout));
    assert_eq!(outcome.latency(), Some(limits.connect));
    // The handshake.
    let mut rig = Rig::http("https://192.0.2.1/");
    rig.connected();
    rig.pass_wait();
    assert_eq!(cause(&rig.finish()), (Phase::Tls, Cause::Timeout));
    // The first octet.
    let mut rig = Rig::http("http://192.0.2.1/");
    rig.connected();
    rig.pass_wait();
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Timeout);
    assert_eq!(cause(&outcome), (Phase::FirstByte, Cause::Timeout));
    // The last.
    let mut rig = Rig::http("http://192.0.2.1/");
    rig.connected();
    rig.receive(&OK[..9]);
    rig.pass_wait();
    assert_eq!(cause(&rig.finish()), (Phase::Transfer, Cause::Timeout));
}

#[test]
fn a_trickle_cannot_stretch_the_deadline() {
    let mut module = http_module(HttpSettings::default());
    module.timeouts.transfer = Duration::from_secs(3_600);
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), module);
    rig.connected();
    rig.receive(b"HTTP/1.1 200 OK\r\n\r\n");
    while rig.until.is_some() {
        rig.receive(b"x");
        rig.pass_ms(100);
    }
    let outcome = rig.finish();
    assert_eq!(outcome.latency(), Some(timeouts().deadline));
    assert_eq!(cause(&outcome), (Phase::Transfer, Cause::Timeout));
}

#[test]
fn a_deadline_between_two_redirects_is_of_the_side_that_took_the_time() {
    for (first_byte_ms, status, message) in [
        (
            3_000,
            Status::Timeout,
            "there was no time to follow redirect 2, to 192.0.2.3 (the deadline)",
        ),
        (
            100,
            Status::Local,
            "the caps on 192.0.2.3 left no room for it in time",
        ),
    ] {
        let mut rig = Rig::new(
            http_job("http://192.0.2.1/", 1),
            http_module(HttpSettings {
                follow_max: 9,
                ..HttpSettings::default()
            }),
        );
        for next in 2..4 {
            rig.connected();
            rig.pass_ms(first_byte_ms);
            let redirect =
                format!("HTTP/1.1 302 Found\r\nLocation: http://192.0.2.{next}/\r\n\r\n");
            rig.receive(redirect.as_bytes());
            rig.end();
            if next == 2 {
                rig.probe.host_acquired(rig.now);
                rig.drain();
            }
        }
        // The permit at the third host never comes.
        rig.pass_wait();
        let outcome = rig.finish();
        assert_eq!(outcome.status, status);
        assert_eq!(cause(&outcome), (Phase::Wait, Cause::Timeout));
        assert_eq!(&*outcome.fault.unwrap().message, message);
    }
}

#[test]
fn a_shortage_of_ours_is_never_the_peers_fault() {
    let mut rig = Rig::new(
        http_job("http://192.0.2.1/", 1),
        http_module(HttpSettings::default()),
    );
    // As if the engine had had no descriptor to begin with.
    rig = {
        let mut fresh = Rig {
            probe: Probe::new(
                http_job("http://192.0.2.1/", 1),
                rig.now,
                std::sync::Arc::clone(&rig.probe.job.module),
                1,
            )
            .unwrap(),
            ..rig
        };
        assert!(matches!(fresh.probe.poll(fresh.now), Output::Connect(_)));
        fresh.probe.blocked(fault(Cause::Descriptors));
        fresh.drain();
        fresh
    };
    rig.pass_wait();
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Local);
    assert_eq!(cause(&outcome), (Phase::Wait, Cause::Descriptors));
    assert_eq!((outcome.attempts, outcome.first_send), (0, None));
}

#[test]
fn an_interrupt_ends_it_with_what_is_known() {
    let mut rig = Rig::http("http://192.0.2.1/");
    rig.connected();
    rig.pass_ms(5);
    rig.probe.cancel(rig.now);
    rig.drain();
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Local);
    assert_eq!(cause(&outcome), (Phase::FirstByte, Cause::Interrupted));
    assert_eq!(rig.closed.len(), 1);
}

#[test]
fn a_deadline_of_nothing_ends_it_at_once() {
    let mut module = http_module(HttpSettings::default());
    module.timeouts.deadline = Duration::ZERO;
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), module);
    let outcome = rig.finish();
    assert_eq!(cause(&outcome), (Phase::Wait, Cause::Timeout));
    assert_eq!(rig.opened.len(), 0);
}
