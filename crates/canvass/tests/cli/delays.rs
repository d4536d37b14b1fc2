//! A run measures the delays that the lab applied.

use crate::common::{Run, canvass};

/// The configured delays of the lab.
const DELAYS_MS: [u64; 5] = [0, 1, 5, 20, 100];
/// The allowed error of a measured delay: the loopback twice, and reading the clock. Unoptimised code is
/// slower.
const ALLOWED_US: f64 = if cfg!(debug_assertions) { 250.0 } else { 100.0 };

/// The median of `words` in the lab's report, in microseconds; 0 if it applied no delay.
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
fn known_delays_are_measured() {
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
            // The lab delays every answer: a shorter time would be wrong.
            assert!(spent_us[0] >= asked_us, "{} us of {asked_us}", spent_us[0]);
            // Other work on this machine makes times longer, on both sides. The shortest is the least
            // disturbed, and at least half of the delays are no longer than the lab's median.
            let given_us = asked_us + lab_median_us(&run, "delay error");
            let over_us = spent_us[0] - given_us;
            assert!(
                over_us <= ALLOWED_US,
                "{transport}: the lab gave {given_us} us and at least {over_us} more were measured \
                 ({} at the median); the run said:\n{}",
                spent_us[spent_us.len() / 2] - given_us,
                run.err
            );
        }
    }
}
