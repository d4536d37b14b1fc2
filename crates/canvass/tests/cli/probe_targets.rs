//! Targets of probes of ports: how they are written, and what each comes to.

use std::net::{Ipv4Addr, TcpListener};

use crate::common::{Run, canvass, canvass_reading, values};
use crate::probe_peers::TcpPeer;
use crate::probing::{assert_line, probe};

/// Each target with its status, in the order asked.
fn targets(run: &Run, count: u64) -> Vec<(String, String)> {
    let objects = run.whole(count);
    objects.iter().for_each(assert_line);
    let text = |object: &serde_json::Value, key: &str| object[key].as_str().unwrap().to_owned();
    objects
        .iter()
        .map(|object| (text(object, "target"), text(object, "status")))
        .collect()
}

#[test]
fn networks_and_ranges_are_asked_at_each_of_the_ports() {
    let run = canvass(&[
        "tcp",
        "127.0.0.4/31",
        "127.0.0.9-127.0.0.10",
        "--ports",
        "8378,pop3,80-81",
        "--lab",
        "-f",
        "ndjson",
    ])
    .exits(1);
    let mut expected = Vec::new();
    for host in [4, 5, 9, 10] {
        for (port, status) in [
            (8378, "OPEN"),
            (110, "OPEN"),
            (80, "OPEN"),
            (81, "CONNREFUSED"),
        ] {
            expected.push((format!("127.0.0.{host}:{port}"), status.to_owned()));
        }
    }
    assert_eq!(targets(&run, 16), expected);
}

#[test]
fn a_network_is_asked_on_its_own_hosts() {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let args = ["tcp", "127.0.0.32/30", "--ports", &port, "-f", "ndjson"];
    let run = canvass(&args).exits(0);
    let remotes: Vec<String> = (32..36)
        .map(|host| format!("127.0.0.{host}:{port}"))
        .collect();
    assert_eq!(values(&run.whole(4), "remote"), remotes);
    let args = [&args[..], &["--exclude", "127.0.0.33", "--limit", "2"]].concat();
    let run = canvass(&args).exits(0);
    assert_eq!(
        values(&run.whole(2), "remote"),
        [&*remotes[0], &*remotes[2]]
    );
}

#[test]
fn a_port_of_its_own_outweighs_the_list() {
    let run = canvass(&[
        "tcp",
        "127.0.0.1:pop3",
        "good.lab.test",
        "[::1]:81",
        "--ports",
        "smtp,ftp",
        "-4",
        "--lab",
        "-f",
        "ndjson",
    ]);
    let targets = targets(&run, 4);
    assert_eq!(targets[0], ("127.0.0.1:pop3".into(), "OPEN".into()));
    assert_eq!(targets[1], ("good.lab.test:25".into(), "OPEN".into()));
    assert_eq!(targets[2], ("good.lab.test:21".into(), "OPEN".into()));
    assert_eq!(targets[3].0, "[::1]:81");
}

#[test]
fn service_names_are_those_of_the_protocol() {
    // www and http are one port, and a port is asked once.
    let args = ["127.0.0.1", "--lab", "-f", "ndjson", "--ports"];
    let run = canvass(&[&["tcp"], &args[..], &["www,http,80,https"]].concat()).exits(0);
    let expected = [("127.0.0.1:80", "OPEN"), ("127.0.0.1:443", "OPEN")];
    assert_eq!(
        targets(&run, 2),
        expected.map(|(target, status)| (target.to_owned(), status.to_owned()))
    );
    canvass(&[&["udp"], &args[..], &["pop3"]].concat())
        .exits(2)
        .says("--ports \"pop3\"")
        .says("tcp");
}

#[test]
fn lists_come_from_a_file_and_from_standard_input() {
    let peer = TcpPeer::saying(b"");
    let list = format!("# ours\n{0}\n\n  {0} # again\r\n", peer.target());
    let run = canvass_reading(&["tcp", "-f", "ndjson"], list.clone()).exits(0);
    let objects = run.whole(2);
    assert_eq!(
        (&objects[0]["line"], &objects[1]["line"]),
        (&2.into(), &4.into())
    );
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("list");
    std::fs::write(&path, list).unwrap();
    let args = [
        "tcp",
        &peer.target(),
        "-i",
        path.to_str().unwrap(),
        "-f",
        "ndjson",
    ];
    let run = canvass(&args).exits(0);
    let objects = run.whole(3);
    assert!(objects[0]["line"].is_null());
    assert_eq!(values(&objects, "status"), ["OPEN"; 3]);
}

#[test]
fn bad_lines_have_lines_of_their_own_that_say_why() {
    for (target, reason) in [
        ("127.0.0.1:99999", "port 99999 is not between 1 and 65535"),
        ("127.0.0.1:0", "port 0 is not between 1 and 65535"),
        ("127.0.0.1:nosuchservice", "nosuchservice"),
        ("127.0.0.1", "the port is missing"),
        ("127.0.0.1:", "port"),
        ("a b:80", "neither an IP address nor a host name"),
        (":80", "neither an IP address nor a host name"),
        (
            "127.0.0.1/8",
            "host bits are set; the network is 127.0.0.0/8",
        ),
        ("127.0.0.9-127.0.0.1", "127.0.0.9"),
        ("unix:", "the path after unix: is missing"),
        ("http://127.0.0.1/", "expected HOST:PORT, not a URL"),
        ("[::1:80", "[::1:80"),
    ] {
        let object = probe(&["tcp", target]);
        assert_eq!(object["status"], "INVALID", "{object}");
        assert_eq!(object["target"], target);
        assert_eq!(object["attempts"], 0);
        assert_eq!(
            (&object["error"]["phase"], &object["error"]["cause"]),
            (&"target".into(), &"invalid".into())
        );
        let message = object["error"]["message"].as_str().unwrap();
        assert!(message.contains(reason), "{target}: {message}");
        assert!(
            object["latency_ms"].is_null() && object["remote"].is_null(),
            "{object}"
        );
    }
    let object = probe(&["udp", "unix:/tmp/socket"]);
    assert_eq!(object["status"], "INVALID");
}

#[test]
fn a_bad_line_does_not_end_the_run_unless_asked_for() {
    let peer = TcpPeer::saying(b"");
    let list = format!("{0}\n127.0.0.1:70000\n{0}\n", peer.target());
    let run = canvass_reading(&["tcp", "-f", "ndjson"], list.clone()).exits(1);
    assert_eq!(values(&run.whole(3), "status"), ["OPEN", "INVALID", "OPEN"]);
    let run = canvass_reading(&["tcp", "-f", "ndjson", "--strict"], list)
        .exits(2)
        .says("standard input:2: ");
    assert_eq!(values(&run.whole(1), "status"), ["OPEN"]);
}

#[test]
fn ports_that_are_none_are_named() {
    for (ports, words) in [
        ("bogus", "unknown service \"bogus\""),
        ("9-8", "the port range is reversed; write 8-9"),
        ("0", "port 0 is not between 1 and 65535"),
        ("80,", "--ports \"80,\""),
        ("65536", "port 65536 is not between 1 and 65535"),
        ("1-", "--ports \"1-\""),
    ] {
        let run = canvass(&["tcp", "127.0.0.1", "--ports", ports])
            .exits(2)
            .says(words);
        assert_eq!(run.out, "");
    }
}

#[test]
fn a_host_may_be_led_elsewhere() {
    let peer = TcpPeer::saying(b"here\n");
    let port = peer.address.port();
    for pin in [
        format!("mail.invalid:25:127.0.0.1:{port}"),
        format!("::127.0.0.1:{port}"),
        format!("mail.invalid::127.0.0.1:{port}"),
    ] {
        let args = [
            "tcp",
            "mail.invalid:25",
            "--connect-to",
            &pin,
            "--talk",
            "banner",
        ];
        let object = probe(&args);
        assert_eq!(object["target"], "mail.invalid:25");
        assert_eq!(object["remote"], peer.target());
        assert_eq!(object["captures"]["banner"], "here");
    }
    canvass(&["tcp", "a.invalid:1", "--connect-to", "a:b"])
        .exits(2)
        .says("--connect-to \"a:b\" is not HOST1:PORT1:HOST2:PORT2");
}
