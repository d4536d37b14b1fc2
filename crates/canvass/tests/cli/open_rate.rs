//! A peer that freezes during a run with a schedule: targets that were due meanwhile had to wait, which
//! response time includes. Service time shows it only for those in flight.

use std::io::Write;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::common::{LabChild, Run, Running};

/// How long the peer is frozen.
const FREEZE: Duration = Duration::from_secs(2);
/// Targets due per second.
const RATE: &str = "1000";
/// Targets that may be in flight.
const IN_FLIGHT_MAX: usize = 10;
/// Targets of a run, far more than are due while the peer is frozen.
const TARGETS: u64 = 4000;
/// Targets that are done before the peer freezes.
const BEFORE: usize = 400;

/// Runs the command on a schedule, freezes the lab for [`FREEZE`] in the middle of it, and returns
/// the whole run.
fn frozen_within(lab: &Running, args: &[&str]) -> Run {
    let in_flight_max = IN_FLIGHT_MAX.to_string();
    let schedule = ["--rate", RATE, "--concurrency", &in_flight_max];
    let mut running = Running::start(&[args, &schedule, &["-f", "ndjson"]].concat());
    running.close_input();
    let mut lines: String = (0..BEFORE).map(|_| running.read_line() + "\n").collect();
    lab.signal(Signal::STOP);
    // The freeze itself.
    thread::sleep(FREEZE);
    lab.signal(Signal::CONT);
    let mut run = running.end();
    lines.push_str(&run.out);
    run.out = lines;
    run
}

/// Spans under a key in milliseconds, in order.
fn sorted_ms<'a>(objects: impl IntoIterator<Item = &'a Value>, key: &str) -> Vec<f64> {
    let mut spans_ms: Vec<f64> = objects
        .into_iter()
        .map(|object| object[key].as_f64().expect("every target has times"))
        .collect();
    spans_ms.sort_by(f64::total_cmp);
    spans_ms
}

fn at(sorted_ms: &[f64], share: f64) -> f64 {
    sorted_ms[((sorted_ms.len() as f64 * share) as usize).min(sorted_ms.len() - 1)]
}

fn over(sorted_ms: &[f64], least_ms: f64) -> usize {
    sorted_ms.iter().filter(|ms| **ms >= least_ms).count()
}

#[track_caller]
fn assert_freeze_is_in_response_time_alone(run: Run) {
    let run = run.exits(0);
    let objects = run.whole(TARGETS);
    let [admitted, _, _, failed] = run.balance();
    assert_eq!((admitted, failed), (TARGETS, 0));

    let response_ms = sorted_ms(&objects, "response_ms");
    let freeze_ms = FREEZE.as_secs_f64() * 1000.0;
    let shown = |spans_ms: &[f64]| {
        [0.5, 0.9, 0.99, 1.0].map(|share| format!("{share}: {:.1} ms", at(spans_ms, share)))
    };
    // A target due when it froze waited for all of it, and one due half of it later for half.
    assert!(
        at(&response_ms, 1.0) >= 0.95 * freeze_ms
            && at(&response_ms, 0.9) >= 0.5 * freeze_ms
            && over(&response_ms, 0.5 * freeze_ms) >= 900,
        "{:?}\n{}",
        shown(&response_ms),
        run.err
    );

    // Only the few in flight have a long service time. Those delayed by a stall of this machine are
    // marked, and not counted.
    let service_ms = sorted_ms(&objects, "latency_ms");
    let sound = objects.iter().filter(|object| object["stalled"].is_null());
    let sound_ms = sorted_ms(sound, "latency_ms");
    assert!(
        at(&service_ms, 1.0) >= 0.5 * freeze_ms
            && over(&sound_ms, 0.5 * freeze_ms) <= IN_FLIGHT_MAX
            && at(&sound_ms, 0.99) < at(&response_ms, 0.9),
        "{:?}\n{}",
        shown(&service_ms),
        run.err
    );
    run.says("started 100 ms or more after the scheduled time, at most ")
        .says("the run fell behind its schedule, and the response times include this delay")
        .says("\nresponse time up to\n");
}

#[test]
fn lookups_that_were_due_while_a_resolver_froze_show_it() {
    let lab = LabChild::start(&[]);
    let (resolver, limit) = (lab.resolver(), TARGETS.to_string());
    let args = ["ptr", "10.0.0.0/16", "--limit", &limit, "-r", &resolver];
    let run = frozen_within(&lab.running, &args);
    assert_freeze_is_in_response_time_alone(run);
}

#[test]
fn requests_that_were_due_while_a_web_server_froze_show_it() {
    let mut lab = Running::start(&["lab", "--listen", "127.0.0.1:0", "--serve", "http"]);
    let line = lab.read_line();
    let address = line.strip_prefix("http on ").expect("it says where it is");
    let urls: String = (0..TARGETS)
        .map(|number| format!("http://{address}/?{number}\n"))
        .collect();
    // From a file: a pipe would have to be filled while the lines of the run are read.
    let mut list = tempfile::NamedTempFile::new().unwrap();
    list.write_all(urls.as_bytes()).unwrap();
    // Only --concurrency limits the run.
    let path = list.path().to_str().unwrap();
    let run = frozen_within(&lab, &["http", "-i", path, "--per-host", "100"]);
    assert_freeze_is_in_response_time_alone(run);
}
