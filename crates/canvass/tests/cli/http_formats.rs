//! The lines of `canvass http`, as scripts read them.

use serde_json::json;

use crate::common::{canvass, canvass_reading};
use crate::http_peers::{Server, ok};
use crate::http_rig::{WebLab, check, http, lines};
use crate::peers::closed_port;

const KEYS: [&str; 23] = [
    "seq",
    "line",
    "target",
    "probe",
    "outcome",
    "status",
    "url",
    "remote",
    "http_version",
    "status_code",
    "content_length",
    "content_type",
    "server",
    "body_bytes",
    "decoded_bytes",
    "redirects",
    "tls",
    "attempts",
    "started",
    "latency_ms",
    "response_ms",
    "phases_ms",
    "error",
];
const TLS_KEYS: [&str; 14] = [
    "version",
    "cipher",
    "alpn",
    "verified",
    "verify_error",
    "subject",
    "sans",
    "issuer",
    "not_before",
    "not_after",
    "days_left",
    "sha256",
    "chain_length",
    "ocsp_stapled",
];
const CSV_HEADER: &str = "seq,line,target,probe,outcome,status,url,remote,http_version,\
    status_code,content_length,body_bytes,decoded_bytes,redirects,tls_version,tls_days_left,\
    repeat,addresses,attempts,started,latency_ms,response_ms,wait_ms,resolve_ms,connect_ms,tls_ms,\
    first_byte_ms,transfer_ms,error_phase,error_cause,error_message,error_errno,stalled,\
    body_error,proxy,warnings,surplus_bytes,expected,seen,headers,title,body_sha256,favicon_url,\
    favicon_status,favicon_mmh3,recheck";

/// Checks that a line has exactly these keys of its own, in this order. `stalled` is there only
/// when this machine held the run up.
#[track_caller]
fn assert_keys(line: &str, extra: &[&str]) {
    let mut keys = crate::formats::keys(line);
    keys.retain(|key| key != "stalled");
    let mut expected: Vec<&str> = KEYS.to_vec();
    let behind_tls = expected.iter().position(|key| *key == "attempts").unwrap();
    expected.splice(behind_tls..behind_tls, extra.iter().copied());
    assert_eq!(keys, expected, "{line}");
}

#[test]
fn ndjson_has_every_key_in_order_whatever_happened() {
    let closed = format!("http://{}/", closed_port());
    let run = http(
        &["--lab", "--follow", "2"],
        &[
            "http://lab.test/",
            "https://lab.test/",
            "https://expired.lab.test/",
            "http://nxdomain.lab.test/",
            "http://v4.lab.test/redirect/2",
            "not a url",
            &closed,
            "http://v4.lab.test/reset",
            "https://alert.lab.test/",
        ],
    );
    lines(&run.exits(1), 9);
    for args in [
        &["--lab"][..],
        &["--lab", "--repeat", "2"],
        &["--lab", "--all-addresses"],
        &["--lab", "--repeat", "2", "--all-addresses"],
    ] {
        let run = http(
            args,
            &["http://lab.test/", "https://expired.lab.test/", "x y"],
        );
        for line in run.out.lines() {
            let mut extra = Vec::new();
            let invalid = line.contains("\"INVALID\"");
            if args.contains(&"--repeat") && !invalid {
                extra.push("repeat");
            }
            if args.contains(&"--all-addresses") && !invalid {
                extra.push("addresses");
            }
            assert_keys(line, &extra);
        }
        let tls = run
            .out
            .lines()
            .find(|line| line.contains("\"expired\""))
            .unwrap();
        let start = tls.find("\"tls\":").unwrap() + "\"tls\":".len();
        let end = start + tls[start..].find('}').unwrap() + 1;
        assert_eq!(crate::formats::keys(&tls[start..end]), TLS_KEYS);
    }
}

#[test]
fn an_answered_line_has_the_kinds_of_values_that_scripts_expect() {
    let server = Server::saying(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nServer: s\r\nContent-Length: 5\r\n\r\nhello",
    );
    let url = server.url("/a");
    let run = canvass(&["http", &url, "-f", "ndjson"]).exits(0);
    let object = lines(&run, 1).remove(0);
    for (key, value) in [
        ("seq", json!(0)),
        ("line", json!(null)),
        ("target", json!(url)),
        ("probe", json!("http")),
        ("outcome", json!("answered")),
        ("status", json!("200")),
        ("url", json!(url)),
        ("remote", json!(server.address.to_string())),
        ("http_version", json!("1.1")),
        ("status_code", json!(200)),
        ("content_length", json!(5)),
        ("content_type", json!("text/plain")),
        ("server", json!("s")),
        ("body_bytes", json!(5)),
        ("decoded_bytes", json!(5)),
        ("redirects", json!([])),
        ("tls", json!(null)),
        ("attempts", json!(1)),
        ("error", json!(null)),
    ] {
        assert_eq!(object[key], value, "{key}");
    }
    // RFC 3339 in UTC with microseconds.
    let started = object["started"].as_str().unwrap();
    assert_eq!(
        started.len(),
        "2026-01-02T03:04:05.123456Z".len(),
        "{started}"
    );
    for phase in ["resolve", "tls"] {
        assert!(object["phases_ms"][phase].is_null());
    }
}

#[test]
fn bad_lines_have_a_line_each_with_their_number_and_why() {
    let input = "http://127.0.0.1:x/\nftp://a.test/\n\n# comment\nhttp://\n127.0.0.1/33\n\
        127.0.0.5/24\nhttp://a b/\na.test:0\nhttp://[::1/\n999.1.1.1\nunix:\n";
    let run = canvass_reading(&["http", "-i", "-", "-f", "ndjson"], input).exits(1);
    let objects = lines(&run, 10);
    let places: Vec<_> = objects
        .iter()
        .map(|object| object["line"].as_u64().unwrap())
        .collect();
    assert_eq!(places, [1, 2, 5, 6, 7, 8, 9, 10, 11, 12]);
    for object in &objects {
        assert_eq!(
            (&object["outcome"], &object["status"]),
            (&json!("failed"), &json!("INVALID"))
        );
        let error = &object["error"];
        assert_eq!(
            (&error["phase"], &error["cause"]),
            (&json!("target"), &json!("invalid"))
        );
        assert!(error["message"].as_str().unwrap().len() > 5, "{object}");
        assert_eq!(
            (&object["attempts"], &object["latency_ms"]),
            (&json!(0), &json!(null))
        );
        assert!(
            object["url"].is_null() && object["remote"].is_null(),
            "{object}"
        );
    }
    assert_eq!(objects[6]["target"], "a.test:0");
}

#[test]
fn csv_has_a_header_and_a_field_for_each_column() {
    let closed = format!("http://{}/", closed_port());
    let run = canvass(&[
        "http",
        "--lab",
        "http://lab.test/",
        "https://expired.lab.test/",
        &closed,
        "x,\"y",
        "-f",
        "csv",
    ])
    .exits(1);
    let rows: Vec<&str> = run.out.lines().collect();
    assert_eq!(rows[0], CSV_HEADER);
    assert_eq!(rows.len(), 5);
    let columns = CSV_HEADER.split(',').count();
    let row = |seq: &str| {
        let row = rows
            .iter()
            .find(|row| row.starts_with(&format!("{seq},")))
            .unwrap();
        fields(row)
    };
    for seq in ["0", "1", "2", "3"] {
        assert_eq!(row(seq).len(), columns, "{:?}", row(seq));
    }
    let at = |name: &str| {
        CSV_HEADER
            .split(',')
            .position(|column| column == name)
            .unwrap()
    };
    let good = row("0");
    assert_eq!(
        (&*good[at("status")], &*good[at("body_bytes")]),
        ("200", "162")
    );
    assert_eq!(&*row("1")[at("error_cause")], "expired");
    assert_eq!(&*row("1")[at("tls_version")], "TLSv1.3");
    assert_eq!(&*row("2")[at("error_errno")], "ECONNREFUSED");
    assert_eq!(&*row("3")[at("target")], "x,\"y");
    let sum: f64 = [
        "wait_ms",
        "resolve_ms",
        "connect_ms",
        "first_byte_ms",
        "transfer_ms",
    ]
    .iter()
    .map(|name| good[at(name)].parse::<f64>().unwrap())
    .sum();
    let latency_ms: f64 = good[at("latency_ms")].parse().unwrap();
    assert!((sum - latency_ms).abs() < 0.001, "{good:?}");
}

/// The fields of a row (RFC 4180).
fn fields(row: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = row.chars().peekable();
    while let Some(character) = characters.next() {
        let field = fields.last_mut().unwrap();
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    fields
}

#[test]
fn text_has_a_line_for_each_with_status_size_time_and_why() {
    let lab = WebLab::local();
    let (good, gone) = (
        lab.url("127.0.0.1", "/bytes/77"),
        format!("http://{}/", closed_port()),
    );
    let run = canvass(&["http", &good, &gone]).exits(1);
    let line = |target: &str| {
        let line = run
            .out
            .lines()
            .find(|line| line.starts_with(target))
            .unwrap();
        line.split('\t').map(String::from).collect::<Vec<_>>()
    };
    let columns = line(&good);
    assert_eq!(columns.len(), 5, "{columns:?}");
    assert_eq!(
        (&*columns[1], &*columns[2], &*columns[4]),
        ("200", "77", "-")
    );
    let columns = line(&gone);
    assert_eq!((&*columns[1], &*columns[2]), ("CONNREFUSED", "-"));
    assert!(columns[4].starts_with("refused: "), "{columns:?}");
    let run = canvass(&[
        "http",
        &lab.url("127.0.0.1", "/redirect/1"),
        "--follow",
        "1",
    ])
    .exits(0);
    assert!(
        run.out
            .contains(&format!("-> {}", lab.url("127.0.0.1", "/"))),
        "{}",
        run.out
    );
}

#[test]
fn the_summary_tells_faults_by_phase_and_where_to_look() {
    let closed = format!("http://{}/", closed_port());
    let run = http(
        &["--lab", "-v"],
        &["http://lab.test/", &closed, "https://expired.lab.test/"],
    );
    let run = run.exits(1).says("faults by phase and cause");
    let row = |words: [&str; 2]| {
        run.err.lines().any(|line| {
            let mut in_line = line.split_whitespace();
            in_line.next() == Some(words[0]) && in_line.next() == Some(words[1])
        })
    };
    assert!(
        row(["connect", "refused"]) && row(["tls", "expired"]),
        "{}",
        run.err
    );
    // A body that came with its head took no time, and then there is no row for that.
    for phase in ["resolve", "connect", "tls", "first_byte"] {
        assert!(
            run.err
                .lines()
                .any(|line| line.trim_start().starts_with(phase)),
            "{phase}"
        );
    }
}

#[test]
fn a_reader_that_hangs_up_ends_the_run_quietly() {
    let server = Server::saying(ok("hello"));
    let urls: String = (0..20_000)
        .map(|n| server.url(&format!("/{n}")) + "\n")
        .collect();
    let mut running =
        crate::common::Running::start(&["http", "-i", "-", "-f", "ndjson", "--rate", "2000"]);
    let mut first = String::new();
    running.write(&urls[..50_000]);
    running.close_input();
    first.push_str(&running.read_line());
    running.hang_up();
    let run = running.end();
    assert!(
        !run.err.contains("roken pipe") && !run.err.contains("panicked"),
        "{}",
        run.err
    );
    check(&serde_json::from_str(&first).unwrap());
}
