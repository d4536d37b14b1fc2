//! Presets against peers as they speak.

use super::rig::{NONCE, Peer, UNIX_S_AT_ZERO, preset, run, run_split, talk, talk_as, why};
use crate::talk::{Preset, TalkOutput};

#[test]
fn what_is_said_of_presets_is_so() {
    for preset in Preset::ALL {
        let script = preset.script();
        assert_eq!(script.name(), preset.name);
        assert!(script.udp_ok() || !preset.udp, "{}", preset.name);
        assert_eq!(script.tls_from_start(), preset.tls_from_start);
        assert_eq!(
            script.credential_use(),
            preset.credentials,
            "{}",
            preset.name
        );
        assert!((preset.tcp || preset.udp) && !preset.about.is_empty());
        assert_eq!(preset.port.is_none(), preset.name == "banner");
    }
    let mut names: Vec<_> = Preset::ALL.iter().map(|preset| preset.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), Preset::ALL.len());
}

#[test]
fn banner_is_the_first_line() {
    let whole = run_split(
        &talk(preset("banner")),
        b"Good fortune.\r\nBad fortune.\r\n",
    );
    assert_eq!(whole.shown(), "banner=Good fortune.");
    assert_eq!(whole.end, TalkOutput::Matched);
}

#[test]
fn smtp_shows_greeting_and_extensions() {
    let whole = run_split(
        &talk(preset("smtp")),
        b"220-mx.example.net ESMTP\r\n220 no spam\r\n250-mx.example.net\r\n250-PIPELINING\r\n\
          250-SIZE 10240000\r\n250 SMTPUTF8\r\n221 Bye\r\n",
    );
    assert_eq!(whole.said, "EHLO canvass\r\nQUIT\r\n");
    assert_eq!(
        whole.shown(),
        "banner=mx.example.net ESMTP, no spam extensions=PIPELINING, SIZE 10240000, SMTPUTF8"
    );
    let bare = run_split(&talk(preset("smtp")), b"220 mx\r\n250 mx\r\n");
    assert_eq!(
        (bare.shown().as_str(), bare.end),
        ("banner=mx", TalkOutput::Matched)
    );
    let busy = run_split(&talk(preset("smtp")), b"421 too busy\r\n");
    assert!(why(&busy.end).1.ends_with("the peer said \"421 too busy\""));
}

#[test]
fn pop3_counts_messages_and_bytes() {
    let talk = talk_as(preset("pop3-stat"), "mrose", "tanstaaf");
    let whole = run_split(
        &talk,
        b"+OK POP3 server ready\r\n+OK mrose is here\r\n+OK 2 messages\r\n+OK 72 11890\r\n+OK bye\r\n",
    );
    assert_eq!(
        whole.said,
        "USER mrose\r\nPASS tanstaaf\r\nSTAT\r\nQUIT\r\n"
    );
    assert_eq!(
        (whole.shown().as_str(), whole.end),
        ("messages=72 bytes=11890", TalkOutput::Matched)
    );

    let refused = run_split(
        &talk,
        b"+OK ready\r\n+OK\r\n-ERR invalid password\r\n+OK\r\n",
    );
    assert_eq!(
        why(&refused.end),
        (
            None,
            r#"waiting for a line that matches /^\+OK/, the peer said "-ERR invalid password""#
                .into()
        )
    );
    assert_eq!(refused.said, "USER mrose\r\nPASS tanstaaf\r\n");
}

#[test]
fn imap_logs_in_where_it_can() {
    let said = b"* OK IMAP4rev1 ready\r\n* CAPABILITY IMAP4rev1 IDLE\r\na1 OK done\r\n";
    let whole = run_split(&talk(preset("imap")), said);
    assert_eq!(whole.said, "a1 CAPABILITY\r\na5 LOGOUT\r\n");
    assert_eq!(
        (whole.shown().as_str(), whole.end),
        (
            "greeting=IMAP4rev1 ready capabilities=IMAP4rev1 IDLE",
            TalkOutput::Matched
        )
    );
    let with_login = [&said[..], b"a4 OK [CAPABILITY IMAP4rev1] welcome\r\n"].concat();
    let whole = run_split(&talk_as(preset("imap"), "me", "a\"b c"), &with_login);
    assert_eq!(whole.end, TalkOutput::Matched);
    assert_eq!(
        whole.said,
        "a1 CAPABILITY\r\na4 LOGIN \"me\" \"a\\\"b c\"\r\na5 LOGOUT\r\n"
    );
    for no in [
        &b"a4 NO [AUTHENTICATIONFAILED] no\r\n"[..],
        b"* BYE going\r\n",
    ] {
        let whole = run_split(
            &talk_as(preset("imap"), "me", "it"),
            &[&said[..], no].concat(),
        );
        assert!(matches!(whole.end, TalkOutput::Unmatched(_)), "{whole:?}");
    }
}

#[test]
fn ssh_shows_protocol_and_software() {
    let whole = run_split(
        &talk(preset("ssh")),
        b"Keep out!\r\nSSH-2.0-OpenSSH_9.6p1 Ubuntu-3\r\n",
    );
    assert_eq!(
        whole.shown(),
        "protocol=2.0 software=OpenSSH_9.6p1 comments=Ubuntu-3"
    );
    let whole = run_split(&talk(preset("ssh")), b"SSH-1.99-Cisco-1.25\n");
    assert_eq!(whole.shown(), "protocol=1.99 software=Cisco-1.25");
    let old = run_split(&talk(preset("ssh")), b"SSH-1.5-old\n");
    assert!(matches!(old.end, TalkOutput::Unmatched(_)));
}

#[test]
fn ftp_shows_its_greeting() {
    let whole = run_split(&talk(preset("ftp")), b"220-Welcome\r\n\r\n220 ready\r\n");
    assert_eq!(
        (whole.shown().as_str(), whole.said.as_str()),
        ("banner=Welcome, ready", "QUIT\r\n")
    );
    let full = run_split(&talk(preset("ftp")), b"421 too many users\r\n");
    assert!(matches!(full.end, TalkOutput::Unmatched(_)));
}

#[test]
fn time_shows_a_clock_and_its_drift() {
    let seconds = (UNIX_S_AT_ZERO + 2_208_988_800 + 90) as u32;
    let whole = run_split(&talk(preset("time")), &seconds.to_be_bytes());
    assert_eq!(
        (whole.said.as_str(), &whole.end),
        ("", &TalkOutput::Matched)
    );
    assert_eq!(whole.shown(), "time=2023-11-14T22:14:50Z drift_s=90.000");
    let late = run(
        talk(preset("time")),
        &[Peer::Waits(1500), Peer::Says(&seconds.to_be_bytes())],
    );
    assert_eq!(late.capture("drift_s"), Some("88.500"));
    let cut = run_split(&talk(preset("time")), b"abc");
    assert_eq!(
        why(&cut.end).1,
        "the peer closed its side after 3 of 4 octets"
    );
}

#[test]
fn daytime_is_a_line_of_text() {
    for said in [
        &b"Tuesday, February 22, 1982 17:37:43-PST\r\n"[..],
        b"\nTuesday, February 22, 1982 17:37:43-PST \r\n",
        b"Tuesday, February 22, 1982 17:37:43-PST",
    ] {
        let whole = run_split(&talk(preset("daytime")), said);
        assert_eq!(
            whole.shown(),
            "daytime=Tuesday, February 22, 1982 17:37:43-PST"
        );
    }
}

#[test]
fn echo_wants_its_own_line_back() {
    let line = format!("canvass {NONCE:016x}\r\n");
    let whole = run_split(&talk(preset("echo")), line.as_bytes());
    assert_eq!(
        (whole.said.as_str(), whole.end),
        (line.as_str(), TalkOutput::Matched)
    );
    let other = run_split(&talk(preset("echo")), b"canvass 0000000000000000\r\n");
    assert_eq!(
        why(&other.end),
        (
            None,
            "the peer closed its side before the line \"canvass ${nonce}\" came; the last it said was \"canvass 0000000000000000\"".into()
        )
    );
}
