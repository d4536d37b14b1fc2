//! What a person gets to read when something is wrong with what was typed, listed or given.

use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use crate::common::{CANVASS, Running, canvass, canvass_reading, in_time};
use crate::peers::{Peer, closed_port};

/// One list, as ndjson, against the lab.
fn list(command: &str, text: impl Into<Vec<u8>>) -> crate::common::Run {
    canvass_reading(&[command, "--lab", "-f", "ndjson"], text)
}

/// The message of the only line.
#[track_caller]
fn reason(command: &str, text: impl Into<Vec<u8>>) -> String {
    let run = list(command, text).exits(1);
    let objects = run.whole(1);
    assert_eq!(objects[0]["status"], "INVALID");
    assert_eq!(objects[0]["outcome"], "failed");
    assert_eq!(objects[0]["attempts"], 0);
    assert_eq!(objects[0]["error"]["cause"], "invalid");
    assert_eq!(objects[0]["error"]["phase"], "target");
    objects[0]["error"]["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_bad_line_has_a_line_of_its_own_and_the_run_goes_on() {
    let run = list("ptr", "10.0.0.1\n\nnot an address\n10.0.0.2\n300.1.2.3\n").exits(1);
    let objects = run.whole(4);
    assert_eq!(run.balance(), [4, 2, 0, 2]);
    assert_eq!(objects[1]["target"], "not an address");
    assert_eq!(
        (&objects[1]["line"], &objects[3]["line"]),
        (&3.into(), &5.into())
    );
    assert_eq!(objects[2]["outcome"], "answered");
    assert_eq!(objects[3]["error"]["message"], "the octet 300 is over 255");
}

#[test]
fn host_bits_in_a_network_are_pointed_out() {
    assert_eq!(
        reason("ptr", "10.1.2.3/8\n"),
        "host bits are set; the network is 10.0.0.0/8"
    );
}

#[test]
fn names_that_cannot_be_asked_for_say_why() {
    let label = "x".repeat(64);
    assert_eq!(
        reason("dns", format!("{label}.example.net\n")),
        "a label has 64 octets (maximum 63)"
    );
    assert_eq!(
        reason("dns", format!("{}net\n", "abcdefg.".repeat(32))),
        "the name has more than 255 octets on the wire"
    );
    assert_eq!(
        reason("dns", "xn--b\u{fc}cher.example\n"),
        "label 1 of the name is not valid in internationalized names (UTS 46)"
    );
    assert!(reason("dns", "a..example.net\n").contains("empty label"));
    assert!(reason("dns", "example.net BOGUS\n").contains("\"BOGUS\""));
    assert_eq!(
        reason("dns", b"\xff\xfe.example\n"),
        "the line is not UTF-8"
    );
    assert!(reason("ptr", "a\0b\n").contains("NUL"));
    assert!(reason("ptr", "example.net\n").contains("use canvass dns"));
}

#[test]
fn a_name_of_just_255_octets_is_asked_for() {
    let name = format!("{}abcdefghijklm", "abcdefg.".repeat(30));
    let run = list("dns", format!("{name}\n")).exits(1);
    // The lab does not serve it, and that is an answer of the lab's.
    assert_eq!(run.whole(1)[0]["status"], "REFUSED");
}

#[test]
fn a_line_of_64_mebibytes_is_one_bad_line() {
    let mut running = Running::start(&["ptr", "--lab", "-f", "ndjson"]);
    running.write("10.0.0.1\n");
    let mebibyte = "1".repeat(1 << 20);
    for _ in 0..64 {
        running.write(&mebibyte);
    }
    running.write("\n10.0.0.2\n");
    running.close_input();
    let run = running.end().exits(1);
    let objects = run.whole(3);
    assert_eq!(objects[1]["status"], "INVALID");
    assert_eq!(objects[1]["line"], 2);
    assert_eq!(
        objects[1]["error"]["message"],
        "the line has more than 4096 bytes"
    );
    assert!(objects[1]["target"].as_str().unwrap().len() < 200);
    assert_eq!(objects[2]["outcome"], "answered");
}

#[test]
fn an_empty_list_is_no_error_and_is_pointed_out() {
    for text in ["", "\n\n", "# nothing but a comment\r\n"] {
        let run = list("ptr", text).exits(0).says("the list is empty");
        assert_eq!((run.out.as_str(), run.balance()), ("", [0; 4]));
    }
}

#[test]
fn strict_stops_at_the_first_bad_line_and_earlier_lines_stand() {
    let run = canvass_reading(
        &["ptr", "--lab", "-f", "ndjson", "--strict"],
        "10.0.0.1\n10.0.0.2\nbogus\n10.0.0.3\n",
    )
    .exits(2)
    .says("standard input:3: \"bogus\" is not an address");
    let objects = run.whole(2);
    assert!(objects.iter().all(|object| object["outcome"] == "answered"));
    assert_eq!(run.balance(), [2, 2, 0, 0]);
}

#[test]
fn strict_refuses_a_bad_argument_before_anything_is_asked() {
    let run = canvass(&["ptr", "10.0.0.1", "10.0.0.1/8", "--lab", "--strict"])
        .exits(2)
        .says("\"10.0.0.1/8\": host bits are set; the network is 10.0.0.0/8");
    assert_eq!(run.out, "");
}

#[test]
fn a_list_that_cannot_be_read_is_named() {
    canvass(&["ptr", "-i", "/nonexistent/list", "--lab"])
        .exits(2)
        .says("cannot read /nonexistent/list: No such file");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().to_str().unwrap();
    canvass(&["ptr", "-i", path, "--lab"]).exits(2).says(path);
}

#[test]
fn a_resolver_that_is_no_address_is_named() {
    for given in [
        "localhost",
        "192.0.2.1:0",
        "192.0.2",
        "[::1",
        "/nonexistent",
    ] {
        canvass(&["ptr", "10.0.0.1", "-r", given])
            .exits(2)
            .says(&format!("the resolver {given:?} is neither an IP address"));
    }
}

#[test]
fn a_list_of_resolvers_is_read_and_its_bad_line_is_named() {
    let peer = Peer::honest();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("resolvers");
    fs::write(&path, format!("# ours\n{} # here\n", peer.address)).unwrap();
    let path = path.to_str().unwrap();
    let run = canvass(&["ptr", "10.0.0.1", "-r", path]).exits(0);
    assert_eq!(run.out, "10.0.0.1\tNOERROR\ta.test.\n");
    fs::write(path, "127.0.0.1\n\ndns.example\n").unwrap();
    canvass(&["ptr", "10.0.0.1", "-r", path])
        .exits(2)
        .says(&format!(
            "{path}, line 3: \"dns.example\" is not the IP address of a resolver"
        ));
    fs::write(path, "# none\n").unwrap();
    canvass(&["ptr", "10.0.0.1", "-r", path])
        .exits(2)
        .says(&format!("{path} lists no resolver"));
}

#[test]
fn flags_that_cannot_be_are_refused_before_anything_is_asked() {
    for (args, words) in [
        (&["ptr", "10.0.0.1", "--bogus"][..], "--bogus"),
        (&["bogus"], "bogus"),
        (&["ptr", "10.0.0.1", "--format", "xml"], "xml"),
        (
            &["ptr", "10.0.0.1", "--rate", "0"],
            "expected a number above 0",
        ),
        (
            &["ptr", "10.0.0.1", "--timeout", "5"],
            "a number and a unit",
        ),
        (&["ptr", "10.0.0.1", "--shard", "4/3"], "4/3"),
        (
            &["ptr", "10.0.0.1", "--fail-below", "101"],
            "a number from 0 to 100, in percent",
        ),
        (&["ptr", "10.0.0.1", "--concurrency", "0"], "0"),
        (
            &["ptr", "10.0.0.1", "--exclude", "10.0.0.1/8"],
            "host bits are set",
        ),
        (&["dns", "example.net", "-t", "BOGUS"], "BOGUS"),
        (
            &["ptr", "10.0.0.1", "--lab", "-r", "127.0.0.1"],
            "cannot be used with",
        ),
        (&["ptr", "10.0.0.1", "-q", "-v"], "cannot be used with"),
    ] {
        let run = canvass(args).exits(2).says(words);
        assert_eq!(run.out, "", "{args:?}");
    }
}

#[test]
fn help_and_version_go_to_standard_output() {
    let run = canvass(&["--help"]).exits(0);
    assert!(
        run.out.contains("ptr") && run.out.contains("dns"),
        "{}",
        run.out
    );
    assert!(canvass(&["--version"]).exits(0).out.starts_with("canvass "));
    canvass(&[]).exits(2).says("Usage");
}

#[test]
fn help_is_wrapped_to_the_terminal() {
    for columns in [60, 80, 100] {
        let output = Command::new(CANVASS)
            .args(["http", "--help"])
            .env("COLUMNS", columns.to_string())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let longest = text.lines().map(|line| line.chars().count()).max();
        assert!(longest <= Some(columns), "{columns}: {text}");
        assert!(longest > Some(columns - 20), "{columns}: {text}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_named() {
    canvass(&["ptr", "10.0.0.1", "--lab", "-o", "/nonexistent/out"])
        .exits(3)
        .says("cannot write /nonexistent/out: No such file");
}

#[test]
fn a_full_disk_stops_the_run_and_the_balance_is_still_told() {
    let run = canvass(&["ptr", "10.0.0.0/8", "--lab", "-o", "/dev/full"])
        .exits(3)
        .says("no space is left to write /dev/full");
    assert!(run.err.contains("in "), "{}", run.err);
}

#[test]
fn a_full_disk_behind_standard_output_stops_the_run() {
    let full = fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let mut child = Command::new(CANVASS);
    child
        .args(["ptr", "10.0.0.0/8", "--lab"])
        .stdin(Stdio::null())
        .stdout(full)
        .stderr(Stdio::piped());
    let output = in_time("the end", move || child.output().unwrap());
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{err}");
    assert!(
        err.contains("no space is left to write standard output"),
        "{err}"
    );
}

#[test]
fn a_reader_that_has_seen_enough_ends_the_run_quietly() {
    let mut running = Running::start(&["ptr", "10.0.0.0/8", "--lab"]);
    assert!(running.read_line().starts_with("10."));
    running.hang_up();
    let run = running.end().exits(0);
    assert_eq!(run.err, "");
}

#[test]
fn messages_that_nobody_reads_hurt_nobody() {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("out");
    let mut child = Command::new(CANVASS)
        .args(["ptr", "-i", "-", "--lab", "-o", out.to_str().unwrap()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"10.0.0.1\n").unwrap();
    drop(stdin);
    let status = in_time("the end", move || child.wait().unwrap());
    assert_eq!(status.code(), Some(0));
    assert_eq!(
        fs::read_to_string(out).unwrap(),
        "10.0.0.1\tNOERROR\thost-10-0-0-1.example.net.\n"
    );
}

#[test]
fn quiet_says_nothing_but_errors() {
    let run = canvass(&["ptr", "10.0.0.1", "--lab", "-q"]).exits(0);
    assert_eq!(run.err, "");
    let port = closed_port().to_string();
    let args = ["ptr", "10.0.0.1", "-r", &port, "-q", "--retries", "0"];
    assert_eq!(canvass(&args).exits(1).err, "");
    assert!(
        !canvass(&["ptr", "10.0.0.1", "-r", "bogus", "-q"])
            .exits(2)
            .err
            .is_empty()
    );
}
