//! Failed targets that are asked again at the end of a run (`--recheck`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::Value;

use crate::common::{Run, Running, canvass, until};
use crate::journal_rig::Rig;
use crate::peers::{NAME, PTR, Peer, reply};

/// A peer that fails each question at first and answers it from the second time on, but for addresses
/// that `always_fails` says. The first label of a reverse name is the last number of its address.
fn failing_at_first(always_fails: impl Fn(u8) -> bool + Send + 'static) -> Peer {
    let mut asked = HashMap::<Vec<u8>, u64>::new();
    Peer::udp(move |query| {
        let length = usize::from(query[12]);
        let label = &query[13..13 + length];
        let number = std::str::from_utf8(label).unwrap().parse().unwrap();
        let times = asked.entry(query[12..].to_vec()).or_default();
        *times += 1;
        vec![if *times == 1 || always_fails(number) {
            reply(query, 2, &[])
        } else {
            reply(query, 0, &[(PTR, NAME)])
        }]
    })
}

fn by_seq(lines: &[String]) -> BTreeMap<u64, Value> {
    let objects = lines
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let by_seq: BTreeMap<u64, Value> = objects
        .map(|object| (object["seq"].as_u64().unwrap(), object))
        .collect();
    assert_eq!(by_seq.len(), lines.len(), "a target has two lines");
    by_seq
}

fn is_rechecked(object: &Value) -> bool {
    object.get("recheck") == Some(&Value::Bool(true))
}

#[test]
fn what_failed_stands_last_and_says_what_it_answered_when_it_was_asked_again() {
    let peer = failing_at_first(|number| number >= 16);
    let resolver = peer.resolver();
    let args = [
        "ptr",
        "10.0.0.0/27",
        "not an address",
        "-r",
        &resolver,
        "--retries",
        "0",
        "-f",
        "ndjson",
    ];
    let run = canvass(&[&args[..], &["--recheck"]].concat()).exits(1);
    assert_eq!(run.balance(), [33, 16, 0, 17]);
    let run = run.says("failed only under load: 16 of 32 asked again, of 32 that had failed");
    let run = run.says("warning: 16 targets had failed only under the load of this run; lower");
    let lines: Vec<String> = run.out.lines().map(String::from).collect();
    let objects = by_seq(&lines);
    for (seq, object) in &objects {
        assert_eq!(is_rechecked(object), *seq < 16, "{object}");
        assert_eq!(object["outcome"] == "answered", *seq < 16, "{object}");
    }
    // A line that is not valid is written at once.
    assert!(lines[0].contains("not an address"), "{}", lines[0]);
    // Each query of the first pass was before any of the second.
    let started = |from: u64, to: u64| objects.range(from..to).map(|(_, line)| &line["started"]);
    let failed = started(16, 32).map(Value::as_str).max();
    let answered = started(0, 16).map(Value::as_str).min();
    assert!(failed < answered, "{failed:?}, {answered:?}");
    // In every format.
    for (format, mark) in [("text", "\trecheck: failed at first"), ("csv", ",true")] {
        let peer = failing_at_first(|_| false);
        let run = canvass(&[
            "ptr",
            "10.0.0.1",
            "-r",
            &peer.resolver(),
            "--retries",
            "0",
            "--recheck",
            "-f",
            format,
        ]);
        let run = run.exits(0);
        assert!(run.out.trim_end().ends_with(mark), "{}", run.out);
    }
}

#[test]
fn without_the_flag_a_failed_line_is_written_while_the_run_goes_on() {
    let peer = failing_at_first(|_| false);
    let resolver = peer.resolver();
    let mut running = Running::start(&[
        "ptr",
        "-i",
        "-",
        "-r",
        &resolver,
        "--retries",
        "0",
        "-f",
        "ndjson",
    ]);
    running.write("10.0.0.1\n");
    assert!(running.read_line().contains("SERVFAIL"));
    running.close_input();
    let run = running.end().exits(1);
    assert!(!run.err.contains("under load"), "{}", run.err);
}

/// 100 targets that are asked again for a second.
fn hundred(resolver: &str) -> Rig {
    let args = [
        "ptr",
        "10.0.0.0-10.0.0.99",
        "-r",
        resolver,
        "--retries",
        "0",
        "-f",
        "ndjson",
        "--recheck",
    ];
    Rig::new(&args, "lines.ndjson")
}

/// Starts a run and sends it a signal when its resolver has `queries`.
fn interrupted(rig: &Rig, peer: &Peer, queries: u64, signal: Signal) -> Run {
    let command = rig.command();
    let mut running = Running::start(&command.iter().map(String::as_str).collect::<Vec<_>>());
    until("queries", || peer.queries() >= queries);
    running.signal(signal);
    running.end()
}

#[test]
fn a_run_that_is_killed_in_the_last_pass_loses_nothing_and_doubles_nothing() {
    let peer = failing_at_first(|number| number % 2 == 1);
    let mut rig = hundred(&peer.resolver());
    // The pass takes two seconds.
    rig.add(&["--rate-per-resolver", "50"]);
    let parked = || {
        rig.shown("progress")
            .map(|progress| progress["done"]["watermark"] == 100)
    };
    for queries in [105, 120] {
        let command = rig.command();
        let mut running = Running::start(&command.iter().map(String::as_str).collect::<Vec<_>>());
        until("the pass", || {
            parked() == Some(true) && peer.queries() >= queries
        });
        running.signal(Signal::KILL);
        let run = running.end();
        assert_eq!(run.code, None, "it ended too early: {}", run.err);
        assert!(rig.lines().is_empty());
    }
    let killed = Timestamp::try_from(SystemTime::now()).unwrap();
    let run = rig.run().exits(1);
    assert_eq!(run.balance(), [100, 50, 0, 50]);
    let run = run.says("failed only under load: 50 of 100 asked again, of 100 that had failed");
    assert!(!run.err.contains("BUG"), "{}", run.err);
    let lines = by_seq(&rig.lines());
    assert_eq!(lines.len(), 100);
    for (seq, line) in &lines {
        assert_eq!(is_rechecked(line), seq % 2 == 0, "{line}");
        let started: Timestamp = line["started"].as_str().unwrap().parse().unwrap();
        // What failed has the time of the part of the run in which it did.
        assert!(is_rechecked(line) || started < killed, "{line}, {killed}");
    }
    assert!(!std::path::Path::new(&rig.path("lines.ndjson.parked")).exists());
    assert_eq!(rig.shown("finished"), Some(1.into()));
    rig.run().exits(1).says("the run is finished");
}

#[test]
fn a_run_that_is_killed_while_it_parks_goes_on_parking() {
    let peer = failing_at_first(|number| number % 2 == 1);
    let mut rig = hundred(&peer.resolver());
    rig.add(&["--rate", "100", "--shuffle=3"]);
    for records in [2, 2] {
        let run = rig.interrupt(records, Signal::KILL, None);
        assert_eq!(run.code, None);
    }
    let run = rig.run().exits(1);
    let lines = by_seq(&rig.lines());
    assert_eq!(lines.len(), 100);
    assert_eq!(run.balance()[0], 100);
    let rechecked = lines.values().filter(|line| is_rechecked(line)).count();
    let words = format!("failed only under load: {rechecked} of ");
    assert!(run.err.contains(&words), "{words} in {}", run.err);
    // What was killed under way was asked once more then, and may have answered.
    for line in lines.values() {
        let number = line["target"].as_str().unwrap().rsplit('.').next();
        let is_odd = number.unwrap().parse::<u8>().unwrap() % 2 == 1;
        assert_eq!(line["outcome"] == "failed", is_odd, "{line}");
    }
}

#[test]
fn a_signal_ends_the_pass_and_what_is_parked_is_written() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        // In the pass, and before it.
        for queries in [110, 30] {
            let peer = failing_at_first(|_| false);
            let mut rig = hundred(&peer.resolver());
            rig.add(&["--rate", "50"]);
            let run = interrupted(&rig, &peer, queries, signal).exits(code);
            let [admitted, answered, _, failed] = run.balance();
            let lines = by_seq(&rig.lines());
            assert_eq!(lines.len() as u64, admitted);
            assert_eq!(answered + failed, admitted);
            assert!(failed > 0, "{}", run.err);
            let run = rig.run();
            assert_eq!(run.balance()[0], 100);
            // The counts are those of all parts.
            let rechecked = rig
                .lines()
                .iter()
                .filter(|line| line.contains("recheck"))
                .count();
            let words = format!("failed only under load: {rechecked} of ");
            assert!(run.err.contains(&words), "{words} in {}", run.err);
            assert!(run.err.contains(", of 100 that had failed"), "{}", run.err);
            let seqs: BTreeSet<u64> = by_seq(&rig.lines()).into_keys().collect();
            assert_eq!(seqs, (0..100).collect());
        }
    }
}

#[test]
fn histograms_equal_those_of_the_lines() {
    let peer = failing_at_first(|number| number >= 16);
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (lines, page, table) = (path("a.ndjson"), path("a.html"), path("a.hgrm"));
    let run = canvass(&[
        "ptr",
        "10.0.0.0/27",
        "-r",
        &peer.resolver(),
        "--retries",
        "0",
        "--recheck",
        "-f",
        "ndjson",
        "-o",
        &lines,
        "--html",
        &page,
        "--hgrm",
        &table,
    ])
    .exits(1);
    assert_eq!(run.balance(), [32, 16, 0, 16]);
    let count = |text: &str| {
        let end = text.lines().find(|line| line.contains("Total count"));
        end.unwrap_or_else(|| panic!("{text}")).ends_with(" 32]")
    };
    assert!(count(&std::fs::read_to_string(table).unwrap()));
    assert!(
        std::fs::read_to_string(page)
            .unwrap()
            .contains("only under the load of this run")
    );
    let report = canvass(&["report", &lines]).exits(0);
    assert!(
        report
            .out
            .contains("16 targets had failed only under the load"),
        "{}",
        report.out
    );
    // Nothing is left beside the lines.
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 4);
}

#[test]
fn requests_of_one_target_are_asked_again_each_for_itself() {
    let connections = AtomicU64::new(0);
    let server = Peer::both(
        |_| Vec::new(),
        move |mut stream| {
            // Two are closed without an answer.
            if connections.fetch_add(1, Ordering::SeqCst) < 2 {
                return;
            }
            let _ = stream.read(&mut [0; 4096]);
            let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            let _ = stream.write_all(answer);
        },
    );
    let url = format!("http://{}/", server.address);
    let run = canvass(&["http", &url, "--repeat", "2", "--recheck", "-f", "ndjson"]).exits(0);
    let objects = run.objects();
    let mut repeats: Vec<_> = objects.iter().map(|line| line["repeat"].as_u64()).collect();
    repeats.sort_unstable();
    assert_eq!(repeats, [Some(1), Some(2)]);
    assert!(objects.iter().all(is_rechecked), "{objects:?}");
    run.says("failed only under load: 2 of 2 asked again, of 2 that had failed");
}

#[test]
fn endpoints_of_every_kind_are_asked_again() {
    let dns = failing_at_first(|_| false);
    let connections = AtomicU64::new(0);
    let server = Peer::both(
        |_| Vec::new(),
        move |mut stream| {
            if connections.fetch_add(1, Ordering::SeqCst) > 0 {
                let _ = stream.write_all(b"220 there\r\n");
                let _ = stream.read(&mut [0; 64]);
            }
        },
    );
    let run = canvass(&[
        "check",
        &format!("dns://{}/1.0.0.10.in-addr.arpa?type=PTR", dns.address),
        &format!("ftp://{}", server.address),
        "--retries",
        "0",
        "--recheck",
        "-f",
        "ndjson",
        "-r",
        &dns.resolver(),
    ])
    .exits(0);
    assert!(run.objects().iter().all(is_rechecked), "{}", run.out);
    run.says("failed only under load: 2 of 2");
}

#[test]
fn the_parked_file_of_a_journal_is_an_output_like_the_others() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (lines, list) = (path("lines"), path("lines.parked"));
    std::fs::write(&list, "10.0.0.1\n").unwrap();
    let journal = path("journal");
    let args = [
        "ptr",
        "-i",
        &list,
        "--lab",
        "-o",
        &lines,
        "--journal",
        &journal,
    ];
    canvass(&[&args[..], &["--recheck"]].concat())
        .exits(2)
        .says("--recheck")
        .says("would overwrite the file that --input");
    canvass(&args).exits(0);
}
