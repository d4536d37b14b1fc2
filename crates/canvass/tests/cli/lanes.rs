//! `--transport auto` tries a stream on a long list, and says what was chosen.

use crate::common::{Run, canvass};

/// Asks 4,096 addresses of a lab that does this wrong, in one event loop.
#[track_caller]
fn long_list(impairments: &str, more: &[&str]) -> Run {
    let lab = format!("--lab={impairments}");
    let args = ["ptr", "10.4.0.0/20", &lab, "-f", "ndjson", "--threads", "1"];
    let run = canvass(&[&args[..], more].concat()).exits(0);
    assert_eq!(run.balance(), [4096, 3840, 256, 0]);
    run
}

#[test]
fn what_is_wrong_with_streams_is_said_and_costs_no_target() {
    // If the machine is busy, answers are late before anything else shows.
    for (impairments, reason) in [
        ("tcp-refuse", "connections by tcp failed"),
        ("delay=20ms,tcp-close-after=5", ""),
        ("delay=20ms,tcp-misframe=100%", ""),
        ("tcp-silent", "answers by tcp came late"),
    ] {
        let run = long_list(impairments, &["--retries", "0"]);
        let expected = format!(" by udp: {reason}");
        assert!(run.err.contains(&expected), "{impairments}: {}", run.err);
        assert!(!run.err.contains("benched"), "{impairments}: {}", run.err);
    }
}

#[test]
fn a_stream_that_is_good_answers_some_of_a_long_list() {
    let run = long_list("delay=1ms", &[]);
    let by_stream = |object: &&serde_json::Value| object["transport"] == "tcp";
    let objects = run.whole(4096);
    assert!(objects.iter().filter(by_stream).count() >= 1);
}

#[test]
fn no_stream_is_opened_for_a_short_list_a_low_rate_or_by_udp() {
    let short = canvass(&["ptr", "10.4.0.0/22", "--lab", "-f", "ndjson"]).exits(0);
    let runs = [
        (short, 1024),
        (long_list("tcp-refuse", &["--rate", "1999"]), 4096),
        (long_list("tcp-refuse", &["--transport", "udp"]), 4096),
    ];
    for (run, count) in runs {
        let objects = run.whole(count);
        assert!(objects.iter().all(|object| object["transport"] == "udp"));
        assert!(!run.err.contains(" by udp: "), "{}", run.err);
    }
}
