//! Comparisons: with another transport or resolver, and with libc's resolver.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::{CANVASS, LabChild, PATIENCE, Running, canvass, canvass_reading, until};
use crate::peers::{Peer, has_edns, reply};

/// The keys of an object, in order.
fn keys(object: &Value) -> Vec<&str> {
    object
        .as_object()
        .expect("it is an object")
        .keys()
        .map(String::as_str)
        .collect()
}

/// Checks that a pair is as it was promised.
#[track_caller]
fn assert_shape(pair: &Value) {
    let mut expected = vec!["a", "b", "ratio", "ratio_low", "ratio_high", "answers"];
    let mut found = keys(pair);
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    for side in [&pair["a"], &pair["b"]] {
        for key in ["targets", "per_second", "cpu_us_per_target"] {
            assert!(side[key].as_f64().unwrap() > 0.0, "{key} in {side}");
        }
        let points = ["p50", "p90", "p99", "max"].map(|key| side["latency_ms"][key].as_f64());
        assert!(points.iter().all(Option::is_some), "{side}");
        assert!(points.is_sorted(), "{side}");
    }
    let [low, ratio, high] = ["ratio_low", "ratio", "ratio_high"].map(|key| &pair[key]);
    let a = pair["a"]["per_second"].as_f64().unwrap();
    let b = pair["b"]["per_second"].as_f64().unwrap();
    assert!((ratio.as_f64().unwrap() / (a / b) - 1.0).abs() < 0.01);
    assert!(low.as_f64() <= ratio.as_f64() && ratio.as_f64() <= high.as_f64());
}

fn answers(pair: &Value) -> [u64; 4] {
    ["same", "different", "only_a", "only_b"].map(|key| pair["answers"][key].as_u64().unwrap())
}

#[test]
fn udp_and_tcp_to_the_same_resolver_have_the_same_answers() {
    let run = canvass(&[
        "compare",
        "10.0.0.0/20",
        "--lab",
        "--against",
        "tcp",
        "--budget",
        "20s",
        "-f",
        "ndjson",
    ])
    .exits(0);
    let pairs = run.objects();
    assert_eq!(pairs.len(), 1);
    assert_shape(&pairs[0]);
    assert_eq!(pairs[0]["a"]["targets"], 4096);
    assert_eq!(answers(&pairs[0]), [4096, 0, 0, 0]);
    let name = |side: &str| pairs[0][side]["name"].as_str().unwrap().to_owned();
    assert!(
        name("a").starts_with("canvass (udp, window "),
        "{}",
        name("a")
    );
    assert!(
        name("b").starts_with("canvass (tcp, window "),
        "{}",
        name("b")
    );
    run.says("4096 targets listed");
}

#[test]
fn names_are_asked_for_both_kinds_of_addresses() {
    let asked = Arc::new(Mutex::new(BTreeSet::new()));
    let seen = Arc::clone(&asked);
    let peer = Peer::udp(move |query| {
        let kind = query[query.len() - 4 - if has_edns(query) { 11 } else { 0 } + 1];
        seen.lock().unwrap().insert(kind);
        let data: &[u8] = if kind == 1 { &[192, 0, 2, 1] } else { &[1; 16] };
        vec![reply(query, 0, &[(kind.into(), data)])]
    });
    let run = canvass(&[
        "compare",
        "a.example",
        "b.example",
        "c.example",
        "d.example",
        "-r",
        &peer.resolver(),
        "--against",
        &peer.resolver(),
        "--budget",
        "5s",
        "-f",
        "ndjson",
    ])
    .exits(0);
    let pair = &run.objects()[0];
    assert_eq!(pair["a"]["targets"], 4);
    assert_eq!(answers(pair), [4, 0, 0, 0]);
    // A and AAAA (RFC 1035 §3.2.2, RFC 3596 §2.1).
    assert_eq!(*asked.lock().unwrap(), BTreeSet::from([1, 28]));
    run.says("canvass again (udp, ");
}

#[test]
fn answers_that_differ_are_shown_side_by_side() {
    let good = LabChild::start(&[]);
    let bad = LabChild::start(&["--servfail", "100%"]);
    let (good_at, bad_at) = (good.resolver(), bad.resolver());
    let args = [
        "compare",
        "192.0.2.0/28",
        "-r",
        &good_at,
        "--against",
        &bad_at,
        "--retries",
        "0",
        "--budget",
        "5s",
    ];
    let text = canvass(&args).exits(0).out;
    for part in [
        "host-192-0-2-1.example.net",
        "(SERVFAIL)",
        &good_at,
        "no conclusion for",
        "had no usable answer for 16 of 16 targets",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let pairs = canvass(&[&args[..], &["-f", "ndjson", "-q"]].concat())
        .exits(0)
        .objects();
    // That there is no name is an answer, and the other side has none at all.
    assert_eq!(answers(&pairs[0]), [0, 0, 16, 0]);
}

/// Against libc's resolver and Knot DNS, in a mount namespace of its own.
#[test]
fn libc_and_canvass_find_the_same_at_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().to_str().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/compare-lab");
    let run = Command::new(script)
        .args(["--canvass", CANVASS, "--out", out])
        .args(["--targets", "4000", "--budget", "4s", "--threads", "8"])
        .args(["--delays", "0ms 20ms"])
        .output()
        .expect("the script can be run");
    assert!(
        run.status.success(),
        "it needs root: {}\n{}",
        String::from_utf8_lossy(&run.stderr),
        String::from_utf8_lossy(&run.stdout)
    );
    for delay in ["0ms", "20ms"] {
        let read = |kind: &str| fs::read_to_string(folder.path().join(format!("{delay}.{kind}")));
        let pairs: Vec<Value> = read("ndjson")
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(pairs.len(), 2);
        for (pair, name) in pairs
            .iter()
            .zip(["getnameinfo, one at a time", "getnameinfo, 8 threads"])
        {
            assert_shape(pair);
            assert_eq!(pair["b"]["name"], name);
            assert_eq!(pair["a"]["targets"], 4000);
            let [same, different, only_a, only_b] = answers(pair);
            assert_eq!([different, only_a, only_b], [0, 0, 0]);
            assert_eq!(json!(same), pair["b"]["targets"]);
        }
        let page = read("html").unwrap();
        assert!(page.starts_with("<!doctype html>") || page.starts_with("<!DOCTYPE html>"));
        assert!(page.contains("getnameinfo, one at a time"));
        if delay == "20ms" {
            // One at a time is a round trip each; windows are what that is about.
            assert!(pairs[0]["ratio"].as_f64().unwrap() > 20.0, "{}", pairs[0]);
            assert!(pairs[0]["b"]["latency_ms"]["p50"].as_f64().unwrap() >= 20.0);
        }
    }
}

#[test]
fn what_cannot_be_compared_is_said_before_anything_is_asked() {
    for (args, part) in [
        (&["10.0.0.1", "--lab"][..], "scripts/compare-lab"),
        (&["10.0.0.1", "--lab", "--against", "nobody"], "\"nobody\""),
        (&["10.0.0.1", "--trace"], "--trace"),
        (&["10.0.0.1", "--budget", "0s"], "--budget"),
        (
            &["10.0.0.300", "--lab", "--against", "tcp", "--strict"],
            "300",
        ),
    ] {
        canvass(&[&["compare"], args].concat()).exits(2).says(part);
    }
    canvass_reading(&["compare", "--lab", "--against", "tcp"], "# nothing\n")
        .exits(2)
        .says("the list is empty");
    canvass_reading(&["compare", "--lab", "--against", "tcp"], "192.0.2.300\n")
        .exits(2)
        .says("the octet 300 is over 255");
    for flag in ["-o", "--html", "--hgrm"] {
        canvass(&[
            "compare",
            "10.0.0.1",
            "--lab",
            "--against",
            "tcp",
            flag,
            "/nowhere/x",
        ])
        .exits(3)
        .says("cannot write /nowhere/x");
    }
}

#[test]
fn histograms_of_each_side_are_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (hlog, hgrm) = (path("run.hlog"), path("run.hgrm"));
    canvass(&[
        "compare",
        "10.0.0.0/24",
        "--lab",
        "--against",
        "tcp",
        "--budget",
        "5s",
        "--hlog",
        &hlog,
        "--hgrm",
        &hgrm,
    ])
    .exits(0);
    for table in [hgrm, path("run.1.hgrm")] {
        let table = fs::read_to_string(table).unwrap();
        assert!(table.contains("Total count    =          256]"), "{table}");
    }
    let log = fs::read_to_string(&hlog).unwrap();
    assert!(log.contains("Tag=ptr.service,"), "{log}");
    let page = canvass(&["report", &hlog]).exits(0).out;
    assert!(page.contains("256"), "{page}");
}

#[test]
fn a_cap_is_kept_and_told() {
    let run = canvass(&[
        "compare",
        "10.0.0.0/25",
        "--lab",
        "--against",
        "tcp",
        "--rate",
        "1000",
        "--budget",
        "5s",
        "-f",
        "ndjson",
    ])
    .exits(0)
    .says("limited by --rate");
    let per_second = run.objects()[0]["a"]["per_second"].as_f64().unwrap();
    assert!(per_second < 1_500.0, "{per_second}");
}

#[test]
fn a_bad_line_is_told_and_the_rest_is_compared() {
    let run = canvass_reading(
        &[
            "compare",
            "--lab",
            "--against",
            "tcp",
            "--budget",
            "5s",
            "-f",
            "ndjson",
        ],
        "192.0.2.1\n192.0.2.300\n192.0.2.2\n",
    )
    .exits(1)
    .says("line 2, \"192.0.2.300\": the octet 300 is over 255");
    assert_eq!(run.objects()[0]["a"]["targets"], 2);
}

#[test]
fn a_resolver_that_is_gone_ends_a_comparison_on_every_loop() {
    let peer = Peer::silent();
    let good = LabChild::start(&[]);
    let run = canvass(&[
        "compare",
        // One batch, which is one loop's: the other must not be waited for.
        "10.0.0.0/25",
        "-r",
        &peer.resolver(),
        "--against",
        &good.resolver(),
        "--threads",
        "2",
        "--budget",
        "5s",
        "--deadline",
        "20s",
    ])
    .exits(3);
    run.says("no resolver answers any more");
}

#[test]
fn a_list_that_never_comes_does_not_hold_a_second_interrupt_up() {
    let mut running = Running::start(&[
        "compare",
        "--lab",
        "--against",
        "tcp",
        "--progress",
        "always",
    ]);
    running.write("10.0.0.1\n");
    until("signals to be caught", || running.catches(Signal::TERM));
    let begun = Instant::now();
    while !running.has_ended() {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(50));
        running.signal(Signal::TERM);
    }
    running.end().exits(143);
}

#[test]
fn an_interrupt_ends_a_comparison_with_what_it_has() {
    let peer = Peer::honest();
    let mut running = Running::start(&[
        "compare",
        "10.0.0.0/12",
        "-r",
        &peer.resolver(),
        "--against",
        "udp",
        "--budget",
        "60s",
        "--rate-per-resolver",
        "1000",
        "-f",
        "ndjson",
    ]);
    // By then the loops are there, and there is far more to ask than can be in this time.
    let begun = Instant::now();
    while peer.queries() == 0 {
        assert!(begun.elapsed() < PATIENCE);
        std::thread::sleep(Duration::from_millis(10));
    }
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    run.says("the comparison was stopped before its end");
}
