//! What is expected of an answer, and the exit status where it is not as expected.

use serde_json::{Value, json};

use crate::common::{canvass, canvass_reading};
use crate::http_peers::{Server, ok};
use crate::http_rig::{http, lines, probe};
use crate::nginx::Nginx;
use crate::peers::closed_port;

/// Outcome, status, what was expected and what was seen.
fn judged(object: &Value) -> [&str; 4] {
    ["outcome", "status", "expected", "seen"].map(|key| object[key].as_str().unwrap_or_default())
}

/// The line of a `tcp` probe that exits with `code`.
#[track_caller]
fn tcp(args: &[&str], code: i32) -> Value {
    let run = canvass(&[&["tcp", "-f", "ndjson"], args].concat()).exits(code);
    run.whole(1).remove(0)
}

#[test]
fn a_status_that_is_not_expected_is_negative_and_exits_with_1() {
    let nginx = Nginx::start();
    let urls = ["/page", "/missing", "/moved", "/empty"].map(|path| nginx.url("127.0.0.1", path));
    for (args, expected) in [
        (
            &["--expect-status", "200-399,401"][..],
            [true, false, true, true],
        ),
        (&["--expect-status", "2xx"], [true, false, false, true]),
        (
            &["--expect-status", "404", "--expect-status", "301,204"],
            [false, true, true, true],
        ),
        (
            &["--expect-status", "2xx", "--follow", "1"],
            [true, false, true, true],
        ),
        (&["--expect-status", "100-999"], [true; 4]),
    ] {
        let all_are = expected.iter().all(|is| *is);
        let run = http(args, &urls).exits(i32::from(!all_are));
        let outcomes: Vec<_> = lines(&run, 4)
            .iter()
            .map(|line| line["outcome"] == "answered")
            .collect();
        assert_eq!(outcomes, expected, "{args:?}");
        assert_eq!(
            run.err.contains("expectations not met"),
            !all_are,
            "{}",
            run.err
        );
    }
    let object = probe(&["--expect-status", "200-399,401"], &urls[1]);
    assert_eq!(
        judged(&object),
        ["negative", "404", "status 200-399,401", "404"]
    );
    // Without an expectation any status is an answer.
    http(&[], &urls).exits(0);
}

#[test]
fn headers_and_decoded_bodies_are_matched() {
    let nginx = Nginx::start();
    let zipped = nginx.url("127.0.0.1", "/zipped");
    let body = |pattern: &str| probe(&["--expect-body", pattern], &zipped);
    assert_eq!(body("^x{500}")["outcome"], "answered");
    let object = body("(?i)ready");
    let [outcome, status, expected, seen] = judged(&object);
    assert_eq!(
        (outcome, status, expected),
        ("negative", "200", "body matching /(?i)ready/")
    );
    assert_eq!(seen, format!("\"{}\"...", "x".repeat(200)));

    let without = |pattern: &str| probe(&["--expect-not-body", pattern], &zipped);
    assert_eq!(without("(?i)ready")["outcome"], "answered");
    assert_eq!(
        judged(&without("x{3}$")),
        ["negative", "200", "no body matching /x{3}$/", "\"xxx\""]
    );

    let header = |patterns: &[&str]| {
        let args: Vec<_> = patterns
            .iter()
            .flat_map(|one| ["--expect-header", one])
            .collect();
        probe(&args, &zipped)
    };
    let object = header(&["content-encoding: ^gzip$", "Server: nginx"]);
    assert_eq!(object["outcome"], "answered", "{object}");
    let object = header(&["Server: nginx", "Server: Apache"]);
    let [outcome, _, expected, seen] = judged(&object);
    assert_eq!(
        (outcome, expected),
        ("negative", "header Server matching /Apache/")
    );
    assert!(seen.starts_with("\"nginx/"), "{object}");
    let object = header(&["X-Request-Id:"]);
    assert_eq!(judged(&object)[3], "no such header");
}

#[test]
fn the_days_of_a_certificate_are_expected_over_tls_and_never_without() {
    // It is valid for 30 days from a moment ago.
    let nginx = Nginx::start();
    let ca = nginx.file("certificate.pem");
    let days = |url: &str, days: &str| probe(&["--cacert", &ca, "--expect-cert-days", days], url);
    let secure = nginx.secure_url("127.0.0.1", "/page");
    assert_eq!(days(&secure, "29")["outcome"], "answered");
    // The 30 days may still be whole.
    let left = ["29 days left", "30 days left"];
    let object = days(&secure, "31");
    let [outcome, status, expected, seen] = judged(&object);
    assert_eq!((outcome, status), ("negative", "200"));
    assert_eq!(expected, "certificate with 31 days left");
    assert!(left.contains(&seen), "{object}");
    let object = days(&nginx.url("127.0.0.1", "/page"), "0");
    let none = [
        "negative",
        "200",
        "certificate with 0 days left",
        "no certificate",
    ];
    assert_eq!(judged(&object), none);

    let secure = secure.split('/').nth(2).unwrap().to_owned();
    let tls = ["--tls", "--cacert", &ca, &secure, "--expect-cert-days"];
    assert_eq!(tcp(&[&tls[..], &["29"]].concat(), 0)["status"], "OPEN");
    let object = tcp(&[&tls[..], &["90"]].concat(), 1);
    let [outcome, status, expected, seen] = judged(&object);
    assert_eq!((outcome, status), ("negative", "OPEN"));
    assert_eq!(expected, "certificate with 90 days left");
    assert!(left.contains(&seen), "{object}");
    let plain = nginx
        .url("127.0.0.1", "/page")
        .split('/')
        .nth(2)
        .unwrap()
        .to_owned();
    let object = tcp(&[&plain, "--expect-cert-days", "1"], 1);
    assert_eq!(judged(&object)[3], "no certificate");
}

#[test]
fn the_first_that_does_not_hold_is_named_and_a_failure_is_none() {
    let server = Server::saying("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nno\x1b!");
    let args = [
        "--expect-body",
        "ok",
        "--expect-header",
        "Server: x",
        "--expect-status",
        "200",
    ];
    let object = probe(&args, &server.url("/"));
    assert_eq!(judged(&object), ["negative", "503", "status 200", "503"]);
    let object = probe(&args[..4], &server.url("/"));
    let [_, _, expected, seen] = judged(&object);
    assert_eq!(
        (expected, seen),
        ("header Server matching /x/", "no such header")
    );
    let object = probe(&args[..2], &server.url("/"));
    assert_eq!(judged(&object)[3], r#""no\u{1b}!""#);
    let object = probe(&args, &format!("http://{}/", closed_port()));
    assert_eq!(judged(&object), ["failed", "CONNREFUSED", "", ""]);
    // A body that is too large to be judged is a failure too.
    let object = probe(
        &["--expect-body", "no", "--body-max", "3"],
        &server.url("/"),
    );
    assert_eq!(object["error"]["cause"], "oversize", "{object}");
}

#[test]
fn fail_below_counts_what_is_as_expected() {
    let good = Server::saying(ok("fine"));
    let bad = Server::saying("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n");
    let urls = [good.url("/"), bad.url("/")];
    let args = ["--expect-status", "200", "--fail-below"];
    http(&[&args[..], &["50"]].concat(), &urls).exits(0);
    http(&[&args[..], &["51"]].concat(), &urls).exits(1);
    // A name without an answer is good, and remains so.
    canvass(&["ptr", "192.0.2.255", "--lab"]).exits(0);
}

#[test]
fn people_scripts_and_pages_see_what_was_expected() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let server = Server::saying("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
    let url = server.url("/");
    let (ndjson, page) = (path("lines"), path("page.html"));
    let args = ["http", &url, "--expect-status", "2xx"];
    let run = |more: &[&str]| canvass(&[&args[..], more].concat()).exits(1);
    let text = run(&["-q"]).out;
    assert!(
        text.ends_with("\texpected status 2xx, seen 503\n"),
        "{text}"
    );
    let csv = run(&["-q", "-f", "csv"]).out;
    let row = csv.lines().nth(1).unwrap();
    assert!(row.ends_with(",status 2xx,503,,,,,,,false"), "{csv}");
    let err = run(&["-f", "ndjson", "-o", &ndjson, "--html", &page]).err;
    let shown = err
        .lines()
        .find(|line| line.contains("status 2xx"))
        .unwrap();
    assert!(shown.ends_with("seen 503 ×1"), "{err}");
    let later = path("later.html");
    canvass(&["report", &ndjson, "-o", &later]).exits(0);
    for page in [page, later] {
        let html = std::fs::read_to_string(page).unwrap();
        assert!(html.contains("Expectations not met"));
        assert!(html.contains("status 2xx") && html.contains("503 ×1"));
    }
}

#[test]
fn an_expectation_that_is_none_is_refused_and_named() {
    for (flag, value, named) in [
        ("--expect-status", "1000", "1000"),
        ("--expect-status", "200,20x", "20x"),
        ("--expect-status", "400-200", "400-200"),
        ("--expect-status", "", "status"),
        ("--expect-body", "a(b", "a(b"),
        ("--expect-header", "Server nginx", "NAME: REGEX"),
        ("--expect-header", "Ser ver: x", "Ser ver"),
        ("--expect-header", "Server: [", "["),
        ("--expect-cert-days", "1.5", "1.5"),
        ("--expect-cert-days", "soon", "soon"),
    ] {
        let run = canvass(&["http", "http://192.0.2.1/", flag, value]).exits(2);
        assert!(
            run.err.contains(flag) && run.err.contains(named),
            "{}",
            run.err
        );
        assert_eq!(run.out, "");
    }
}

#[test]
fn each_of_many_targets_and_requests_is_judged_by_itself() {
    let server = Server::start(|mut caller| {
        for code in [200, 503, 200] {
            if caller.request().is_none() {
                return;
            }
            caller.say(format!("HTTP/1.1 {code} X\r\nContent-Length: 0\r\n\r\n").as_bytes());
        }
    });
    let args = [
        "http",
        "-i",
        "-",
        "-f",
        "ndjson",
        "--repeat",
        "3",
        "--expect-status",
        "2xx",
    ];
    let run = canvass_reading(&args, server.url("/")).exits(1);
    assert_eq!(run.balance(), [3, 2, 1, 0]);
    let mut lines: Vec<Value> = run
        .out
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    lines.sort_by_key(|line| line["repeat"].as_u64());
    assert_eq!(server.connections(), 1);
    let outcomes: Vec<_> = lines.iter().map(|line| &line["outcome"]).collect();
    assert_eq!(
        outcomes,
        [&json!("answered"), &json!("negative"), &json!("answered")]
    );
}
