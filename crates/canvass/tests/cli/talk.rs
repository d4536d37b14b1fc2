//! Conversations by script: presets and files, against the lab and peers that do not play along.

use std::io::Write;
use std::path::Path;

use serde_json::{Value, json};

use crate::common::canvass;
use crate::probe_peers::{TcpPeer, listen_to, read_line};
use crate::probing::{PASSWORD, USER, canvass_as, probe, probe_as, reached, script, verdict};

/// Runs a script against the lab.
#[track_caller]
fn talk(directory: &Path, target: &str, text: &str) -> Value {
    let path = script(directory, "script.yml", text);
    probe(&["tcp", target, "--lab", "--talk", &path])
}

#[test]
fn every_preset_has_its_conversation_with_the_lab() {
    for (preset, captures) in [
        (
            "smtp",
            json!({
                "banner": "good.lab.test ESMTP canvass-lab",
                "extensions": "PIPELINING, SIZE 10485760, 8BITMIME"
            }),
        ),
        (
            "smtp-plain",
            json!({
                "banner": "good.lab.test ESMTP canvass-lab",
                "extensions": "PIPELINING, SIZE 10485760, STARTTLS, 8BITMIME"
            }),
        ),
        (
            "pop3",
            json!({
                "greeting": "canvass-lab POP3 server ready",
                "capabilities": "USER, UIDL, IMPLEMENTATION canvass-lab"
            }),
        ),
        ("pop3-stat", json!({"messages": "72", "bytes": "126036"})),
        (
            "imap",
            json!({
                "greeting": "[CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN] canvass-lab IMAP server ready",
                "capabilities": "IMAP4rev1 AUTH=PLAIN"
            }),
        ),
        (
            "ssh",
            json!({"protocol": "2.0", "software": "canvass_lab_1.0"}),
        ),
        ("ftp", json!({"banner": "canvass-lab FTP server ready"})),
        ("echo", json!({})),
    ] {
        // A host is enough: the preset knows its port.
        let object = probe_as(
            USER,
            PASSWORD,
            &["tcp", "127.0.0.1", "--lab", "--talk", preset],
        );
        assert_eq!(object["status"], "MATCHED", "{object}");
        assert_eq!(object["captures"], captures);
        let phases = reached(&object);
        if ["smtp", "pop3", "imap"].contains(&preset) {
            assert_eq!(phases, ["connect", "tls", "first_byte", "transfer"]);
            assert_eq!(object["tls"]["verified"], true, "{object}");
        } else {
            assert_eq!(phases, ["connect", "first_byte", "transfer"]);
        }
        assert!(object.get("mismatch").is_none(), "{object}");
    }
    let object = probe(&["tcp", "127.0.0.1:8378", "--lab", "--talk", "banner"]);
    assert_eq!(
        object["captures"],
        json!({"banner": "A probe that is not answered"})
    );
}

#[test]
fn a_clock_is_read_and_compared() {
    let object = probe(&["tcp", "127.0.0.1", "--lab=time-skew=3600", "--talk", "time"]);
    let drift_s: f64 = object["captures"]["drift_s"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    // The server says whole seconds.
    assert!((3598.0..=3600.5).contains(&drift_s), "{object}");
    let object = probe(&["tcp", "127.0.0.1", "--lab=time-skew=-90", "--talk", "time"]);
    let drift_s: f64 = object["captures"]["drift_s"]
        .as_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((-92.0..=-89.5).contains(&drift_s), "{object}");
    let object = probe(&["tcp", "127.0.0.1", "--lab", "--talk", "daytime"]);
    let daytime = object["captures"]["daytime"].as_str().unwrap();
    assert_eq!(daytime.len(), "2026-01-02 03:04:05 UTC".len(), "{object}");
}

#[test]
fn presets_work_over_tls_too() {
    for (target, args) in [
        ("good.lab.test:pop3s", &["--tls", "--talk", "pop3-stat"][..]),
        ("good.lab.test:imaps", &["--tls", "--talk", "imap"]),
        ("good.lab.test:smtps", &["--tls", "--talk", "smtp"]),
        ("good.lab.test", &["--talk", "pop3s"]),
        ("good.lab.test", &["--talk", "imaps"]),
        ("good.lab.test", &["--talk", "smtps"]),
    ] {
        let object = probe_as(USER, PASSWORD, &[&["tcp", target, "--lab"], args].concat());
        assert_eq!(object["status"], "MATCHED", "{object}");
        assert_eq!(object["tls"]["verified"], true);
        assert_eq!(
            reached(&object),
            ["resolve", "connect", "tls", "first_byte", "transfer"]
        );
    }
}

#[test]
fn a_blackbox_script_begins_tls_on_the_way() {
    let directory = tempfile::tempdir().unwrap();
    let object = talk(
        directory.path(),
        "good.lab.test:25",
        r#"
prober: tcp
timeout: 5s
tcp:
  query_response:
    - expect: "^220 ([^ ]+) ESMTP (.+)$"
      labels:
        - name: server
          value: "${1}"
        - name: software
          value: "${2}"
    - send: "EHLO prober\r"
    - expect: "^250-STARTTLS"
    - send: "STARTTLS\r"
    - expect: "^220"
    - starttls: true
    - send: "EHLO prober\r"
    - expect: "^250-"
    - send: "QUIT\r"
"#,
    );
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["captures"]["server"], "good.lab.test");
    assert_eq!(object["captures"]["software"], "canvass-lab");
    assert_eq!(object["tls"]["verified"], true);
    assert_eq!(object["tls"]["subject"], "CN=good.lab.test,O=canvass lab");
    assert_eq!(
        reached(&object),
        ["resolve", "connect", "tls", "first_byte", "transfer"]
    );
}

#[test]
fn what_came_is_said_back() {
    let peer = TcpPeer::serve(|mut stream| {
        let nick = read_line(&mut stream);
        let user = read_line(&mut stream);
        stream
            .write_all(b":irc NOTICE * :hello\r\nPING :abc123\r\n")
            .unwrap();
        let pong = read_line(&mut stream);
        stream.write_all(b":irc 001 prober :Welcome\r\n").unwrap();
        [nick, user, pong].concat()
    });
    let directory = tempfile::tempdir().unwrap();
    let path = script(
        directory.path(),
        "irc.yml",
        r#"
tcp:
  query_response:
    - send: "NICK prober"
    - send: "USER prober prober prober :prober"
    - expect: "PING :([^ ]+)"
      send: "PONG ${1}"
    - expect: "^:[^ ]+ 001"
"#,
    );
    let object = probe(&["tcp", &peer.target(), "--talk", &path]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["captures"], json!({"1": "abc123"}));
    assert_eq!(
        String::from_utf8(peer.result()).unwrap(),
        "NICK prober\nUSER prober prober prober :prober\nPONG abc123\n"
    );
}

#[test]
fn the_line_server_reverses_what_it_is_sent() {
    let directory = tempfile::tempdir().unwrap();
    let object = talk(
        directory.path(),
        "127.0.0.1:8377",
        r#"
- expect: "^Welcome to the (?P<service>.*) service"
- send: "stressed"
- expect: "^(?P<reversed>desserts)$"
- delay: 60ms
- send: "END"
- read: to_end
  as: rest
"#,
    );
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(
        object["captures"],
        json!({"service": "reversing", "reversed": "desserts", "rest": ""})
    );
    assert!(
        object["phases_ms"]["transfer"].as_f64().unwrap() >= 60.0,
        "{object}"
    );
    assert_eq!(object["sent_bytes"], "stressed\nEND\n".len());
}

#[test]
fn the_checkers_verdict_is_captured() {
    let directory = tempfile::tempdir().unwrap();
    for (line, verdict) in [
        ("canvass:secret", "1"),
        ("canvass:guess", "0"),
        ("nonsense", "-1"),
    ] {
        let text = format!("- send: '{line}'\n- expect: '^(?P<verdict>-?[0-9])$'\n");
        let object = talk(directory.path(), "127.0.0.1:8379", &text);
        assert_eq!(object["captures"]["verdict"], verdict, "{object}");
    }
}

#[test]
fn octets_are_sent_and_counted_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let object = talk(
        directory.path(),
        "127.0.0.1",
        // A preset would know the port.
        "- send_bytes: 00ff\n",
    );
    assert_eq!(object["status"], "INVALID");
    let object = talk(
        directory.path(),
        "127.0.0.1:echo",
        r#"
- send_bytes: "00 ff 0d 0a"
- expect_bytes: "\r\n"
- send_bytes: "01020304"
- read: 3
  as: three
- send_bytes: "41"
- half_close: true
- read: to_end
  as: rest
  form: hex
"#,
    );
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(
        object["captures"],
        json!({"three": "010203", "rest": "0441"})
    );
    assert_eq!(
        (&object["sent_bytes"], &object["received_bytes"]),
        (&9.into(), &9.into())
    );
}

#[test]
fn half_a_close_leaves_the_answer_to_be_read() {
    let peer = TcpPeer::serve(|mut stream| {
        let received = listen_to(&mut stream);
        let sum: u32 = received.bytes.iter().map(|&octet| u32::from(octet)).sum();
        writeln!(stream, "sum {sum}").unwrap();
        received.bytes
    });
    let directory = tempfile::tempdir().unwrap();
    let text = "- send_bytes: '0a0b0c'\n- half_close: true\n- expect: '^sum (?P<sum>.*)$'\n";
    let path = script(directory.path(), "sum.yml", text);
    let object = probe(&["tcp", &peer.target(), "--talk", &path]);
    assert_eq!(object["captures"], json!({"sum": "33"}), "{object}");
    assert_eq!(peer.result(), [10, 11, 12]);
}

#[test]
fn reading_to_the_end_keeps_every_line() {
    let directory = tempfile::tempdir().unwrap();
    let text = "- read: to_end\n  as: fortune\n";
    let object = talk(directory.path(), "127.0.0.1:8378", text);
    let fortune = object["captures"]["fortune"].as_str().unwrap();
    assert_eq!(fortune.lines().count(), 3);
    assert_eq!(object["received_bytes"], fortune.len());
}

#[test]
fn captures_stand_in_every_format() {
    let args = ["tcp", "127.0.0.1", "--lab", "--talk", "pop3-stat"];
    let as_user = |format: &str| {
        canvass_as(
            Some((USER, PASSWORD)),
            &[&args[..], &["-f", format]].concat(),
        )
        .exits(0)
    };
    let text = as_user("text").out;
    let columns: Vec<&str> = text.trim_end().split('\t').collect();
    assert_eq!(columns.len(), 4, "{text}");
    assert_eq!(columns[..2], ["127.0.0.1", "MATCHED"]);
    assert_eq!(columns[3], "messages=72; bytes=126036");
    let csv = as_user("csv").out;
    let rows: Vec<Vec<&str>> = csv.lines().map(|row| row.split(',').collect()).collect();
    assert_eq!((rows.len(), rows[0].len()), (2, rows[1].len()), "{csv}");
    let field = |name: &str| rows[1][rows[0].iter().position(|key| *key == name).unwrap()];
    assert_eq!(field("captures"), "messages=72; bytes=126036");
    assert_eq!(
        (field("status"), field("received_bytes")),
        ("MATCHED", "80")
    );
}

#[test]
fn what_is_captured_cannot_break_a_line() {
    let peer = TcpPeer::saying(b"a\"b,c\x1b[31m\td\xff\xe2\x80\xa8\n");
    let args = ["tcp", &peer.target(), "--talk", "banner"];
    let object = probe(&args);
    assert_eq!(
        object["captures"]["banner"],
        "a\"b,c\u{1b}[31m\td\u{fffd}\u{2028}"
    );
    let text = canvass(&args).exits(0).out;
    assert_eq!(text.matches('\t').count(), 3, "{text:?}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
    let csv = canvass(&[&args[..], &["-f", "csv"]].concat()).exits(0).out;
    assert!(csv.contains("\"banner=a\"\"b,c"), "{csv:?}");
}

#[test]
fn a_peer_that_says_something_else_is_no_match_and_a_silent_one_times_out() {
    let other = TcpPeer::saying(b"554 go away\r\n");
    let args = ["--talk", "smtp", "--timeout", "100ms"];
    let object = probe(&[&["tcp", &other.target()], &args[..]].concat());
    assert_eq!(
        (&object["outcome"], &object["status"]),
        (&json!("negative"), &json!("UNMATCHED"))
    );
    let mismatch = object["mismatch"].as_str().unwrap();
    assert!(mismatch.contains("\"554 go away\""), "{mismatch}");
    let silent = TcpPeer::saying(b"");
    let object = probe(&[&["tcp", &silent.target()], &args[..]].concat());
    assert_eq!(verdict(&object), ["TIMEOUT", "first_byte", "timeout", ""]);
}

#[test]
fn another_line_than_expected_is_waited_behind_and_then_no_match() {
    let peer = TcpPeer::saying(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let args = [
        "tcp",
        &peer.target(),
        "--talk",
        "ssh",
        "--transfer-timeout",
        "100ms",
    ];
    let object = probe(&args);
    assert_eq!(object["status"], "UNMATCHED", "{object}");
    let mismatch = object["mismatch"].as_str().unwrap();
    assert!(
        mismatch.contains("a line that matches /^SSH-"),
        "{mismatch}"
    );
    // One that comes behind others is found.
    let peer = TcpPeer::saying(b"hello\r\nSSH-2.0-x\r\n");
    let object = probe(&["tcp", &peer.target(), "--talk", "ssh"]);
    assert_eq!(object["captures"]["software"], "x");
}

#[test]
fn a_bad_script_is_refused_with_its_line_step_and_key() {
    let directory = tempfile::tempdir().unwrap();
    for (text, words) in [
        (
            "- expect: \"^220\"\n- exect: \"^250\"\n",
            "line 2, step 2: `exect` is no key of a step",
        ),
        ("- send: ''\n", "line 1, step 1: `send` is empty"),
        ("- expect: '('\n", "line 1, step 1: "),
        ("- send_bytes: 'xyz'\n", "line 1, step 1: "),
        ("- send: 'PONG ${1}'\n", "`${1}` has no `expect` before it"),
        (
            "- send: '${env:HOME}'\n",
            "a script cannot read the environment",
        ),
        ("- delay: 5\n", "line 1, step 1: "),
        (
            "- half_close: true\n- send: x\n",
            "nothing can be sent after `half_close`",
        ),
        ("query_response: []\n", "there are no steps"),
        ("", "the script is empty"),
        ("- a: [\n", "script.yml: line "),
        ("prober: http\n", "only `prober: tcp` holds conversations"),
    ] {
        let path = script(directory.path(), "script.yml", text);
        let run = canvass(&["tcp", "127.0.0.1:1", "--talk", &path])
            .exits(2)
            .says(words)
            .says(&path);
        assert_eq!(run.out, "", "{text:?}");
    }
    canvass(&["tcp", "127.0.0.1:1", "--talk", "no-such-preset"])
        .exits(2)
        .says("--talk \"no-such-preset\" is neither a file that can be read")
        .says("banner, smtp, pop3-stat");
    for (name, hint) in [
        ("smpt", "did you mean smtp?"),
        ("postgresql", "did you mean postgres?"),
        ("imap-logon", "did you mean imap-login?"),
    ] {
        canvass(&["tcp", "127.0.0.1:1", "--talk", name])
            .exits(2)
            .says(hint);
    }
    let far = canvass(&["tcp", "127.0.0.1:1", "--talk", "/none/of/them"]).exits(2);
    assert!(!far.err.contains("did you mean"), "{}", far.err);
}

#[test]
fn a_peer_that_talks_too_much_is_cut_off() {
    let peer = TcpPeer::serve(|mut stream| {
        let chunk = [b'x'; 1 << 16];
        while stream.write_all(&chunk).is_ok() {}
    });
    let object = probe(&["tcp", &peer.target(), "--talk", "banner"]);
    assert_eq!(object["error"]["cause"], "oversize", "{object}");
    assert!(
        object["received_bytes"].as_u64().unwrap() < 4 << 20,
        "{object}"
    );
    peer.result();
}

#[test]
fn plain_octets_behind_starttls_are_not_taken_for_the_peers() {
    let peer = TcpPeer::serve(|mut stream| {
        stream.write_all(b"220 here\r\n").unwrap();
        read_line(&mut stream);
        stream.write_all(b"220 go on\r\n250 injected\r\n").unwrap();
        listen_to(&mut stream);
    });
    let directory = tempfile::tempdir().unwrap();
    let path = script(
        directory.path(),
        "starttls.yml",
        "- expect: '^220'\n- send: STARTTLS\n- expect: '^220'\n- starttls: true\n- expect: '^250'\n",
    );
    let object = probe(&["tcp", &peer.target(), "--talk", &path, "--insecure"]);
    assert_eq!(object["status"], "MALFORMED", "{object}");
}

#[test]
fn a_module_may_say_how_long_it_waits() {
    let directory = tempfile::tempdir().unwrap();
    let module = "prober: tcp\ntimeout: 200ms\ntcp:\n  query_response:\n    - expect: never said\n";
    let path = script(directory.path(), "module.yml", module);
    // No other limit ends it before a test gives up.
    let args = ["tcp", "127.0.0.1:7", "--lab", "--deadline", "10m"];
    let object = probe(&[&args[..], &["--talk", &path]].concat());
    assert_eq!(verdict(&object)[0], "TIMEOUT", "{object}");
    let first_byte_ms = object["phases_ms"]["first_byte"].as_f64().unwrap();
    assert!(first_byte_ms >= 200.0, "{object}");
}
