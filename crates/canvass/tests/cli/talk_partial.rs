//! What comes without a line end, and what is not text.

use std::io::Write;

use serde_json::{Value, json};

use crate::common::canvass;
use crate::probe_peers::{Received, TcpPeer, listen_to};
use crate::probing::{probe, script};

/// Probes a peer that says `words`, keeps the connection open, and says no more.
#[track_caller]
fn probe_peer(words: &'static [u8], args: &[&str]) -> Value {
    let peer: TcpPeer<Received> = TcpPeer::saying(words);
    probe(&[&["tcp", &peer.target()], args].concat())
}

#[test]
fn a_prompt_is_captured_after_a_quiet() {
    let object = probe_peer(b"login: ", &["--talk", "banner"]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["captures"], json!({"banner": "login: "}));
    let transfer_ms = object["phases_ms"]["transfer"].as_f64().unwrap();
    assert!(transfer_ms >= 500.0, "{object}");
    for args in [
        &["--quiet-after", "50ms"][..],
        // No more than half of the time that there is.
        &["--quiet-after", "10m", "--timeout", "100ms"],
    ] {
        let all = [&["--talk", "banner"], args].concat();
        let object = probe_peer(b"login: ", &all);
        assert_eq!(object["captures"], json!({"banner": "login: "}), "{object}");
    }
}

#[test]
fn a_mismatch_quotes_what_has_no_end() {
    let quoted = "the last it said was \"login: \"";
    let directory = tempfile::tempdir().unwrap();
    let text = "- expect_bytes: 'Password:'\n";
    let octets = script(directory.path(), "octets.yml", text);
    for args in [
        &["--talk", "ssh", "--timeout", "100ms"][..],
        &["--talk", "ssh", "--deadline", "100ms"],
        &["--talk", &octets, "--timeout", "100ms"],
    ] {
        let object = probe_peer(b"hello\r\nlogin: ", args);
        assert_eq!(object["status"], "UNMATCHED", "{object}");
        let mismatch = object["mismatch"].as_str().unwrap();
        let whole = "the last it said was \"hello\\r\\nlogin: \"";
        assert!(
            mismatch.ends_with(quoted) || mismatch.ends_with(whole),
            "{mismatch}"
        );
    }
    let closing = TcpPeer::serve(|mut stream| {
        let _ = stream.write_all(b"login: ");
    });
    let object = probe(&["tcp", &closing.target(), "--talk", "ssh"]);
    assert_eq!(object["status"], "UNMATCHED", "{object}");
    assert!(object["mismatch"].as_str().unwrap().ends_with(quoted));
}

#[test]
fn a_line_that_comes_in_two_parts_is_one_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = script(
        directory.path(),
        "whole.yml",
        "- expect: '^220 (?P<host>.*)$'\n  send: 'go'\n",
    );
    let peer = TcpPeer::serve(|mut stream| {
        stream.write_all(b"220 mail.exam").unwrap();
        // The rest comes once the probe has waited in vain: it does not send before the line ends.
        stream
            .set_read_timeout(Some(std::time::Duration::from_millis(100)))
            .unwrap();
        let early = std::io::Read::read(&mut stream, &mut [0]);
        stream.write_all(b"ple.net ESMTP\r\n").unwrap();
        stream
            .set_read_timeout(Some(crate::common::PATIENCE))
            .unwrap();
        (early.is_err(), listen_to(&mut stream).bytes)
    });
    let args = [
        "tcp",
        &peer.target(),
        "--talk",
        &path,
        "--quiet-after",
        "10ms",
    ];
    let object = probe(&args);
    assert_eq!(
        object["captures"],
        json!({"host": "mail.example.net ESMTP"}),
        "{object}"
    );
    assert_eq!(peer.result(), (true, b"go\n".to_vec()));
}

#[test]
fn what_is_not_text_comes_in_hex_too() {
    let object = probe_peer(b"caf\xe9\r\n", &["--talk", "banner"]);
    assert_eq!(object["captures"], json!({"banner": "caf\u{fffd}"}));
    assert_eq!(object["captures_hex"], json!({"banner": "636166e9"}));
    let object = probe_peer("café\r\n".as_bytes(), &["--talk", "banner"]);
    assert_eq!(object["captures"], json!({"banner": "café"}));
    assert!(object.get("captures_hex").is_none(), "{object}");
    let peer = TcpPeer::saying(b"caf\xe9\r\n");
    let csv = canvass(&["tcp", &peer.target(), "--talk", "banner", "-f", "csv"]);
    let csv = csv.exits(0).out;
    let rows: Vec<Vec<&str>> = csv.lines().map(|row| row.split(',').collect()).collect();
    let column = rows[0]
        .iter()
        .position(|key| *key == "captures_hex")
        .unwrap();
    assert_eq!(rows[1][column], "banner=636166e9", "{csv}");
}

#[test]
fn patterns_match_characters_where_what_came_is_utf_8() {
    let directory = tempfile::tempdir().unwrap();
    let path = script(directory.path(), "hello.yml", "- expect: '^h.llo$'\n");
    for words in ["höllo\r\n".as_bytes(), b"h\xf6llo\r\n", b"hello\r\n"] {
        let object = probe_peer(words, &["--talk", &path]);
        assert_eq!(object["status"], "MATCHED", "{object}");
    }
    let path = script(directory.path(), "two.yml", "- expect: '^h..llo$'\n");
    let object = probe_peer(
        "höllo\r\n".as_bytes(),
        &["--talk", &path, "--timeout", "100ms"],
    );
    assert_eq!(object["status"], "UNMATCHED", "{object}");
}
