//! From a name to a connection, and what is tried if that fails.

use std::time::Duration;

use canvass_model::{Cause, Phase, Status, Verdict};

use super::rig::*;
use crate::http::HttpSettings;
use crate::probe::*;

#[test]
fn addresses_race_and_the_first_that_is_open_wins() {
    let mut rig = Rig::http("http://a.example/");
    rig.resolved(AddressFamily::V6, &["2001:db8::1"]);
    // IPv6 is known, so nothing is waited for.
    assert_eq!(rig.opened[0].1, "[2001:db8::1]:80");
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    assert_eq!(rig.opened.len(), 1);
    rig.pass_ms(249);
    assert_eq!(rig.opened.len(), 1);
    rig.pass_ms(1);
    assert_eq!(rig.opened[1].1, "192.0.2.1:80");
    let slow = rig.opened[0].0;
    rig.connected();
    assert_eq!(rig.closed, [slow]);
    rig.receive(OK);
    let outcome = rig.finish();
    assert_eq!(
        page(&outcome).remote.as_ref().unwrap().to_string(),
        "192.0.2.1:80"
    );
    assert_eq!(rig.took_ms(&outcome, Phase::Connect), Some(250));
}

#[test]
fn a_refusal_brings_the_next_address_at_once() {
    let mut rig = Rig::http("http://a.example/");
    rig.resolved(AddressFamily::V6, &["2001:db8::1"]);
    rig.resolved(AddressFamily::V4, &["192.0.2.1", "192.0.2.2"]);
    rig.fail(Cause::Refused);
    assert_eq!(rig.opened[1].1, "192.0.2.1:80");
    rig.fail(Cause::Refused);
    rig.fail(Cause::Refused);
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::ConnRefused);
    assert_eq!(cause(&outcome), (Phase::Connect, Cause::Refused));
    assert!(outcome.fault.unwrap().message.contains("192.0.2.2:80"));
}

#[test]
fn ipv4_waits_a_moment_for_ipv6() {
    let mut rig = Rig::http("http://a.example/");
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    assert_eq!(rig.opened.len(), 0);
    rig.pass_ms(50);
    assert_eq!(rig.opened.len(), 1);
}

#[test]
fn a_name_that_is_nothing_says_why() {
    let nxdomain = ResolveFault {
        status: Status::Rcode(canvass_model::Rcode::NXDOMAIN),
        cause: Cause::NxDomain,
        message: "the name does not exist".into(),
    };
    let mut rig = Rig::http("http://a.example/");
    for family in AddressFamily::BOTH {
        rig.probe.resolved(rig.now, family, Err(&nxdomain));
        rig.drain();
    }
    let outcome = rig.finish();
    assert_eq!(outcome.status, nxdomain.status);
    assert_eq!(cause(&outcome), (Phase::Resolve, Cause::NxDomain));
    assert_eq!(outcome.attempts, 1);
}

#[test]
fn localhost_is_never_looked_up() {
    for name in ["localhost", "a.localhost", "localhost."] {
        let rig = Rig::http(&format!("http://{name}/"));
        assert_eq!(
            (rig.resolves.len(), &*rig.opened[0].1),
            (0, "[::1]:80"),
            "{name}"
        );
    }
}

#[test]
fn a_bare_host_is_tried_by_https_and_then_by_http() {
    for cause in [Cause::Refused, Cause::Reset, Cause::Unreachable] {
        let mut rig = Rig::new(bare_job("192.0.2.1"), http_module(HttpSettings::default()));
        assert_eq!(rig.opened[0].1, "192.0.2.1:443");
        rig.fail(cause);
        assert_eq!(rig.opened[1].1, "192.0.2.1:80");
        rig.connected();
        rig.receive(OK);
        let outcome = rig.finish();
        assert_eq!((outcome.status, outcome.attempts), (Status::Http(200), 2));
        assert_eq!(&*page(&outcome).url, "http://192.0.2.1/");
    }
}

#[test]
fn what_is_no_tls_leads_to_http_too() {
    let mut rig = Rig::new(bare_job("192.0.2.1"), http_module(HttpSettings::default()));
    rig.connected();
    rig.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    assert_eq!(rig.opened.len(), 2);
    let mut rig = Rig::http("https://192.0.2.1/");
    rig.connected();
    rig.receive(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Tls);
    assert_eq!(cause(&outcome), (Phase::Tls, Cause::Handshake));
}

#[test]
fn every_address_is_probed_where_that_is_asked() {
    let mut module = http_module(HttpSettings::default());
    module.reach.all_addresses = true;
    let mut rig = Rig::new(http_job("http://a.example/", 1), module);
    rig.resolved(AddressFamily::V6, &["2001:db8::1"]);
    assert_eq!(rig.opened.len(), 0, "all lookups are waited for");
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    rig.pass_ms(1_000);
    assert_eq!(rig.opened.len(), 1, "they do not race");
    rig.fail(Cause::Refused);
    rig.connected();
    rig.receive(OK);
    let outcome = rig.finish();
    assert_eq!(
        (outcome.verdict, outcome.status),
        (Verdict::Failed, Status::ConnRefused)
    );
    let addresses = page(&outcome).addresses.as_ref().unwrap();
    let verdicts: Vec<_> = addresses
        .iter()
        .map(|one| (one.remote.to_string(), one.status))
        .collect();
    assert_eq!(
        verdicts,
        [
            ("[2001:db8::1]:80".into(), Status::ConnRefused),
            ("192.0.2.1:80".into(), Status::Http(200)),
        ]
    );
}

#[test]
fn failures_that_may_pass_are_tried_again_after_a_while() {
    let mut module = http_module(HttpSettings::default());
    module.retries = 2;
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), module);
    rig.fail(Cause::Refused);
    assert_eq!(rig.until, Some(rig.now + Duration::from_millis(100)));
    rig.pass_wait();
    rig.fail(Cause::Refused);
    rig.pass_wait();
    rig.connected();
    rig.receive(OK);
    let outcome = rig.finish();
    assert_eq!((outcome.status, outcome.attempts), (Status::Http(200), 3));
    assert_eq!(rig.took_ms(&outcome, Phase::Wait), Some(300));
}

#[test]
fn a_pin_leads_elsewhere_and_the_host_stays_what_it_was() {
    let mut module = http_module(HttpSettings::default());
    module.reach.pins = vec![Pin {
        whose: PinHost::Is(canvass_model::Host::Name("a.example".into())),
        port: Some(80),
        to_host: canvass_model::Host::parse("192.0.2.7"),
        to_port: Some(8080),
    }];
    let mut rig = Rig::new(http_job("http://a.example/", 1), module);
    assert_eq!(rig.opened[0].1, "192.0.2.7:8080");
    rig.connected();
    assert!(String::from_utf8_lossy(&rig.written).contains("Host: a.example\r\n"));
}

#[test]
fn a_late_half_is_tried_beside_what_hangs() {
    let mut rig = Rig::http("http://a.example/");
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    rig.pass_ms(50);
    rig.pass_ms(700);
    rig.resolved(AddressFamily::V6, &["2001:db8::1"]);
    assert_eq!(rig.opened[1].1, "[2001:db8::1]:80");
}

#[test]
fn a_refusal_is_the_fault_when_the_other_half_is_empty() {
    let mut rig = Rig::http("http://a.example/");
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    rig.pass_ms(50);
    rig.fail(Cause::Refused);
    rig.pass_ms(200);
    rig.resolved(AddressFamily::V6, &[]);
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::ConnRefused);
    assert_eq!(rig.took_ms(&outcome, Phase::Resolve), Some(250));
}

#[test]
fn who_waits_for_room_is_given_that_of_those_who_hang() {
    let mut rig = Rig::http("http://a.example/");
    rig.resolved(AddressFamily::V6, &["2001:db8::1"]);
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    // There is no room for the second: it is wanted, and not opened.
    rig.now = rig.now + Duration::from_millis(250);
    let Output::Connect(second) = rig.probe.poll(rig.now) else {
        panic!("the second address is not tried");
    };
    rig.probe.blocked(fault(Cause::Descriptors));
    rig.now = rig.now + timeouts().connect;
    assert!(matches!(rig.probe.poll(rig.now), Output::Close(first) if first == rig.opened[0].0));
    rig.opened.push((second, "192.0.2.1:80".into()));
    rig.probe.opening(rig.now, second);
    rig.drain();
    rig.connected();
    rig.receive(OK);
    assert_eq!(rig.finish().status, Status::Http(200));
}

#[test]
fn a_bare_host_that_hangs_leaves_http_its_time() {
    let mut module = http_module(HttpSettings::default());
    module.timeouts.deadline = Duration::from_secs(3);
    let mut rig = Rig::new(bare_job("192.0.2.1"), module);
    rig.pass_ms(250);
    rig.pass_wait();
    assert_eq!(rig.opened[1].1, "192.0.2.1:80");
}

#[test]
fn every_address_has_its_own_retries_and_facts() {
    let mut module = http_module(HttpSettings::default());
    module.reach.all_addresses = true;
    module.retries = 1;
    let mut rig = Rig::new(http_job("http://a.example/", 1), module);
    rig.resolved(AddressFamily::V6, &["2001:db8::1"]);
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    rig.connected();
    rig.receive(OK);
    rig.fail(Cause::Refused);
    rig.pass_wait();
    rig.fail(Cause::Refused);
    let outcome = rig.finish();
    let addresses: Vec<_> = page(&outcome)
        .addresses
        .iter()
        .flatten()
        .map(|one| {
            (
                one.remote.to_string(),
                one.status,
                one.phases.span(Phase::Transfer),
            )
        })
        .collect();
    assert_eq!(
        addresses,
        [
            (
                "[2001:db8::1]:80".into(),
                Status::Http(200),
                Some(Duration::ZERO)
            ),
            ("192.0.2.1:80".into(), Status::ConnRefused, None),
        ]
    );
    assert_eq!(page(&outcome).code, None);
    assert_eq!(outcome.attempts, 3);
}

#[test]
fn a_deadline_before_a_retry_is_of_the_address_and_not_of_its_redirect() {
    let mut module = http_module(HttpSettings {
        follow_max: 1,
        ..HttpSettings::default()
    });
    module.reach.all_addresses = true;
    module.retries = 1;
    let mut rig = Rig::new(http_job("http://a.example/", 1), module);
    rig.resolved(AddressFamily::V6, &["2001:db8::1"]);
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    rig.connected();
    rig.receive(b"HTTP/1.1 302 Found\r\nLocation: http://192.0.2.9/\r\n\r\n");
    rig.end();
    rig.probe.host_acquired(rig.now);
    rig.drain();
    rig.fail(Cause::Reset);
    // The permit at the first host never comes.
    rig.pass_wait();
    rig.pass_wait();
    let outcome = rig.finish();
    let addresses: Vec<_> = page(&outcome)
        .addresses
        .iter()
        .flatten()
        .map(|one| (one.remote.to_string(), one.status))
        .collect();
    assert_eq!(
        addresses,
        [
            ("[2001:db8::1]:80".into(), Status::Reset),
            ("192.0.2.1:80".into(), Status::Local),
        ]
    );
}
