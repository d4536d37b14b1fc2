//! Lists in the forms in which they exist: compressed, as logs and CSV, with IPv4-mapped addresses.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Run, Running, canvass, canvass_reading, values};

/// The output of a program that compresses its standard input.
fn compressed(program: &str, args: &[&str], bytes: &[u8]) -> Vec<u8> {
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("scripts/test-deps installs what the tests need");
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes).unwrap());
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success(), "{program} {args:?}");
    output.stdout
}

/// So many addresses, one a line.
fn addresses(count: u32) -> String {
    (0..count)
        .map(|bits| format!("{}\n", std::net::Ipv4Addr::from_bits((10 << 24) | bits)))
        .collect()
}

fn written(directory: &TempDir, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn ptr(path: &Path, more: &[&str]) -> Run {
    let mut args = vec!["ptr", "--lab", "-f", "ndjson", "-i", path.to_str().unwrap()];
    args.extend(more);
    canvass(&args)
}

/// The target and the line of each object.
fn lines(objects: &[Value]) -> Vec<(&str, u64)> {
    objects
        .iter()
        .map(|object| {
            (
                object["target"].as_str().unwrap(),
                object["line"].as_u64().unwrap(),
            )
        })
        .collect()
}

#[test]
fn compressed_lists_are_read_by_their_magic() {
    let directory = tempfile::tempdir().unwrap();
    let list = addresses(600);
    let (first, second) = list.split_at(list.len() / 3);
    let [first, second] = [first, second].map(str::as_bytes);
    let gzip = |bytes: &[u8]| compressed("gzip", &["-9"], bytes);
    let zstd = |bytes: &[u8]| compressed("zstd", &["-q", "-19", "--check"], bytes);
    let long = compressed("zstd", &["-q", "--long=27"], list.as_bytes());
    for (form, bytes) in [
        gzip(list.as_bytes()),
        [gzip(first), gzip(second)].concat(),
        zstd(list.as_bytes()),
        [zstd(first), zstd(second)].concat(),
        long,
    ]
    .into_iter()
    .enumerate()
    {
        // The name says nothing.
        let path = written(&directory, "list.txt", &bytes);
        let objects = ptr(&path, &[]).exits(0).whole(600);
        let expected: Vec<(&str, u64)> = list.lines().zip(1..).collect();
        assert_eq!(lines(&objects), expected, "{form}");
        let run = canvass_reading(&["ptr", "--lab", "-f", "ndjson"], bytes).exits(0);
        assert_eq!(lines(&run.whole(600)), expected, "{form}");
    }
}

#[test]
fn a_compressed_list_may_be_an_exclusion() {
    let directory = tempfile::tempdir().unwrap();
    let spared = compressed("gzip", &[], b"10.0.0.0/31 # two\n");
    let spared = written(&directory, "spared", spared);
    let list = written(&directory, "list", addresses(4));
    let run = ptr(&list, &["--exclude", spared.to_str().unwrap()]).exits(0);
    assert_eq!(values(&run.whole(2), "target"), ["10.0.0.2", "10.0.0.3"]);
    let cut = &fs::read(&spared).unwrap()[..20];
    let cut = written(&directory, "cut", cut);
    ptr(&list, &["--exclude", cut.to_str().unwrap()])
        .exits(2)
        .says("the gzip data end early, after 20 octets");
}

#[test]
fn a_list_that_is_cut_off_is_asked_up_to_there() {
    let directory = tempfile::tempdir().unwrap();
    let list = addresses(40_000);
    for (program, level) in [("gzip", "-1"), ("zstd", "-1")] {
        let whole = compressed(program, &["-q", level], list.as_bytes());
        let cut = whole.len() / 2;
        let path = written(&directory, "list", &whole[..cut]);
        let run = ptr(&path, &[]).exits(2);
        let count = run.out.lines().count();
        assert!((1_000..40_000).contains(&count), "{program}: {count} lines");
        let objects = run.whole(count as u64);
        // The incomplete last line was not asked.
        let expected: Vec<(&str, u64)> = list.lines().zip(1..).take(count).collect();
        assert_eq!(lines(&objects), expected, "{program}");
        run.says(&format!(
            "cannot read {}: the {program} data end early, after {cut} octets (after line {count})",
            path.display()
        ));
    }
}

#[test]
fn corrupt_data_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut whole = compressed("gzip", &["-1"], addresses(40_000).as_bytes());
    let middle = whole.len() / 2;
    whole[middle..middle + 8].fill(0xff);
    let path = written(&directory, "list", &whole);
    let run = ptr(&path, &[]).exits(2);
    assert!(run.out.lines().count() > 1_000);
    run.says(&format!(
        "cannot read {}: corrupt gzip data near octet ",
        path.display()
    ));
}

#[test]
fn a_field_of_a_log_is_the_target() {
    let directory = tempfile::tempdir().unwrap();
    let log = "# a log\nNov 27  10.0.0.1 \"GET /\"\n\n  Nov 28 10.0.0.2\nNov 29\n";
    let path = written(&directory, "log", log);
    let objects = ptr(&path, &["--field", "3"]).exits(1).whole(3);
    assert_eq!(
        lines(&objects),
        [("10.0.0.1", 2), ("10.0.0.2", 4), ("Nov 29", 5)]
    );
    assert_eq!(objects[2]["status"], "INVALID");
    assert_eq!(
        objects[2]["error"]["message"],
        "the line has 2 fields, and the target is field 3"
    );
}

#[test]
fn a_field_of_csv_may_be_quoted() {
    let directory = tempfile::tempdir().unwrap();
    let csv = "name,address\r\n\"a, \"\"b\"\"\",\"10.0.0.1\",x\r\n\"two\nlines\",10.0.0.2\r\n\
               c,10.0.0.4/31\r\n\"open,10.0.0.6\r\nd,10.0.0.7";
    let path = written(&directory, "hosts.csv", csv);
    let run = ptr(
        &path,
        &["--field", "2", "--delimiter", ",", "--skip-lines", "1"],
    )
    .exits(1);
    let objects = run.whole(6);
    assert_eq!(
        lines(&objects),
        [
            ("10.0.0.1", 2),
            ("10.0.0.2", 3),
            ("10.0.0.4", 5),
            ("10.0.0.5", 5),
            ("\"open,10.0.0.6", 6),
            ("10.0.0.7", 7),
        ]
    );
    assert_eq!(
        objects[4]["error"]["message"],
        "a quote is not closed in this line or in those that follow"
    );
    for (delimiter, list) in [
        ("\\t", "a b\t10.0.0.1\n"),
        (";", "a;10.0.0.1\n"),
        ("|", "\"a|10.0.0.1\n"),
    ] {
        let path = written(&directory, "list", list);
        let run = ptr(&path, &["--field", "2", "--delimiter", delimiter]).exits(0);
        assert_eq!(values(&run.whole(1), "target"), ["10.0.0.1"], "{delimiter}");
    }
    canvass(&["ptr", "--lab", "--delimiter", ","])
        .exits(2)
        .says("--field");
    canvass(&["ptr", "--lab", "--field", "0"])
        .exits(2)
        .says("0");
    canvass(&["ptr", "--lab", "--field", "1", "--delimiter", "ab"])
        .exits(2)
        .says("is not one ASCII character");
}

#[test]
fn a_field_is_asked_as_soon_as_its_line_is_there() {
    let mut running = Running::start(&[
        "ptr",
        "--lab",
        "-f",
        "ndjson",
        "--field",
        "2",
        "--delimiter",
        ",",
    ]);
    for last in 1..=3 {
        running.write(&format!("a,10.0.0.{last}\n"));
        let object: Value = serde_json::from_str(&running.read_line()).unwrap();
        assert_eq!(object["target"], format!("10.0.0.{last}"));
    }
    running.close_input();
    assert_eq!(running.end().exits(0).balance(), [3, 3, 0, 0]);
}

#[test]
fn mapped_addresses_are_asked_as_ipv4_and_shown_as_given() {
    let run = canvass(&[
        "ptr",
        "::ffff:192.0.2.1",
        "[::FFFF:c000:202]",
        "::ffff:192.0.2.4/127",
        "::ffff:192.0.2.8-192.0.2.9",
        "::ffff:192.0.2.20",
        "192.0.2.21",
        "--exclude",
        "::ffff:192.0.2.20/126",
        "--lab",
        "-f",
        "ndjson",
    ])
    .exits(0);
    let objects = run.whole(6);
    assert_eq!(
        values(&objects, "target"),
        [
            "::ffff:192.0.2.1",
            "[::FFFF:c000:202]",
            "192.0.2.4",
            "192.0.2.5",
            "192.0.2.8",
            "192.0.2.9",
        ]
    );
    let names: Vec<&str> = objects
        .iter()
        .map(|object| object["names"][0].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [1, 2, 4, 5, 8, 9].map(|last| format!("host-192-0-2-{last}.example.net."))
    );
}

#[test]
fn mapped_hosts_are_connected_to_as_ipv4() {
    let run = canvass(&["tcp", "[::ffff:127.0.0.1]:pop3", "--lab", "-f", "ndjson"]).exits(0);
    let object = &run.whole(1)[0];
    assert_eq!(object["target"], "[::ffff:127.0.0.1]:pop3");
    let remote = object["remote"].as_str().unwrap();
    assert!(remote.starts_with("127.0.0.1:"), "{remote}");
    let url = "http://[::ffff:127.0.0.1]/";
    let run = canvass(&["http", url, "--lab", "-f", "ndjson"]).exits(0);
    let object = &run.whole(1)[0];
    assert_eq!(
        (&object["target"], &object["url"]),
        (&url.into(), &"http://127.0.0.1/".into())
    );
}
