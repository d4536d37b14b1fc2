//! `--dry-run`: the plan, the number of targets and the first of them; nothing is asked or written.

use std::fs;
use std::net::UdpSocket;

use crate::common::{Run, canvass, canvass_reading};

/// The value of a row.
#[track_caller]
fn row<'a>(run: &'a Run, name: &str) -> &'a str {
    let found = run
        .out
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found
        .unwrap_or_else(|| panic!("no {name} in:\n{}", run.out))
        .trim()
}

/// The targets that are shown, each with its number.
fn shown(run: &Run) -> Vec<&str> {
    let rows = run
        .out
        .lines()
        .filter_map(|line| line.strip_prefix("           "));
    rows.map(str::trim).collect()
}

#[test]
fn targets_are_counted_and_nobody_is_asked() {
    let resolver = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = resolver.local_addr().unwrap().to_string();
    let args = ["-r", &address, "--dry-run"];
    let list = "10.0.0.0/30 # four\n\n10.0.1.0/30\nnonsense\n";
    let first = [
        "0  10.0.0.0  line 1",
        "1  10.0.0.1  line 1",
        "2  10.0.0.2  line 1",
        "3  10.0.0.3  line 1",
        "4  10.0.1.0  line 3",
    ];
    let run = canvass_reading(&[&["ptr", "-i", "-"], &args[..]].concat(), list).exits(0);
    assert_eq!(row(&run, "targets"), "9");
    assert_eq!(shown(&run), first);
    assert_eq!(
        row(&run, "resolvers"),
        format!("{address}, over udp, and tcp where it is needed")
    );
    for (targets, count) in [
        (
            &["ptr", "10.0.0.0/8", "--exclude", "10.0.0.0/16"][..],
            "16711680",
        ),
        (&["ptr", "2001:db8::/32"], "2^64 or more"),
        (
            &[
                "ptr",
                "10.0.0.0/24",
                "10.0.0.0/24",
                "--dedup",
                "--limit",
                "300",
            ],
            "256",
        ),
        (&["dns", "a.example", "b.example", "-t", "A,MX"], "4"),
        (&["http", "192.0.2.0/28", "--ports", "80,443"], "32"),
        (&["tcp", "192.0.2.1:22"], "1"),
    ] {
        let run = canvass(&[targets, &args].concat()).exits(0);
        assert_eq!(row(&run, "targets"), count, "{targets:?}");
        assert_eq!(run.err, "");
    }
    resolver.set_nonblocking(true).unwrap();
    assert!(resolver.recv(&mut [0; 512]).is_err());
}

#[test]
fn a_network_in_a_shuffled_list_is_not_walked_through() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list");
    fs::write(&path, "2001:db8::/80\n192.0.2.1\n").unwrap();
    let args = [
        "ptr",
        "-i",
        path.to_str().unwrap(),
        "--lab",
        "--dry-run",
        "--shuffle=1",
    ];
    let run = canvass(&args).exits(0);
    assert_eq!(row(&run, "targets"), "281474976710657");
    assert_eq!(shown(&run).len(), 5);
}

#[test]
fn no_output_is_touched() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let (lines, page, journal) = (at("lines"), at("page"), at("journal"));
    fs::write(&lines, "before\n").unwrap();
    let args = [
        "ptr",
        "10.0.0.1",
        "--lab",
        "--dry-run",
        "-o",
        &lines,
        "--html",
        &page,
        "--journal",
        &journal,
        "-f",
        "csv",
        "--only",
        "failed",
    ];
    let run = canvass(&args).exits(0);
    assert_eq!(row(&run, "lines"), format!("csv to {lines}, --only failed"));
    for file in [format!("--html {page}"), format!("--journal {journal}")] {
        assert!(run.out.contains(&file), "{}", run.out);
    }
    assert_eq!(fs::read_to_string(&lines).unwrap(), "before\n");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
}

#[test]
fn what_is_wrong_is_found_without_asking() {
    for (args, message) in [
        (
            &["ptr", "-i", "/nowhere/list"][..],
            "cannot read /nowhere/list",
        ),
        (&["ptr", "10.0.0.1/8", "--strict"], "10.0.0.1/8"),
        (
            &["ptr", "10.0.0.1", "--resume", "/nowhere/j", "-o", "x"],
            "there is no such journal",
        ),
        (
            &["ptr", "10.0.0.1", "--journal", "j"],
            "--journal needs -o FILE",
        ),
        (
            &["ptr", "10.0.0.1", "-o", "x", "--html", "x"],
            "are the same file",
        ),
    ] {
        canvass(&[args, &["--lab", "--dry-run"]].concat())
            .exits(2)
            .says(message);
    }
}
