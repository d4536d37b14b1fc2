//! Caps that hold for all workers together.

use jiff::Timestamp;
use serde_json::Value;

use super::rig::Rig;

#[test]
fn a_rate_is_that_of_all_workers_together() {
    const RATE_PER_SECOND: f64 = 200.0;
    const TARGETS: usize = 800;
    let rig = Rig::new(&[
        "ptr",
        "10.0.0.0/16",
        "--limit",
        "800",
        "--rate",
        "200",
        "-f",
        "ndjson",
    ]);
    let _workers = rig.workers(3);
    let run = rig.submit(&[]).end().exits(0);
    assert_eq!(run.balance()[0], TARGETS as u64);
    // By the times at which they were sent: what the machine does meanwhile makes them only later.
    let mut sent = Vec::new();
    for line in rig.lines() {
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["attempts"], 1, "{line}");
        let started: Timestamp = line["started"].as_str().unwrap().parse().unwrap();
        sent.push(started);
    }
    sent.sort_unstable();
    let took_s = sent[TARGETS - 1].duration_since(sent[0]).as_secs_f64();
    // A tenth of a second may come at once at each of them.
    let least_s = (TARGETS as f64 / RATE_PER_SECOND) - 0.4;
    assert!(took_s >= least_s, "{TARGETS} targets in {took_s} s");
}

#[test]
fn fewer_places_than_workers_are_enough() {
    let rig = Rig::new(&[
        "ptr",
        "10.0.0.0/16",
        "--limit",
        "600",
        "--concurrency",
        "2",
        "-f",
        "ndjson",
    ]);
    let _workers = rig.workers(4);
    let run = rig.submit(&[]).end().exits(0);
    assert_eq!(run.balance()[0], 600);
}
