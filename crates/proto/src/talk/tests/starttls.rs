//! TLS where it is offered.

use super::rig::{Peer, Transcript, preset, run, talk, talk_as, why};
use crate::talk::{Script, TalkOutput};

/// What a peer says, a part for each time it is asked, with TLS if it is asked for that.
#[track_caller]
fn matched(name: &str, parts: &[&[u8]], said: &str) -> Transcript {
    let peer: Vec<_> = parts.iter().map(|part| Peer::Says(part)).collect();
    let whole = run(talk_as(preset(name), "me", "its"), &peer);
    assert_eq!(
        (whole.said.as_str(), &whole.end),
        (said, &TalkOutput::Matched)
    );
    whole
}

#[test]
fn smtp_starts_tls_where_it_is_offered() {
    let whole = matched(
        "smtp",
        &[
            b"220 mx ESMTP\r\n",
            b"250-mx\r\n250-PIPELINING\r\n250 STARTTLS\r\n",
            b"220 go ahead\r\n",
            b"250-mx\r\n250 AUTH PLAIN\r\n",
        ],
        "EHLO canvass\r\nSTARTTLS\r\n<tls>EHLO canvass\r\nQUIT\r\n",
    );
    assert_eq!(whole.shown(), "banner=mx ESMTP extensions=AUTH PLAIN");
    matched(
        "smtp",
        &[b"220 mx\r\n", b"250-mx\r\n250 XSTARTTLS2\r\n"],
        "EHLO canvass\r\nQUIT\r\n",
    );
    matched(
        "smtp-plain",
        &[b"220 mx\r\n", b"250-mx\r\n250 STARTTLS\r\n"],
        "EHLO canvass\r\nQUIT\r\n",
    );
    let peer = [
        Peer::Says(b"220 mx\r\n"),
        Peer::Says(b"250-mx\r\n250 STARTTLS\r\n"),
        Peer::Says(b"454 TLS not available\r\n"),
    ];
    let refused = run(talk(preset("smtp")), &peer);
    assert_eq!(
        why(&refused.end).1,
        "waiting for a line that matches /^220(?: |$)/, the peer said \"454 TLS not available\""
    );
}

#[test]
fn imap_starts_tls_before_a_login() {
    let parts: &[&[u8]] = &[
        b"* OK ready\r\n",
        b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\na1 OK\r\n",
        b"a2 OK begin\r\n",
        b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na3 OK\r\n",
        b"a4 OK welcome\r\n",
    ];
    let said = "a1 CAPABILITY\r\na2 STARTTLS\r\n<tls>a3 CAPABILITY\r\n\
                a4 LOGIN \"me\" \"its\"\r\na5 LOGOUT\r\n";
    for name in ["imap", "imap-login"] {
        let whole = matched(name, parts, said);
        assert_eq!(whole.capture("capabilities"), Some("IMAP4rev1 AUTH=PLAIN"));
    }
}

#[test]
fn pop3_starts_tls_where_it_is_offered() {
    let whole = matched(
        "pop3",
        &[
            b"+OK hello\r\n",
            b"+OK\r\nUSER\r\nSTLS\r\n.\r\n",
            b"+OK begin\r\n",
            b"+OK\r\nUSER\r\nSASL PLAIN\r\n.\r\n",
        ],
        "CAPA\r\nSTLS\r\n<tls>CAPA\r\nQUIT\r\n",
    );
    assert_eq!(
        whole.shown(),
        "greeting=hello capabilities=USER, SASL PLAIN"
    );
    matched("pop3", &[b"+OK\r\n", b"-ERR what\r\n"], "CAPA\r\nQUIT\r\n");
}

#[test]
fn tls_starts_once() {
    let script = Script::preset("smtps").unwrap().script();
    assert!(script.tls_from_start());
    let talk = talk(preset("smtps")).over_tls();
    let peer = [
        Peer::Says(b"220 mx\r\n"),
        Peer::Says(b"250-mx\r\n250 STARTTLS\r\n"),
        Peer::Says(b"250-mx\r\n250 STARTTLS\r\n"),
    ];
    let whole = run(talk, &peer);
    assert!(!whole.said.contains("<tls>"), "{whole:?}");
    assert_eq!(whole.end, TalkOutput::Matched);
}

#[test]
fn conditions_are_looked_at_when_a_step_begins() {
    let script = r#"
        - expect: '^(?P<kind>\w+)$'
        - when: {kind: '^a'}
          send: "it is a"
        - when: [{kind: '^b'}, credentials]
          send: "it is b"
        - when: {other: '.*'}
          send: "never"
        - when: plain
          send: "end"
    "#;
    for (said, answer) in [
        (&b"abc\n"[..], "it is a\nend\n"),
        (b"bcd\n", "it is b\nend\n"),
        (b"c\n", "end\n"),
    ] {
        let whole = run(talk_as(script, "me", "its"), &[Peer::Says(said)]);
        assert_eq!(whole.said, answer);
    }
    assert_eq!(run(talk(script), &[Peer::Says(b"bcd\n")]).said, "end\n");
}
