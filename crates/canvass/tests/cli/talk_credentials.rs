//! Credentials for talk scripts: where they come from, and that they are never printed.

use std::io::Write;

use crate::common::canvass;
use crate::probe_peers::{TcpPeer, read_line};
use crate::probing::{USER, canvass_as, only, probe_as, script};

#[test]
fn a_refused_login_is_no_match() {
    let object = probe_as(
        USER,
        "not-the-password",
        &["tcp", "127.0.0.1", "--lab", "--talk", "pop3-stat"],
    );
    assert_eq!(object["status"], "UNMATCHED");
    let mismatch = object["mismatch"].as_str().unwrap();
    assert!(
        mismatch.contains("-ERR [AUTH] authentication failed"),
        "{mismatch}"
    );
    let object = probe_as(
        USER,
        "not-the-password",
        &["tcp", "127.0.0.1", "--lab", "--talk", "imap"],
    );
    assert_eq!(object["status"], "UNMATCHED");
}

#[test]
fn a_file_may_hold_the_credentials() {
    let directory = tempfile::tempdir().unwrap();
    let path = script(directory.path(), "mailbox", "canvass\nsecret\n");
    let args = [
        "tcp",
        "127.0.0.1",
        "--lab",
        "--talk",
        "pop3-stat",
        "--credentials",
    ];
    let all = [&args[..], &[&path, "-f", "ndjson"]].concat();
    // The file is meant, whatever the environment has.
    let object = only(canvass_as(Some(("someone", "else")), &all));
    assert_eq!(object["captures"]["messages"], "72");
    let short = script(directory.path(), "short", "canvass\n");
    for (path, words) in [
        (
            short.as_str(),
            "has no user on its first line and password on its second",
        ),
        (
            "/nonexistent/file",
            "cannot read credentials from /nonexistent/file: No such file",
        ),
    ] {
        let all = [&args[..], &[path]].concat();
        let run = canvass_as(None, &all).exits(2).says(words);
        assert_eq!(run.out, "");
    }
}

#[test]
fn missing_credentials_are_asked_for_where_they_are_needed() {
    let directory = tempfile::tempdir().unwrap();
    let own = script(
        directory.path(),
        "login.yml",
        "- send: \"login ${user} ${password}\"\n",
    );
    for talk in ["pop3-stat", own.as_str()] {
        let run = canvass_as(None, &["tcp", "127.0.0.1:1", "--talk", talk])
            .exits(2)
            .says("needs credentials: set CANVASS_USER and CANVASS_PASSWORD")
            .says(talk);
        assert_eq!(run.out, "");
    }
    // An IMAP server has something to say without them.
    let run = canvass_as(None, &["tcp", "127.0.0.1", "--lab", "--talk", "imap"]).exits(0);
    assert!(run.out.contains("capabilities=IMAP4rev1"), "{}", run.out);
    // There is no flag that would show them to everybody on the machine.
    canvass(&["tcp", "127.0.0.1", "--lab", "--password", "x"]).exits(2);
}

#[test]
fn a_password_is_never_printed() {
    const HIDDEN: &str = "hunter2-hidden";
    // It returns what it receives, which is how passwords get into logs.
    let parrot = || {
        TcpPeer::serve(|mut stream| {
            stream.write_all(b"+OK hello\r\n").unwrap();
            let user = read_line(&mut stream);
            stream.write_all(&[b"+OK ", &user[..]].concat()).unwrap();
            let password = read_line(&mut stream);
            stream
                .write_all(&[b"-ERR unknown: ", &password[..]].concat())
                .unwrap();
            password
        })
    };
    for format in ["text", "ndjson", "csv"] {
        let peer = parrot();
        let target = peer.target();
        let args = [
            "tcp",
            &target,
            "--talk",
            "pop3-stat",
            "--trace",
            "-v",
            "-f",
            format,
        ];
        let run = canvass_as(Some(("someone", HIDDEN)), &args);
        assert_eq!(peer.result(), format!("PASS {HIDDEN}\r\n").into_bytes());
        for (what, text) in [("output", &run.out), ("messages", &run.err)] {
            assert!(!text.contains(HIDDEN), "{what}: {text}");
        }
        assert!(run.out.contains("UNMATCHED"), "{}", run.out);
    }
    // Nor is it where it is captured.
    let directory = tempfile::tempdir().unwrap();
    let text = "- send: '${user} ${password}'\n- read: 20\n  as: back\n";
    let path = script(directory.path(), "parrot.yml", text);
    let peer = TcpPeer::serve(|mut stream| {
        let line = read_line(&mut stream);
        stream.write_all(&line).unwrap();
    });
    let args = ["tcp", &peer.target(), "--talk", &path, "-f", "ndjson"];
    let run = canvass_as(Some(("abcde", HIDDEN)), &args).exits(0);
    assert!(!run.out.contains(HIDDEN), "{}", run.out);
    assert!(run.out.contains("abcde"), "{}", run.out);
}
