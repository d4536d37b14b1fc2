//! Pages: answers, redirects, repeats.

use canvass_model::{Cause, Phase, Status, Verdict};

use super::rig::*;
use crate::http::HttpSettings;
use crate::probe::AddressFamily;

fn following(follow_max: u32) -> HttpSettings {
    HttpSettings {
        follow_max,
        ..HttpSettings::default()
    }
}

fn keeping() -> HttpSettings {
    HttpSettings {
        keep_alive: true,
        ..HttpSettings::default()
    }
}

#[test]
fn a_page_is_fetched_and_its_time_is_split() {
    let mut rig = Rig::http("http://192.0.2.1:8080/a?b");
    assert_eq!(rig.opened[0].1, "192.0.2.1:8080");
    rig.pass_ms(3);
    rig.connected();
    assert!(rig.written.starts_with(b"GET /a?b HTTP/1.1\r\n"));
    rig.pass_ms(20);
    rig.receive(&OK[..10]);
    rig.pass_ms(5);
    rig.receive(&OK[10..]);
    let outcome = rig.finish();
    assert_eq!(
        (outcome.verdict, outcome.status),
        (Verdict::Answered, Status::Http(200))
    );
    assert_eq!(outcome.attempts, 1);
    for (phase, took_ms) in [
        (Phase::Wait, Some(0)),
        (Phase::Resolve, None),
        (Phase::Connect, Some(3)),
        (Phase::Tls, None),
        (Phase::FirstByte, Some(20)),
        (Phase::Transfer, Some(5)),
    ] {
        assert_eq!(rig.took_ms(&outcome, phase), took_ms, "{phase}");
    }
    let page = page(&outcome);
    assert_eq!((page.body_bytes, page.version), (Some(2), Some("1.1")));
    assert_eq!(page.remote.as_ref().unwrap().to_string(), "192.0.2.1:8080");
    assert_eq!(rig.closed, [rig.last()]);
}

#[test]
fn a_reset_is_told_by_when_it_came() {
    for (received, phase, said) in [
        (&b""[..], Phase::FirstByte, "before it said anything"),
        (&OK[..20], Phase::Transfer, "in the middle"),
    ] {
        let mut rig = Rig::http("http://192.0.2.1/");
        rig.connected();
        if !received.is_empty() {
            rig.receive(received);
        }
        rig.fail(Cause::Reset);
        let outcome = rig.finish();
        assert_eq!(outcome.status, Status::Reset);
        assert_eq!(cause(&outcome), (phase, Cause::Reset));
        assert!(outcome.fault.unwrap().message.contains(said));
    }
}

#[test]
fn an_answer_that_breaks_off_is_truncated_and_keeps_its_code() {
    let mut rig = Rig::http("http://192.0.2.1/");
    rig.connected();
    rig.receive(&OK[..OK.len() - 1]);
    rig.end();
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Truncated);
    assert_eq!(page(&outcome).code, Some(200));
}

#[test]
fn redirects_lead_on_and_every_hop_is_kept() {
    let mut rig = Rig::new(http_job("http://a.example/1", 1), http_module(following(3)));
    assert_eq!(rig.resolves, ["a.example"]);
    rig.pass_ms(2);
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    rig.resolved(AddressFamily::V6, &[]);
    rig.connected();
    rig.receive(b"HTTP/1.1 302 Found\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n");
    // The same host: no other permit is needed, and its name is looked up in the engine's cache.
    assert_eq!((rig.enters.len(), rig.resolves.len()), (0, 2));
    rig.resolved(AddressFamily::V4, &["192.0.2.1"]);
    rig.resolved(AddressFamily::V6, &[]);
    rig.connected();
    rig.receive(b"HTTP/1.1 307 On\r\nLocation: http://192.0.2.9:81/3\r\nContent-Length: 0\r\n\r\n");
    assert_eq!(rig.enters, ["192.0.2.9"]);
    rig.pass_ms(7);
    rig.probe.host_acquired(rig.now);
    rig.drain();
    rig.connected();
    rig.receive(OK);
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Http(200));
    let page = page(&outcome);
    assert_eq!(&*page.url, "http://192.0.2.9:81/3");
    let hops: Vec<_> = page
        .redirects
        .iter()
        .map(|hop| (hop.code, &*hop.url, &*hop.location))
        .collect();
    assert_eq!(
        hops,
        [
            (302, "http://a.example/1", "http://a.example/2"),
            (307, "http://a.example/2", "http://192.0.2.9:81/3"),
        ]
    );
    // Waiting for the permit of another host is no phase of a peer's.
    assert_eq!(rig.took_ms(&outcome, Phase::Wait), Some(7));
}

#[test]
fn more_redirects_than_allowed_are_a_failure_and_none_allowed_is_an_answer() {
    let moved = b"HTTP/1.1 301 Moved\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n";
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), http_module(following(1)));
    rig.connected();
    rig.receive(moved);
    rig.connected();
    rig.receive(moved);
    let outcome = rig.finish();
    assert_eq!(
        (outcome.verdict, outcome.status),
        (Verdict::Failed, Status::Http(301))
    );
    assert_eq!(cause(&outcome).1, Cause::Redirect);

    let mut rig = Rig::http("http://192.0.2.1/");
    rig.connected();
    rig.receive(moved);
    assert_eq!(rig.finish().status, Status::Http(301));
}

#[test]
fn requests_go_over_one_connection_and_each_has_its_outcome() {
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 3), http_module(keeping()));
    rig.pass_ms(1);
    rig.connected();
    for turn in 1..=3 {
        rig.pass_ms(10);
        rig.receive(OK);
        if turn < 3 {
            assert_eq!((rig.turns, rig.reported.len()), (turn, turn));
            rig.pass_ms(50);
            rig.probe.turn_acquired(rig.now);
            rig.drain();
        }
    }
    assert_eq!(rig.opened.len(), 1);
    let mut outcomes = std::mem::take(&mut rig.reported);
    outcomes.push(rig.finish());
    for (outcome, number) in outcomes.iter().zip(1..) {
        check(outcome);
        assert_eq!(page(outcome).repeat, Some(number));
        let connect = (number == 1).then_some(1);
        assert_eq!(rig.took_ms(outcome, Phase::Connect), connect);
        assert_eq!(rig.took_ms(outcome, Phase::FirstByte), Some(10));
        assert_eq!(outcome.job.seq, 7);
    }
}

#[test]
fn every_request_begins_at_the_target_whatever_it_was_led_to() {
    let settings = HttpSettings {
        keep_alive: true,
        ..following(1)
    };
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 2), http_module(settings));
    for turn in 1..=2 {
        rig.connected();
        rig.receive(
            b"HTTP/1.1 302 On\r\nLocation: http://192.0.2.2/b\r\nContent-Length: 0\r\n\r\n",
        );
        assert_eq!(rig.enters.last().unwrap(), "192.0.2.2");
        rig.probe.host_acquired(rig.now);
        rig.drain();
        rig.connected();
        rig.receive(OK);
        if turn == 1 {
            rig.probe.turn_acquired(rig.now);
            rig.drain();
            // Back to the first host, with a permit there.
            assert_eq!(rig.enters.last().unwrap(), "192.0.2.1");
            rig.probe.host_acquired(rig.now);
            rig.drain();
        }
    }
    let mut outcomes = std::mem::take(&mut rig.reported);
    outcomes.push(rig.finish());
    for outcome in &outcomes {
        assert_eq!(page(outcome).redirects.len(), 1);
    }
}

#[test]
fn a_kept_connection_that_is_gone_is_replaced() {
    // It ended while nothing was asked.
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 2), http_module(keeping()));
    rig.connected();
    rig.receive(OK);
    rig.end();
    rig.probe.turn_acquired(rig.now);
    rig.drain();
    assert_eq!(rig.opened.len(), 2);
    rig.connected();
    rig.receive(OK);
    assert_eq!(rig.finish().status, Status::Http(200));

    // It broke when the next request was on its way.
    for broken in [true, false] {
        let mut rig = Rig::new(http_job("http://192.0.2.1/", 2), http_module(keeping()));
        rig.connected();
        rig.receive(OK);
        rig.probe.turn_acquired(rig.now);
        rig.drain();
        if broken {
            rig.fail(Cause::Reset);
        } else {
            rig.end();
        }
        assert_eq!(rig.opened.len(), 2);
        rig.connected();
        rig.receive(OK);
        let outcome = rig.finish();
        assert_eq!((outcome.status, outcome.attempts), (Status::Http(200), 2));
    }
}

#[test]
fn no_further_request_is_begun_once_the_run_stops() {
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 5), http_module(keeping()));
    rig.connected();
    rig.receive(OK);
    rig.probe.stop_repeating();
    rig.drain();
    assert_eq!((rig.until, rig.reported.len()), (None, 1));
    assert!(!rig.probe.has_outcome());

    let mut rig = Rig::new(http_job("http://192.0.2.1/", 5), http_module(keeping()));
    rig.connected();
    rig.probe.stop_repeating();
    rig.receive(OK);
    assert_eq!(rig.finish().status, Status::Http(200));
    assert_eq!(rig.reported.len(), 0);
}

#[test]
fn every_answer_cut_anywhere_comes_to_the_same_and_so_with_surplus() {
    for case in crate::http::corpus::cases() {
        let alone = case.response();
        let surplus = [&alone[..], b"0\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"].concat();
        let [alone, surplus] = [alone, surplus].map(|response| {
            let whole = outcome_of(case, [&response, &[]]);
            for cut in 1..response.len() {
                let (first, second) = response.split_at(cut);
                let parts = outcome_of(case, [first, second]);
                assert_eq!(parts, whole, "{} at {cut}", case.name);
            }
            whole
        });
        // The body of a response without other framing is all there is.
        let is_answer = alone.0 == Verdict::Answered && alone.3.as_ref() == surplus.3.as_ref();
        assert!(!is_answer || alone == surplus, "{}", case.name);
    }
}

/// Verdict, status, cause and body of a response that comes in two parts.
fn outcome_of(
    case: &crate::http::corpus::Case,
    parts: [&[u8]; 2],
) -> (Verdict, Status, Option<Cause>, Option<Vec<u8>>) {
    let settings = crate::http::corpus::settings(case.method);
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), http_module(settings));
    rig.connected();
    for part in parts {
        if rig.until.is_some() && !part.is_empty() {
            rig.receive(part);
        }
    }
    if rig.until.is_some() {
        rig.end();
    }
    let outcome = rig.finish();
    let body = page(&outcome).body.clone();
    let cause = outcome.fault.as_ref().map(|fault| fault.cause);
    let body = body.filter(|_| cause.is_none());
    (outcome.verdict, outcome.status, cause, body)
}

#[test]
fn a_redirect_is_followed_once_its_head_is_complete() {
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), http_module(following(1)));
    rig.connected();
    rig.receive(b"HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 99999999999\r\n\r");
    assert_eq!(rig.closed.len(), 0);
    rig.receive(b"\n");
    assert_eq!(rig.closed.len(), 1);
    rig.connected();
    rig.receive(OK);
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Http(200));
    assert_eq!(page(&outcome).redirects.len(), 1);
}
