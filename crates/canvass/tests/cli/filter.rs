//! Which targets have a line: `--only`, `--match-status`, `--hide-status`.

use std::fs;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{Run, canvass, canvass_reading};
use crate::journal_rig::{Rig, results};

/// Addresses of which one in sixteen has no name, and a line that is no address.
const LIST: &str = "10.0.0.0/26\nnonsense\n";

fn ptr(more: &[&str]) -> Run {
    let args = ["ptr", "--lab", "-i", "-", "-f", "ndjson"];
    canvass_reading(&[&args, more].concat(), LIST)
}

/// The target, the outcome and the status of each line.
fn lines(run: &Run) -> Vec<[String; 3]> {
    let line = |object: &Value| {
        ["target", "outcome", "status"].map(|key| object[key].as_str().unwrap().to_owned())
    };
    run.objects().iter().map(line).collect()
}

#[test]
fn only_lines_that_were_asked_for_are_written_and_all_targets_are_counted() {
    let whole = ptr(&[]).exits(1);
    let counts = whole.balance();
    assert_eq!(counts, [65, 60, 4, 1]);
    let all = lines(&whole);
    for (flags, outcomes, statuses) in [
        (
            &["--only", "answered"][..],
            &["answered"][..],
            &["NOERROR"][..],
        ),
        (
            &["--only", "failed,NEGATIVE"],
            &["failed", "negative"],
            &["INVALID", "NXDOMAIN", "NOERROR"],
        ),
        (
            &["--only", "failed", "--only", "negative"],
            &["failed", "negative"],
            &["INVALID", "NXDOMAIN", "NOERROR"],
        ),
        (
            &["--match-status", "nxdomain,invalid"],
            &["failed", "negative"],
            &["NXDOMAIN", "INVALID"],
        ),
        (
            &["--hide-status", "NOERROR"],
            &["failed", "negative"],
            &["NXDOMAIN", "INVALID"],
        ),
        (
            &["--only", "negative", "--hide-status", "nxdomain,noerror"],
            &[],
            &[],
        ),
    ] {
        let run = ptr(flags).exits(1);
        assert_eq!(run.balance(), counts, "{flags:?}");
        let mut expected = all.clone();
        expected.retain(|[_, outcome, status]| {
            outcomes.contains(&outcome.as_str()) && statuses.contains(&status.as_str())
        });
        assert_eq!(lines(&run), expected, "{flags:?}");
    }
    ptr(&["--only", "failed", "--fail-below", "90"]).exits(0);
}

#[test]
fn statuses_of_http_have_classes_and_ranges() {
    let pages = ["/status/200", "/status/301", "/status/404", "/status/503"];
    let urls = pages
        .map(|page| format!("http://www.lab.test{page}\n"))
        .concat();
    for (flags, expected) in [
        (["--match-status", "4xx,5XX"], &["404", "503"][..]),
        (["--match-status", "200-399"], &["200", "301"]),
        (["--hide-status", "404,2xx"], &["301", "503"]),
    ] {
        let args = ["http", "--lab", "-q", "-i", "-", "-f", "ndjson"];
        let run = canvass_reading(&[&args[..], &flags].concat(), urls.as_str()).exits(0);
        let objects = run.objects();
        let statuses: Vec<_> = objects
            .iter()
            .map(|one| one["status"].as_str().unwrap())
            .collect();
        assert_eq!(statuses, expected, "{flags:?}");
    }
}

#[test]
fn every_command_with_lines_has_the_filter() {
    for args in [
        &["dns", "www.lab.test"][..],
        &["tcp", "www.lab.test:80"],
        &["udp", "--talk", "time", "www.lab.test"],
        &["check", "http://www.lab.test/"],
        &["sweep", "--once", "http://www.lab.test/"],
    ] {
        for (only, lines) in [("answered", 1), ("failed", 0)] {
            let run = canvass(&[args, &["--lab", "--only", only]].concat()).exits(0);
            assert_eq!(run.out.lines().count(), lines, "{args:?} {only}");
            assert_eq!(run.balance()[1], 1, "{args:?}");
        }
    }
    canvass(&["sweep", "--lab", "http://www.lab.test/", "--only", "failed"])
        .exits(2)
        .says("--only failed: this is for the lines of probes, which a sweep writes with -o FILE");
}

#[test]
fn what_has_no_line_is_done_when_a_run_is_resumed() {
    let args = [
        "ptr",
        "10.0.0.0/21",
        "--lab",
        "--rate",
        "2000",
        "-f",
        "ndjson",
        "--only",
        "negative",
    ];
    let rig = Rig::new(&args, "lines.ndjson.gz");
    rig.interrupt(2, Signal::INT, None);
    rig.run_with("--resume", &["--only", "failed"])
        .exits(2)
        .says("--only");
    assert_eq!(rig.run().exits(0).balance(), [2048, 1920, 128, 0]);
    let lines = rig.lines();
    assert!(lines.iter().all(|line| line.contains("\"negative\"")));
    let whole = results(&lines);
    assert_eq!((lines.len(), whole.len()), (128, 128));
}

#[test]
fn lines_that_are_due_and_cannot_be_written_are_counted() {
    let args = ["ptr", "--lab", "10.0.0.0/26", "-o", "/dev/full"];
    canvass(&[&args[..], &["--only", "negative"]].concat())
        .exits(3)
        .says("; 4 lines were not written");
    let run = canvass(&[&args[..], &["--only", "failed"]].concat()).exits(0);
    assert!(!run.err.contains("not written"), "{}", run.err);
}

#[test]
fn a_target_that_is_asked_again_has_a_line_by_its_last_outcome() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("lines");
    let path = path.to_str().unwrap();
    let args = [
        "ptr",
        "--lab=outage=30s",
        "10.0.0.1",
        "--recheck",
        "--retries",
        "0",
        "--timeout",
    ];
    let more = ["100ms", "-o", path, "--only", "failed"];
    canvass(&[&args[..], &more].concat()).exits(1);
    assert_eq!(fs::read_to_string(path).unwrap().lines().count(), 1);
}

#[test]
fn unknown_words_are_answered_with_the_nearest_and_the_list() {
    for (flags, nearest, list) in [
        (
            ["--only", "faild"],
            "a similar value exists: 'failed'",
            "[possible values: answered, negative, failed]",
        ),
        (
            ["--match-status", "nxdomian"],
            "did you mean NXDOMAIN?",
            "SERVFAIL, NXDOMAIN",
        ),
        (
            ["--hide-status", "timeot"],
            "did you mean TIMEOUT?",
            "a class (4xx), a range (200-299)",
        ),
    ] {
        canvass(&[&["ptr", "10.0.0.1", "--lab"][..], &flags].concat())
            .exits(2)
            .says(nearest)
            .says(list);
    }
}
