//! Everything dies: workers, the submitter and Redis are killed and stopped at moments of a schedule that
//! comes from a seed, and the output is that of an undisturbed run on one machine.

use std::env;
use std::fs;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::Signal;
use serde_json::Value;

use super::rig::{Process, Rig};
use crate::common::Run;
use crate::journal_rig::results;

const WORKERS: usize = 4;
/// How often a worker is killed.
const KILL_INTERVAL: Duration = Duration::from_secs(2);
/// The variable that repeats a schedule.
const SEED: &str = "CANVASS_CHAOS_SEED";
/// How long a run may take after the last disturbance: leases run out, and nothing is claimed from the
/// silent for another one.
const PATIENCE: Duration = Duration::from_secs(150);

/// How much is done, and to what.
struct Chaos {
    targets: u64,
    /// Targets per second, of all workers. The run is not done before the last disturbance.
    rate: u32,
    /// How long a worker is stopped: longer than a lease of 10 s.
    stop: Duration,
    /// When the first of the other disturbances comes, and the time between them.
    first: Duration,
    interval: Duration,
    /// Whether the last of them is the loss of everything in Redis, after which nothing waits for a lease.
    ends_soon: bool,
}

/// What is done to the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    KillWorker(usize),
    StopWorker,
    ContinueWorker,
    KillSubmitter,
    KillRedis,
    FlushAll,
}

/// Random numbers by splitmix64.
struct Moments(u64);

impl Moments {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.0;
        number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (number ^ (number >> 31)) % most
    }

    fn within(&mut self, most: Duration) -> Duration {
        Duration::from_millis(self.below(most.as_millis() as u64))
    }
}

impl Chaos {
    /// What happens when, in order.
    fn schedule(&self, moments: &mut Moments) -> Vec<(Duration, Disturbance)> {
        use Disturbance::{
            ContinueWorker, FlushAll, KillRedis, KillSubmitter, KillWorker, StopWorker,
        };
        let mut others = vec![KillSubmitter, KillSubmitter, KillRedis, KillRedis, FlushAll];
        let mut schedule = Vec::new();
        let mut at = self.first;
        while !others.is_empty() {
            // FLUSHALL is at the end of the list.
            let kept = usize::from(self.ends_soon && others.len() > 1);
            let which = moments.below((others.len() - kept) as u64) as usize;
            let moment = at + moments.within(self.interval / 2);
            schedule.push((moment, others.remove(which)));
            at += self.interval;
        }
        let stopped = Duration::from_secs(1);
        schedule.push((stopped, StopWorker));
        schedule.push((stopped + self.stop, ContinueWorker));
        let end = at.max(stopped + self.stop);
        let mut at = KILL_INTERVAL;
        while at < end {
            // Not the first one, which is stopped for a part of the time.
            let which = 1 + moments.below(WORKERS as u64 - 1) as usize;
            schedule.push((at, KillWorker(which)));
            at += KILL_INTERVAL;
        }
        schedule.sort_by_key(|(moment, _)| *moment);
        schedule
    }

    fn run(&self) {
        let seed = env::var(SEED).map(|seed| seed.parse().unwrap());
        let seed = seed.unwrap_or_else(|_| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            since.as_nanos() as u64
        });
        let mut moments = Moments(seed);
        let schedule = self.schedule(&mut moments);
        // Shown when the test fails.
        println!("{SEED}={seed}: {schedule:?}");
        let targets = self.targets.to_string();
        let command = ["ptr", "10.0.0.0/8", "--limit", &targets, "-f", "ndjson"];
        let mut rig = Rig::new(&command);
        let rate = self.rate.to_string();
        let hgrm = rig.path("run.hgrm");
        let mut of_workers = rig.workers(WORKERS);
        let mut submitter = rig.submit(&["--rate", &rate, "--hgrm", &hgrm]);
        let begun = Instant::now();
        for (moment, disturbance) in schedule {
            thread::sleep(moment.saturating_sub(begun.elapsed()));
            assert!(
                !submitter.has_ended(),
                "it ended before {disturbance:?}:\n{}",
                submitter.said()
            );
            println!("{:?}: {disturbance:?}", begun.elapsed());
            match disturbance {
                Disturbance::KillWorker(which) => {
                    of_workers[which].kill();
                    of_workers[which] = rig.worker(&[]);
                }
                Disturbance::StopWorker => of_workers[0].signal(Signal::STOP),
                Disturbance::ContinueWorker => of_workers[0].signal(Signal::CONT),
                Disturbance::KillSubmitter => {
                    submitter.kill();
                    println!("{}", submitter.said());
                    thread::sleep(moments.within(Duration::from_millis(800)));
                    submitter = go_on(&rig, &rate, &hgrm);
                }
                Disturbance::KillRedis => {
                    rig.redis.kill();
                    thread::sleep(moments.within(Duration::from_millis(1500)));
                    rig.redis.restart();
                }
                Disturbance::FlushAll => drop(rig.redis.ask(&["FLUSHALL"])),
            }
        }
        let run = submitter.end_within(PATIENCE).exits(0);
        println!("{:?}: the end:\n{}", begun.elapsed(), run.err);
        for worker in &of_workers {
            println!("{}", worker.said());
        }
        self.check(&rig, &run, &fs::read_to_string(&hgrm).unwrap());
        assert_eq!(rig.redis.ask(&["DBSIZE"]).trim(), "0");
    }

    /// Checks that every target has its line, and that all figures are those of the lines.
    fn check(&self, rig: &Rig, run: &Run, hgrm: &str) {
        let lines = rig.lines();
        assert_eq!(lines.len() as u64, self.targets);
        let expected = results(&rig.lines_alone());
        let found = results(&lines);
        let differing = expected
            .iter()
            .find(|(line, count)| found.get(*line) != Some(*count));
        assert_eq!(differing, None);
        assert_eq!(found.len(), expected.len());
        let of = |outcome: &str| {
            let outcome = format!("\"outcome\":\"{outcome}\"");
            lines.iter().filter(|line| line.contains(&outcome)).count() as u64
        };
        let by_outcome = ["answered", "negative", "failed"].map(of);
        let [admitted, balance @ ..] = run.balance();
        assert_eq!((admitted, balance), (self.targets, by_outcome));
        let counted = hgrm.split_once("Total count    = ").unwrap().1;
        let counted: u64 = counted.split(']').next().unwrap().trim().parse().unwrap();
        let measured = lines.iter().filter(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            !line["latency_ms"].is_null()
        });
        assert_eq!(counted, measured.count() as u64);
    }
}

/// Another submitter. `campaign attach` needs a Redis that has the campaign; `--resume` needs nothing.
fn go_on(rig: &Rig, rate: &str, hgrm: &str) -> Process {
    if rig.listed().is_some() {
        rig.attach()
    } else {
        rig.resume(&["--rate", rate, "--hgrm", hgrm])
    }
}

#[test]
fn chaos() {
    let chaos = Chaos {
        targets: 40_000,
        rate: 3_000,
        stop: Duration::from_secs(11),
        first: Duration::from_millis(1_800),
        interval: Duration::from_millis(2_400),
        ends_soon: true,
    };
    chaos.run();
}

/// 500,000 targets, as docs/RELIABILITY.md has it.
#[test]
#[ignore = "takes three minutes: scripts/check --long runs it"]
fn chaos_of_five_hundred_thousand_targets() {
    let chaos = Chaos {
        targets: 500_000,
        rate: 6_000,
        stop: Duration::from_secs(40),
        first: Duration::from_secs(5),
        interval: Duration::from_secs(12),
        ends_soon: false,
    };
    chaos.run();
}
