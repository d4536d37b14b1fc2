//! What is collected on request: headers, title, digest, icon and chain.

use canvass_model::{Cause, Favicon, Header, HttpExtras, Outcome, Phase, Status, Verdict};

use super::rig::*;
use crate::http::{Extras, HttpSettings};

const PAGE: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX-A: 1\r\nx-a: \xff\r\n\
    Content-Length: 20\r\n\r\n<title>a&lt;</title>";
const ICON: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nicon";
/// Of `icon`: mmh3.hash(base64.encodebytes(b"icon")) in Python.
const ICON_MMH3: i32 = 1_355_950_459;

fn asking(extras: Extras) -> HttpSettings {
    HttpSettings {
        extras,
        keep_alive: true,
        ..HttpSettings::default()
    }
}

fn extras(outcome: &Outcome) -> &HttpExtras {
    page(outcome)
        .extras
        .as_ref()
        .expect("extras were asked for")
}

fn icon() -> Extras {
    Extras {
        favicon: true,
        ..Extras::default()
    }
}

fn rig_for_icon() -> Rig {
    let mut rig = Rig::new(
        http_job("http://192.0.2.1/a", 1),
        http_module(asking(icon())),
    );
    rig.connected();
    rig.pass_ms(10);
    rig.receive(PAGE);
    rig
}

/// The icon on the line; what is known of the page must not have changed.
fn found(outcome: &Outcome) -> Option<&Favicon> {
    assert_eq!(
        (outcome.verdict, outcome.status, outcome.attempts),
        (Verdict::Answered, Status::Http(200), 1)
    );
    let page = page(outcome);
    assert_eq!(&*page.url, "http://192.0.2.1/a");
    assert_eq!((page.body_bytes, page.code), (Some(20), Some(200)));
    assert_eq!(page.remote.as_ref().unwrap().to_string(), "192.0.2.1:80");
    let favicon = extras(outcome).favicon.as_ref();
    favicon.expect("it was asked for").as_ref()
}

#[test]
fn headers_title_and_digest_are_collected_and_nothing_else() {
    let asked = Extras {
        headers: true,
        title: true,
        body_sha256: true,
        ..Extras::default()
    };
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), http_module(asking(asked)));
    rig.connected();
    for octet in PAGE {
        rig.receive(&[*octet]);
    }
    let outcome = rig.finish();
    let header = |name: &str, value: &str| Header {
        name: name.into(),
        value: value.into(),
    };
    let digest = extras(&outcome).body_sha256.unwrap().unwrap();
    let expected = HttpExtras {
        headers: Some(vec![
            header("Content-Type", "text/html"),
            header("X-A", "1"),
            header("x-a", "\u{fffd}"),
            header("Content-Length", "20"),
        ]),
        title: Some(Some("a<".into())),
        body_sha256: Some(Some(digest)),
        favicon: None,
    };
    assert_eq!(extras(&outcome), &expected);
    // printf '<title>a&lt;</title>' | sha256sum
    assert_eq!(digest[..4], [0xe6, 0xb8, 0x92, 0x91]);
    assert_eq!(page(&outcome).body, None);

    let outcome = {
        let mut rig = Rig::http("http://192.0.2.1/");
        rig.connected();
        rig.receive(PAGE);
        rig.finish()
    };
    assert_eq!(page(&outcome).extras, None);
}

#[test]
fn a_page_that_failed_has_the_extras_that_were_asked_for_without_values() {
    let asked = Extras {
        title: true,
        body_sha256: true,
        favicon: true,
        ..Extras::default()
    };
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), http_module(asking(asked)));
    rig.fail(Cause::Refused);
    let nothing = HttpExtras {
        headers: None,
        title: Some(None),
        body_sha256: Some(None),
        favicon: Some(None),
    };
    assert_eq!(extras(&rig.finish()), &nothing);

    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), http_module(asking(asked)));
    rig.connected();
    rig.receive(&PAGE[..PAGE.len() - 1]);
    rig.end();
    let outcome = rig.finish();
    assert_eq!(outcome.status, Status::Truncated);
    assert_eq!(extras(&outcome).body_sha256, Some(None));
    assert_eq!(extras(&outcome).favicon, Some(None));
}

#[test]
fn the_icon_is_requested_after_the_page_over_the_same_connection() {
    let mut rig = rig_for_icon();
    assert_eq!(rig.opened.len(), 1);
    let written = String::from_utf8(rig.written.clone()).unwrap();
    assert!(written.contains("GET /favicon.ico HTTP/1.1\r\nHost: 192.0.2.1\r\n"));
    rig.pass_ms(500);
    rig.receive(ICON);
    let outcome = rig.finish();
    let expected = Favicon {
        url: "http://192.0.2.1/favicon.ico".into(),
        code: 200,
        mmh3: Some(ICON_MMH3),
    };
    assert_eq!(found(&outcome), Some(&expected));
    // Its time is not the page's.
    assert_eq!(rig.took_ms(&outcome, Phase::FirstByte), Some(10));
    assert_eq!(outcome.latency().unwrap().as_millis(), 10);
}

#[test]
fn an_icon_that_is_not_there_changes_nothing() {
    let mut rig = rig_for_icon();
    rig.receive(b"HTTP/1.1 404 No\r\nContent-Length: 4\r\n\r\nnone");
    let outcome = rig.finish();
    let favicon = found(&outcome).unwrap();
    assert_eq!((favicon.code, favicon.mmh3), (404, None));

    let mut rig = rig_for_icon();
    rig.receive(b"nonsense");
    // Over a kept connection it may be surplus of the page, so there is a new one.
    assert_eq!(rig.opened.len(), 2);
    rig.connected();
    rig.receive(b"nonsense");
    assert_eq!(found(&rig.finish()), None);

    let mut rig = rig_for_icon();
    rig.receive(&ICON[..ICON.len() - 1]);
    rig.end();
    let outcome = rig.finish();
    assert_eq!(found(&outcome).unwrap().mmh3, None);

    // The kept connection is gone, and a new one is refused.
    let mut rig = rig_for_icon();
    rig.end();
    assert_eq!(rig.opened.len(), 2);
    rig.fail(Cause::Refused);
    assert_eq!(found(&rig.finish()), None);

    // Silence until the deadline.
    let mut rig = rig_for_icon();
    while rig.until.is_some() {
        rig.pass_wait();
    }
    let outcome = rig.finish();
    assert_eq!(found(&outcome), None);
    assert_eq!(outcome.latency().unwrap().as_millis(), 10);
}

#[test]
fn redirects_to_the_icon_are_followed_within_the_same_limit() {
    let settings = HttpSettings {
        follow_max: 1,
        ..asking(icon())
    };
    let moved = b"HTTP/1.1 302 On\r\nLocation: /i.png\r\nContent-Length: 0\r\n\r\n";
    for redirects in 1..=2 {
        let module = http_module(settings.clone());
        let mut rig = Rig::new(http_job("http://192.0.2.1/a", 1), module);
        rig.connected();
        rig.receive(PAGE);
        for _ in 0..redirects {
            rig.receive(moved);
        }
        if redirects == 1 {
            rig.receive(ICON);
        }
        let outcome = rig.finish();
        let favicon = found(&outcome).unwrap();
        assert_eq!(&*favicon.url, "http://192.0.2.1/i.png");
        let expected = [(200, Some(ICON_MMH3)), (302, None)][redirects - 1];
        assert_eq!((favicon.code, favicon.mmh3), expected);
        assert!(page(&outcome).redirects.is_empty());
    }
}

#[test]
fn with_repeats_each_page_has_its_icon_and_one_connection_serves_all() {
    let mut rig = Rig::new(
        http_job("http://192.0.2.1/a", 2),
        http_module(asking(icon())),
    );
    rig.connected();
    rig.receive(PAGE);
    rig.receive(ICON);
    rig.probe.turn_acquired(rig.now);
    rig.drain();
    rig.receive(PAGE);
    rig.receive(ICON);
    assert_eq!(rig.opened.len(), 1);
    let first = rig.reported.remove(0);
    for outcome in [first, rig.finish()] {
        assert_eq!(found(&outcome).unwrap().mmh3, Some(ICON_MMH3));
    }
}

#[test]
fn each_hop_of_a_chain_has_its_own_phases() {
    let asked = Extras {
        chain: true,
        ..Extras::default()
    };
    let settings = HttpSettings {
        follow_max: 2,
        ..asking(asked)
    };
    let moved = |to: &str, headers: &str| {
        format!("HTTP/1.1 302 On\r\nLocation: {to}\r\n{headers}Content-Length: 0\r\n\r\n")
    };
    let mut rig = Rig::new(http_job("http://192.0.2.1/", 1), http_module(settings));
    rig.pass_ms(2);
    rig.connected();
    rig.pass_ms(5);
    rig.receive(moved("/b", "Server: s\r\n").as_bytes());
    rig.pass_ms(7);
    rig.receive(moved("/c", "").as_bytes());
    rig.pass_ms(1);
    rig.receive(OK);
    let outcome = rig.finish();
    let hops: Vec<_> = page(&outcome)
        .redirects
        .iter()
        .map(|hop| hop.details.as_ref().unwrap())
        .collect();
    let ms = |phase| {
        hops.iter()
            .map(|hop| hop.phases.span(phase).map(|span| span.as_millis()))
            .collect::<Vec<_>>()
    };
    assert_eq!(ms(Phase::Connect), [Some(2), None]);
    assert_eq!(ms(Phase::FirstByte), [Some(5), Some(7)]);
    assert_eq!(hops[0].server.as_deref(), Some("s"));
    assert_eq!(
        (hops[1].server.as_deref(), hops[1].content_length),
        (None, Some(0))
    );
    assert_eq!(rig.took_ms(&outcome, Phase::FirstByte), Some(13));
}
