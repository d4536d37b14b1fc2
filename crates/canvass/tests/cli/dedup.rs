//! `--dedup`: a repeated target is asked once.

use std::collections::BTreeSet;
use std::fs;

use crate::common::{canvass, canvass_reading, values};

#[test]
fn a_repeated_target_is_asked_once_and_counted() {
    let list = "10.0.0.1\n::ffff:10.0.0.1\n10.0.0.0/30\nbad\nbad\n10.0.0.2\n\
                1.0.0.10.in-addr.arpa\n10.0.0.9\n";
    let run = canvass_reading(
        &[
            "ptr", "10.0.0.9", "-i", "-", "--dedup", "--lab", "-f", "ndjson",
        ],
        list,
    )
    .exits(1);
    let objects = run.whole(7);
    assert_eq!(
        values(&objects, "target"),
        [
            "10.0.0.9", "10.0.0.1", "10.0.0.0", "10.0.0.2", "10.0.0.3", "bad", "bad"
        ]
    );
    assert_eq!(run.balance()[0], 7);
    run.says("repeated targets left out: 5\n")
        .says("lab: 5 queries over UDP");
}

#[test]
fn names_are_compared_by_their_question() {
    let list = "example.net\nExample.NET.\nexample.net MX,A\nexample.net AAAA\n";
    let run = canvass_reading(
        &["dns", "-t", "A,TXT", "--dedup", "--lab", "-f", "ndjson"],
        list,
    )
    .exits(0);
    let objects = run.whole(4);
    assert_eq!(values(&objects, "type"), ["A", "TXT", "MX", "AAAA"]);
    run.says("repeated targets left out: 3\n");
    // Without the flag each is asked, and the summary has no such line.
    let run = canvass_reading(&["dns", "--lab", "-f", "ndjson"], list).exits(0);
    run.whole(5);
    assert!(!run.err.contains("repeated"), "{}", run.err);
}

#[test]
fn urls_are_compared_in_normal_form() {
    let run = canvass(&[
        "http",
        "http://127.0.0.1/",
        "HTTP://127.0.0.1:80/#top",
        "http://[::ffff:127.0.0.1]",
        "127.0.0.1:80",
        "--dedup",
        "--lab",
        "-f",
        "ndjson",
    ])
    .exits(0);
    assert_eq!(values(&run.whole(1), "target"), ["http://127.0.0.1/"]);
    run.says("repeated targets left out: 3\n");
}

#[test]
fn shards_of_a_shuffled_list_cover_each_target_once() {
    let directory = tempfile::tempdir().unwrap();
    let list = directory.path().join("list");
    fs::write(
        &list,
        "10.0.0.0/27\n10.0.0.16-10.0.0.40\n10.0.0.7\n10.0.0.41\n",
    )
    .unwrap();
    let mut all = Vec::new();
    for shard in ["1/3", "2/3", "3/3"] {
        let mut args = vec!["ptr", "--dedup", "--shuffle=5", "--shard", shard];
        args.extend(["-i", list.to_str().unwrap(), "--lab", "-f", "ndjson"]);
        let run = canvass(&args).exits(0);
        let objects = run.whole(14);
        all.extend(values(&objects, "target").into_iter().map(str::to_owned));
        run.says("repeated targets left out: 17\n");
    }
    assert_eq!(all.len(), 42);
    let distinct: BTreeSet<String> = all.into_iter().collect();
    let expected: BTreeSet<String> = (0..42).map(|last| format!("10.0.0.{last}")).collect();
    assert_eq!(distinct, expected);
}

#[test]
fn a_full_memory_loses_no_target_and_is_reported() {
    let list: String = (0..2)
        .flat_map(|_| (0..200).map(|number| format!("n{number}.example.net\n")))
        .collect();
    let run = canvass_reading(&["dns", "--dedup=6400", "--lab", "-f", "ndjson"], list).exits(0);
    let objects = run.whole(300);
    let distinct: BTreeSet<&str> = values(&objects, "target").into_iter().collect();
    assert_eq!(distinct.len(), 200);
    run.says(
        "repeated targets left out: 100; the memory of --dedup was full, and further repetitions \
         were asked again",
    );
    canvass(&["dns", "a", "--dedup=0"]).exits(2).says("--dedup");
}
