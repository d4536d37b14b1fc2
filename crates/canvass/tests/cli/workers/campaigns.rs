//! What becomes of a campaign that is listed, cancelled or stopped, and of its workers.

use rustix::process::Signal;

use super::rig::{CAMPAIGN, Rig};
use crate::common::until;
use crate::journal_rig::results;

/// A run that is not done before the test is.
const LONG: [&str; 8] = [
    "ptr",
    "10.0.0.0/16",
    "--rate",
    "500",
    "--limit",
    "50000",
    "-f",
    "ndjson",
];

/// A run of some seconds.
const SHORT: [&str; 8] = [
    "ptr",
    "10.0.0.0/16",
    "--rate",
    "1500",
    "--limit",
    "4000",
    "-f",
    "ndjson",
];

/// Waits until workers have done some chunks of the campaign.
fn until_chunks_are_done(rig: &Rig) {
    until("chunks that are done", || {
        rig.listed()
            .is_some_and(|campaign| campaign["chunks_done"].as_u64() > Some(2))
    });
}

#[test]
fn a_campaign_is_listed_cancelled_and_taken_up_again() {
    let rig = Rig::new(&LONG);
    let mut submitter = rig.submit(&[]);
    until("the campaign", || rig.listed().is_some());
    let mut worker = rig.worker(&["--exit-when-idle", "2s", "--campaign", CAMPAIGN]);
    until_chunks_are_done(&rig);
    let campaign = rig.listed().unwrap();
    assert_eq!(campaign["campaign"], CAMPAIGN);
    assert_eq!(campaign["state"], "running");
    assert_eq!(campaign["workers"], 1);
    let published = campaign["chunks_published"].as_u64().unwrap();
    assert!(campaign["chunks_done"].as_u64().unwrap() <= published);
    let command = campaign["command"].as_str().unwrap();
    assert!(command.contains("ptr") && command.contains("10.0.0.0/16"));
    assert!(!command.contains("redis.sock"), "{command}");
    let table = rig.campaign("list", &[]).exits(0).out;
    let mut rows = table.lines();
    let head: Vec<&str> = rows.next().unwrap().split_whitespace().collect();
    assert_eq!(
        head,
        [
            "campaign", "state", "chunks", "workers", "results", "command"
        ]
    );
    let row = rows.next().unwrap();
    assert!(row.starts_with("names     running "), "{row}");
    assert!(row.contains(command), "{row}");

    rig.campaign("cancel", &[CAMPAIGN]).exits(0);
    let run = submitter.end().exits(3);
    let run = run.says("canvass: Redis: the campaign was cancelled");
    let [admitted, ..] = run.balance();
    assert_eq!(rig.lines().len() as u64, admitted);
    let run = worker.end().exits(0);
    run.says("joined campaign names").says("canvass: left");
    let cancelled = rig.listed().unwrap();
    assert_eq!(cancelled["state"], "cancelled");

    let _worker = rig.worker(&[]);
    let _submitter = rig.attach();
    until("the campaign to go on", || {
        let campaign = rig.listed().unwrap();
        campaign["state"] == "running"
            && campaign["chunks_done"].as_u64() > cancelled["chunks_done"].as_u64()
    });
}

#[test]
fn an_interrupted_submitter_says_how_to_go_on_and_is_attached() {
    let rig = Rig::new(&SHORT);
    let _workers = rig.workers(2);
    let mut submitter = rig.submit(&[]);
    until_chunks_are_done(&rig);
    submitter.signal(Signal::INT);
    let run = submitter.end().exits(130);
    let run = run.says("canvass campaign attach names");
    assert_eq!(run.balance()[0] + run.remaining(), 4000);
    let run = rig.attach().end().exits(0);
    assert_eq!(run.balance()[0], 4000);
    assert_eq!(results(&rig.lines()), results(&rig.lines_alone()));
    assert!(rig.listed().is_none());
}

#[test]
fn a_worker_finishes_what_it_holds_when_it_is_told_to_end() {
    let rig = Rig::new(&SHORT);
    let mut first = rig.worker(&[]);
    let mut submitter = rig.submit(&[]);
    until_chunks_are_done(&rig);
    first.signal(Signal::TERM);
    let run = first.end().exits(143);
    run.says("canvass: left");
    // Nothing waits for a lease to run out.
    let queue = format!("canvass:{{{CAMPAIGN}}}:queue");
    let pending = rig.redis.ask(&["XPENDING", &queue, "workers"]);
    assert_eq!(pending.lines().next(), Some("0"), "{pending}");
    let _second = rig.worker(&[]);
    assert_eq!(submitter.end().exits(0).balance()[0], 4000);
    assert_eq!(results(&rig.lines()), results(&rig.lines_alone()));
}
