//! Link-local addresses with their interface, in a network namespace that has one.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::{CANVASS, canvass};
use crate::tls_server::Made;

/// Serves and runs the commands that are its arguments.
const SERVERS: &str = include_str!("scopes.py");

/// The lines of these runs; `None` if this user cannot make a namespace.
fn lines_of(directory: &Path, runs: &[Vec<&str>]) -> Option<Vec<Value>> {
    let can_isolate = Command::new("unshare").args(["-rn", "true"]).status();
    if !can_isolate.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: this user cannot make a network namespace");
        return None;
    }
    let commands: Vec<Vec<&str>> = runs
        .iter()
        .map(|args| [&[CANVASS], &args[..], &["-f", "ndjson"]].concat())
        .collect();
    let output = Command::new("unshare")
        .args(["-rn", "python3", "-c", SERVERS])
        .arg(directory)
        .arg(json!(commands).to_string())
        .output()
        .unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{err}");
    let out = String::from_utf8(output.stdout).unwrap();
    let lines = out.lines().map(|line| serde_json::from_str(line).unwrap());
    Some(lines.collect())
}

#[test]
fn an_interface_is_taken_wherever_an_address_is() {
    let directory = tempfile::tempdir().unwrap();
    Made {
        extensions: "subjectAltName=IP:fe80::1\n",
        ..Made::default()
    }
    .in_directory(directory.path());
    let ca = directory.path().join("ca.pem");
    let list = directory.path().join("list");
    fs::write(&list, "http://[fe80::1%25lo]:8080/\nfe80::1%lo\n").unwrap();
    let (ca, list) = (ca.to_str().unwrap(), list.to_str().unwrap());
    let runs = [
        vec!["http", "http://[fe80::1%25lo]:8080/"],
        vec!["http", "http://[fe80::1%lo]:8080/away", "--follow", "1"],
        vec!["http", "[fe80::1%lo]:8080/"],
        vec!["http", "https://[fe80::1%lo]:8443/", "--cacert", ca],
        vec!["http", "-i", list, "--ports", "8080"],
        vec!["http", "http://[fe80::1%1]:8080/", "--bind", "fe80::2%lo"],
        vec![
            "http",
            "http://name.example/",
            "--connect-to",
            "::[fe80::1%lo]:8080",
        ],
        vec!["tcp", "[fe80::1%lo]:8080"],
        vec!["tcp", "fe80::1%lo", "--ports", "8080"],
        vec!["udp", "[fe80::1%lo]:8081", "--talk", "echo"],
    ];
    let Some(lines) = lines_of(directory.path(), &runs) else {
        return;
    };
    let seen: Vec<_> = lines
        .iter()
        .map(|line| {
            [&line["target"], &line["status"], &line["content_type"]]
                .map(|value| value.as_str().unwrap_or_default().to_owned())
        })
        .collect();
    let plain = "[fe80::1]:8080 fe80::1";
    let expected = [
        ["http://[fe80::1%25lo]:8080/", "200", plain],
        ["http://[fe80::1%lo]:8080/away", "200", plain],
        ["[fe80::1%lo]:8080/", "200", plain],
        [
            "https://[fe80::1%lo]:8443/",
            "200",
            "[fe80::1]:8443 fe80::1",
        ],
        ["http://[fe80::1%25lo]:8080/", "200", plain],
        ["[fe80::1%lo]:8080", "200", plain],
        ["http://[fe80::1%1]:8080/", "200", "[fe80::1]:8080 fe80::2"],
        ["http://name.example/", "200", "name.example fe80::1"],
        ["[fe80::1%lo]:8080", "OPEN", ""],
        ["[fe80::1%lo]:8080", "OPEN", ""],
        ["[fe80::1%lo]:8081", "MATCHED", ""],
    ];
    assert_eq!(seen, expected.map(|line| line.map(str::to_owned)));
    // Without its interface the system does not know the link.
    for line in &lines {
        assert!(line["remote"].as_str().unwrap().starts_with("[fe80::1%1]:"));
    }
}

#[test]
fn an_interface_that_is_missing_is_named() {
    let message = "this machine has no network interface \"nosuch0\"";
    for args in [
        vec!["http", "http://[fe80::1%25nosuch0]/"],
        vec!["tcp", "[fe80::1%nosuch0]:80"],
        vec!["udp", "[fe80::1%nosuch0]:80"],
    ] {
        let run = canvass(&[&args[..], &["-f", "ndjson"]].concat());
        let line: Value = serde_json::from_str(run.out.trim_end()).unwrap();
        assert_eq!(line["status"], "INVALID", "{line}");
        assert_eq!(line["error"]["message"], message);
    }
    for args in [
        ["--bind", "fe80::1%nosuch0"],
        ["--connect-to", "::[fe80::1%nosuch0]:80"],
        ["-r", "fe80::1%nosuch0"],
    ] {
        let run = canvass(&[&["http", "http://192.0.2.1/"], &args[..]].concat());
        assert_eq!(run.code, Some(2), "{args:?}: {}", run.err);
        assert!(run.err.contains(message), "{args:?}: {}", run.err);
    }
}
