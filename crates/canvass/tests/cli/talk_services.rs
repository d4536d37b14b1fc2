//! Presets of services whose servers are played here, by what theirs send.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::common::canvass;
use crate::probe_peers::{TcpPeer, UdpHost, listen_to};
use crate::probing::{canvass_as, only, probe};

/// The first packet of MariaDB 10.11.
const MARIADB: &[u8] = b"\x5a\0\0\0\x0a5.5.5-10.11.6-MariaDB-0+deb12u1\0\x1f\0\0\0\x4b\x2f\x61\x7c\x2b\x53\x5e\x66\0\xfe\xf7\x2d\x02\0\xff\x81\x15\0\0\0\0\0\0\x3d\0\0\0\x3b\x60\x24\x3f\x6e\x5d\x57\x75\x3c\x4c\x32\x46\0mysql_native_password\0";
const BLOCKED: &[u8] =
    b"\x41\0\0\0\xff\x69\x04Host '192.0.2.7' is blocked because of many connection errors;";

#[test]
fn mysql_shows_its_version_or_its_error() {
    let peer = TcpPeer::saying(MARIADB);
    let object = probe(&["tcp", &peer.target(), "--talk", "mysql"]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(
        object["captures"],
        json!({"version": "5.5.5-10.11.6-MariaDB-0+deb12u1"})
    );
    let peer = TcpPeer::saying(BLOCKED);
    let object = probe(&["tcp", &peer.target(), "--talk", "mysql"]);
    assert_eq!(object["status"], "UNMATCHED", "{object}");
    let mismatch = object["mismatch"].as_str().unwrap();
    assert!(
        mismatch.contains("Host '192.0.2.7' is blocked"),
        "{mismatch}"
    );
    let peer = TcpPeer::saying(b"SSH-2.0-OpenSSH_9.2p1\r\n");
    let object = probe(&["tcp", &peer.target(), "--talk", "mysql"]);
    let mismatch = object["mismatch"].as_str().unwrap();
    assert!(
        mismatch.ends_with("the peer said \"SSH-2.0-OpenSSH_9.2p1\\r\\n\""),
        "{mismatch}"
    );
}

/// What a server receives of a startup, and how it answers: without TLS, and with this.
fn postgres(answer: &'static [u8]) -> TcpPeer<Vec<u8>> {
    TcpPeer::serve(move |mut stream: TcpStream| {
        let mut request = [0; 8];
        stream.read_exact(&mut request).unwrap();
        stream.write_all(b"N").unwrap();
        let mut startup = [0; 40];
        stream.read_exact(&mut startup).unwrap();
        stream.write_all(answer).unwrap();
        [&request[..], &startup, &listen_to(&mut stream).bytes].concat()
    })
}

#[test]
fn postgres_says_whether_it_takes_logins() {
    let peer = postgres(b"R\0\0\0\x17\0\0\0\x0aSCRAM-SHA-256\0\0");
    let object = probe(&["tcp", &peer.target(), "--talk", "postgres"]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["captures"], json!({"tls_reply": "N"}));
    assert_eq!(
        peer.result(),
        b"\0\0\0\x08\x04\xd2\x16\x2f\0\0\0\x28\0\x03\0\0user\0canvass\0database\0postgres\0\0"
    );
    let peer =
        postgres(b"E\0\0\0\x3eSFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0");
    let object = probe(&["tcp", &peer.target(), "--talk", "postgres"]);
    assert_eq!(object["status"], "UNMATCHED", "{object}");
    let mismatch = object["mismatch"].as_str().unwrap();
    assert!(
        mismatch.contains("the database system is starting up"),
        "{mismatch}"
    );
}

#[test]
fn telnet_options_are_refused_and_the_prompt_is_captured() {
    let peer = TcpPeer::serve(|mut stream| {
        stream.write_all(b"\xff\xfd\x18\xff\xfb\x01").unwrap();
        let mut refusals = [0; 6];
        stream.read_exact(&mut refusals).unwrap();
        stream.write_all(b"\r\nrouter login: ").unwrap();
        listen_to(&mut stream);
        refusals
    });
    let args = [
        "tcp",
        &peer.target(),
        "--talk",
        "telnet",
        "--quiet-after",
        "50ms",
    ];
    let object = probe(&args);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["captures"], json!({"banner": "router login: "}));
    assert_eq!(
        (&object["sent_bytes"], &object["received_bytes"]),
        (&6.into(), &22.into())
    );
    assert_eq!(peer.result(), *b"\xff\xfc\x18\xff\xfe\x01");
}

#[test]
fn a_time_server_is_compared() {
    let answer = |packet: &[u8], stratum: u8| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let seconds = (now.unwrap().as_secs() + 2_208_988_800 + 100) as u32;
        let mut reply = packet.to_vec();
        (reply[0], reply[1]) = (0x24, stratum);
        reply[40..44].copy_from_slice(&seconds.to_be_bytes());
        reply
    };
    let host = UdpHost::start(31, 0, move |packet, _| answer(packet, 2));
    let target = host.address.to_string();
    let object = only(canvass_as(
        None,
        &["udp", &target, "--talk", "ntp", "-f", "ndjson"],
    ));
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(object["captures"]["stratum"], "2");
    let drift_s = object["captures"]["drift_s"].as_str().unwrap();
    let drift_s: f64 = drift_s.parse().unwrap();
    assert!((98.0..=100.5).contains(&drift_s), "{object}");
    let host = UdpHost::start(32, 0, move |packet, _| answer(packet, 16));
    let target = host.address.to_string();
    let object = probe(&["udp", &target, "--talk", "ntp", "--timeout", "100ms"]);
    assert_eq!(object["status"], "UNMATCHED", "{object}");
    canvass(&["tcp", "127.0.0.1", "--talk", "ntp"])
        .exits(2)
        .says("ntp does not work over TCP");
}
