//! Runs on workers: what is refused, what is said of it, and what is left behind.

mod campaigns;
mod caps;
mod chaos;
mod probes;
mod rig;
mod trouble;

use std::collections::BTreeSet;
use std::fs;

use canvass_remote::redis::{RedisOptions, RedisServer};
use canvass_remote::{Broker, Budget, Generation};

use crate::common::{CANVASS, Running, canvass};
use crate::redis::Redis;

/// Nothing listens there.
const REDIS: &str = "redis://me:hunter2@127.0.0.1:1/0";

#[test]
fn a_run_on_workers_needs_an_output_that_can_be_cut() {
    let ptr = ["ptr", "192.0.2.1", "-r", "127.0.0.1:1", "--workers", REDIS];
    canvass(&ptr).exits(2).says("--workers needs -o FILE");
    canvass(&[&ptr[..], &["-o", "/dev/null"]].concat())
        .exits(2)
        .says("--workers: /dev/null is not a regular file");
    canvass(&["ptr", "192.0.2.1", "--lab", "--campaign", "a"])
        .exits(2)
        .says("--campaign has no effect without --workers URL or CANVASS_WORKERS");
    let of_environment = assert_cmd::Command::new(CANVASS)
        .args(["ptr", "192.0.2.1", "--lab"])
        .env("CANVASS_WORKERS", REDIS)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&of_environment.stderr);
    assert!(said.contains("CANVASS_WORKERS needs -o FILE"), "{said}");
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn a_redis_that_is_away_leaves_outputs_as_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let output = path("names");
    fs::write(&output, "before\n").unwrap();
    let run = canvass(&[
        "ptr",
        "192.0.2.1",
        "-r",
        "127.0.0.1:1",
        "-o",
        &output,
        "--workers",
        REDIS,
    ]);
    let run = run.exits(3).says("Redis: 127.0.0.1:1: ");
    assert!(!run.err.contains("hunter2"), "{}", run.err);
    assert_eq!(fs::read_to_string(&output).unwrap(), "before\n");
    assert!(!fs::exists(path("names.journal")).unwrap());
    canvass(&["worker", REDIS, "--exit-when-idle", "100ms"])
        .exits(0)
        .says("canvass: Redis is away (127.0.0.1:1: ");
    for command in ["list", "attach", "cancel"] {
        let name: &[&str] = if command == "list" { &[] } else { &["a"] };
        let run = canvass(&[&["campaign", command], name, &[REDIS]].concat()).exits(3);
        assert!(!run.err.contains("hunter2"), "{}", run.err);
    }
}

#[test]
fn flags_that_cannot_be_used_with_workers_are_named_before_anything_else() {
    let directory = tempfile::tempdir().unwrap();
    let output = directory.path().join("names").display().to_string();
    let on_workers = ["-r", "127.0.0.1:1", "-o", &output, "--workers", REDIS];
    for (flags, named) in [
        (&["ptr", "192.0.2.1", "--trace"][..], "--trace"),
        (&["ptr", "192.0.2.1", "--recheck"], "--recheck"),
        (&["http", "192.0.2.1", "--save", "bodies"], "--save"),
        (
            &["http", "192.0.2.1", "-H", "Cookie: hunter2"],
            "--header Cookie",
        ),
    ] {
        let run = canvass(&[flags, &on_workers].concat());
        let run = run
            .exits(2)
            .says(&format!("{named} cannot be used with --workers"));
        assert!(!run.err.contains("hunter2"), "{}", run.err);
    }
    canvass(&["campaign", "gather", ".", "--index", "no-such-file"]).exits(2);
    canvass(&["worker", "http://127.0.0.1/"])
        .exits(2)
        .says("not the URL of a Redis server");
    canvass(&["worker", REDIS, "--allow", "192.0.2.1/24"])
        .exits(2)
        .says("the host bits of a CIDR must be zero");
}

/// Begins a campaign whose plan is of another version.
fn begin(url: &str, name: &str) {
    let options = RedisOptions {
        url: url.to_owned(),
        ..RedisOptions::default()
    };
    let directory = RedisServer::new(&options).unwrap().connect().unwrap();
    let mut broker = directory.open(&name.parse().unwrap());
    let plan = postcard::to_stdvec("9.8.7").unwrap();
    let octets = postcard::to_stdvec(&("identity", plan)).unwrap();
    broker
        .begin(Generation(1), &octets, Budget::default())
        .unwrap();
}

#[test]
fn a_campaign_of_another_version_is_listed_and_refused_by_name() {
    let redis = Redis::start(Some("hunter2"));
    let url = format!("redis://:hunter2@{}/0", redis.plain);
    canvass(&["campaign", "list", &url]).exits(0);
    begin(&url, "names-1");
    let list = || {
        let run = canvass(&["campaign", "list", &url, "-f", "ndjson"]).exits(0);
        let lines = run.out.lines();
        let objects = lines.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        objects.collect::<Vec<_>>()
    };
    let listed = list();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0]["campaign"], "names-1");
    assert_eq!(listed[0]["state"], "running");
    assert_eq!(listed[0]["workers"], 0);
    let version = env!("CARGO_PKG_VERSION");
    let why = format!("the plan is of canvass 9.8.7, and this is {version}");
    assert_eq!(listed[0]["command"], format!("({why})"));
    canvass(&["worker", &url, "--exit-when-idle", "100ms"])
        .exits(0)
        .says(&format!("canvass: campaign names-1: no part taken: {why}"));
    canvass(&["campaign", "attach", "names-1", &url])
        .exits(2)
        .says(&why);
    canvass(&["campaign", "attach", "other", &url])
        .exits(2)
        .says("has no campaign other");
    canvass(&["campaign", "cancel", "names-1", &url]).exits(0);
    assert_eq!(list()[0]["state"], "cancelled");
    canvass(&["campaign", "cancel", "names-1", &url, "--remove"]).exits(0);
    assert!(list().is_empty());
    let wrong = format!("redis://:hunter3@{}/0", redis.plain);
    for command in [&["campaign", "list"][..], &["worker"]] {
        let run = canvass(&[command, &[&wrong]].concat()).exits(3);
        assert!(!run.err.contains("hunter3"), "{}", run.err);
    }
}

#[test]
fn lines_of_workers_that_send_them_plain_or_compressed_are_the_same() {
    let redis = Redis::start(None);
    let url = format!("redis://{}/0", redis.plain);
    let directory = tempfile::tempdir().unwrap();
    let found_by = |results: &str| {
        let _worker = Running::start(&["worker", &url, "--results", results]);
        let output = directory.path().join(results).display().to_string();
        let ptr = ["ptr", "10.0.0.0/23", "--lab", "-f", "ndjson"];
        canvass(&[&ptr[..], &["-o", &output, "--workers", &url]].concat()).exits(0);
        let lines = fs::read_to_string(&output).unwrap();
        let found = lines.lines().map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            (line["target"].to_string(), line["names"].to_string())
        });
        found.collect::<BTreeSet<_>>()
    };
    let plain = found_by("plain");
    assert_eq!(plain.len(), 512);
    assert_eq!(plain, found_by("zstd"));
}
