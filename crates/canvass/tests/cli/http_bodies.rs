//! What comes back: framing, codings, limits.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::canvass;
use crate::http_peers::Server;
use crate::http_rig::{WebLab, fault, http, lines, message, probe};

/// What every coded page of the lab holds.
const CODED_TEXT: &str = include_str!("../../../lab/src/service/http/coded.txt");

fn pages(paths: &[&str]) -> Vec<String> {
    paths
        .iter()
        .map(|path| format!("http://v4.lab.test{path}"))
        .collect()
}

fn saved(directory: &Path, name: &str) -> Vec<u8> {
    fs::read(directory.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn every_coding_is_taken_off_and_bodies_are_kept() {
    let directory = tempfile::tempdir().unwrap();
    let save = directory.path().join("deep/er");
    let paths = [
        "/gzip",
        "/deflate",
        "/deflate-raw",
        "/br",
        "/zstd",
        "/stacked",
    ];
    let args = ["--lab", "--save", save.to_str().unwrap()];
    let run = http(&args, &pages(&paths)).exits(0);
    for (number, object) in lines(&run, 6).iter().enumerate() {
        assert_eq!(object["decoded_bytes"], CODED_TEXT.len(), "{object}");
        let body_bytes = object["body_bytes"].as_u64().unwrap();
        assert!(body_bytes < CODED_TEXT.len() as u64, "{object}");
        assert_eq!(object["content_length"], body_bytes, "{object}");
        assert_eq!(
            saved(&save, &format!("{number}.body")),
            CODED_TEXT.as_bytes()
        );
    }
}

#[test]
fn bodies_end_as_their_framing_says() {
    let directory = tempfile::tempdir().unwrap();
    let save = directory.path().to_str().unwrap();
    let paths = [
        "/bytes/100000",
        "/chunked/200",
        "/close-delimited/100000",
        "/bytes/0",
        "/bare-lf",
    ];
    let run = http(&["--lab", "--save", save], &pages(&paths)).exits(0);
    let objects = lines(&run, 5);
    assert_eq!(
        saved(directory.path(), "0.body"),
        saved(directory.path(), "2.body")
    );
    let chunks = String::from_utf8(saved(directory.path(), "1.body")).unwrap();
    assert_eq!(objects[1]["body_bytes"], chunks.len());
    assert!(
        !chunks.contains('\r') && chunks.lines().count() == 200,
        "{chunks}"
    );
    assert_eq!(
        objects
            .iter()
            .map(|object| object["content_length"].clone())
            .collect::<Vec<Value>>(),
        [json!(100_000), json!(null), json!(null), json!(0), json!(5)]
    );
    assert_eq!(objects[2]["body_bytes"], 100_000);
    assert_eq!(saved(directory.path(), "3.body"), b"");
    let one = lines(&http(&["--lab", "--http1.0"], &pages(&["/chunked/200"])), 1);
    assert_eq!(
        (&one[0]["http_version"], &one[0]["body_bytes"]),
        (&json!("1.0"), &json!(chunks.len()))
    );
}

#[test]
fn a_line_says_that_its_body_could_not_be_saved() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("0.body")).unwrap();
    let save = directory.path().to_str().unwrap();
    let run = http(&["--lab", "--save", save], &pages(&["/", "/gzip"]))
        .exits(3)
        .says("1 body could not be kept")
        .says("0.body");
    let lines = lines(&run, 2);
    assert_eq!(lines[0]["outcome"], "answered");
    assert_eq!(lines[0]["body_error"], "Is a directory (os error 21)");
    assert_eq!(lines[1].get("body_error"), None);
    assert_eq!(saved(directory.path(), "1.body").len(), 1200);
    let file = tempfile::NamedTempFile::new().unwrap();
    let below = file.path().join("x");
    http(&["--save", below.to_str().unwrap()], &["http://127.0.0.1/"]).exits(2);
}

#[test]
fn interim_answers_are_passed_over_and_folded_lines_made_one() {
    let run = http(
        &["--lab"],
        &pages(&["/early-hints", "/status/102", "/obs-fold"]),
    )
    .exits(0);
    for object in lines(&run, 3) {
        assert_eq!(
            (
                &object["status"],
                object["redirects"].as_array().unwrap().len()
            ),
            (&json!("200"), 0)
        );
    }
    // RFC 9112 §5.2: a space takes the fold's place.
    let folded = "HTTP/1.1 200 OK\r\nServer: one\r\n  two\r\n\tthree\r\nContent-Type: a\r\n \
        b\r\nContent-Length:\r\n 5\r\n\r\nhello";
    let object = probe(&[], &Server::saying(folded).url("/"));
    assert_eq!(object["server"], "one two three", "{object}");
    assert_eq!(object["content_type"], "a b");
    assert_eq!(object["body_bytes"], 5);
}

#[test]
fn bodies_and_heads_have_limits() {
    let lab = WebLab::local();
    let url = |path: &str| lab.url("127.0.0.1", path);
    for (args, path) in [
        (&["--body-max", "1000"][..], "/bytes/1001"),
        (&["--body-max", "1000"], "/endless"),
        (&["--body-max", "1000"], "/endless-chunked"),
        (&["--body-max", "1k"], "/close-delimited/2000"),
        (&["--body-max", "4k"], "/bomb?mib=1000"),
        (&[], "/bomb?mib=1000"),
        (&["--head-max", "1k"], "/head/2000"),
        (&[], "/endless-head"),
    ] {
        let object = probe(args, &url(path));
        let (status, _, cause) = fault(&object);
        assert_eq!(
            (status, cause),
            ("TRUNCATED", "oversize"),
            "{path}: {object}"
        );
    }
    for (args, path) in [
        (["--body-max", "1000"], "/bytes/1000"),
        (["--body-max", "1000"], "/close-delimited/1000"),
        (["--head-max", "4k"], "/head/2000"),
    ] {
        assert_eq!(probe(&args, &url(path))["status"], "200", "{path}");
    }
    // The status of the answer that was too large is still there.
    let object = probe(&["--body-max", "10"], &url("/bytes/11"));
    assert_eq!(
        (&object["status_code"], &object["content_length"]),
        (&json!(200), &json!(11))
    );
}

#[test]
fn a_bomb_is_not_held_in_memory() {
    let lab = WebLab::local();
    let url = lab.url("127.0.0.1", "/bomb?mib=4000");
    // 4 GiB, counted and thrown away in what memory a small program has.
    let limited = format!(
        "ulimit -v 400000; exec {} http {url} --body-max 256M -q -f ndjson",
        crate::common::CANVASS
    );
    let output = assert_cmd::Command::new("sh")
        .args(["-c", &limited])
        .output()
        .unwrap();
    let object: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    assert_eq!(object["error"]["cause"], "oversize", "{object}");
    let decoded = object["decoded_bytes"].as_u64().unwrap();
    assert!((256 << 20..=257 << 20).contains(&decoded), "{object}");
}

/// Every way in which the lab breaks the rules of framing: the octet that is wrong.
const MALFORMED: [(&str, usize); 23] = [
    ("conflicting-lengths", 52),
    ("conflicting-length-list", 33),
    ("bad-length", 33),
    ("signed-length", 33),
    ("huge-length", 33),
    ("bad-chunk-size", 48),
    ("signed-chunk-size", 47),
    ("huge-chunk-size", 63),
    ("no-chunk-end", 55),
    ("te-and-length", 36),
    ("unknown-te", 36),
    // What follows CR should have been LF.
    ("bare-cr", 25),
    ("nul", 25),
    ("control", 25),
    ("no-version", 0),
    ("bad-version", 5),
    ("bad-status", 10),
    ("no-status", 8),
    ("short-status", 11),
    ("no-colon", 22),
    ("space-before-colon", 22),
    ("no-name", 17),
    ("garbage", 0),
];

#[test]
fn what_breaks_the_rules_is_malformed_and_the_octet_is_named_if_rules_must_be_kept() {
    let targets: Vec<String> = MALFORMED
        .iter()
        .map(|(kind, _)| format!("http://v4.lab.test/malformed/{kind}"))
        .collect();
    let run = http(&["--lab", "--strict-http"], &targets).exits(1);
    for (object, (kind, offset)) in lines(&run, MALFORMED.len() as u64).iter().zip(MALFORMED) {
        let (status, _, cause) = fault(object);
        assert_eq!(
            (status, cause),
            ("MALFORMED", "malformed"),
            "{kind}: {object}"
        );
        let end = format!(" at octet {offset}");
        let quoted = format!("{end}: the peer sent ");
        assert!(
            message(object).ends_with(&end) || message(object).contains(&quoted),
            "{kind}: {}",
            message(object)
        );
    }
}

#[test]
fn codings_that_are_broken_or_were_not_offered_are_named() {
    let paths = [
        "/malformed/bad-gzip",
        "/malformed/cut-gzip",
        "/malformed/unknown-coding",
    ];
    let run = http(&["--lab", "--strict-http"], &pages(&paths)).exits(1);
    let objects = lines(&run, 3);
    for (object, word) in objects.iter().zip(["gzip", "gzip", "rot13"]) {
        assert_eq!(fault(object).0, "MALFORMED");
        assert_eq!(fault(object).2, "coding");
        assert!(message(object).contains(word), "{object}");
        assert_eq!(object["status_code"], 200);
    }
}

#[test]
fn text_that_a_server_chooses_cannot_break_a_line() {
    let evil = "HTTP/1.1 200 OK\r\nServer: \x1b[2J\"\\\u{2028}\r\nContent-Length: 0\r\n\r\n";
    let server = Server::saying(evil.replace('\x1b', "\u{9b}").into_bytes());
    for format in ["ndjson", "csv", "text"] {
        let run = canvass(&["http", &server.url("/"), "-f", format, "--follow", "1"]);
        let lines = run.out.lines().count();
        assert_eq!(lines, if format == "csv" { 2 } else { 1 }, "{}", run.out);
        assert!(!run.out.contains(['\u{9b}', '\u{2028}']), "{:?}", run.out);
    }
}
