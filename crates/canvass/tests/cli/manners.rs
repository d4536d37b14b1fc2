//! What a run takes of this machine and of its peers: connections, rates, descriptors.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::http_peers::{Server, header, ok};
use crate::http_rig::{WebLab, canvass_with_descriptors, http, lines, probe};

/// A server on every address of 127/8 that answers when `together` requests wait, or all have come.
fn holding(together: usize, all: usize) -> Server {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    Server::on(listener, move |mut caller| {
        if caller.request().is_some() {
            let number = caller.number;
            let group = number.div_ceil(together) * together;
            caller.wait_for_others(group.min(all), Duration::from_secs(10));
            caller.say(&ok("hello"));
        }
    })
}

#[test]
fn a_host_has_six_probes_at_once_and_as_many_as_it_may() {
    for (args, many) in [
        (&[][..], 6),
        (&["--per-host", "3"], 3),
        (&["--per-host", "1"], 1),
    ] {
        let server = holding(many, 24);
        let port = server.address.port();
        let urls: Vec<String> = (0..24)
            .map(|n| format!("http://127.0.0.1:{port}/{n}"))
            .collect();
        let run = http(args, &urls).exits(0);
        lines(&run, 24);
        assert_eq!(server.waiting_max(), many);
        run.says(&format!("at most {many} open at once"));
    }
}

#[test]
fn the_cap_is_the_hosts_and_not_the_runs() {
    // Each of ten hosts holds its six requests until all sixty have come.
    let server = holding(60, 60);
    let port = server.address.port();
    let urls: Vec<String> = (0..60)
        .map(|n| format!("http://127.9.9.{}:{port}/", 1 + n % 10))
        .collect();
    lines(&http(&[], &urls).exits(0), 60);
    assert_eq!(server.waiting_max(), 60);
    // And a busy host does not delay the others.
    let lab = WebLab::start("0.0.0.0:0", &[]);
    let mut urls: Vec<String> = (0..600)
        .map(|_| lab.url("127.8.8.8", "/delay/20"))
        .collect();
    urls.push(lab.url("127.8.8.9", "/"));
    let run = http(&[], &urls).exits(0);
    let last = run
        .out
        .lines()
        .position(|line| line.contains("127.8.8.9"))
        .unwrap();
    assert!(last < 100, "{last} others were done before it");
}

/// When a target was due, in milliseconds of the day: it started later by what response time has more
/// than service time.
fn due_ms(object: &Value) -> f64 {
    let started = object["started"].as_str().unwrap();
    let number = |range: std::ops::Range<usize>| started[range].parse::<f64>().unwrap();
    let minutes = number(11..13) * 60.0 + number(14..16);
    let started_ms = (minutes * 60.0 + number(17..26)) * 1000.0;
    started_ms - (object["response_ms"].as_f64().unwrap() - object["latency_ms"].as_f64().unwrap())
}

#[test]
fn rates_are_kept() {
    // Two may start together. A busy machine only makes the command slower.
    const LEAST: Duration = Duration::from_millis(23 * 20);
    for flag in ["--rate", "--rate-per-host"] {
        let server = Server::saying(ok("hello"));
        let urls: Vec<String> = (0..25).map(|n| server.url(&format!("/{n}"))).collect();
        let begun = Instant::now();
        let run = http(&[flag, "50"], &urls).exits(0);
        assert!(begun.elapsed() >= LEAST, "{flag}: {:?}", begun.elapsed());
        let objects = lines(&run, 25);
        assert_eq!(server.requests().len(), 25);
        if flag == "--rate" {
            // Every target is due 20 ms after the one before, and none starts before it is due.
            for pair in objects.windows(2) {
                let day_ms = 86_400_000.0;
                let gap_ms = (due_ms(&pair[1]) - due_ms(&pair[0])).rem_euclid(day_ms);
                assert!((gap_ms - 20.0).abs() < 0.01, "{gap_ms}: {pair:?}");
                assert!(pair[1]["response_ms"].as_f64() >= pair[1]["latency_ms"].as_f64());
            }
        }
    }
    // Requests of one connection count as well.
    for flag in ["--rate", "--rate-per-host"] {
        let server = Server::start(|mut caller| {
            while caller.request().is_some() {
                caller.say(&ok("hello"));
            }
        });
        let begun = Instant::now();
        http(&[flag, "50", "--repeat", "25"], &[server.url("/")]).exits(0);
        assert!(begun.elapsed() >= LEAST, "{flag}: {:?}", begun.elapsed());
        assert_eq!(server.requests().len(), 25);
    }
}

#[test]
fn a_rate_per_host_is_each_hosts_own() {
    let lab = WebLab::start("0.0.0.0:0", &[]);
    let urls: Vec<String> = (0..100)
        .map(|n| lab.url(&format!("127.7.{n}.1"), "/"))
        .collect();
    // One per second over all hosts would take longer than a test waits for a run.
    lines(&http(&["--rate-per-host", "1"], &urls).exits(0), 100);
}

#[test]
fn thousands_of_hosts_are_asked_with_few_descriptors() {
    const HOSTS: u64 = 4000;
    let lab = WebLab::start("0.0.0.0:0", &[]);
    let file = tempfile::NamedTempFile::new().unwrap();
    let targets: String = (0..HOSTS)
        .map(|n| lab.url(&format!("127.1.{}.{}", n / 250, 1 + n % 250), "/delay/10") + "\n")
        .collect();
    fs::write(&file, targets).unwrap();
    let path = file.path().to_str().unwrap();
    let args = ["http", "-i", path, "-f", "ndjson", "--concurrency", "3000"];
    let run = canvass_with_descriptors(256, &args).exits(0);
    for object in lines(&run, HOSTS) {
        assert_eq!(object["status"], "200", "{object}");
    }
    let limit: usize = word_after(&run.err, "limit ");
    let most: usize = word_after(&run.err, "at most ");
    assert!(limit < 256 && most <= limit, "{}", run.err);
}

#[test]
fn descriptors_that_are_gone_are_waited_for() {
    // Six hosts, whose answers come when all six were asked: there is room for few at once.
    let lab = WebLab::start("0.0.0.0:0", &[]);
    let urls: Vec<String> = (1..=200)
        .map(|n| lab.url(&format!("127.2.0.{n}"), "/delay/20"))
        .collect();
    let mut args = vec!["http", "-f", "ndjson"];
    args.extend(urls.iter().map(String::as_str));
    // What the program itself needs is nearly all there is.
    let run = canvass_with_descriptors(56, &args).exits(0);
    lines(&run, 200);
    let limit: usize = word_after(&run.err, "limit ");
    assert!(limit <= 8, "{}", run.err);
}

/// The number behind `words` in the line about connections.
#[track_caller]
fn word_after(text: &str, words: &str) -> usize {
    let line = text.lines().find(|line| line.starts_with("connections: "));
    let line = line.unwrap_or_else(|| panic!("nothing of connections in:\n{text}"));
    let rest = line.split(words).nth(1).unwrap_or_default();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("no number behind {words:?} in {line}"))
}

#[test]
fn sockets_are_as_they_were_asked_for() {
    let server = Server::start(|mut caller| {
        let from = caller.stream.peer_addr().unwrap();
        if caller.request().is_some() {
            caller.say(&ok(&from.ip().to_string()));
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let save = directory.path().to_str().unwrap();
    let args = [
        "--bind",
        "127.77.0.7",
        "--ttl",
        "9",
        "--rcvbuf",
        "64k",
        "--sndbuf",
        "64k",
        "--nodelay",
        "--keepalive",
        "--linger",
        "0",
        "--save",
        save,
    ];
    assert_eq!(probe(&args, &server.url("/"))["status"], "200");
    assert_eq!(
        fs::read_to_string(directory.path().join("0.body")).unwrap(),
        "127.77.0.7"
    );
}

#[test]
fn every_request_names_canvass_and_closes_behind_itself() {
    let server = Server::saying(ok("hello"));
    let urls: Vec<String> = (0..10).map(|n| server.url(&format!("/{n}"))).collect();
    lines(&http(&[], &urls).exits(0), 10);
    let requests = server.requests();
    let mut paths = BTreeMap::new();
    for request in &requests {
        assert!(
            header(request, "User-Agent")
                .unwrap()
                .starts_with("canvass/"),
            "{request}"
        );
        assert_eq!(header(request, "Connection"), Some("close"));
        *paths.entry(request.lines().next().unwrap()).or_insert(0) += 1;
    }
    // One request for each target, and no more.
    assert!(
        paths.values().all(|count| *count == 1) && paths.len() == 10,
        "{paths:?}"
    );
    assert_eq!(server.connections(), 10);
}
