//! `canvass selftest`: its results and its verdict.

use std::sync::{Mutex, PoisonError};

use crate::common::{Run, canvass};
use crate::http_rig::canvass_with_descriptors;

/// A self-test searches for the highest rate: two at once would disturb each other.
static ALONE: Mutex<()> = Mutex::new(());

const PHASES: [&str; 3] = ["dns over udp", "dns over tcp", "first byte of http"];
const DELAYS: [&str; 5] = ["no delay", "1.00 ms", "5.00 ms", "20.0 ms", "100 ms"];

/// The reasons it gave, having checked that all was measured, and that verdict, reasons and exit
/// status say the same.
#[track_caller]
fn reasons(run: &Run) -> Vec<&str> {
    let text = &*run.out;
    assert_eq!(run.err.lines().count(), 1, "{}", run.err);
    assert!(run.err.starts_with("canvass: measuring"), "{}", run.err);
    let mut lines = text.lines();
    let heading = lines.next().unwrap();
    assert!(heading.starts_with("timing error against known delays"));
    let columns: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    assert_eq!(columns, ["phase", "delay", "p50", "p99"]);
    for phase in PHASES {
        for delay in DELAYS {
            let row = lines.next().unwrap_or_default();
            let cells = row.trim().strip_prefix(phase).map(str::trim);
            let errors = cells.and_then(|cells| cells.strip_prefix(delay));
            let errors = errors.unwrap_or_else(|| panic!("{row:?} is not {phase}, {delay}"));
            let words: Vec<&str> = errors.split_whitespace().collect();
            let [p50, _, p99, _] = words[..] else {
                panic!("{row:?} has no two spans");
            };
            for error in [p50, p99] {
                assert!(error.starts_with(['+', '-']), "{row:?}");
                assert!(error[1..].parse::<f64>().is_ok(), "{row:?}");
            }
        }
    }
    let mut figures = |prefix: &str| {
        let line = lines.next().unwrap_or_default();
        let rest = line.strip_prefix(prefix);
        rest.unwrap_or_else(|| panic!("{line:?} does not begin with {prefix:?}"))
    };
    for what in ["woke late by", "away from its sockets for"] {
        let lags = figures(&format!("event loop: {what} "));
        for word in ["p50 ", ", p99 ", ", max "] {
            assert!(lags.contains(word), "{lags}");
        }
    }
    let rate = figures("highest rate with every answer at the first attempt: ");
    assert!(rate.contains("/s") || rate == "none of those tried");
    let limits = figures("descriptors: ");
    for part in [
        "for sockets of probes",
        "; local ports: ",
        "; receive buffer: ",
    ] {
        assert!(limits.contains(part), "{limits}");
    }
    let verdict = figures("verdict: ");
    let reasons: Vec<&str> = lines.map(str::trim).collect();
    let good = verdict.starts_with("good; ");
    assert!(good || verdict == "weak", "{text}");
    assert_eq!(good, reasons.is_empty(), "{text}");
    assert_eq!(run.code, Some(i32::from(!good)), "{text}");
    reasons
}

/// Runs it with so many descriptors.
fn self_test(descriptors: u32) -> Run {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    canvass_with_descriptors(descriptors, &["selftest"])
}

fn is_about_descriptors(reason: &str) -> bool {
    reason.contains("sockets open at once; raise the limit on descriptors (ulimit -n)")
}

/// The verdict depends on the machine, so only its consistency is checked.
#[test]
fn a_self_test_measures_every_delay_and_ends_with_a_verdict() {
    let run = self_test(4096);
    for reason in reasons(&run) {
        assert!(!reason.contains("no answers"), "{}", run.out);
        assert!(!is_about_descriptors(reason), "{}", run.out);
    }
    assert!(run.out.contains("\ndescriptors: 4096, of these "));
}

#[test]
fn few_descriptors_are_a_weakness_and_are_named() {
    let run = self_test(256).exits(1);
    let reasons = reasons(&run);
    let named = reasons.iter().filter(|reason| is_about_descriptors(reason));
    assert_eq!(named.count(), 1, "{}", run.out);
    assert!(run.out.contains("\ndescriptors: 256, of these "));
}

#[test]
fn its_loops_are_a_number_above_none() {
    for given in ["0", "257", "x"] {
        canvass(&["selftest", "--threads", given])
            .exits(2)
            .says(given);
    }
}
