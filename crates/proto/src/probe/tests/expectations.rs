//! Answers that are judged.

use canvass_model::{Outcome, Status, Verdict};

use super::rig::*;
use crate::expect::{Expectations, TlsExpectations};
use crate::http::HttpSettings;
use crate::probe::{AddressFamily, Module, ModuleKind};

const MISSING: &[u8] = b"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone";

fn expecting(expect: Expectations, settings: HttpSettings) -> Module {
    let mut module = http_module(settings);
    if let ModuleKind::Http { expect: slot, .. } = &mut module.kind {
        *slot = Some(Box::new(expect));
    }
    module
}

fn expecting_200() -> Expectations {
    Expectations {
        status: Some("200".parse().unwrap()),
        ..Expectations::default()
    }
}

fn expecting_body(pattern: &str) -> Expectations {
    Expectations {
        bodies: vec![pattern.parse().unwrap()],
        ..Expectations::default()
    }
}

fn answer_of(module: Module, octets: &[u8]) -> Outcome {
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), module);
    rig.connected();
    rig.receive(octets);
    rig.finish()
}

/// Verdict, status, what was expected and what was seen.
fn judged(outcome: &Outcome) -> (Verdict, Status, &str, &str) {
    let unmet = outcome.answer.unmet();
    (
        outcome.verdict,
        outcome.status,
        unmet.map_or("", |unmet| &unmet.expected),
        unmet.map_or("", |unmet| &unmet.seen),
    )
}

#[test]
fn an_answer_that_is_not_as_expected_is_negative_and_keeps_its_status() {
    let none = HttpSettings::default;
    let outcome = answer_of(expecting(expecting_200(), none()), MISSING);
    let expected = (Verdict::Negative, Status::Http(404), "status 200", "404");
    assert_eq!(judged(&outcome), expected);
    assert_eq!(page(&outcome).body_bytes, Some(4));
    let outcome = answer_of(expecting(expecting_200(), none()), OK);
    assert_eq!(
        judged(&outcome),
        (Verdict::Answered, Status::Http(200), "", "")
    );

    let outcome = answer_of(expecting(expecting_body("^hi$"), none()), OK);
    assert_eq!(outcome.verdict, Verdict::Answered);
    assert_eq!(
        page(&outcome).body,
        None,
        "a body that is only judged is dropped"
    );
    let outcome = answer_of(expecting(expecting_body("ho"), none()), OK);
    let expected = (
        Verdict::Negative,
        Status::Http(200),
        "body matching /ho/",
        "\"hi\"",
    );
    assert_eq!(judged(&outcome), expected);
}

#[test]
fn a_failure_is_not_judged() {
    let module = expecting(expecting_200(), HttpSettings::default());
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), module);
    rig.connected();
    rig.receive(&MISSING[..40]);
    rig.end();
    let outcome = rig.finish();
    assert_eq!(
        judged(&outcome),
        (Verdict::Failed, Status::Truncated, "", "")
    );
}

#[test]
fn of_a_redirect_chain_the_last_response_is_judged() {
    let moved = b"HTTP/1.1 301 On\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n";
    let following = HttpSettings {
        follow_max: 1,
        keep_alive: true,
        ..HttpSettings::default()
    };
    let mut rig = Rig::new(
        http_job("http://192.0.2.1/", 1),
        expecting(expecting_200(), following),
    );
    rig.connected();
    rig.receive(moved);
    rig.receive(OK);
    assert_eq!(rig.finish().verdict, Verdict::Answered);

    let outcome = answer_of(expecting(expecting_200(), HttpSettings::default()), moved);
    let expected = (Verdict::Negative, Status::Http(301), "status 200", "301");
    assert_eq!(judged(&outcome), expected);
}

#[test]
fn each_of_several_requests_is_judged_and_the_connection_stays() {
    let keeping = HttpSettings {
        keep_alive: true,
        ..HttpSettings::default()
    };
    let module = expecting(expecting_200(), keeping);
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 2), module);
    rig.connected();
    rig.receive(MISSING);
    rig.probe.turn_acquired(rig.now);
    rig.drain();
    rig.receive(OK);
    assert_eq!(rig.opened.len(), 1);
    assert_eq!(rig.reported[0].verdict, Verdict::Negative);
    let last = rig.finish();
    assert_eq!(
        judged(&last),
        (Verdict::Answered, Status::Http(200), "", "")
    );
}

#[test]
fn of_several_addresses_the_line_shows_what_the_worst_did_not_meet() {
    let mut module = expecting(expecting_200(), HttpSettings::default());
    module.reach.all_addresses = true;
    let mut rig = Rig::new(http_job("http://a.example/", 1), module);
    rig.resolved(AddressFamily::V6, &["2001:db8::1"]);
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    rig.connected();
    rig.receive(MISSING);
    rig.connected();
    rig.receive(OK);
    let outcome = rig.finish();
    let expected = (Verdict::Negative, Status::Http(404), "status 200", "404");
    assert_eq!(judged(&outcome), expected);
    let addresses = page(&outcome).addresses.as_ref().unwrap();
    assert!(addresses[0].unmet.is_some() && addresses[1].unmet.is_none());
}

#[test]
fn a_port_without_tls_has_no_certificate() {
    let mut module = tcp_module(None);
    if let ModuleKind::Tcp { certificate, .. } = &mut module.kind {
        *certificate = Some(TlsExpectations {
            certificate_days_min: Some(7),
            ..TlsExpectations::default()
        });
    }
    let mut rig = Rig::new(endpoint_job("192.0.2.1", 443, false), module);
    rig.connected();
    let outcome = rig.finish();
    let expected = "certificate with 7 days left";
    assert_eq!(
        judged(&outcome),
        (Verdict::Negative, Status::Open, expected, "no certificate")
    );
}

#[test]
fn a_script_says_what_it_expected_and_what_it_saw() {
    let script = r#"[{expect: "^220", fail: "^5"}, {send: "QUIT"}]"#;
    let seen = |octets: &[u8], ends: bool| {
        let mut rig = Rig::new(
            endpoint_job("192.0.2.1", 25, false),
            tcp_module(Some(script)),
        );
        rig.connected();
        rig.receive(octets);
        if ends {
            rig.end();
        }
        let outcome = rig.finish();
        let (verdict, status, expected, seen) = judged(&outcome);
        assert_eq!((verdict, status), (Verdict::Negative, Status::Unmatched));
        assert_eq!(expected, "a line that matches /^220/");
        seen.to_owned()
    };
    assert_eq!(seen(b"554 no\r\n", false), "\"554 no\"");
    assert_eq!(seen(b"SSH-2.0-x\r\n", true), "\"SSH-2.0-x\"");
    assert_eq!(seen(b"login: ", true), "\"login: \"");
}
