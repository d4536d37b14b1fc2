//! The files that hold latencies, as HdrHistogram's tools read them.

use std::fs;
use std::io::Cursor;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};

use crate::common::canvass;

/// Reads base64 (RFC 4648 §4).
fn unbase64(text: &str) -> Vec<u8> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0u32, 0);
    for digit in text.trim_end_matches('=').bytes() {
        let value = ALPHABET.iter().position(|known| *known == digit).unwrap();
        bits = bits << 6 | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

#[test]
fn an_interval_log_holds_every_target_under_each_measure() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.hlog");
    canvass(&[
        "ptr",
        "10.0.0.0/24",
        "--lab=delay=5ms",
        "--hlog",
        path.to_str().unwrap(),
    ])
    .exits(0);
    let log = fs::read(path).unwrap();
    let mut service: Histogram<u64> = Histogram::new(3).unwrap();
    let mut tags = Vec::new();
    for entry in IntervalLogIterator::new(&log) {
        let LogEntry::Interval(interval) = entry.unwrap() else {
            continue;
        };
        let tag = interval
            .tag()
            .expect("a line has its tag")
            .as_str()
            .to_owned();
        let payload = unbase64(interval.encoded_histogram());
        let histogram: Histogram<u64> = Deserializer::new()
            .deserialize(&mut Cursor::new(payload))
            .unwrap();
        if tag == "ptr.service" {
            service.add(&histogram).unwrap();
        }
        tags.push(tag);
    }
    assert!(tags.contains(&"ptr.response".to_owned()), "{tags:?}");
    assert_eq!(service.len(), 256);
    // Nanoseconds, and the lab held each answer back for 5 ms.
    assert!(service.min() > 4_500_000, "{}", service.min());
}

#[test]
fn percentile_tables_climb_to_every_target() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("run.hgrm");
    canvass(&[
        "ptr",
        "10.0.0.0/24",
        "bogus",
        "--lab=delay=5ms",
        "--hgrm",
        path.to_str().unwrap(),
        "--fail-below",
        "50",
    ])
    .exits(0);
    for name in ["run.hgrm", "run.response.hgrm"] {
        let table = fs::read_to_string(directory.path().join(name)).unwrap();
        let mut lines = table.lines();
        let heading: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
        assert_eq!(
            heading,
            ["Value", "Percentile", "TotalCount", "1/(1-Percentile)"]
        );
        let rows: Vec<Vec<f64>> = lines
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .map(|line| {
                line.split_whitespace()
                    .map(|word| word.parse().unwrap())
                    .collect()
            })
            .collect();
        for pair in rows.windows(2) {
            assert!(
                pair[0][0] <= pair[1][0] && pair[0][2] <= pair[1][2],
                "{table}"
            );
        }
        let last = rows.last().unwrap();
        // What was never asked has no latency.
        assert_eq!((last[1], last[2]), (1.0, 256.0), "{name}");
        assert!(last[0] > 4_500_000.0, "{name} is in nanoseconds");
    }
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_the_balance_is_still_told() {
    canvass(&[
        "ptr",
        "10.0.0.1",
        "--lab",
        "--hlog",
        "/nonexistent/run.hlog",
    ])
    .exits(3)
    .says("cannot write /nonexistent/run.hlog");
    let run = canvass(&[
        "ptr",
        "10.0.0.1",
        "--lab",
        "--hgrm",
        "/nonexistent/run.hgrm",
    ])
    .exits(3)
    .says("cannot write /nonexistent/run.hgrm");
    assert_eq!(run.out, "10.0.0.1\tNOERROR\thost-10-0-0-1.example.net.\n");
    assert_eq!(run.balance(), [1, 1, 0, 0]);
}
