//! `--rate`: its limit in any 100 ms, and the shift of its schedule.

use serde_json::Value;

use crate::common::{LabChild, Run, canvass};

/// Looks up addresses in a lab whose answers take so long.
fn lookups(delay: &str, count: &str, args: &[&str]) -> Run {
    let lab = LabChild::start(&["--delay", delay]);
    let resolver = lab.resolver();
    let list = ["ptr", "10.0.0.0/16", "--limit", count, "-r", &resolver];
    canvass(&[&list[..], args, &["-f", "ndjson"]].concat()).exits(0)
}

/// When a target was started, in microseconds of the day.
fn started_us(object: &Value) -> f64 {
    let started = object["started"].as_str().expect("a time");
    let number = |range: std::ops::Range<usize>| started[range].parse::<f64>().expect("a number");
    let minutes = number(11..13) * 60.0 + number(14..16);
    (minutes * 60.0 + number(17..26)) * 1e6
}

/// How much longer response time is than service time, in microseconds.
fn waited_us(object: &Value) -> f64 {
    let span_us = |key: &str| object[key].as_f64().expect("a span") * 1e3;
    span_us("response_ms") - span_us("latency_ms")
}

/// The targets in the order of the list.
fn in_order(run: &Run, count: u64) -> Vec<Value> {
    let mut objects = run.whole(count);
    objects.sort_by_key(|object| object["seq"].as_u64());
    objects
}

#[test]
fn it_is_kept_in_any_100_ms() {
    // The clock is read before a query is sent, and a thread may be held up in between. So only
    // the times of one thread tell the order of many.
    let runs = [
        ("2000", 3_000, 201, "1"),
        ("45", 30, 5, "1"),
        ("5", 4, 1, "3"),
    ];
    for (rate, count, most, threads) in runs {
        let args = ["--rate", rate, "--threads", threads];
        let run = lookups("5ms", &count.to_string(), &args);
        let mut times_us: Vec<f64> = run.whole(count).iter().map(started_us).collect();
        times_us.sort_by(f64::total_cmp);
        // Times are rounded to microseconds.
        let too_many = times_us.windows(most + 1).find(|sent| {
            let span_us = sent[most] - sent[0];
            (0.0..99_998.0).contains(&span_us)
        });
        assert_eq!(too_many, None, "--rate {rate}");
    }
}

#[test]
fn its_schedule_begins_when_the_window_allows_it_and_the_shift_is_printed() {
    let args = ["--rate", "1000", "--threads", "1"];
    let run = lookups("20ms", "2000", &args).says("\nschedule: shifted by ");
    let objects = in_order(&run, 2_000);
    // How much later than planned each was due.
    let shifts_us: Vec<f64> = (0..)
        .zip(&objects)
        .map(|(place, object)| started_us(object) - waited_us(object) - f64::from(place) * 1e3)
        .collect();
    // It has begun after one second, and is shifted once.
    let shift_us = shifts_us[1_999];
    for (object, shift_us_of_one) in objects.iter().zip(&shifts_us).skip(1_000) {
        assert!((shift_us_of_one - shift_us).abs() <= 3.0, "{object}");
    }
    // Those before were due when they were sent.
    for (object, shift_us_of_one) in objects.iter().zip(&shifts_us) {
        let is_planned = (shift_us_of_one - shift_us).abs() <= 3.0;
        assert!(is_planned || waited_us(object).abs() <= 3.0, "{object}");
    }
}

#[test]
fn a_list_that_is_over_before_the_first_answer_has_no_schedule() {
    let run = lookups("900ms", "5", &["--rate", "5000"])
        .says("\nschedule: not begun, all targets were sent before the rate was allowed\n");
    for object in in_order(&run, 5) {
        assert!(waited_us(&object).abs() <= 3.0, "{object}");
    }
    let run = lookups("1ms", "5", &[]);
    assert!(!run.err.contains("schedule"), "{}", run.err);
}
