//! What is expected of whole outcomes, by every command: records, serials, times, JSON, TLS versions.

use std::fs;

use serde_json::Value;

use crate::common::{Run, canvass};
use crate::http_rig::{http, probe};
use crate::name_servers::NameServer;
use crate::nginx::Nginx;

const ZONE: &str = "\
$TTL 300
@ SOA ns host 2026010105 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
@ MX 10 mail
@ MX 20 backup
@ TXT \"One, two\"
mail A 192.0.2.25
backup A 192.0.2.26
";
const REVERSE: &str = "\
$TTL 300
@ SOA ns.sweep.test. host.sweep.test. 1 3600 600 86400 300
@ NS ns.sweep.test.
1 PTR host.sweep.test.
";

/// A longer time than anything takes here, and one that everything takes longer than.
const LONG: &str = "1h";
const NOTHING: &str = "1ns";

fn named() -> NameServer {
    NameServer::bind(&[("sweep.test", ZONE), ("2.0.192.in-addr.arpa", REVERSE)])
}

/// A run with ndjson on standard output.
fn run(command: &str, named: &NameServer, args: &[&str]) -> Run {
    let first = [command, "-f", "ndjson", "-r", &named.resolver()].map(str::to_owned);
    let first: Vec<&str> = first.iter().map(String::as_str).collect();
    canvass(&[&first, args].concat())
}

/// Outcome, status, what was expected and what was seen.
fn judged(object: &Value) -> [&str; 4] {
    ["outcome", "status", "expected", "seen"].map(|key| object[key].as_str().unwrap_or_default())
}

#[test]
fn the_records_of_an_answer_are_judged() {
    let named = named();
    let mx = |args: &[&str], code| {
        let args = [&["sweep.test", "-t", "MX"], args].concat();
        run("dns", &named, &args).exits(code).whole(1).remove(0)
    };
    for args in [
        &["--answers-contain", "10 MAIL.sweep.test."][..],
        &["--answers-min", "2", "--max-latency", LONG],
        &[
            "--answers-equal",
            "20 backup.sweep.test.",
            "--answers-equal",
            "10 mail.sweep.test.",
        ],
    ] {
        let object = mx(args, 0);
        assert_eq!(object["outcome"], "answered", "{args:?}");
        assert!(object.get("expected").is_none(), "{object}");
    }
    let seen = "10 mail.sweep.test., 20 backup.sweep.test.";
    let mut seen_in_order: Vec<&str> = seen.split(", ").collect();
    for (args, expected) in [
        (
            ["--answers-contain", "30 mail.sweep.test."],
            "an answer with \"30 mail.sweep.test.\"",
        ),
        (["--answers-min", "3"], "at least 3 records"),
        (
            ["--answers-equal", "10 mail.sweep.test."],
            "the answer 10 mail.sweep.test.",
        ),
    ] {
        let object = mx(&args, 1);
        let [outcome, status, shown, seen] = judged(&object);
        assert_eq!((outcome, status, shown), ("negative", "NOERROR", expected));
        let mut shown: Vec<&str> = seen.split(", ").collect();
        shown.sort_unstable();
        seen_in_order.sort_unstable();
        assert_eq!(shown, seen_in_order);
        assert_eq!(object["answers"].as_array().map(Vec::len), Some(2));
    }
    // A name without records has not what was expected either.
    let args = ["none.sweep.test", "-t", "A", "--answers-min", "1"];
    let run = run("dns", &named, &args)
        .exits(1)
        .says("expectations not met");
    let none = run.whole(1).remove(0);
    assert_eq!(
        judged(&none),
        ["negative", "NXDOMAIN", "at least 1 record", "NXDOMAIN"]
    );
    assert_eq!(run.balance(), [1, 0, 1, 0]);
}

#[test]
fn the_names_of_an_address_are_judged() {
    let named = named();
    let args = ["192.0.2.1", "--answers-contain", "HOST.sweep.test."];
    run("ptr", &named, &args).exits(0);
    let args = ["192.0.2.1", "--answers-contain", "other.sweep.test."];
    let object = run("ptr", &named, &args).exits(1).whole(1).remove(0);
    assert_eq!(judged(&object)[3], "host.sweep.test.");
    assert_eq!(object["names"][0], "host.sweep.test.");
}

#[test]
fn a_serial_is_not_behind() {
    let named = named();
    let soa = |min: &str, code| {
        let args = ["sweep.test", "-t", "SOA", "--serial-min", min];
        run("dns", &named, &args).exits(code).whole(1).remove(0)
    };
    soa("2026010105", 0);
    // Past the end of the circle of serials.
    soa("4294967295", 0);
    let object = soa("2026010106", 1);
    assert_eq!(
        judged(&object),
        [
            "negative",
            "NOERROR",
            "serial 2026010106 or later",
            "2026010105"
        ]
    );
    let args = ["sweep.test", "-t", "A", "--serial-min", "1"];
    run("dns", &named, &args).exits(2).says("SOA");
    let endpoint = format!("dns://{}/sweep.test?type=SOA", named.resolver());
    canvass(&[
        "check",
        "-r",
        "127.0.0.1:9",
        "--serial-min",
        "2026010106",
        &endpoint,
    ])
    .exits(1);
}

#[test]
fn every_command_limits_times() {
    let named = named();
    let nginx = Nginx::start();
    let url = nginx.url("127.0.0.1", "/page");
    let port = url["http://".len()..].trim_end_matches("/page");
    let tcp = format!("tcp://{port}");
    for (command, target) in [
        ("dns", "sweep.test"),
        ("ptr", "192.0.2.1"),
        ("http", &*url),
        ("tcp", port),
        ("check", &*tcp),
    ] {
        let run = |limit| run(command, &named, &["--max-latency", limit, target]);
        run(LONG).exits(0);
        let object = run(NOTHING).exits(1).whole(1).remove(0);
        // A process that was delayed does not judge itself.
        if object["stalled"] == true {
            continue;
        }
        assert_eq!(judged(&object)[..1], ["negative"], "{command}");
        assert_eq!(judged(&object)[2], "total within 1ns", "{command}");
    }
    let slow = probe(&["--max-latency", "connect=1ns"], &url);
    assert_eq!(judged(&slow)[2], "connect within 1ns");
    // There is no handshake.
    let no_tls = ["--max-latency", "tls=1ns", "--max-latency", LONG];
    assert_eq!(probe(&no_tls, &url)["outcome"], "answered");
    http(&["--max-latency", "conect=1s"], &[&url])
        .exits(2)
        .says("the phases are total, wait, dns, resolve, connect");
}

#[test]
fn json_is_compared_after_decoding() {
    let nginx = Nginx::start();
    let text = r#"{"status": "ok", "queue": 12, "checks": [{"up": true}, {"up": false}]}"#;
    fs::write(nginx.file("www/health"), text).unwrap();
    let url = nginx.url("127.0.0.1", "/health");
    let judge = |json: &str, url: &str| {
        let object = probe(&["--expect-json", json], url);
        judged(&object).map(str::to_owned)
    };
    for json in [
        "$.status",
        "$.status == ok",
        "$.queue<=12",
        "$.checks[0].up == true",
    ] {
        assert_eq!(judge(json, &url)[0], "answered", "{json}");
    }
    let [outcome, status, expected, seen] = judge("$.checks[*].up == true", &url);
    assert_eq!((&*outcome, &*status), ("negative", "200"));
    assert!(
        expected.starts_with("json $") && expected.ends_with(" == true"),
        "{expected}"
    );
    assert_eq!(seen, "false");
    assert_eq!(judge("$.load", &url)[3], "no such node");
    let page = nginx.url("127.0.0.1", "/page");
    assert!(judge("$.status", &page)[3].starts_with("a body that is not JSON (expected value"));
    let both = ["--expect-status", "404", "--expect-json", "$.status"];
    assert_eq!(judged(&probe(&both, &page))[2], "status 404");
    http(&["--expect-json", "status"], &[&url])
        .exits(2)
        .says("RFC 9535");
}

#[test]
fn the_version_of_tls_is_expected_over_tls_and_never_without() {
    let nginx = Nginx::start();
    let ca = nginx.file("certificate.pem");
    let secure = nginx.secure_url("127.0.0.1", "/page");
    let version = |args: &[&str], url: &str| {
        let object = probe(
            &[&["--cacert", &ca, "--expect-tls", "1.3"], args].concat(),
            url,
        );
        judged(&object).map(str::to_owned)
    };
    assert_eq!(version(&[], &secure)[0], "answered");
    assert_eq!(
        version(&["--tls-max", "1.2"], &secure),
        ["negative", "200", "TLSv1.3 or later", "TLSv1.2"]
    );
    assert_eq!(version(&[], &nginx.url("127.0.0.1", "/page"))[3], "no TLS");
    let port = secure["https://".len()..].trim_end_matches("/page");
    let tcp = [
        "tcp",
        "--tls",
        "--cacert",
        &ca,
        "--expect-tls",
        "1.3",
        "-r",
        "127.0.0.1:9",
    ];
    canvass(&[&tcp[..], &[port]].concat()).exits(0);
    canvass(&[&tcp[..], &["--tls-max", "1.2", port]].concat()).exits(1);
}
