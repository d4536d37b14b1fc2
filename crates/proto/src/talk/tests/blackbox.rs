//! Scripts in the forms blackbox_exporter's users write.

use super::rig::{Peer, run, run_split, talk, why};
use crate::talk::{Script, TalkOutput};

const SMTP_STARTTLS: &str = r#"
prober: tcp
timeout: 5s
tcp:
  query_response:
    - expect: "^220 ([^ ]+) ESMTP (.+)$"
    - send: "EHLO prober\r"
    - expect: "^250-STARTTLS"
    - send: "STARTTLS\r"
    - expect: "^220"
    - starttls: true
    - send: "EHLO prober\r"
    - expect: "^250-AUTH"
    - send: "QUIT\r"
"#;

const IRC: &str = r#"
tcp:
  query_response:
    - send: "NICK prober"
    - send: "USER prober prober prober :prober"
    - expect: "PING :([^ ]+)"
      send: "PONG ${1}"
    - expect: "^:[^ ]+ 001"
"#;

#[test]
fn smtp_goes_over_to_tls() {
    let plain = b"220 mx.example.net ESMTP Postfix\r\n250-mx.example.net\r\n250-STARTTLS\r\n\
        250 8BITMIME\r\n220 Go ahead\r\n";
    let peer = [
        Peer::Says(plain),
        Peer::Says(b"250-mx.example.net\r\n250-AUTH PLAIN\r\n"),
    ];
    let whole = run(talk(SMTP_STARTTLS), &peer);
    assert_eq!(
        whole.said,
        "EHLO prober\r\nSTARTTLS\r\n<tls>EHLO prober\r\nQUIT\r\n"
    );
    assert_eq!(whole.end, TalkOutput::Matched);
    assert_eq!(whole.shown(), "1=mx.example.net 2=Postfix");
    let octets = plain.len() + "250-mx.example.net\r\n250-AUTH PLAIN\r\n".len();
    assert_eq!(whole.received_bytes, octets as u64);
    assert_eq!(
        whole.sent_bytes,
        "EHLO prober\r\nSTARTTLS\r\nEHLO prober\r\nQUIT\r\n".len() as u64
    );
    for cut in 0..=plain.len() {
        let cut = [
            Peer::Says(&plain[..cut]),
            Peer::Says(&plain[cut..]),
            peer[1],
        ];
        assert_eq!(run(talk(SMTP_STARTTLS), &cut), whole);
    }
    let script = Script::parse(SMTP_STARTTLS, "smtp").unwrap();
    assert!(!script.tls_from_start() && !script.udp_ok());
    assert_eq!(script.timeout(), Some(std::time::Duration::from_secs(5)));
}

#[test]
fn octets_in_front_of_tls_are_refused() {
    let said =
        b"220 mx.example.net ESMTP Postfix\r\n250-STARTTLS\r\n220 Go ahead\r\n250-AUTH LOGIN\r\n";
    let injected = run(talk(SMTP_STARTTLS), &[Peer::Says(said)]);
    let (cause, message) = why(&injected.end);
    assert_eq!(cause, Some(canvass_model::Cause::Malformed));
    assert_eq!(
        message,
        "16 octets came in plain text where TLS was to begin"
    );
    assert_eq!(injected.said, "EHLO prober\r\nSTARTTLS\r\n");

    // The same where they come while TLS is being agreed on.
    let mut talk = talk("[{expect: ok, starttls: true}, {expect: more}]");
    let now = canvass_model::Time::ZERO;
    let mut out = Vec::new();
    talk.received(now, b"ok\n");
    assert_eq!(talk.poll(now, &mut out), TalkOutput::StartTls);
    assert_eq!(talk.poll(now, &mut out), TalkOutput::Read);
    talk.received(now, b"more\n");
    talk.secured();
    assert!(matches!(talk.poll(now, &mut out), TalkOutput::Fault(_)));
}

#[test]
fn irc_gets_its_ping_back() {
    let whole = run_split(
        &talk(IRC),
        b":irc NOTICE * :hello\r\nPING :a1b2\r\n:irc.example.net 001 prober :Welcome\r\n",
    );
    assert_eq!(
        whole.said,
        "NICK prober\nUSER prober prober prober :prober\nPONG a1b2\n"
    );
    assert_eq!(
        (whole.end.clone(), whole.shown()),
        (TalkOutput::Matched, "1=a1b2".to_owned())
    );
}

#[test]
fn ssh_shows_its_banner_in_labels() {
    let script = r#"
        query_response:
          - expect: "^SSH-2.0-([^ ]+)(?: (.*))?$"
            labels:
              - name: ssh_version
                value: "${1}"
              - name: ssh_comments
                value: "$2!"
            send: "SSH-2.0-blackbox-ssh-check"
    "#;
    let whole = run_split(&talk(script), b"SSH-2.0-OpenSSH_9.7 FreeBSD-20240806\r\n");
    assert_eq!(
        whole.shown(),
        "1=OpenSSH_9.7 2=FreeBSD-20240806 ssh_version=OpenSSH_9.7 ssh_comments=FreeBSD-20240806!"
    );
    let whole = run_split(&talk(script), b"SSH-2.0-dropbear\r\n");
    assert_eq!(
        whole.shown(),
        "1=dropbear ssh_version=dropbear ssh_comments=!"
    );
}

#[test]
fn pop3s_has_tls_from_the_start() {
    let text = "prober: tcp\ntcp:\n  tls: true\n  query_response:\n    - expect: '^\\+OK'\n";
    let script = Script::parse(text, "pop3s").unwrap();
    assert!(script.tls_from_start());
    assert_eq!(
        run_split(&talk(text), b"+OK ready\r\n").end,
        TalkOutput::Matched
    );
}

#[test]
fn postgres_is_asked_in_octets() {
    for ask in [
        "send_bytes: 00000008 04d2162f",
        "{send: !!binary AAAACATSFi8=, newline: none}",
    ] {
        let script = format!("[{{{ask}}}, {{expect_bytes: S, starttls: true}}]")
            .replace("{{", "{")
            .replace("}}", "}");
        let whole = run(talk(&script), &[Peer::Says(b"S")]);
        assert_eq!(whole.said, "\0\0\0\u{8}\u{4}\u{fffd}\u{16}/<tls>");
        assert_eq!(whole.end, TalkOutput::Matched);
        let whole = run_split(&talk(&script), b"N");
        assert_eq!(
            why(&whole.end),
            (
                None,
                "the peer closed its side before the octets \"S\" came; the last it said was \"N\""
                    .into()
            )
        );
    }
}
