//! One outcome for every input, whatever goes wrong on the way.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use canvass_lab::expected_names;

use crate::common::{LabChild, canvass, distinct, values};
use crate::peers::Peer;

/// Asks 1024 addresses of a lab that does this wrong, and checks that each of them ends with
/// exactly what the lab holds.
#[track_caller]
fn all_are_answered_in_spite_of(impairments: &str, more: &[&str]) -> String {
    let lab = format!("--lab={impairments}");
    let mut args = vec![
        "ptr",
        "10.3.0.0/22",
        &lab,
        "-f",
        "ndjson",
        "--deadline",
        "30s",
    ];
    args.extend(["--retries", "30", "--timeout", "300ms"]);
    args.extend(more);
    let run = canvass(&args).exits(0);
    for object in run.whole(1024) {
        let address: IpAddr = object["target"].as_str().unwrap().parse().unwrap();
        let expected = expected_names(address);
        assert_eq!(
            (&object["names"], &object["status"]),
            (&expected.names.into(), &expected.rcode.to_string().into()),
            "{object}"
        );
    }
    assert_eq!(run.balance(), [1024, 960, 64, 0]);
    run.err
}

#[test]
fn nothing_is_lost_to_loss_and_delay() {
    let err = all_are_answered_in_spite_of("delay=20ms,loss=10%", &[]);
    assert!(err.contains("answered after a retry"), "{err}");
}

#[test]
fn nothing_is_lost_to_errors_truncation_and_servers_from_before_edns() {
    all_are_answered_in_spite_of("servfail=5%,refused=5%,truncate=10%,no-edns", &[]);
}

#[test]
fn nothing_is_believed_of_forgeries_duplicates_and_garbage() {
    let err = all_are_answered_in_spite_of("forge=20%,duplicate=20%,corrupt=10%,jitter=2ms", &[]);
    assert!(err.contains("forged"), "{err}");
}

#[test]
fn nothing_is_lost_to_connections_that_close_after_some_answers() {
    all_are_answered_in_spite_of("tcp-close-after=100", &["--transport", "tcp"]);
}

#[test]
fn connections_with_wrong_lengths_lose_no_target() {
    all_are_answered_in_spite_of("tcp-misframe=5%", &["--transport", "tcp"]);
    // A single query needs no other to bring the stream out of its wait.
    let one = ["ptr", "10.3.0.1", "--lab=tcp-misframe=100%"];
    let run = canvass(&[&one[..], &["-f", "ndjson", "--transport", "tcp"]].concat()).exits(1);
    let object = &run.whole(1)[0];
    assert_eq!(object["status"], "MALFORMED", "{object}");
    assert_eq!(object["attempts"], 8, "{object}");
}

#[test]
fn nothing_is_lost_to_a_rate_cap() {
    all_are_answered_in_spite_of("rate-cap=1000,burst=50,over=refused", &[]);
}

#[test]
fn nothing_is_lost_with_little_under_way_or_many_threads() {
    all_are_answered_in_spite_of("loss=1%", &["--concurrency", "3", "--threads", "2"]);
    all_are_answered_in_spite_of("loss=1%", &["--threads", "4"]);
}

#[test]
fn names_that_never_answer_time_out_and_the_others_do_not() {
    let run = canvass(&[
        "ptr",
        "10.3.0.0/23",
        "--lab=never=5%",
        "-f",
        "ndjson",
        "--timeout",
        "100ms",
        "--retries",
        "2",
    ])
    .exits(1);
    let objects = run.whole(512);
    let [_, _, _, failed] = run.balance();
    assert!((5..80).contains(&failed), "{failed} failed");
    for object in objects
        .iter()
        .filter(|object| object["outcome"] == "failed")
    {
        assert_eq!(
            (&object["status"], &object["attempts"]),
            (&"TIMEOUT".into(), &3.into())
        );
    }
    assert_eq!(distinct(&objects, "outcome").len(), 3);
}

#[test]
fn a_dead_and_a_lying_resolver_among_good_ones_cost_no_answer() {
    let lab = LabChild::start(&[]);
    let impaired = LabChild::start(&["--servfail", "100%"]);
    let silent = Peer::silent();
    let run = canvass(&[
        "ptr",
        "10.3.0.0/22",
        "-f",
        "ndjson",
        "-r",
        &lab.resolver(),
        "-r",
        &silent.resolver(),
        "-r",
        &impaired.resolver(),
        "--retries",
        "20",
        "--timeout",
        "300ms",
        "--deadline",
        "30s",
    ])
    .exits(0);
    let objects = run.whole(1024);
    assert_eq!(run.balance(), [1024, 960, 64, 0]);
    let good = lab.resolver();
    assert_eq!(
        distinct(&objects, "resolver")
            .into_iter()
            .collect::<Vec<_>>(),
        [&*good]
    );
}

#[test]
fn a_rate_is_kept() {
    let begun = Instant::now();
    let run = canvass(&[
        "ptr",
        "10.3.0.0/24",
        "--limit",
        "100",
        "--rate",
        "200",
        "--lab",
    ])
    .exits(0);
    // The hundredth is due 99 steps of 5 ms after the first, and a busy machine only makes the
    // command slower.
    assert!(
        begun.elapsed() >= Duration::from_millis(495),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(run.balance()[0], 100);
}

#[test]
fn a_rate_to_one_resolver_is_kept() {
    let begun = Instant::now();
    canvass(&[
        "ptr",
        "10.3.0.0/24",
        "--limit",
        "100",
        "--rate-per-resolver",
        "200",
        "--lab",
    ])
    .exits(0);
    // Some of them may be sent together at first. A busy machine only makes the command slower.
    assert!(
        begun.elapsed() >= Duration::from_millis(250),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn how_much_may_fail_decides_the_exit_status() {
    // Three answered, one bad: 75 percent are good.
    let args = ["ptr", "10.0.0.1", "10.0.0.2", "10.0.0.3", "bogus", "--lab"];
    let with = |percent: &'static str| {
        let mut all = args.to_vec();
        all.extend(["--fail-below", percent]);
        canvass(&all).code
    };
    assert_eq!(canvass(&args).code, Some(1));
    assert_eq!(
        [with("75"), with("75.1"), with("0"), with("100%")],
        [Some(0), Some(1), Some(0), Some(1)]
    );
}

#[test]
fn negative_answers_are_good_ones() {
    let run = canvass(&["ptr", "10.0.0.7", "10.0.0.11", "--lab", "-f", "ndjson"]).exits(0);
    assert_eq!(values(&run.whole(2), "outcome"), ["negative"; 2]);
    assert_eq!(run.balance(), [2, 0, 2, 0]);
    run.says("1 with no data");
}

#[test]
fn the_summary_tells_what_a_person_asks_for() {
    let run = canvass(&["ptr", "10.0.0.0/24", "--lab=truncate=5%"]).exits(0);
    for words in [
        "in 256 = answered 240 + negative 16 + failed 0\n",
        "status\n",
        "NXDOMAIN",
        "p50",
        "p90",
        "p95",
        "p99",
        "p99.9",
        "max",
        "service",
        "response",
        "rate: 256 outcomes in ",
        "attempts: ",
        "1 resolver\n",
        "lab: 256 queries over UDP",
    ] {
        assert!(
            run.err.contains(words),
            "{words:?} is missing in:\n{}",
            run.err
        );
    }
    assert!(run.err.ends_with('\n'), "the last line ends like any other");
    // What did not occur has no line.
    assert!(!run.err.contains("losses"), "{}", run.err);
}

#[test]
fn what_will_be_done_is_said_when_asked() {
    canvass(&["ptr", "10.0.0.1", "--lab", "-v", "--threads", "2"])
        .exits(0)
        .says("resolver: 127.0.0.1:")
        .says("event loops: 2;");
}
