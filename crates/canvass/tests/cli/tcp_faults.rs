//! Faults of TCP probes: ports that are not open, and connections that fail in any phase.

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::common::{CANVASS, Run, distinct, in_time};
use crate::peers::{Peer, closed_port};
use crate::probe_peers::{FullListener, TcpPeer, listen_to, read_line, reset};
use crate::probing::{assert_line, probe, reached, verdict};

#[test]
fn a_closed_port_is_refused_by_its_errno_in_the_systems_words() {
    let port = closed_port().to_string();
    let object = probe(&["tcp", &port]);
    assert_eq!(
        verdict(&object),
        ["CONNREFUSED", "connect", "refused", "ECONNREFUSED"]
    );
    assert_eq!(
        object["error"]["message"],
        format!("{port} refused the connection: Connection refused")
    );
    assert_eq!(object["remote"], port);
    assert_eq!(reached(&object), ["connect"]);
}

#[test]
fn a_reset_right_after_the_handshake_is_told_as_one_of_an_open_connection() {
    for _ in 0..5 {
        let object = probe(&["tcp", "127.0.0.1", "--talk", "time", "--lab=reset-at=0"]);
        assert_eq!(
            verdict(&object),
            ["RESET", "first_byte", "reset", "ECONNRESET"]
        );
    }
}

#[test]
fn where_there_is_no_way_is_unreachable() {
    // The system refuses to connect to a broadcast address, and sends nothing.
    let object = probe(&["tcp", "127.255.255.255:80"]);
    assert_eq!(
        verdict(&object),
        ["UNREACHABLE", "connect", "unreachable", "ENETUNREACH"]
    );
    assert_eq!(
        object["error"]["message"],
        "127.255.255.255:80 cannot be reached: Network is unreachable"
    );
}

#[test]
fn a_connection_that_is_not_taken_times_out_in_its_phase() {
    let full = FullListener::start();
    let target = full.address.to_string();
    let object = probe(&["tcp", &target, "--connect-timeout", "150ms"]);
    assert_eq!(verdict(&object), ["TIMEOUT", "connect", "timeout", ""]);
    assert_eq!(
        object["error"]["message"],
        format!("{target} did not accept the connection in time")
    );
    assert_eq!(reached(&object), ["connect"]);
    assert!(object["latency_ms"].as_f64().unwrap() >= 150.0, "{object}");
}

#[test]
fn a_handshake_that_is_not_answered_times_out_in_its_phase() {
    let peer = TcpPeer::serve(|mut stream| listen_to(&mut stream));
    let object = probe(&["tcp", &peer.target(), "--tls", "--tls-timeout", "100ms"]);
    assert_eq!(verdict(&object), ["TIMEOUT", "tls", "timeout", ""]);
    assert_eq!(reached(&object), ["connect", "tls"]);
    // A ClientHello, in a handshake record (RFC 8446 §5.1).
    assert_eq!(peer.result().bytes[..2], [22, 3]);
}

#[test]
fn silence_times_out_before_the_first_byte_or_behind_it() {
    let peer = TcpPeer::saying(b"");
    let args = ["tcp", &peer.target(), "--talk", "banner"];
    let object = probe(&[&args[..], &["--first-byte-timeout", "100ms"]].concat());
    assert_eq!(verdict(&object), ["TIMEOUT", "first_byte", "timeout", ""]);
    assert_eq!(reached(&object), ["connect", "first_byte"]);
    let peer = TcpPeer::saying(b"220 here\r\n");
    let args = ["tcp", &peer.target(), "--talk", "smtp"];
    let object = probe(&[&args[..], &["--transfer-timeout", "100ms"]].concat());
    assert_eq!(verdict(&object), ["TIMEOUT", "transfer", "timeout", ""]);
    assert_eq!(object["captures"], json!({"banner": "here"}));
    assert_eq!(reached(&object), ["connect", "first_byte", "transfer"]);
    assert_eq!(peer.result().bytes, b"EHLO canvass\r\n");
}

#[test]
fn one_timeout_stands_for_every_phase_without_its_own() {
    let peer = TcpPeer::saying(b"");
    for (args, phase) in [
        (&["--tls"][..], "tls"),
        (&["--talk", "banner"], "first_byte"),
        (
            &["--tls", "--tls-timeout", "50ms", "--timeout", "30s"],
            "tls",
        ),
    ] {
        let target = peer.target();
        let all = [&["tcp", &target, "--timeout", "50ms"], args].concat();
        assert_eq!(verdict(&probe(&all)), ["TIMEOUT", phase, "timeout", ""]);
    }
}

#[test]
fn the_deadline_ends_what_never_ends() {
    // It sends octets all the time, but never a whole line, until the connection is closed.
    let peer = TcpPeer::serve(|mut stream| {
        while stream.write_all(b"x").is_ok() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let args = [
        "tcp",
        &peer.target(),
        "--talk",
        "banner",
        "--deadline",
        "1s",
    ];
    // No other limit ends it before a test gives up.
    let object = probe(&[&args[..], &["--timeout", "10m"]].concat());
    assert_eq!(object["status"], "UNMATCHED", "{object}");
    assert!(object["received_bytes"].as_u64().unwrap() > 0, "{object}");
    assert!(
        object["response_ms"].as_f64().unwrap() >= 1000.0,
        "{object}"
    );
    peer.result();
}

#[test]
fn a_reset_is_told_from_a_close_before_the_first_byte_and_behind_it() {
    let closing = TcpPeer::serve(drop);
    let object = probe(&["tcp", &closing.target(), "--talk", "banner"]);
    assert_eq!(object["error"]["cause"], "closed");
    assert_eq!(object["error"]["phase"], "first_byte");
    let resetting = TcpPeer::serve(|mut stream| {
        read_line(&mut stream);
        reset(stream);
    });
    let object = probe(&["tcp", &resetting.target(), "--talk", "echo"]);
    assert_eq!(
        verdict(&object),
        ["RESET", "first_byte", "reset", "ECONNRESET"]
    );
    let halfway = TcpPeer::serve(|mut stream| {
        stream.write_all(b"220 here\r\n").unwrap();
        read_line(&mut stream);
        reset(stream);
    });
    let object = probe(&["tcp", &halfway.target(), "--talk", "smtp"]);
    assert_eq!(
        verdict(&object),
        ["RESET", "transfer", "reset", "ECONNRESET"]
    );
    assert_eq!(object["captures"], json!({"banner": "here"}));
}

#[test]
fn what_the_lab_refuses_and_cuts_off_is_seen_where_it_happens() {
    let object = probe(&["tcp", "127.0.0.1", "--talk", "time", "--lab=tcp-refuse"]);
    assert_eq!(
        verdict(&object),
        ["CONNREFUSED", "connect", "refused", "ECONNREFUSED"]
    );
    let object = probe(&["tcp", "127.0.0.1", "--talk", "time", "--lab=close-at=3"]);
    assert_eq!(verdict(&object), ["TRUNCATED", "transfer", "truncated", ""]);
}

#[test]
fn names_that_lead_nowhere_fail_while_they_are_resolved() {
    for (name, verdicts) in [
        ("nxdomain", ["NXDOMAIN", "resolve", "nxdomain", ""]),
        ("nodata", ["NOERROR", "resolve", "nodata", ""]),
        ("servfail", ["SERVFAIL", "resolve", "rcode", ""]),
    ] {
        let target = format!("{name}.lab.test:80");
        // Else a question that settles nothing is asked again for a while.
        let object = probe(&["tcp", &target, "--lab", "--retries", "0"]);
        assert_eq!(verdict(&object), verdicts);
        assert_eq!(reached(&object), ["resolve"]);
        assert!(object["remote"].is_null(), "{object}");
    }
    let silent = Peer::silent();
    let args = ["tcp", "example.net:80", "-r", &silent.resolver()];
    let object = probe(&[&args[..], &["--resolve-timeout", "150ms"]].concat());
    assert_eq!(verdict(&object), ["TIMEOUT", "resolve", "timeout", ""]);
}

#[test]
fn a_failed_connection_is_tried_again_when_asked_for() {
    let port = closed_port().to_string();
    assert_eq!(probe(&["tcp", &port])["attempts"], 1);
    let object = probe(&["tcp", &port, "--retries", "1"]);
    assert_eq!(object["attempts"], 2);
    // The pause between them is part of the wait.
    assert!(
        object["phases_ms"]["wait"].as_f64().unwrap() >= 100.0,
        "{object}"
    );
}

#[test]
fn few_descriptors_make_it_slower_and_blame_nobody() {
    let peer = TcpPeer::serve_on(Ipv4Addr::UNSPECIFIED, drop);
    let port = peer.address.port();
    let mut child = Command::new("sh");
    child
        .args(["-c", "ulimit -n 56; exec \"$0\" \"$@\"", CANVASS])
        .args(["tcp", "127.0.0.0/24", "-f", "ndjson", "--ports"])
        .arg(port.to_string())
        .stdin(Stdio::null());
    let output = in_time("the end", move || child.output().unwrap());
    let run = Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
    .exits(0);
    let objects = run.whole(256);
    assert_eq!(
        distinct(&objects, "status").into_iter().collect::<Vec<_>>(),
        ["OPEN"]
    );
    objects.iter().for_each(assert_line);
    run.says("connections: opened 256, ").says(", reached\n");
}
