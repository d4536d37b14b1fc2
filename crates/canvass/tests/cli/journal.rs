//! Runs that are interrupted and resumed: every target has its line, once, in whatever form, and the
//! counts are those of the whole run.

use std::fs;

use rustix::process::Signal;

use crate::common::{Running, canvass, until};
use crate::journal_rig::{Rig, results};
use crate::peers::Peer;

/// 2048 targets, which take about two seconds.
const TARGETS: [&str; 5] = ["ptr", "10.0.0.0/21", "--lab=loss=2%", "--rate", "1000"];

fn rig(more: &[&str], output: &str) -> Rig {
    Rig::new(&[&TARGETS, more].concat(), output)
}

#[test]
fn a_killed_run_goes_on_in_every_format_and_compression() {
    for (format, output) in [
        ("ndjson", "lines.ndjson"),
        ("ndjson", "lines.ndjson.zst"),
        ("csv", "lines.csv.gz"),
        ("text", "lines.txt"),
    ] {
        let rig = rig(&["-f", format, "-q"], output);
        for _ in 0..3 {
            rig.interrupt(2, Signal::KILL, None);
        }
        rig.run().exits(0);
        let (lines, whole) = (rig.lines(), rig.undisturbed(""));
        if format == "ndjson" {
            assert_eq!(results(&lines), results(&whole), "{output}");
            continue;
        }
        // Without times, and with one header.
        let sorted = |lines: Vec<String>| {
            let shorten = |line: String| match format {
                "csv" => line.split(',').take(7).collect::<Vec<_>>().join(","),
                _ => line,
            };
            let mut lines: Vec<_> = lines.into_iter().map(shorten).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(lines), sorted(whole), "{output}");
    }
}

#[test]
fn an_interrupted_run_says_how_to_go_on_and_counts_go_on() {
    let mut rig = rig(&["-f", "ndjson"], "lines.ndjson");
    let (hlog, hgrm, html) = (rig.path("a.hlog"), rig.path("a.hgrm"), rig.path("a.html"));
    rig.add(&["--hlog", &hlog, "--hgrm", &hgrm, "--html", &html]);
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let run = rig.interrupt(3, signal, None).exits(code);
        let shown = format!("go on with --resume {}", rig.journal.display());
        let run = run.says("the run is not finished").says(&shown);
        // All that was asked has its line, and the journal knows.
        let [admitted, ..] = run.balance();
        assert_eq!(rig.lines().len() as u64, admitted);
        assert_eq!(
            rig.shown("progress").unwrap()["done"]["watermark"],
            admitted
        );
        assert_eq!(run.remaining(), 2048 - admitted);
    }
    rig.interrupt(2, Signal::KILL, None);
    let run = rig.run().exits(0);
    let lines = rig.lines();
    assert_eq!(results(&lines), results(&rig.undisturbed("")));
    let count = |words: &str| lines.iter().filter(|line| line.contains(words)).count() as u64;
    let [admitted, answered, negative, failed] = run.balance();
    assert_eq!(admitted, 2048);
    assert_eq!(answered, count("\"outcome\":\"answered\""));
    assert_eq!(negative, count("\"outcome\":\"negative\""));
    assert_eq!(failed, 0);
    // Histograms have every line once, those that are written at the end and those that are continued.
    let table = fs::read_to_string(&hgrm).unwrap();
    assert!(table.contains("Total count    =         2048]"), "{table}");
    assert!(fs::read_to_string(&html).unwrap().contains("2,048"));
    let page = canvass(&["report", &hlog]).exits(0).out;
    assert!(page.contains("2,048"), "the log has not all outcomes");
    let intervals = fs::read_to_string(&hlog).unwrap();
    assert_eq!(intervals.matches("StartTimestamp").count(), 1);
}

#[test]
fn order_parts_and_repetitions_are_kept() {
    let list: String = (0..3000)
        .map(|number| format!("h{}.lab.test\nh{}.lab.test\n", number, number / 2))
        .collect();
    // A shuffle without a seed has that of the journal.
    let mut rig = Rig::new(
        &["dns", "--lab", "--rate", "2000", "-q", "-f", "ndjson"],
        "a",
    );
    let listed = rig.path("list");
    fs::write(&listed, &list).unwrap();
    rig.add(&["-i", &listed, "--shuffle", "--shard", "2/3", "--dedup"]);
    for _ in 0..2 {
        rig.interrupt(2, Signal::KILL, None);
    }
    rig.run().exits(0);
    let mut targets: Vec<String> = results(&rig.lines()).into_keys().collect();
    assert_eq!(targets.len(), 1000);
    assert_eq!(rig.lines().len(), 1000);
    targets.sort_by_key(|line| line.split(' ').nth(3).map(String::from));
    targets.dedup_by_key(|line| line.split(' ').nth(3).map(String::from));
    assert_eq!(targets.len(), 1000, "a target was asked twice");
}

#[test]
fn repeated_requests_are_numbered_on() {
    let urls: Vec<String> = (0..8)
        .map(|number| format!("http://www.lab.test/{number}"))
        .collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let flags = [
        "http",
        "--lab",
        "--repeat",
        "200",
        "--per-host",
        "8",
        "-f",
        "ndjson",
        "-q",
    ];
    let rig = Rig::new(
        &[&flags[..], &["--rate", "800"], &urls].concat(),
        "a.ndjson",
    );
    for _ in 0..3 {
        rig.interrupt(2, Signal::KILL, None);
        let partial = &rig.shown("progress").unwrap()["done"]["partial"];
        assert!(!partial.as_array().unwrap().is_empty());
    }
    rig.interrupt(2, Signal::INT, None).exits(130);
    rig.run().exits(0);
    let lines = rig.lines();
    assert_eq!(lines.len(), 1600);
    assert_eq!(results(&lines), results(&rig.undisturbed("")));
}

#[test]
fn bodies_are_saved_for_every_line() {
    let urls: Vec<String> = (0..300)
        .map(|number| format!("http://www.lab.test/bytes/{number}"))
        .collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let flags = ["http", "--lab", "--rate", "150", "-f", "ndjson", "-q"];
    let mut rig = Rig::new(&[&flags[..], &urls].concat(), "a.ndjson");
    let bodies = rig.path("bodies");
    rig.add(&["--save", &bodies]);
    for _ in 0..2 {
        rig.interrupt(2, Signal::KILL, None);
    }
    rig.run().exits(0);
    assert_eq!(results(&rig.lines()).len(), 300);
    for seq in 0..300 {
        let body = fs::read(format!("{bodies}/{seq}.body")).unwrap();
        assert_eq!(body.len(), seq);
    }
}

#[test]
fn a_list_from_standard_input_is_recognised() {
    let list: String = (0..3000)
        .map(|number| format!("10.0.{}.{}\n", number / 256, number % 256))
        .collect();
    let rig = Rig::new(
        &[
            "ptr", "-i", "-", "--lab", "--rate", "1500", "-q", "-f", "ndjson",
        ],
        "a",
    );
    rig.interrupt(3, Signal::KILL, Some(&list));
    let before = fs::read(&rig.output).unwrap();
    let mut other = list.clone();
    other.replace_range(5..6, "9");
    for other in [&*other, &list[..2000]] {
        rig.run_reading(other)
            .exits(2)
            .says("not the list of the journal");
        // Nothing was touched.
        assert_eq!(fs::read(&rig.output).unwrap(), before);
    }
    rig.run_reading(&list).exits(0);
    assert_eq!(results(&rig.lines()), results(&rig.undisturbed(&list)));
    let read = rig.shown("progress").unwrap()["list"].clone();
    assert_eq!(
        (read["octets"].as_u64(), read["ended"].as_bool()),
        (Some(list.len() as u64), Some(true))
    );
}

#[test]
fn a_finished_run_ends_as_it_ended_and_asks_nothing() {
    let rig = Rig::new(&["tcp", "127.0.0.1:1", "-f", "ndjson"], "a.ndjson");
    rig.run().exits(1);
    let (lines, record) = (rig.lines(), rig.record());
    let run = rig.run().exits(1).says("nothing is left to ask");
    assert!(!run.err.contains("in 1"), "{}", run.err);
    assert_eq!((rig.lines(), rig.record()), (lines, record));
    // Another run may take its place.
    rig.run_with("--journal", &[]).exits(1);
    assert_eq!(rig.lines().len(), 1);
    assert!(rig.record() > record);
}

#[test]
fn what_is_aborted_is_asked_again() {
    let peer = Peer::silent();
    let rig = Rig::new(
        &["ptr", "10.0.0.0/24", "--transport", "udp", "-f", "ndjson"],
        "a",
    );
    let resolver = peer.resolver();
    let command = rig.command();
    let args = command.iter().map(String::as_str).chain(["-r", &resolver]);
    let mut running = Running::start(&args.collect::<Vec<_>>());
    until("the journal", || rig.record() > 0);
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let run = running.end();
    assert!(run.code == Some(130) || run.code == Some(143), "{run:?}");
    assert_eq!(run.balance()[0], 0);
    assert_eq!(rig.lines().len(), 0);
    // With another resolver.
    rig.run_with("--resume", &["--lab"]).exits(0);
    assert_eq!(rig.lines().len(), 256);
}

#[test]
fn a_journal_is_shown() {
    let rig = rig(&["-q"], "lines");
    rig.interrupt(2, Signal::KILL, None);
    let journal = rig.journal.to_str().unwrap();
    let shown = canvass(&["journal", journal]).exits(0).out;
    for words in [
        "not finished",
        "watermark",
        "--output",
        "the command: ptr",
        "1 argument",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    rig.run().exits(0);
    let shown = canvass(&["journal", journal]).exits(0).out;
    assert!(
        shown.starts_with("state        finished with exit status 0\n"),
        "{shown}"
    );
    assert!(shown.contains("done         2048 targets\n"), "{shown}");
}

#[test]
fn shards_are_proven_to_cover_a_list() {
    let shards = |list: &str| {
        ["1/3", "2/3", "3/3"].map(|shard| {
            let args = ["ptr", list, "--lab", "-q", "--shuffle", "--shard", shard];
            let rig = Rig::new(&args, "a");
            rig.run().exits(0);
            rig
        })
    };
    let [one, two, three] = shards("10.0.0.0/24");
    let verify = |rigs: &[&Rig]| {
        let journals = rigs.iter().map(|rig| rig.journal.to_str().unwrap());
        canvass(&[&["verify-shards"], &journals.collect::<Vec<_>>()[..]].concat())
    };
    let proven = verify(&[&two, &one, &three]).exits(0);
    assert_eq!(
        proven.out,
        "3 shards cover the list exactly once: 256 targets\n"
    );
    let lacks = |rigs: &[&Rig], words: &str| {
        let run = verify(rigs).exits(1);
        assert!(run.out.contains(words), "{words}: {}", run.out);
    };
    lacks(&[&one, &two], "shard 3/3 is missing");
    lacks(
        &[&one, &two, &three, &two],
        "shard 2/3 is there more than once",
    );
    let [_, other, _] = shards("10.0.1.0/24");
    lacks(&[&one, &other, &three], "targets is 1 argument, sha256 ");
    canvass(&["verify-shards", "nowhere.journal"]).exits(2);
}
