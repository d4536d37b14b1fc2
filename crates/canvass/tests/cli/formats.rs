//! The three formats, as scripts read them.

use std::fs;

use crate::common::canvass;
use crate::peers::closed_port;

const HEAD: [&str; 6] = ["seq", "line", "target", "probe", "outcome", "status"];
const TAIL: [&str; 8] = [
    "resolver",
    "transport",
    "attempts",
    "started",
    "latency_ms",
    "response_ms",
    "phases_ms",
    "error",
];
const CSV_HEADER: &str = "seq,line,target,probe,type,outcome,status,names,ttl,answers,confirmed,\
    forward,resolver,transport,attempts,started,latency_ms,response_ms,wait_ms,dns_ms,\
    error_phase,error_cause,error_message,error_errno,stalled,cname,class,flags,ede,nsid,subnet,\
    edns,authority,additional,expected,seen,recheck";

/// The keys of an object, itself and not what is in it, in the order they stand.
pub(crate) fn keys(object: &str) -> Vec<String> {
    let mut keys = Vec::new();
    let mut depth = 0;
    let mut text: Option<String> = None;
    let mut last = String::new();
    let mut characters = object.chars();
    while let Some(character) = characters.next() {
        match (&mut text, character) {
            (Some(_), '"') => last = text.take().unwrap(),
            (Some(inside), '\\') => inside.extend(characters.next()),
            (Some(inside), other) => inside.push(other),
            (None, '"') => text = Some(String::new()),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth -= 1,
            (None, ':') if depth == 1 => keys.push(std::mem::take(&mut last)),
            (None, _) => {}
        }
    }
    keys
}

/// `stalled` is there only when this machine held the run up.
#[track_caller]
fn assert_keys(line: &str, middle: &[&str], probe_extra: &[&str]) {
    let mut expected: Vec<&str> = HEAD[..4].to_vec();
    expected.extend(probe_extra);
    expected.extend(&HEAD[4..]);
    expected.extend(middle);
    expected.extend(TAIL);
    if probe_extra.contains(&"type") {
        expected.push("flags");
    }
    let mut keys = keys(line);
    keys.retain(|key| key != "stalled");
    assert_eq!(keys, expected, "{line}");
}

#[test]
fn ndjson_has_every_key_in_order_whatever_happened() {
    for target in ["10.1.2.3", "10.1.2.7", "bogus"] {
        let run = canvass(&["ptr", target, "--lab", "-f", "ndjson"]);
        assert_keys(run.out.trim_end(), &["names", "ttl"], &[]);
        let run = canvass(&["ptr", target, "--lab", "-f", "ndjson", "--forward-confirm"]);
        let middle = ["names", "ttl", "confirmed", "forward"];
        assert_keys(run.out.trim_end(), &middle, &[]);
    }
    let port = closed_port().to_string();
    let run = canvass(&[
        "ptr",
        "10.0.0.1",
        "-r",
        &port,
        "--retries",
        "0",
        "-f",
        "ndjson",
    ]);
    assert_keys(run.out.trim_end(), &["names", "ttl"], &[]);
    for name in ["example.net", "gone.example.net", "a..b"] {
        let run = canvass(&["dns", name, "-t", "MX", "--lab", "-f", "ndjson"]);
        assert_keys(run.out.trim_end(), &["answers"], &["type"]);
    }
}

#[test]
fn an_answered_ndjson_line_has_the_kinds_of_values_that_scripts_expect() {
    let run = canvass(&["ptr", "10.1.2.3", "--lab", "-f", "ndjson"]).exits(0);
    let object = &run.whole(1)[0];
    assert_eq!(object["seq"], 0);
    assert!(object["line"].is_null() && object["error"].is_null());
    assert_eq!(object["target"], "10.1.2.3");
    assert_eq!(object["probe"], "ptr");
    assert_eq!(object["outcome"], "answered");
    assert_eq!(object["status"], "NOERROR");
    assert_eq!(
        object["names"],
        serde_json::json!(["host-10-1-2-3.example.net."])
    );
    assert_eq!(object["ttl"], 400);
    assert_eq!(object["transport"], "udp");
    assert_eq!(object["attempts"], 1);
    let resolver = object["resolver"].as_str().unwrap();
    assert!(resolver.starts_with("127.0.0.1:"), "{resolver}");
    // RFC 3339 in UTC with microseconds.
    let started = object["started"].as_str().unwrap();
    assert_eq!(
        started.len(),
        "2026-01-02T03:04:05.123456Z".len(),
        "{started}"
    );
    assert!(
        started.ends_with('Z') && started.as_bytes()[19] == b'.',
        "{started}"
    );
    let ms = |value: &serde_json::Value| value.as_f64().expect("a number of milliseconds");
    let latency = ms(&object["latency_ms"]);
    let phases = &object["phases_ms"];
    assert!((ms(&phases["wait"]) + ms(&phases["dns"]) - latency).abs() < 1e-6);
    assert!(ms(&object["response_ms"]) >= latency);
}

#[test]
fn a_failed_ndjson_line_names_phase_cause_message_and_errno() {
    let port = closed_port().to_string();
    let run = canvass(&[
        "ptr",
        "10.0.0.1",
        "-r",
        &port,
        "--retries",
        "1",
        "-f",
        "ndjson",
    ])
    .exits(1);
    let object = &run.whole(1)[0];
    assert_eq!(
        (&object["status"], &object["outcome"]),
        (&"CONNREFUSED".into(), &"failed".into())
    );
    assert_eq!(object["attempts"], 2);
    let message = format!("{port} refused the connection, in 2 attempts");
    assert_eq!(
        object["error"],
        serde_json::json!({
            "phase": "dns", "cause": "refused", "message": message, "errno": "ECONNREFUSED"
        })
    );
    run.says("CONNREFUSED").says("cause of failure");
}

#[test]
fn what_was_not_reached_is_null_and_never_zero() {
    let run = canvass(&["ptr", "bogus", "--lab", "-f", "ndjson"]).exits(1);
    let object = &run.whole(1)[0];
    for key in ["latency_ms", "resolver", "transport", "ttl"] {
        assert!(object[key].is_null(), "{key}: {object}");
    }
    let phases = &object["phases_ms"];
    assert!(
        phases["wait"].is_null() && phases["dns"].is_null(),
        "{phases}"
    );
}

#[test]
fn csv_has_a_header_and_the_same_columns_for_every_probe() {
    let run = canvass(&["ptr", "10.1.2.3", "--lab", "-f", "csv"]).exits(0);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!((lines.len(), lines[0]), (2, CSV_HEADER));
    let start = "0,,10.1.2.3,ptr,,answered,NOERROR,host-10-1-2-3.example.net.,400,,,,127.0.0.1:";
    assert!(lines[1].starts_with(start), "{}", lines[1]);
    assert_eq!(lines[1].split(',').count(), CSV_HEADER.split(',').count());
    let run = canvass(&["dns", "example.net", "-t", "MX", "--lab", "-f", "csv"]).exits(0);
    let lines: Vec<&str> = run.out.lines().collect();
    assert_eq!(lines[0], CSV_HEADER);
    let start = "0,,example.net,dns,MX,answered,NOERROR,,,\
        example.net. 400 MX 10 mail.example.net. | example.net. 400 MX 20 mail2.example.net.,,,";
    assert!(lines[1].starts_with(start), "{}", lines[1]);
}

#[test]
fn csv_quotes_what_would_break_a_row() {
    let run = canvass(&["ptr", "a,\"b\"", "--lab", "-f", "csv"]).exits(1);
    let row = run.out.lines().nth(1).unwrap();
    assert!(
        row.starts_with("0,,\"a,\"\"b\"\"\",ptr,,failed,INVALID,"),
        "{row}"
    );
}

#[test]
fn csv_of_an_empty_list_is_its_header() {
    let run = canvass(&["ptr", "--lab", "-f", "csv"]).exits(0);
    assert_eq!(run.out, format!("{CSV_HEADER}\n"));
}

#[test]
fn text_is_a_line_with_tabs() {
    for (args, line) in [
        (
            &["ptr", "10.1.2.3"][..],
            "10.1.2.3\tNOERROR\thost-10-1-2-3.example.net.\n",
        ),
        (&["ptr", "10.1.2.7"], "10.1.2.7\tNXDOMAIN\t-\n"),
        (&["ptr", "10.1.2.11"], "10.1.2.11\tNOERROR\t-\n"),
        (
            &["ptr", "10.1.2.17"],
            "10.1.2.17\tNOERROR\thost-10-1-2-17.example.net. alias-10-1-2-17.example.net.\n",
        ),
        (
            &["ptr", "10.1.2.13", "--forward-confirm"],
            "10.1.2.13\tNOERROR\thost-10-1-2-13.example.net.\tunconfirmed\n",
        ),
        (
            &["ptr", "10.1.2.3/8"],
            "10.1.2.3/8\tINVALID\thost bits are set; the network is 10.0.0.0/8\n",
        ),
        (
            &["dns", "www.example.net"],
            "www.example.net\tA\tNOERROR\tCNAME web.example.net. | 192.0.2.80\n",
        ),
    ] {
        let mut all = args.to_vec();
        all.push("--lab");
        assert_eq!(canvass(&all).out, line);
    }
}

#[test]
fn an_output_file_holds_what_standard_output_would() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    fs::write(&path, "what was there before is gone\n").unwrap();
    let run = canvass(&["ptr", "10.1.2.3", "--lab", "-o", path.to_str().unwrap()]).exits(0);
    assert_eq!(run.out, "");
    assert_eq!(
        fs::read_to_string(path).unwrap(),
        "10.1.2.3\tNOERROR\thost-10-1-2-3.example.net.\n"
    );
}
