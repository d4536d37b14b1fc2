//! Which targets are asked, in which order, and that each has its line.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;

use canvass_lab::expected_names;
use serde_json::Value;

use crate::common::{Running, canvass, canvass_reading, values};

fn names(object: &Value) -> Vec<&str> {
    let names = object["names"].as_array().expect("names is a list");
    names.iter().map(|name| name.as_str().unwrap()).collect()
}

/// The targets of an ndjson run in the order asked.
fn order(args: &[&str], count: u64) -> Vec<String> {
    let mut all = vec!["ptr", "--lab", "-f", "ndjson"];
    all.extend(args);
    let objects = canvass(&all).exits(0).whole(count);
    let targets = values(&objects, "target");
    targets.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_address_gets_the_names_it_has() {
    let run = canvass(&[
        "ptr",
        "10.1.2.0/24",
        "2001:db8::/122",
        "--lab",
        "-f",
        "ndjson",
    ])
    .exits(0);
    for object in run.whole(256 + 64) {
        let address: IpAddr = object["target"].as_str().unwrap().parse().unwrap();
        let expected = expected_names(address);
        assert_eq!(names(&object), expected.names, "{address}");
        assert_eq!(object["status"], expected.rcode.to_string(), "{address}");
        let outcome = if expected.names.is_empty() {
            "negative"
        } else {
            "answered"
        };
        assert_eq!(object["outcome"], outcome, "{address}");
    }
    let [admitted, _, negative, failed] = run.balance();
    assert_eq!((admitted, failed), (320, 0));
    // 7 and 11 modulo 32.
    assert_eq!(negative, 2 * 320 / 32);
}

#[test]
fn every_way_to_write_a_target_is_taken() {
    let run = canvass(&[
        "ptr",
        "192.0.2.1",
        "192.0.2.250-192.0.3.5",
        "198.51.100.0/31",
        "2001:DB8::1",
        "4.3.2.10.in-addr.arpa",
        "--lab",
        "-f",
        "ndjson",
    ])
    .exits(0);
    let objects = run.whole(1 + 12 + 2 + 1 + 1);
    let targets = values(&objects, "target");
    assert_eq!(targets[0], "192.0.2.1");
    assert_eq!((targets[1], targets[12]), ("192.0.2.250", "192.0.3.5"));
    assert_eq!(targets[13..15], ["198.51.100.0", "198.51.100.1"]);
    // As it was given.
    assert_eq!(targets[15..], ["2001:DB8::1", "4.3.2.10.in-addr.arpa"]);
    assert_eq!(names(&objects[16]), ["host-10-2-3-4.example.net."]);
}

#[test]
fn a_list_has_comments_blank_lines_and_either_line_end() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("list");
    fs::write(
        &list,
        "\u{feff}10.0.0.1\r\n\r\n# a comment\n  10.0.0.2  # a host\r\n10.0.0.4/31\n\t10.0.0.8",
    )
    .unwrap();
    let run = canvass(&["ptr", "-i", list.to_str().unwrap(), "--lab", "-f", "ndjson"]).exits(0);
    let objects = run.whole(5);
    assert_eq!(
        values(&objects, "target"),
        ["10.0.0.1", "10.0.0.2", "10.0.0.4", "10.0.0.5", "10.0.0.8"]
    );
    let lines: Vec<u64> = objects
        .iter()
        .map(|o| o["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [1, 4, 5, 5, 6]);
}

#[test]
fn arguments_come_before_the_list_and_have_no_line() {
    let run = canvass_reading(
        &["ptr", "10.0.0.1", "-i", "-", "--lab", "-f", "ndjson"],
        "10.0.0.2\n",
    )
    .exits(0);
    let objects = run.whole(2);
    assert_eq!(values(&objects, "target"), ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(objects[0]["line"], Value::Null);
    assert_eq!(objects[1]["line"], 1);
}

#[test]
fn overlapping_networks_ask_twice() {
    assert_eq!(order(&["10.0.0.0/31", "10.0.0.1"], 3)[1..], ["10.0.0.1"; 2]);
}

#[test]
fn a_limit_counts_after_exclusion() {
    let directory = tempfile::tempdir().unwrap();
    let spared = directory.path().join("spared");
    fs::write(&spared, "10.0.0.0/30 # the first\n10.0.0.9\n").unwrap();
    let targets = order(
        &[
            "10.0.0.0/24",
            "--exclude",
            spared.to_str().unwrap(),
            "--exclude",
            "10.0.0.6-10.0.0.7",
            "--limit",
            "5",
        ],
        5,
    );
    assert_eq!(
        targets,
        ["10.0.0.4", "10.0.0.5", "10.0.0.8", "10.0.0.10", "10.0.0.11"]
    );
}

#[test]
fn a_limit_of_nothing_asks_nothing() {
    let run = canvass(&["ptr", "10.0.0.0/8", "--lab", "--limit", "0"]).exits(0);
    assert_eq!((run.out.as_str(), run.balance()), ("", [0; 4]));
}

#[test]
fn a_shuffled_list_is_the_same_list_in_an_order_that_the_seed_decides() {
    let straight = order(&["10.0.0.0/24", "192.0.2.1"], 257);
    let first = order(&["10.0.0.0/24", "192.0.2.1", "--shuffle=7"], 257);
    let again = order(&["10.0.0.0/24", "192.0.2.1", "--shuffle=7"], 257);
    let other = order(&["10.0.0.0/24", "192.0.2.1", "--shuffle=8"], 257);
    assert_eq!(first, again);
    assert_ne!(first, straight);
    assert_ne!(first, other);
    let set = |list: &[String]| list.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(set(&first), set(&straight));
    assert_eq!(set(&other), set(&straight));
}

#[test]
fn shards_cover_a_list_exactly_once() {
    let mut all = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let mut args = vec!["ptr", "10.0.0.0/24", "--lab", "-f", "ndjson"];
        args.extend(["--exclude", "10.0.0.0/29", "--shuffle=3", "--shard", shard]);
        let run = canvass(&args).exits(0);
        let count = run.out.lines().count() as u64;
        assert!((82..=83).contains(&count), "shard {shard} has {count}");
        let objects = run.whole(count);
        all.extend(
            objects
                .iter()
                .map(|o| o["target"].as_str().unwrap().to_owned()),
        );
    }
    all.sort();
    let mut expected: Vec<String> = (8..256).map(|last| format!("10.0.0.{last}")).collect();
    expected.sort();
    assert_eq!(all, expected);
}

#[test]
fn a_line_is_answered_before_the_next_one_is_there() {
    let mut running = Running::start(&["ptr", "--lab", "-f", "ndjson"]);
    for (seq, last) in [1, 2, 3].into_iter().enumerate() {
        running.write(&format!("10.0.0.{last}\n"));
        let object: Value = serde_json::from_str(&running.read_line()).unwrap();
        assert_eq!(object["seq"], seq);
        assert_eq!(object["target"], format!("10.0.0.{last}"));
        assert_eq!(object["outcome"], "answered");
    }
    running.close_input();
    let run = running.end().exits(0);
    assert_eq!(run.balance(), [3, 3, 0, 0]);
}

#[test]
fn a_forward_lookup_confirms_or_does_not() {
    let run = canvass(&[
        "ptr",
        "10.1.2.3",
        "10.1.2.13",
        "10.1.2.7",
        "10.1.2.17",
        "2001:db8::3",
        "--forward-confirm",
        "--lab",
        "-f",
        "ndjson",
    ])
    .exits(0);
    let objects = run.whole(5);
    let confirmed: Vec<Option<bool>> = objects.iter().map(|o| o["confirmed"].as_bool()).collect();
    assert_eq!(
        confirmed,
        [Some(true), Some(false), None, Some(true), Some(true)]
    );
    assert_eq!(
        objects[1]["forward"],
        serde_json::json!({"host-10-1-2-13.example.net.": ["10.1.2.12"]})
    );
    assert_eq!(objects[2]["forward"], serde_json::json!({}));
    assert_eq!(
        objects[3]["forward"],
        serde_json::json!({
            "host-10-1-2-17.example.net.": ["10.1.2.17"],
            "alias-10-1-2-17.example.net.": ["10.1.2.17"],
        })
    );
    run.says("forward: confirmed 3, unconfirmed 1, unknown 1");
}
