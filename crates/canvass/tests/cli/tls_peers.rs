//! Servers whose TLS this side does not have.

use std::path::Path;
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::probing::probe;
use crate::tls_server::{Made, RSA_2048, TlsServer, handshake};

const ALERT: &str = "the peer sent the TLS alert";

fn rsa() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    Made {
        ca_key: RSA_2048,
        key: RSA_2048,
        ..Made::default()
    }
    .in_directory(directory.path());
    directory
}

#[track_caller]
fn alert(object: &Value, message: &str) {
    assert_eq!(
        (&object["status"], &object["error"]["cause"]),
        (&json!("TLS"), &json!("alert")),
        "{object}"
    );
    assert_eq!(object["error"]["message"], format!("{ALERT} {message}"));
}

#[test]
fn old_versions_are_told_from_old_suites() {
    let directory = rsa();
    for version in ["-tls1", "-tls1_1"] {
        let object = handshake(
            directory.path(),
            &[version, "-cipher", "DEFAULT@SECLEVEL=0"],
        );
        alert(
            &object,
            "protocol_version: it does not accept TLS 1.2 and 1.3, so it may only have TLS 1.1 or \
             older",
        );
    }
    for suite in [
        "AES128-SHA",
        "AES128-GCM-SHA256",
        "DHE-RSA-AES128-GCM-SHA256",
        "ECDHE-RSA-AES128-SHA",
    ] {
        let object = handshake(directory.path(), &["-tls1_2", "-cipher", suite]);
        alert(
            &object,
            "handshake_failure: it accepts nothing that was offered (TLS 1.2 and 1.3 with ECDHE key \
             exchange and AEAD ciphers), so it may only have RSA or DHE key exchange, CBC ciphers, \
             or TLS 1.1 or older",
        );
    }
}

#[test]
fn a_server_that_requires_a_certificate_says_so() {
    let directory = rsa();
    let object = handshake(directory.path(), &["-tls1_2", "-Verify", "1"]);
    alert(
        &object,
        "handshake_failure after it asked for a client certificate",
    );
    assert_eq!(object["tls"]["subject"], "CN=leaf");
    assert_eq!(object["tls"]["verified"], true);
}

#[test]
fn a_renegotiation_that_is_refused_is_named() {
    let directory = rsa();
    let mut server = TlsServer::start(directory.path(), &["-tls1_2"]);
    let object = thread::scope(|scope| {
        let target = server.target();
        let probing = scope.spawn(move || {
            let ca = directory.path().join("ca.pem");
            banner(&target, &ca)
        });
        server.read_until("CIPHER is");
        server.command("r");
        probing.join().unwrap()
    });
    alert(
        &object,
        "handshake_failure after it asked for a renegotiation, which is not supported",
    );
    assert_eq!(object["tls"]["verified"], true);
}

/// Waits for a greeting.
#[track_caller]
fn banner(target: &str, ca: &Path) -> Value {
    let ca = ca.to_str().unwrap();
    probe(&["tcp", target, "--tls", "--cacert", ca, "--talk", "banner"])
}
