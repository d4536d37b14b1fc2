//! Every kind of probe and of output over workers is that of a run without them.

use std::collections::BTreeMap;
use std::fs;

use super::rig::Rig;
use crate::common::canvass;
use crate::html::Page;
use crate::journal_rig::{lines_of, results};
use crate::peers::closed_port;

/// What a run of this command over workers writes is what it writes alone.
#[track_caller]
fn is_the_same(command: &[&str], code: i32) {
    let rig = Rig::new(&[command, &["-f", "ndjson"]].concat());
    let _workers = rig.workers(2);
    let run = rig.submit(&[]).end().exits(code);
    let expected = results(&rig.lines_alone());
    assert!(!expected.is_empty());
    assert_eq!(results(&rig.lines()), expected, "{}", run.err);
}

#[test]
fn every_kind_of_probe_can_be_done_by_workers() {
    let closed = closed_port().to_string();
    is_the_same(
        &[
            "dns",
            "--lab",
            "-t",
            "A,MX",
            "www.lab.test",
            "example.net",
            "a..b",
        ],
        1,
    );
    is_the_same(
        &[
            "http",
            "--lab",
            "http://www.lab.test/status/503",
            "good.lab.test",
            &closed,
        ],
        1,
    );
    let tcp = ["tcp", "--lab", "www.lab.test:22", &closed];
    is_the_same(&tcp, 1);
    is_the_same(&[&tcp[..], &["--only", "failed"]].concat(), 1);
    is_the_same(&["udp", "--lab", "127.0.0.1", "--talk", "daytime"], 0);
    is_the_same(
        &[
            "check",
            "--lab",
            "https://good.lab.test/",
            "tcp://www.lab.test:22",
            "imap://www.lab.test",
            "dns:///example.net?type=MX",
            "udp://127.0.0.1:daytime",
            "no scheme",
        ],
        1,
    );
}

#[test]
fn lines_are_chosen_and_compressed_as_without_workers() {
    let command = [
        "ptr",
        "10.0.0.0/16",
        "--limit",
        "3000",
        "--only",
        "negative",
    ];
    let columns = |line: &String| -> Vec<String> {
        let cells = line.split(',').take(6).map(str::to_owned);
        cells.collect()
    };
    let counted = |lines: &[String]| {
        let mut counts = BTreeMap::new();
        for line in lines {
            *counts.entry(columns(line)).or_insert(0) += 1;
        }
        counts
    };
    let rig = Rig::with(&[&command[..], &["-f", "csv"]].concat(), "out.csv.zst", &[]);
    let _workers = rig.workers(2);
    let run = rig.submit(&[]).end().exits(0);
    assert_eq!(run.balance()[0], 3000);
    let (lines, alone) = (rig.lines(), rig.lines_alone());
    assert!(
        alone.len() > 1 && lines[0].starts_with("seq,"),
        "{}",
        lines[0]
    );
    assert_eq!(lines[0], alone[0]);
    assert_eq!(counted(&lines), counted(&alone));
}

#[test]
fn a_page_names_the_targets_that_failed_at_workers() {
    let closed = closed_port().to_string();
    let rig = Rig::new(&["tcp", "--lab", "www.lab.test:22", &closed, "-f", "ndjson"]);
    let _workers = rig.workers(1);
    let page = rig.path("run.html");
    rig.submit(&["--html", &page]).end().exits(1);
    let page = Page::read(page.as_ref());
    assert!(page.text.contains(&closed), "{}", page.text);
    assert!(page.text.contains("CONNREFUSED"), "{}", page.text);
}

#[test]
fn lines_that_stay_with_workers_are_gathered() {
    let rig = Rig::with(
        &["ptr", "10.0.0.0/16", "--limit", "5000", "-f", "ndjson"],
        "names.index",
        &[],
    );
    let places = ["one", "other"].map(|name| rig.path(name));
    for place in &places {
        fs::create_dir(place).unwrap();
    }
    let _workers = places
        .each_ref()
        .map(|place| rig.worker(&["--keep-parts", place]));
    rig.submit(&["--keep-parts", "names"]).end().exits(0);
    let gathered = rig.path("gathered.ndjson.zst");
    let directories = places.each_ref().map(|place| format!("{place}/names"));
    let kept: Vec<&str> = directories.iter().map(String::as_str).collect();
    let kept: Vec<&str> = kept
        .into_iter()
        .filter(|place| fs::exists(place).unwrap())
        .collect();
    let index = rig.path("names.index");
    let args = ["campaign", "gather", "--index", &index, "-o", &gathered];
    canvass(&[&args[..], &kept].concat()).exits(0);
    let gathered = lines_of(gathered.as_ref());
    assert_eq!(gathered.len(), 5000);
    assert_eq!(results(&gathered), results(&rig.lines_alone()));
}
