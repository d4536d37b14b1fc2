//! A Redis that is away, full or refuses, and workers that may not ask what a plan wants.

use rustix::process::Signal;
use serde_json::Value;

use super::rig::Rig;
use crate::common::until;
use crate::journal_rig::results;
use crate::peers::closed_port;

/// A run of some seconds.
const COMMAND: [&str; 8] = [
    "ptr",
    "10.0.0.0/16",
    "--rate",
    "1500",
    "--limit",
    "6000",
    "-f",
    "ndjson",
];

fn until_chunks_are_done(rig: &Rig) {
    until("chunks that are done", || {
        rig.listed()
            .is_some_and(|campaign| campaign["chunks_done"].as_u64() > Some(1))
    });
}

#[test]
fn both_sides_say_once_that_redis_is_away_and_go_on() {
    let mut rig = Rig::new(&COMMAND);
    let mut worker = rig.worker(&[]);
    let mut submitter = rig.submit(&[]);
    until_chunks_are_done(&rig);
    rig.redis.kill();
    submitter.until_it_says("redis.sock: waiting: ");
    worker.until_it_says("redis.sock: waiting: ");
    rig.redis.restart();
    let run = submitter.end().exits(0);
    worker.signal(Signal::TERM);
    let of_worker = worker.end().exits(143);
    for said in [&run.err, &of_worker.err] {
        assert_eq!(said.matches("redis.sock: waiting: ").count(), 1, "{said}");
        assert_eq!(said.matches("it answers again").count(), 1, "{said}");
    }
    assert_eq!(run.balance()[0], 6000);
    assert_eq!(results(&rig.lines()), results(&rig.lines_alone()));
}

#[test]
fn a_redis_without_memory_is_waited_for() {
    let rig = Rig::new(&COMMAND);
    let mut worker = rig.worker(&[]);
    let mut submitter = rig.submit(&[]);
    until_chunks_are_done(&rig);
    rig.redis.ask(&["CONFIG", "SET", "maxmemory", "1"]);
    worker.until_it_says("the server has no memory left: OOM ");
    rig.redis.ask(&["CONFIG", "SET", "maxmemory", "0"]);
    let run = submitter.end().exits(0);
    assert_eq!(run.balance()[0], 6000);
    let said = worker.said();
    assert_eq!(said.matches("redis.sock: waiting: ").count(), 1, "{said}");
    assert_eq!(said.matches("it answers again").count(), 1, "{said}");
    assert_eq!(results(&rig.lines()), results(&rig.lines_alone()));
}

#[test]
fn a_wrong_password_ends_both_sides_before_anything_is_written() {
    let rig = Rig::new(&COMMAND);
    rig.redis.ask(&["CONFIG", "SET", "requirepass", "hunter2"]);
    for mut process in [rig.submit(&[]), rig.worker(&[])] {
        process.end().exits(3).says("the server wants a password");
    }
    assert!(!std::fs::exists(rig.path("out.ndjson")).unwrap());
}

#[test]
fn what_a_worker_without_resolvers_fails_at_is_done_by_another_one() {
    let rig = Rig::new(&COMMAND);
    let dead = closed_port().to_string();
    let mut worker = rig.worker(&["-r", &dead]);
    let mut submitter = rig.submit(&[]);
    worker.until_it_says("campaign names: left: no resolver answers any more");
    submitter.until_it_says(" has left: no resolver answers any more");
    let _other = rig.worker(&[]);
    let run = submitter.end().exits(0);
    assert_eq!(run.balance()[0], 6000);
    assert_eq!(results(&rig.lines()), results(&rig.lines_alone()));
}

#[test]
fn a_worker_asks_only_what_it_is_allowed_to() {
    let target = closed_port().to_string();
    let rig = Rig::new(&["http", &target, "-r", "127.0.0.9:53", "-f", "ndjson"]);
    let _worker = rig.worker(&["--allow", "127.0.0.9/32"]);
    rig.submit(&[]).end().exits(1);
    let [line] = &rig.lines()[..] else {
        panic!("{:?}", rig.lines());
    };
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["outcome"], "failed", "{line}");
    assert_eq!(line["error"]["cause"], "denied", "{line}");
}

#[test]
fn a_worker_refuses_a_plan_with_a_resolver_that_it_may_not_ask() {
    let rig = Rig::new(&COMMAND);
    let mut worker = rig.worker(&["--allow", "10.0.0.0/8"]);
    let _submitter = rig.submit(&[]);
    worker.until_it_says("campaign names: no part taken: ");
    assert!(worker.said().contains("127.0.0.1"), "{}", worker.said());
}

#[test]
fn a_worker_that_reaches_no_resolver_says_so() {
    let resolver = closed_port().to_string();
    let rig = Rig::new(&["ptr", "10.0.0.0/24", "-r", &resolver, "-f", "ndjson"]);
    let mut worker = rig.worker(&[]);
    let mut submitter = rig.submit(&[]);
    worker.until_it_says("campaign names: left: no resolver answers any more");
    submitter.signal(Signal::INT);
    submitter.end().exits(130);
    assert!(rig.lines().is_empty());
}

/// With nothing to claim, a worker stays in a campaign for less than a lease.
#[test]
fn the_last_chunk_of_a_worker_that_was_killed_is_done_by_an_idle_one() {
    let rig = Rig::new(&["ptr", "10.0.0.0/24", "--rate", "100", "-f", "ndjson"]);
    let mut killed = rig.worker(&[]);
    let mut submitter = rig.submit(&[]);
    until("a worker to claim the chunk", || {
        let pending = rig
            .redis
            .ask(&["XPENDING", "canvass:{names}:queue", "workers"]);
        pending.trim_start().starts_with('1')
    });
    let _idle = rig.worker(&[]);
    killed.kill();
    let run = submitter.end().exits(0);
    assert_eq!(run.balance()[0], 256);
    assert_eq!(results(&rig.lines()), results(&rig.lines_alone()));
}
