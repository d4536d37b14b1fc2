//! Delays that are known come back: what the lab gave is what a run measured.

use crate::common::{Run, canvass};

/// The delays that the lab is told to keep.
const DELAYS_MS: [u64; 5] = [0, 1, 5, 20, 100];
/// What a time may have on top of what the lab gave: two crossings of the loopback and our own
/// reading of the clock. Code that was not optimised takes its time for them.
const ALLOWED_US: f64 = if cfg!(debug_assertions) { 250.0 } else { 100.0 };
/// Where this machine's other work cannot reach: it makes times longer and never shorter, and
/// when every test runs at once on few processors it does so to half of them.
const UNDISTURBED: f64 = 0.1;

/// What the lab's report has for the median of `words`, in microseconds; 0 where it gave no delay.
fn lab_median_us(run: &Run, words: &str) -> f64 {
    let line = run.err.lines().find(|line| line.trim().starts_with(words));
    let Some(line) = line else {
        assert!(!run.err.contains("delay applied"), "{}", run.err);
        return 0.0;
    };
    let words: Vec<&str> = line.split_whitespace().collect();
    let at = words.iter().position(|word| *word == "p50");
    let median = at.and_then(|at| words[at + 1].parse().ok());
    median.unwrap_or_else(|| panic!("{line:?} has no median"))
}

#[test]
fn known_delays_come_back_as_they_were_given() {
    for delay_ms in DELAYS_MS {
        for transport in ["udp", "tcp"] {
            let run = canvass(&[
                "ptr",
                "10.0.0.0/16",
                &format!("--lab=delay={delay_ms}ms"),
                "--transport",
                transport,
                "--rate",
                "500",
                "--limit",
                "300",
                "-f",
                "ndjson",
            ])
            .exits(0);
            let mut spent_us: Vec<f64> = run
                .whole(300)
                .iter()
                .map(|object| object["phases_ms"]["dns"].as_f64().unwrap() * 1000.0)
                .collect();
            spent_us.sort_by(f64::total_cmp);
            let asked_us = (delay_ms * 1000) as f64;
            // What the lab keeps is kept for all: a shorter time is a wrong clock.
            assert!(spent_us[0] >= asked_us, "{} us of {asked_us}", spent_us[0]);
            let given_us = asked_us + lab_median_us(&run, "delay error");
            let at = |share: f64| spent_us[(spent_us.len() as f64 * share) as usize];
            let over_us = at(UNDISTURBED) - given_us;
            assert!(
                over_us.abs() <= ALLOWED_US,
                "{transport}: the lab gave {given_us} us and {over_us} more were measured at the \
                 10th percentile ({} at the median); the run said:\n{}",
                at(0.5) - given_us,
                run.err
            );
        }
    }
}
