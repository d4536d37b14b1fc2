//! Whether ports are open, and by which way.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::common::{Running, canvass, distinct};
use crate::peers::closed_port;
use crate::probe_peers::TcpPeer;
use crate::probing::{probe, reached, verdict};

#[test]
fn an_open_port_has_its_line() {
    let peer = TcpPeer::saying(b"");
    let object = probe(&["tcp", &peer.target()]);
    assert_eq!(object["target"], peer.target());
    assert_eq!(object["probe"], "tcp");
    assert_eq!(object["outcome"], "answered");
    assert_eq!(object["status"], "OPEN");
    assert_eq!(object["remote"], peer.target());
    assert_eq!(object["captures"], json!({}));
    assert_eq!(
        (&object["sent_bytes"], &object["received_bytes"]),
        (&0.into(), &0.into())
    );
    assert!(object["tls"].is_null());
    assert_eq!(object["attempts"], 1);
    assert_eq!(reached(&object), ["connect"]);
    let received = peer.result();
    assert_eq!((received.bytes, received.reset), (vec![], false));
}

#[test]
fn a_socket_in_the_file_system_is_a_target() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"over a file\n").unwrap();
    });
    let target = format!("unix:{}", path.display());
    let object = probe(&["tcp", &target, "--talk", "banner"]);
    assert_eq!(object["status"], "MATCHED");
    assert_eq!(
        (&object["target"], &object["remote"]),
        (&json!(target), &json!(target))
    );
    assert_eq!(object["captures"], json!({"banner": "over a file"}));
    peer.join().unwrap();
    // The file still exists, but no process listens any more.
    let object = probe(&["tcp", &target]);
    assert_eq!(
        verdict(&object),
        ["CONNREFUSED", "connect", "refused", "ECONNREFUSED"]
    );
    let missing = probe(&["tcp", "unix:/nonexistent/socket"]);
    assert_eq!(
        verdict(&missing),
        ["UNREACHABLE", "connect", "unreachable", "ENOENT"]
    );
}

#[test]
fn tls_from_the_start_shows_the_certificate() {
    let object = probe(&["tcp", "good.lab.test:pop3s", "--tls", "--lab"]);
    assert_eq!(object["status"], "OPEN");
    assert_eq!(reached(&object), ["resolve", "connect", "tls"]);
    let tls = &object["tls"];
    assert_eq!(
        (&tls["version"], &tls["verified"]),
        (&json!("TLSv1.3"), &json!(true))
    );
    assert_eq!(tls["subject"], "CN=good.lab.test,O=canvass lab");
    assert!(tls["days_left"].as_i64().unwrap() > 0);
}

#[test]
fn a_bad_certificate_fails_with_its_cause_and_all_its_facts() {
    let args = ["tcp", "expired.lab.test:443", "--tls", "--lab"];
    let object = probe(&args);
    assert_eq!(verdict(&object), ["TLS", "tls", "expired", ""]);
    assert_eq!(object["tls"]["verified"], false);
    assert!(object["tls"]["days_left"].as_i64().unwrap() < 0);
    let object = probe(&[&args[..], &["--insecure"]].concat());
    assert_eq!(object["status"], "OPEN");
    assert_eq!(object["tls"]["verified"], false);
    let object = probe(&["tcp", "good.lab.test:110", "--tls", "--lab"]);
    assert_eq!(verdict(&object), ["TLS", "tls", "handshake", ""]);
    let message = object["error"]["message"].as_str().unwrap();
    assert!(message.contains("+OK canvass-lab POP3"), "{message}");
}

#[test]
fn whichever_address_of_a_host_is_open_is_connected_to() {
    for (address, flag, reached) in [
        ("127.0.0.1:0", "--ipv4", true),
        ("127.0.0.1:0", "--ipv6", false),
        ("[::1]:0", "--ipv6", true),
        ("[::1]:0", "--ipv4", false),
        ("127.0.0.1:0", "--trace", true),
        ("[::1]:0", "--trace", true),
    ] {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap();
        let target = format!("good.lab.test:{}", address.port());
        let object = probe(&["tcp", &target, "--lab", flag]);
        if reached {
            assert_eq!(object["status"], "OPEN", "{object}");
            assert_eq!(object["remote"], address.to_string());
        } else {
            assert_eq!(object["status"], "CONNREFUSED", "{flag}: {object}");
        }
    }
}

#[test]
fn every_address_of_a_host_has_its_verdict_when_asked_for() {
    let peer = TcpPeer::saying(b"here\n");
    let port = peer.address.port();
    let target = format!("good.lab.test:{port}");
    let args = [
        "tcp",
        &target,
        "--lab",
        "--all-addresses",
        "--talk",
        "banner",
    ];
    let object = probe(&args);
    // What all of them come to is the worst.
    assert_eq!(
        verdict(&object),
        ["CONNREFUSED", "connect", "refused", "ECONNREFUSED"]
    );
    let mut addresses: Vec<_> = object["addresses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["remote"].to_string(), one["status"].to_string()))
        .collect();
    addresses.sort();
    let expected = [
        (format!("\"127.0.0.1:{port}\""), "\"MATCHED\"".to_owned()),
        (format!("\"[::1]:{port}\""), "\"CONNREFUSED\"".to_owned()),
    ];
    assert_eq!(addresses, expected);
}

#[test]
fn a_host_is_looked_up_once_for_all_of_its_ports() {
    let run = canvass(&[
        "tcp",
        "good.lab.test",
        "--ports",
        "1-100",
        "--lab",
        "--fail-below",
        "0",
        "-o",
        "/dev/null",
    ])
    .exits(0);
    run.says("names: needed 100, looked up 1\n");
}

#[test]
fn a_host_has_no_more_probes_at_once_than_its_cap() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let (counted, peak) = (Arc::clone(&now), Arc::clone(&most));
    let peer = thread::spawn(move || {
        let mut talks = Vec::new();
        for _ in 0..12 {
            let (mut stream, _) = listener.accept().unwrap();
            let (counted, peak) = (Arc::clone(&counted), Arc::clone(&peak));
            talks.push(thread::spawn(move || {
                let open = counted.fetch_add(1, Ordering::SeqCst) + 1;
                peak.fetch_max(open, Ordering::SeqCst);
                // Long enough for others to come, if they may.
                thread::sleep(Duration::from_millis(15));
                counted.fetch_sub(1, Ordering::SeqCst);
                stream.write_all(b"done\n").unwrap();
            }));
        }
        talks.into_iter().for_each(|talk| talk.join().unwrap());
    });
    let targets = vec![target.as_str(); 12];
    let args = ["tcp", "--talk", "banner", "--per-host", "2"];
    canvass(&[&args[..], &targets].concat()).exits(0);
    peer.join().unwrap();
    assert_eq!(most.load(Ordering::SeqCst), 2);
}

#[test]
fn a_host_is_asked_no_faster_than_its_rate() {
    let peer = TcpPeer::saying(b"");
    let target = peer.target();
    let targets = vec![target.as_str(); 11];
    let begun = Instant::now();
    let args = ["tcp", "--rate-per-host", "50"];
    canvass(&[&args[..], &targets].concat()).exits(0);
    // Ten of them wait for 20 ms each, and a busy machine only makes the command slower.
    assert!(
        begun.elapsed() >= Duration::from_millis(200),
        "{:?}",
        begun.elapsed()
    );
}

#[test]
fn an_interrupt_lets_what_is_under_way_come_to_its_end() {
    let peer = TcpPeer::serve_on(Ipv4Addr::UNSPECIFIED, |mut stream| {
        stream.write_all(b"here\n").unwrap();
    });
    let port = peer.address.port().to_string();
    let args = ["tcp", "127.0.0.0/8", "--ports", &port, "--talk", "banner"];
    // Fewer at once than the peer's queue holds.
    let few = ["--concurrency", "64", "-f", "ndjson"];
    let mut running = Running::start(&[&args[..], &few].concat());
    let line = running.read_line();
    assert!(line.contains("\"MATCHED\""), "{line}");
    running.signal(Signal::INT);
    let run = running.end().exits(130);
    let objects = run.objects();
    assert_eq!(distinct(&objects, "status").len(), 1, "{}", run.err);
    let [admitted, answered, ..] = run.balance();
    assert_eq!((admitted, answered), (objects.len() as u64 + 1, admitted));
    assert!(run.remaining() > 0);
}

#[test]
fn a_second_interrupt_waits_for_nothing() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let target = listener.local_addr().unwrap().to_string();
    let mut running = Running::start(&["tcp", &target, "--talk", "banner", "-f", "ndjson"]);
    let (_stream, _) = listener.accept().unwrap();
    while !running.has_ended() {
        running.signal(Signal::INT);
        thread::sleep(Duration::from_millis(20));
    }
    let run = running.end().exits(130);
    let object = &run.whole(1)[0];
    assert_eq!(verdict(object), ["LOCAL", "first_byte", "interrupted", ""]);
}

#[test]
fn every_line_has_every_key_in_order_whatever_happened() {
    let peer = TcpPeer::saying(b"here\n");
    let port = closed_port().to_string();
    let keys = [
        "seq",
        "line",
        "target",
        "probe",
        "outcome",
        "status",
        "remote",
        "captures",
        "sent_bytes",
        "received_bytes",
        "tls",
        "attempts",
        "started",
        "latency_ms",
        "response_ms",
        "phases_ms",
        "wait",
        "resolve",
        "connect",
        "first_byte",
        "transfer",
        "error",
    ];
    for target in [
        peer.target().as_str(),
        &port,
        "bogus",
        "nxdomain.lab.test:1",
    ] {
        let args = ["tcp", target, "--lab", "--talk", "banner", "-f", "ndjson"];
        let line = canvass(&args).out;
        let places: Vec<_> = keys
            .iter()
            .map(|key| line.find(&format!("\"{key}\":")))
            .collect();
        assert!(
            places.iter().all(Option::is_some) && places.is_sorted(),
            "{line}"
        );
    }
    let run = canvass(&["tcp", "bogus", "-f", "csv"]).exits(1);
    assert_eq!(
        run.out.lines().next().unwrap(),
        "seq,line,target,probe,outcome,status,remote,captures,sent_bytes,received_bytes,\
         tls_version,tls_days_left,mismatch,replies,addresses,captures_hex,attempts,started,latency_ms,\
         response_ms,wait_ms,resolve_ms,connect_ms,tls_ms,first_byte_ms,transfer_ms,error_phase,\
         error_cause,error_message,error_errno,stalled,proxy,expected,seen,recheck"
    );
}
