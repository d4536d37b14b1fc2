//! The reasons why certificates of openssl's making are not accepted.

use std::fs;

use serde_json::{Value, json};

use crate::tls_server::{Made, P256, RSA_2048, handshake, openssl};

/// Lets openssl use keys and hashes that it warns of.
const ANY_STRENGTH: &[&str] = &["-cipher", "DEFAULT@SECLEVEL=0"];

#[track_caller]
fn refused(object: &Value, cause: &str, message: &str) {
    assert_eq!(object["status"], "TLS", "{object}");
    assert_eq!(object["error"]["cause"], cause, "{object}");
    assert_eq!(object["error"]["message"], message);
    let tls = &object["tls"];
    assert_eq!(
        (&tls["verified"], &tls["verify_error"]),
        (&json!(false), &json!(message))
    );
    assert!(tls["subject"].is_string(), "{tls}");
}

#[test]
fn keys_and_algorithms_that_are_not_accepted_are_named() {
    const RSA_1024: &[&str] = &["-newkey", "rsa:1024"];
    const ED448: &[&str] = &["-newkey", "ed448"];
    let signing = |ca_key, key, signing| Made {
        ca_key,
        key,
        signing,
        ..Made::default()
    };
    for (made, cause, message) in [
        (
            signing(P256, RSA_1024, &["-sha256"]),
            "weakkey",
            "the RSA key of the certificate has 1024 bits, fewer than 2048",
        ),
        (
            signing(RSA_1024, P256, &["-sha256"]),
            "weakkey",
            "the RSA key of the issuer (CN=test ca) has 1024 bits, fewer than 2048",
        ),
        (
            signing(RSA_2048, P256, &["-sha1"]),
            "badcertificate",
            "the certificate is signed by RSA with SHA-1, which is not accepted",
        ),
        (
            signing(P256, P256, &["-sha1"]),
            "badcertificate",
            "the certificate is signed by ECDSA with SHA-1, which is not accepted",
        ),
        (
            signing(ED448, P256, &[]),
            "badcertificate",
            "the certificate is signed by Ed448, which is not accepted",
        ),
        (
            signing(
                &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"],
                P256,
                &["-sha256"],
            ),
            "badcertificate",
            "the certificate is signed by ECDSA with SHA-256, which is not accepted from a key of \
             its issuer's kind, secp256k1",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        made.in_directory(directory.path());
        refused(&handshake(directory.path(), ANY_STRENGTH), cause, message);
    }
}

#[test]
fn keys_and_hashes_of_real_hosts_are_verified() {
    const P521: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:secp521r1"];
    for (ca_key, key, signing) in [
        (P521, P521, &["-sha512"][..]),
        (P256, P256, &["-sha512"]),
        (P256, P256, &["-sha384"]),
        (RSA_2048, RSA_2048, &["-sha512"]),
        (&["-newkey", "ed25519"], &["-newkey", "ed25519"], &[]),
    ] {
        let directory = tempfile::tempdir().unwrap();
        Made {
            ca_key,
            key,
            signing,
            ..Made::default()
        }
        .in_directory(directory.path());
        for version in ["-tls1_2", "-tls1_3"] {
            let object = handshake(directory.path(), &[version]);
            assert_eq!(object["status"], "OPEN", "{object}");
            assert_eq!(object["tls"]["verified"], true);
        }
    }
}

#[test]
fn names_that_do_not_count_are_named() {
    for (subject, extensions, message) in [
        (
            "/CN=127.0.0.1",
            "subjectAltName=DNS:127.0.0.1\n",
            "the certificate has 127.0.0.1 as a DNS name and not as an IP address, so it is not for \
             that address",
        ),
        (
            "/CN=127.0.0.1",
            "",
            "the certificate has no subject alternative name, and its common name 127.0.0.1 does \
             not count, so it is not for 127.0.0.1",
        ),
        (
            "/CN=127.0.0.1",
            "subjectAltName=DNS:other.example\n",
            "the certificate is for other.example, not for 127.0.0.1 (its common name does not \
             count)",
        ),
    ] {
        let directory = tempfile::tempdir().unwrap();
        Made {
            subject,
            extensions,
            ..Made::default()
        }
        .in_directory(directory.path());
        refused(&handshake(directory.path(), &[]), "wronghost", message);
    }
}

#[test]
fn an_authority_that_was_made_anew_is_not_the_trusted_one() {
    let directory = tempfile::tempdir().unwrap();
    for ca_key in [P256, RSA_2048] {
        Made::default().in_directory(directory.path());
        let old = fs::read(directory.path().join("ca.pem")).unwrap();
        Made {
            ca_key,
            ..Made::default()
        }
        .in_directory(directory.path());
        fs::rename(
            directory.path().join("ca.pem"),
            directory.path().join("new.pem"),
        )
        .unwrap();
        fs::write(directory.path().join("ca.pem"), old).unwrap();
        refused(
            &handshake(directory.path(), &[]),
            "unknownissuer",
            "no trusted root leads to the issuer of the certificate (CN=test ca): those of that \
             name have another key",
        );
        refused(
            &handshake(directory.path(), &["-cert_chain", "new.pem"]),
            "unknownissuer",
            "the chain ends in a self-signed certificate (CN=test ca) that is not among those \
             trusted",
        );
    }
}

#[test]
fn a_validity_that_ends_before_it_begins_is_named() {
    let directory = tempfile::tempdir().unwrap();
    Made {
        days: "-1",
        ..Made::default()
    }
    .in_directory(directory.path());
    refused(
        &handshake(directory.path(), &[]),
        "badcertificate",
        "the validity of a certificate ends before it begins",
    );
}

#[test]
fn a_response_of_ocsp_is_shown() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    Made::default().in_directory(path);
    // The database of an authority that has issued nothing: the status is unknown, and sent.
    fs::write(path.join("index.txt"), "").unwrap();
    let mut args = vec!["ocsp", "-index", "index.txt", "-CA", "ca.pem"];
    args.extend(["-rsigner", "ca.pem", "-rkey", "ca.key", "-issuer", "ca.pem"]);
    args.extend([
        "-cert",
        "leaf.pem",
        "-respout",
        "response.der",
        "-ndays",
        "5",
    ]);
    openssl(path, &args);
    for version in ["-tls1_2", "-tls1_3"] {
        let plain = handshake(path, &[version]);
        assert_eq!(plain["tls"]["ocsp_stapled"], false, "{plain}");
        let stapled = handshake(path, &[version, "-status_file", "response.der"]);
        assert_eq!(stapled["status"], "OPEN", "{stapled}");
        assert_eq!(stapled["tls"]["ocsp_stapled"], true);
    }
}

#[test]
fn a_certificate_over_the_limit_is_named_and_shown_where_it_can_be_read() {
    let directory = tempfile::tempdir().unwrap();
    let names: String = (0..5000)
        .map(|number| format!(",DNS:host-{number}.example"))
        .collect();
    Made {
        extensions: &format!("subjectAltName=IP:127.0.0.1{names}\n"),
        ..Made::default()
    }
    .in_directory(directory.path());
    let object = handshake(directory.path(), &["-tls1_2"]);
    let message = object["error"]["message"].as_str().unwrap();
    assert_eq!(object["error"]["cause"], "handshake", "{message}");
    assert!(
        message.starts_with("a handshake message of the peer has ")
            && message.ends_with(" octets; the limit of this side is 65,535"),
        "{message}"
    );
    let tls = &object["tls"];
    assert_eq!(tls["subject"], "CN=leaf");
    assert_eq!(tls["sans"].as_array().unwrap().len(), 5001);
    assert_eq!(
        (&tls["version"], &tls["verified"]),
        (&json!("TLSv1.2"), &json!(null))
    );

    // In TLS 1.3 it is encrypted.
    let object = handshake(directory.path(), &["-tls1_3"]);
    assert_eq!(
        object["error"]["message"],
        "a handshake message of the peer is too large; the limit of this side is 65,535 octets"
    );
    assert_eq!(object["tls"]["version"], "TLSv1.3");
    assert_eq!(object["tls"]["subject"], json!(null));
}
