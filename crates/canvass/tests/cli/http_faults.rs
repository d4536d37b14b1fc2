//! What goes wrong, where, and whose fault it is.

use std::net::TcpListener;

use serde_json::json;

use crate::http_peers::{Server, ok};
use crate::http_rig::{WebLab, fault, http, lines, message, probe, reached};
use crate::peers::closed_port;

#[test]
fn each_fault_of_a_connection_has_its_phase_and_its_word() {
    let lab = WebLab::local();
    for (path, status, phase, cause, errno) in [
        ("/reset", "RESET", "first_byte", "reset", Some("ECONNRESET")),
        (
            "/reset-head",
            "RESET",
            "transfer",
            "reset",
            Some("ECONNRESET"),
        ),
        (
            "/reset-body",
            "RESET",
            "transfer",
            "reset",
            Some("ECONNRESET"),
        ),
        ("/close", "RESET", "first_byte", "closed", None),
        ("/truncate-head", "TRUNCATED", "transfer", "truncated", None),
        ("/truncate", "TRUNCATED", "transfer", "truncated", None),
        (
            "/truncate-chunked",
            "TRUNCATED",
            "transfer",
            "truncated",
            None,
        ),
    ] {
        let object = probe(&[], &lab.url("127.0.0.1", path));
        assert_eq!(fault(&object), (status, phase, cause), "{path}: {object}");
        assert_eq!(object["error"]["errno"].as_str(), errno, "{path}: {object}");
        assert!(message(&object).contains(&lab.http.to_string()), "{object}");
        assert_eq!(object["remote"], lab.http.to_string());
        // What was learned before stands.
        let known = path.ends_with("body") || path == "/truncate" || path == "/truncate-chunked";
        assert_eq!(
            object["status_code"],
            if known { json!(200) } else { json!(null) }
        );
        assert_eq!(
            object["phases_ms"]["transfer"].is_null(),
            phase == "first_byte",
            "{object}"
        );
    }
    let object = probe(&[], &lab.url("127.0.0.1", "/truncate"));
    assert_eq!(
        (&object["body_bytes"], &object["content_length"]),
        (&json!(500), &json!(1000))
    );
}

#[test]
fn a_port_nobody_listens_on_refuses() {
    let closed = closed_port();
    let object = probe(&[], &format!("http://{closed}/"));
    assert_eq!(fault(&object), ("CONNREFUSED", "connect", "refused"));
    assert_eq!(object["error"]["errno"], "ECONNREFUSED");
    let text = message(&object);
    assert!(
        text.contains(&closed.to_string()) && text.contains("Connection refused"),
        "{text}"
    );
    assert_eq!(reached(&object), ["wait", "connect"]);
    assert_eq!(object["remote"], closed.to_string());
}

#[test]
fn what_cannot_be_reached_is_said_to_be_so() {
    // No route leads to it: it is a broadcast address.
    let object = probe(&[], "http://255.255.255.255/");
    assert_eq!(
        fault(&object),
        ("UNREACHABLE", "connect", "unreachable"),
        "{object}"
    );
    assert_eq!(object["error"]["errno"], "ENETUNREACH");
}

#[test]
fn what_this_system_refuses_is_not_blamed_on_the_peer() {
    let server = Server::saying(ok("hello"));
    // Nobody has this address (RFC 5737).
    let run = http(&["--bind", "192.0.2.77"], &[server.url("/")]).exits(2);
    run.says("--bind 192.0.2.77");
    // One that this machine has, and of the other family.
    let object = probe(&["--bind", "::1"], &server.url("/"));
    assert_eq!(
        (fault(&object).0, fault(&object).1),
        ("LOCAL", "connect"),
        "{object}"
    );
    assert!(object["error"]["errno"].is_string(), "{object}");
    assert_eq!(server.connections(), 0);
}

#[test]
fn the_phases_say_where_the_time_went() {
    let lab = WebLab::start("127.0.0.1:0", &["--delay", "60ms"]);
    let args = ["-r", &lab.resolver(), "-4", "--cacert", &lab.ca()];
    // The lab delays both the DNS answer and the response. The phases add up to the latency (`probe`
    // checks that), so neither delay is in another phase too.
    let object = probe(&args, &lab.url("any.lab.test", "/"));
    assert_eq!(
        reached(&object),
        ["wait", "resolve", "connect", "first_byte", "transfer"]
    );
    for phase in ["resolve", "first_byte"] {
        let ms = object["phases_ms"][phase].as_f64().unwrap();
        assert!(ms >= 60.0, "{phase}: {object}");
    }
    drop(lab);

    let lab = WebLab::local();
    let args = ["-r", &lab.resolver(), "-4", "--cacert", &lab.ca()];
    let span = |path: &str, host: &str, phase: &str| {
        let object = probe(&args, &lab.secure_url(host, path));
        assert_eq!(object["outcome"], "answered", "{object}");
        let all = [
            "wait",
            "resolve",
            "connect",
            "tls",
            "first_byte",
            "transfer",
        ];
        assert_eq!(reached(&object), all);
        object["phases_ms"][phase].as_f64().unwrap()
    };
    assert!(span("/", "slow.lab.test", "tls") >= 500.0);
    assert!(span("/delay/500", "good.lab.test", "first_byte") >= 500.0);
    assert!(span("/drip?octets=26&ms=20", "good.lab.test", "transfer") >= 480.0);
}

#[test]
fn a_redirect_adds_its_time_to_the_phases() {
    let lab = WebLab::local();
    let path = "/redirect-to?url=/delay/100&code=302";
    let object = probe(&["--follow", "3"], &lab.url("127.0.0.1", path));
    assert_eq!(object["status"], "200");
    assert!(
        object["phases_ms"]["first_byte"].as_f64().unwrap() >= 100.0,
        "{object}"
    );
    assert!(object["phases_ms"]["resolve"].is_null() && object["phases_ms"]["tls"].is_null());
}

#[test]
fn each_phase_has_its_time() {
    let lab = WebLab::local();
    let (ca, resolver) = (lab.ca(), lab.resolver());
    let full = full_backlog();
    let unaccepted = format!("http://{}/", full.0.local_addr().unwrap());
    for (flag, url, phase) in [
        ("--connect-timeout", unaccepted.clone(), "connect"),
        ("--tls-timeout", lab.secure_url("hang.lab.test", "/"), "tls"),
        (
            "--first-byte-timeout",
            lab.url("127.0.0.1", "/hang"),
            "first_byte",
        ),
        (
            "--transfer-timeout",
            lab.url("127.0.0.1", "/hang-body"),
            "transfer",
        ),
        ("--timeout", unaccepted, "connect"),
        ("--timeout", lab.url("127.0.0.1", "/hang"), "first_byte"),
    ] {
        let args = [flag, "200ms", "--cacert", &ca, "-r", &resolver, "-4"];
        let object = probe(&args, &url);
        assert_eq!(fault(&object), ("TIMEOUT", phase, "timeout"), "{object}");
        let span = object["phases_ms"][phase].as_f64().unwrap();
        assert!((200.0..1500.0).contains(&span), "{object}");
        assert!(!message(&object).contains("deadline"), "{object}");
    }
}

/// A listener that answers no further SYN, and what fills it.
fn full_backlog() -> (TcpListener, Vec<rustix::fd::OwnedFd>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    rustix::net::listen(&listener, 0).unwrap();
    let address = listener.local_addr().unwrap();
    let fill = (0..8).map(|_| {
        let socket = rustix::net::socket_with(
            rustix::net::AddressFamily::INET,
            rustix::net::SocketType::STREAM,
            rustix::net::SocketFlags::NONBLOCK,
            None,
        )
        .unwrap();
        // It goes on by itself, or hangs.
        let _ = rustix::net::connect(&socket, &address);
        socket
    });
    let fill = fill.collect();
    (listener, fill)
}

#[test]
fn nothing_stretches_the_deadline() {
    let lab = WebLab::local();
    let (ca, resolver) = (lab.ca(), lab.resolver());
    let full = full_backlog();
    let urls = [
        lab.url("127.0.0.1", "/drip?octets=100000&ms=10"),
        lab.url("127.0.0.1", "/drip-head?ms=200"),
        lab.url("127.0.0.1", "/endless"),
        lab.url("127.0.0.1", "/endless-chunked"),
        lab.url("127.0.0.1", "/endless-head"),
        lab.url("127.0.0.1", "/hang"),
        lab.url("127.0.0.1", "/hang-body"),
        lab.url("127.0.0.1", "/redirect-loop"),
        lab.secure_url("hang.lab.test", "/"),
        lab.secure_url("good.lab.test", "/drip?octets=100000&ms=10"),
        format!("http://{}/", full.0.local_addr().unwrap()),
        format!("{}", full.0.local_addr().unwrap()),
        lab.url("127.0.0.1", "/close"),
    ];
    let args = [
        "--deadline",
        "400ms",
        // Without the deadline, all but the last would last longer than a test waits for a run.
        "--timeout",
        "10m",
        "--cacert",
        &ca,
        "-r",
        &resolver,
        "-4",
        "--body-max",
        "1000G",
        "--head-max",
        "3G",
        "--follow",
        "4000000000",
        "--retries",
        "1000",
        "--per-host",
        "20",
    ];
    let run = http(&args, &urls).exits(1);
    for object in lines(&run, urls.len() as u64) {
        assert_eq!(object["outcome"], "failed", "{object}");
        let closing = object["target"].as_str().unwrap().ends_with("/close");
        if !closing {
            assert_eq!(
                (fault(&object).0, fault(&object).2),
                ("TIMEOUT", "timeout"),
                "{object}"
            );
        }
    }
}

#[test]
fn more_attempts_are_made_where_they_may_help_and_as_many_as_asked_for() {
    let server = Server::start(|mut caller| {
        if caller.request().is_some() && caller.number == 3 {
            caller.say(&ok("at last"));
        } else {
            caller.reset();
        }
    });
    let object = probe(&["--retries", "4"], &server.url("/"));
    assert_eq!(
        (&object["status"], &object["attempts"]),
        (&json!("200"), &json!(3)),
        "{object}"
    );
    assert_eq!(server.connections(), 3);
    // Backoff is a wait of the probe's own.
    assert!(
        object["phases_ms"]["wait"].as_f64().unwrap() >= 100.0,
        "{object}"
    );

    let object = probe(&["--retries", "2"], &format!("http://{}/", closed_port()));
    assert_eq!(object["attempts"], 3);
    assert_eq!(fault(&object), ("CONNREFUSED", "connect", "refused"));
    // No attempt makes a bad answer good.
    let server = Server::saying("nonsense\r\n\r\n");
    let object = probe(&["--retries", "5"], &server.url("/"));
    assert_eq!((fault(&object).0, server.connections()), ("MALFORMED", 1));
    // By default there is one.
    let server = Server::start(|mut caller| {
        let _ = caller.request();
        caller.reset();
    });
    let object = probe(&[], &server.url("/"));
    assert_eq!((&object["attempts"], server.connections()), (&json!(1), 1));
}

#[test]
fn a_further_attempt_begins_where_the_first_was_led() {
    // https fails; http redirects to a reset. Both tries take this course, and https and http count as
    // an attempt each.
    let target = "notls.lab.test/redirect-to?url=/reset";
    let object = probe(&["--lab", "--follow", "2", "--retries", "1"], target);
    assert_eq!(
        (fault(&object).0, fault(&object).2),
        ("RESET", "reset"),
        "{object}"
    );
    assert_eq!(
        (&object["attempts"], &object["url"]),
        (&json!(4), &json!("http://notls.lab.test/reset"))
    );
    assert_eq!(object["redirects"].as_array().unwrap().len(), 1);
}

#[test]
fn exit_statuses_tell_how_a_run_went() {
    let lab = WebLab::local();
    let good = lab.url("127.0.0.1", "/status/503");
    let bad = format!("http://{}/", closed_port());
    // Any answer of a server is an answer.
    http(&[], &[&good]).exits(0);
    http(&[], &[&good, &bad]).exits(1);
    http(&["--fail-below", "50"], &[&good, &bad]).exits(0);
    http(&["--fail-below", "51"], &[&good, &bad]).exits(1);
    http(&[], &["not a url"]).exits(1);
    http(&["--strict"], &["not a url"]).exits(2);
    for usage in [
        &["--repeat", "0"][..],
        &["--connect-to", "a:b"],
        &["--ports", "0"],
        &["--cacert", "/no/such/file"],
        &["--cert", "/no/such/file"],
        &["-4", "-6"],
        &["--body-max", "0"],
        &["--per-host", "0"],
    ] {
        let run = http(usage, &[&good]).exits(2);
        assert!(
            run.out.is_empty() && !run.err.is_empty(),
            "{usage:?}: {}",
            run.err
        );
    }
}
