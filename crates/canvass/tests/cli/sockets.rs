//! Socket options: the system calls, and their effect on the peer.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};

use crate::common::{CANVASS, LabChild, canvass, in_time, values};
use crate::probe_peers::{TcpPeer, UdpHost};
use crate::probing::{probe, script};

/// The calls that the command makes for the socket that it connects to `port`, in order.
#[track_caller]
fn calls(args: &[&str], port: u16) -> Vec<String> {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("calls");
    let mut child = Command::new("strace");
    child
        .args([
            "-f",
            "-qq",
            "-e",
            "trace=socket,setsockopt,bind,connect,sendto",
        ])
        .args(["-o", path.to_str().unwrap(), CANVASS])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let output = in_time("the end", move || {
        child
            .output()
            .expect("strace is missing: scripts/test-deps installs what the tests need")
    });
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = fs::read_to_string(path).unwrap();
    let to = format!("htons({port})");
    let connect = text
        .lines()
        .find(|line| line.contains("connect(") && line.contains(&to))
        .unwrap_or_else(|| panic!("no connection to {port} in:\n{text}"));
    let number = |line: &str| {
        let (_, arguments) = line.split_once('(')?;
        arguments.split(',').next()?.parse::<u32>().ok()
    };
    let socket = number(connect);
    text.lines()
        .filter(|line| number(line) == socket)
        .map(ToOwned::to_owned)
        .collect()
}

#[track_caller]
fn assert_called(calls: &[String], option: &str) {
    assert!(
        calls
            .iter()
            .any(|call| call.contains(option) && call.ends_with("= 0")),
        "{option} is missing in:\n{}",
        calls.join("\n")
    );
}

#[test]
fn every_flag_for_streams_reaches_the_system() {
    let peer = TcpPeer::saying(b"");
    let flags = [
        "--bind",
        "127.0.0.9",
        "--ttl",
        "42",
        "--rcvbuf",
        "20000",
        "--sndbuf",
        "30k",
        "--nodelay",
        "--keepalive",
        "--linger",
        "0",
    ];
    let target = peer.target();
    let made = calls(
        &[&["tcp", target.as_str(), "-q"], &flags[..]].concat(),
        peer.address.port(),
    );
    for option in [
        "sin_addr=inet_addr(\"127.0.0.9\")",
        "IP_TTL, [42]",
        "SO_RCVBUF, [20000]",
        "SO_SNDBUF, [30720]",
        "TCP_NODELAY, [1]",
        "SO_KEEPALIVE, [1]",
        "SO_LINGER, {l_onoff=1, l_linger=0}",
    ] {
        assert_called(&made, option);
    }
}

#[test]
fn every_flag_for_datagrams_reaches_the_system() {
    let host = UdpHost::start(15, 0, |_, _| b"here".to_vec());
    let target = host.address.to_string();
    let flags = [
        "--bind",
        "127.0.0.9",
        "--ttl",
        "42",
        "--rcvbuf",
        "20000",
        "--sndbuf",
        "30k",
    ];
    let made = calls(
        &[&["udp", target.as_str(), "-q"], &flags[..]].concat(),
        host.address.port(),
    );
    for option in [
        "sin_addr=inet_addr(\"127.0.0.9\")",
        "IP_TTL, [42]",
        "SO_RCVBUF, [20000]",
        "SO_SNDBUF, [30720]",
    ] {
        assert_called(&made, option);
    }
}

#[test]
fn what_is_not_asked_for_is_left_to_the_system() {
    let peer = TcpPeer::saying(b"");
    let made = calls(&["tcp", &peer.target(), "-q"], peer.address.port());
    for option in [
        "IP_TTL",
        "SO_RCVBUF",
        "SO_SNDBUF",
        "SO_KEEPALIVE",
        "SO_LINGER",
        "bind(",
    ] {
        assert!(
            !made.iter().any(|call| call.contains(option)),
            "{option}: {made:?}"
        );
    }
}

#[test]
fn the_peer_sees_the_local_address_that_was_asked_for() {
    let local = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 9));
    let peer = TcpPeer::saying(b"");
    let args = ["tcp", &peer.target(), "--bind", "127.0.0.9"];
    assert_eq!(probe(&args)["status"], "OPEN");
    assert_eq!(peer.result().from, Some(local));
    let host = UdpHost::start(16, 0, |_, from| from.ip().to_string().into_bytes());
    let directory = tempfile::tempdir().unwrap();
    let path = script(
        directory.path(),
        "whoami.yml",
        "- send: who\n- expect: '^(?P<local>.*)$'\n",
    );
    let args = [
        "udp",
        &host.address.to_string(),
        "--bind",
        "127.0.0.9",
        "--talk",
        &path,
    ];
    assert_eq!(probe(&args)["captures"]["local"], "127.0.0.9");
}

#[test]
fn a_local_address_that_is_not_here_is_named_before_anything_is_asked() {
    for command in ["tcp", "udp"] {
        let run = canvass(&[command, "127.0.0.1:1", "--bind", "192.0.2.1"])
            .exits(2)
            .says("--bind 192.0.2.1: Cannot assign requested address");
        assert_eq!(run.out, "");
    }
}

#[test]
fn a_linger_of_nothing_ends_with_a_reset_and_else_the_close_is_orderly() {
    for (flags, reset) in [(&["--linger", "0"][..], true), (&[], false)] {
        let peer = TcpPeer::saying(b"hello\n");
        let target = peer.target();
        let args = [&["tcp", target.as_str(), "--talk", "banner"], flags].concat();
        assert_eq!(probe(&args)["status"], "MATCHED");
        assert_eq!(peer.result().reset, reset, "{flags:?}");
    }
}

#[test]
fn values_that_cannot_be_are_refused() {
    for (flag, value) in [
        ("--bind", "here"),
        ("--ttl", "0"),
        ("--ttl", "256"),
        ("--rcvbuf", "much"),
        ("--linger", "5"),
    ] {
        canvass(&["tcp", "127.0.0.1:1", flag, value])
            .exits(2)
            .says(flag);
    }
}

#[test]
fn queries_are_sent_from_the_given_address() {
    for transport in ["udp", "tcp"] {
        let lab = LabChild::start(&[]);
        let resolver = lab.resolver();
        let args = ["ptr", "10.0.0.1", "-r", &resolver, "--bind", "127.0.0.9"];
        let calls = calls(
            &[&args[..], &["--transport", transport]].concat(),
            lab.address.port(),
        );
        let bound = |call: &String| call.contains("bind(") && call.contains("127.0.0.9");
        assert!(calls.iter().any(bound), "{transport}: {calls:#?}");
    }
}

#[test]
fn an_address_from_which_a_resolver_cannot_be_asked_is_refused() {
    let lab = LabChild::start(&[]);
    let resolver = lab.resolver();
    for (address, reason) in [
        (
            "::1",
            "cannot be asked from ::1, which is of the other family",
        ),
        ("192.0.2.1", "cannot bind to 192.0.2.1"),
    ] {
        let run = canvass(&["ptr", "10.0.0.1", "-r", &resolver, "--bind", address]).exits(2);
        assert!(run.err.contains(reason), "{}", run.err);
    }
    // A line that names such a resolver is not the fault of that resolver.
    let lines = ["10.0.0.1", "10.0.0.2 @[::1]:53"];
    let args = [
        "ptr",
        lines[0],
        lines[1],
        "-r",
        &resolver,
        "--bind",
        "127.0.0.1",
    ];
    let objects = canvass(&[&args[..], &["-f", "ndjson"]].concat())
        .exits(1)
        .whole(2);
    assert_eq!(values(&objects, "status"), ["NOERROR", "LOCAL"]);
    let message = objects[1]["error"]["message"].as_str().unwrap();
    assert!(message.contains("other family"), "{message}");
}
