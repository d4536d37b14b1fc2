//! Presets of services that are not mail.

use canvass_model::Time;

use super::rig::{Peer, UNIX_S_AT_ZERO, preset, run, run_split, talk, talk_as, why};
use crate::talk::TalkOutput;

/// The first packet of MySQL 8.0.36, and of MariaDB 10.11.
const MYSQL: &[u8] = b"\x4a\0\0\0\x0a8.0.36\0\x0c\0\0\0\x1f\x02\x7f\x45\x1d\x4e\x6c\x22\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0\x5e\x13\x2a\x0c\x66\x1f\x79\x55\x31\x7d\x40\x5c\0caching_sha2_password\0";
const MARIADB: &[u8] = b"\x5a\0\0\0\x0a5.5.5-10.11.6-MariaDB-0+deb12u1\0\x1f\0\0\0\x4b\x2f\x61\x7c\x2b\x53\x5e\x66\0\xfe\xf7\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\x3d\0\0\0\x3b\x60\x24\x3f\x6e\x5d\x57\x75\x3c\x4c\x32\x46\0mysql_native_password\0";

#[test]
fn redis_answers_a_ping() {
    let pong = run_split(&talk(preset("redis")), b"+PONG\r\n");
    assert_eq!(
        (pong.said.as_str(), pong.shown().as_str(), pong.end),
        ("PING\r\n", "reply=PONG", TalkOutput::Matched)
    );
    let closed = run_split(
        &talk(preset("redis")),
        b"-NOAUTH Authentication required.\r\n",
    );
    assert_eq!(closed.end, TalkOutput::Matched);
    assert_eq!(closed.shown(), "reply=NOAUTH Authentication required.");
    for error in [
        "-LOADING Redis is loading the dataset in memory",
        "-DENIED Redis is running in protected mode",
        "-ERR unknown command",
        "-MASTERDOWN Link with MASTER is down",
    ] {
        let whole = run_split(&talk(preset("redis")), format!("{error}\r\n").as_bytes());
        assert!(
            why(&whole.end)
                .1
                .ends_with(&format!("the peer said \"{error}\""))
        );
    }
    let user = talk_as(preset("redis"), "me", "a \"b\"");
    let whole = run_split(&user, b"+OK\r\n+PONG\r\n");
    assert_eq!(
        (whole.said.as_str(), whole.end),
        (
            "AUTH \"me\" \"a \\\"b\\\"\"\r\nPING\r\n",
            TalkOutput::Matched
        )
    );
    let whole = run_split(&user, b"-WRONGPASS invalid username-password pair\r\n");
    assert!(why(&whole.end).1.contains("-WRONGPASS"));
}

#[test]
fn mysql_shows_its_version() {
    for (packet, version) in [
        (MYSQL, "8.0.36"),
        (MARIADB, "5.5.5-10.11.6-MariaDB-0+deb12u1"),
    ] {
        let whole = run_split(&talk(preset("mysql")), packet);
        assert_eq!(
            (whole.end.clone(), whole.shown()),
            (TalkOutput::Matched, format!("version={version}"))
        );
    }
    let blocked = b"\x49\0\0\x00\xff\x69\x04Host '192.0.2.7' is blocked because of many connection errors; unblock";
    let blocked = [&[(blocked.len() - 4) as u8], &blocked[1..]].concat();
    let whole = run_split(&talk(preset("mysql")), &blocked);
    let (cause, message) = why(&whole.end);
    assert_eq!(cause, None);
    assert!(
        message.contains("Host '192.0.2.7' is blocked because of many connection errors"),
        "{message}"
    );
}

/// An ErrorResponse of PostgreSQL.
fn postgres_error(code: &str, message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0M{message}\0Fpostinit.c\0L1\0Rf\0\0");
    let length = (fields.len() as u32 + 4).to_be_bytes();
    [&b"E"[..], &length, fields.as_bytes()].concat()
}

#[test]
fn postgres_offers_tls_and_asks_for_a_login() {
    let scram = b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0";
    let unknown = postgres_error("28000", "role \"canvass\" does not exist");
    let ask = "\0\0\0\u{8}\u{4}\u{fffd}\u{16}/";
    let startup = "\0\0\0(\0\u{3}\0\0user\0canvass\0database\0postgres\0\0";
    let whole = run_split(&talk(preset("postgres")), &[b"N", &scram[..]].concat());
    assert_eq!(whole.said, format!("{ask}{startup}"));
    assert_eq!(
        (whole.shown().as_str(), whole.end),
        ("tls_reply=N", TalkOutput::Matched)
    );
    let peer = [Peer::Says(b"S"), Peer::Says(&unknown)];
    let whole = run(talk(preset("postgres")), &peer);
    assert_eq!(whole.said, format!("{ask}<tls>{startup}"));
    assert_eq!(
        (whole.shown().as_str(), whole.end),
        (
            "tls_reply=S code=28000 message=role \"canvass\" does not exist",
            TalkOutput::Matched
        )
    );
    for (code, message) in [
        ("57P03", "the database system is starting up"),
        ("53300", "sorry, too many clients already"),
    ] {
        let said = [&b"N"[..], &postgres_error(code, message)].concat();
        let whole = run_split(&talk(preset("postgres")), &said);
        let why = why(&whole.end).1;
        assert!(why.contains(code) && why.contains(message), "{why}");
    }
    let other = run_split(&talk(preset("postgres")), b"HTTP/1.1 400 Bad Request\r\n");
    assert!(matches!(other.end, TalkOutput::Unmatched(_)));
}

#[test]
fn telnet_options_are_refused() {
    let peer = [
        Peer::Says(b"\xff\xfd\x18\xff\xfb\x01\xff\xfb\x03"),
        Peer::Says(b"\r\n\r\nDebian GNU/Linux 12\r\nlogin: "),
    ];
    let whole = run(talk(preset("telnet")), &peer);
    assert_eq!(whole.shown(), "banner=Debian GNU/Linux 12");
    // They are sent before anything is expected.
    let refused = run(talk(preset("telnet")), &peer[..1]);
    assert_eq!((refused.sent_bytes, refused.end), (9, TalkOutput::Read));
    assert_eq!(refused.received_bytes, 9);
}

#[test]
fn a_clock_that_is_not_set_is_no_match() {
    let mut packet = [0_u8; 48];
    (packet[0], packet[1]) = (0x24, 2);
    let seconds = (UNIX_S_AT_ZERO + 2_208_988_800 + 7) as u32;
    packet[40..44].copy_from_slice(&seconds.to_be_bytes());
    packet[44] = 0x40;
    let judge = |packet: &[u8]| {
        let mut talk = talk(preset("ntp")).over_datagrams();
        let mut out = Vec::new();
        assert_eq!(talk.poll(Time::ZERO, &mut out), TalkOutput::Send);
        assert_eq!((out.len(), out[0]), (48, 0x23));
        talk.poll(Time::ZERO, &mut Vec::new());
        talk.judge_datagram(Time::ZERO, packet)
    };
    let captures: Vec<_> = judge(&packet)
        .captures
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        captures,
        ["time=2023-11-14T22:13:27Z", "drift_s=7.250", "stratum=2"]
    );
    for (first, stratum) in [(0xe4, 2), (0x24, 0), (0x24, 16), (0x23, 2)] {
        (packet[0], packet[1]) = (first, stratum);
        assert!(!judge(&packet).matched, "{first:x} {stratum}");
    }
}
