//! `--trace`: one probe's life as a timeline.

use crate::common::canvass;
use crate::peers::closed_port;
use crate::probe_peers::TcpPeer;

/// One event: seconds since the first, microseconds since the one before, its name, octets where
/// it moved any, and the rest.
#[derive(Debug)]
struct Event {
    since_first_s: f64,
    since_before_us: f64,
    name: String,
    octets: Option<u64>,
    detail: String,
}

/// The line that heads the timeline, and its events.
#[track_caller]
fn timeline(err: &str) -> (&str, Vec<Event>) {
    let lines: Vec<&str> = err.lines().collect();
    let first = lines
        .iter()
        .position(|line| line.starts_with("+0.000000 s"))
        .unwrap_or_else(|| panic!("no timeline in:\n{err}"));
    let rows = lines[first..]
        .iter()
        .take_while(|line| line.starts_with('+'));
    (lines[first - 1], rows.map(|row| event(row)).collect())
}

fn event(row: &str) -> Event {
    let mut words = row.split_whitespace().peekable();
    let since_first_s = words.next().unwrap()[1..].parse().unwrap();
    assert_eq!(words.next(), Some("s"), "{row}");
    let since_before_us = words.next().unwrap()[1..].parse().unwrap();
    assert_eq!(words.next(), Some("µs"), "{row}");
    let name = words.next().unwrap().to_owned();
    let mut rest: Vec<&str> = words.collect();
    let octets = match rest[..] {
        [number, "B", ..] => {
            rest.drain(..2);
            number.parse().ok()
        }
        _ => None,
    };
    Event {
        since_first_s,
        since_before_us,
        name,
        octets,
        detail: rest.join(" "),
    }
}

fn names(events: &[Event]) -> Vec<&str> {
    events.iter().map(|event| event.name.as_str()).collect()
}

#[test]
fn a_conversation_is_shown_from_connect_to_close() {
    let peer = TcpPeer::saying(b"220 here\r\n");
    let target = peer.target();
    let args = [
        "tcp",
        &target,
        "--talk",
        "smtp",
        "--transfer-timeout",
        "50ms",
    ];
    let run = canvass(&[&args[..], &["--trace", "-q"]].concat()).exits(1);
    let (head, events) = timeline(&run.err);
    assert_eq!(head, format!("{target} TIMEOUT"));
    let names = names(&events);
    let order = ["connect", "connected", "read", "write", "close"];
    let places: Vec<_> = order
        .iter()
        .map(|name| names.iter().position(|one| one == name))
        .collect();
    assert!(
        places.iter().all(Option::is_some) && places.is_sorted(),
        "{names:?}"
    );
    let named = |name: &str| events.iter().find(|event| event.name == name).unwrap();
    assert_eq!(named("connect").detail, target);
    assert_eq!(named("read").octets, Some("220 here\r\n".len() as u64));
    assert_eq!(named("write").octets, Some("EHLO canvass\r\n".len() as u64));
    assert!(named("close").since_before_us >= 40_000.0, "{events:?}");
    assert!(events.is_sorted_by(|one, next| one.since_first_s <= next.since_first_s));
    // What was said is not shown: there may be secrets in it.
    assert!(!run.err.contains("EHLO"), "{}", run.err);
}

#[test]
fn lookups_and_tls_are_shown() {
    let run = canvass(&[
        "tcp",
        "good.lab.test:pop3s",
        "--tls",
        "--lab",
        "--trace",
        "-q",
    ])
    .exits(0);
    let (head, events) = timeline(&run.err);
    assert_eq!(head, "good.lab.test:pop3s OPEN");
    let names = names(&events);
    for name in [
        "resolve",
        "resolved",
        "connect",
        "connected",
        "handshake",
        "secured",
        "close",
    ] {
        assert!(names.contains(&name), "{name}: {names:?}");
    }
    let secured = events.iter().find(|event| event.name == "secured").unwrap();
    assert!(secured.detail.contains("TLSv1.3"), "{secured:?}");
    let resolve = &events[0];
    assert_eq!(
        (resolve.name.as_str(), resolve.detail.as_str()),
        ("resolve", "good.lab.test")
    );
}

#[test]
fn every_attempt_is_shown_and_what_it_came_to() {
    let port = closed_port().to_string();
    let run = canvass(&["tcp", &port, "--retries", "1", "--trace", "-q"]).exits(1);
    let (_, events) = timeline(&run.err);
    let names = names(&events);
    assert_eq!(
        names.iter().filter(|name| **name == "connect").count(),
        2,
        "{names:?}"
    );
    assert!(names.contains(&"retry"), "{names:?}");
    let error = events.iter().find(|event| event.name == "error").unwrap();
    assert_eq!(error.detail, "Connection refused");
}

#[test]
fn datagrams_are_shown() {
    let run = canvass(&[
        "udp",
        "127.0.0.1",
        "--talk",
        "echo",
        "--lab",
        "--trace",
        "-q",
    ])
    .exits(0);
    let (_, events) = timeline(&run.err);
    assert_eq!(names(&events), ["socket", "write", "read", "close"]);
    assert_eq!(events[1].octets, events[2].octets);
}

#[test]
fn nothing_is_shown_unless_asked_for() {
    let peer = TcpPeer::saying(b"");
    let run = canvass(&["tcp", &peer.target(), "-q"]).exits(0);
    assert_eq!(run.err, "");
}
