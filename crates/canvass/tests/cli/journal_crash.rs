//! The crash test: a run is killed with SIGKILL at random moments and resumed each time, and what it has
//! written at the end is what an undisturbed run writes.

use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::common::CANVASS;
use crate::journal_rig::{Rig, results};

/// Random numbers from the time: the moments differ from run to run anyway.
struct Moments(u64);

impl Moments {
    fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Self(since.as_nanos() as u64 | 1)
    }

    /// A duration below `most`, by xorshift.
    fn below(&mut self, most: Duration) -> Duration {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        most.mul_f64((self.0 >> 11) as f64 / (1_u64 << 53) as f64)
    }
}

/// Kills a run of `count` targets this many times, each after less than `life`, or less than a quarter of
/// that where it is further than its share of the kills. Returns the number of kills before its end.
fn kill_and_resume(rig: &Rig, count: u64, kills: u32, life: Duration) -> u32 {
    let mut moments = Moments::new();
    for killed in 0..kills {
        let mut child = Command::new(CANVASS)
            .args(rig.command())
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let is_ahead = done(rig) * u64::from(kills) > count * u64::from(killed + 1);
        // The moment is what is tested, so it is by the clock.
        let end = Instant::now() + moments.below(if is_ahead { life / 4 } else { life });
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        let output = child.wait_with_output().unwrap();
        if let Some(code) = output.status.code() {
            let err = String::from_utf8_lossy(&output.stderr);
            assert_eq!(code, 0, "{err}");
            return killed;
        }
    }
    kills
}

/// The number of targets that are done without a gap.
fn done(rig: &Rig) -> u64 {
    let progress = rig.shown("progress").unwrap_or_default();
    progress["done"]["watermark"].as_u64().unwrap_or(0)
}

fn crash(targets: &[&str], output: &str, count: u64, kills: u32, life: Duration) {
    let flags = ["--rate", "20000", "-f", "ndjson"];
    let rig = Rig::new(&[targets, &flags].concat(), output);
    let killed = kill_and_resume(&rig, count, kills, life);
    let done = done(&rig);
    let run = rig.run().exits(0);
    let lines = rig.lines();
    assert_eq!(lines.len() as u64, count, "{killed} kills");
    assert_eq!(
        results(&lines),
        results(&rig.undisturbed("")),
        "{killed} kills"
    );
    if run.err.contains("in ") && !run.err.contains("nothing is left") {
        assert_eq!(run.balance()[0], count, "{killed} kills");
    }
    let records = rig.record();
    eprintln!("{killed} kills up to target {done} of {count}, {records} records");
}

#[test]
fn nothing_is_lost_or_doubled_by_sigkill() {
    let life = Duration::from_millis(700);
    crash(
        &["ptr", "10.0.0.0/16", "--limit", "20000", "--lab"],
        "a.ndjson",
        20_000,
        8,
        life,
    );
}

#[test]
fn nothing_is_lost_or_doubled_in_a_compressed_output_of_a_shuffled_part() {
    let life = Duration::from_millis(700);
    let targets = [
        "ptr",
        "10.0.0.0/15",
        "--shuffle=5",
        "--shard",
        "3/8",
        "--lab=loss=2%,delay=2ms",
    ];
    crash(&targets, "a.ndjson.zst", 16_384, 6, life);
}

/// 200,000 targets and 50 kills, as docs/RELIABILITY.md has it.
#[test]
#[ignore = "takes a minute: scripts/check --long runs it"]
fn fifty_kills_of_two_hundred_thousand_targets() {
    let life = Duration::from_millis(850);
    crash(
        &["ptr", "10.0.0.0/14", "--limit", "200000", "--lab"],
        "a.ndjson",
        200_000,
        50,
        life,
    );
}
