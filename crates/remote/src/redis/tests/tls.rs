//! Over TLS, by certificates of an authority of our own.

use std::fs;
use std::net::TcpListener;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::*;
use crate::redis::RedisOptionsError;

/// Writes an authority, and a certificate of it for server and client.
fn write_certificates(directory: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    // With the name of its certificates it would not be known as their authority.
    params
        .distinguished_name
        .push(DnType::CommonName, "authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let params = CertificateParams::new(vec!["127.0.0.78".to_owned()]).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    fs::write(directory.join("ca.pem"), authority.pem()).unwrap();
    fs::write(directory.join("certificate.pem"), certificate.pem()).unwrap();
    fs::write(directory.join("key.pem"), key.serialize_pem()).unwrap();
}

/// A server that wants a certificate, and the options to connect to it.
fn start() -> (RedisPeer, RedisOptions) {
    let directory = tempfile::tempdir().unwrap();
    write_certificates(directory.path());
    // No other test listens on this address, so nobody takes the port in the meantime.
    let port = TcpListener::bind("127.0.0.78:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
        .to_string();
    let arguments = [
        ["--bind", "127.0.0.78"],
        ["--tls-port", &port],
        ["--tls-ca-cert-file", "ca.pem"],
        ["--tls-cert-file", "certificate.pem"],
        ["--tls-key-file", "key.pem"],
        ["--tls-auth-clients", "yes"],
    ];
    let peer = RedisPeer::start_with(directory, arguments.as_flattened());
    let options = options(peer.directory(), &port);
    (peer, options)
}

fn options(directory: &Path, port: &str) -> RedisOptions {
    RedisOptions {
        url: format!("rediss://127.0.0.78:{port}"),
        ca_file: Some(directory.join("ca.pem")),
        certificate_file: Some(directory.join("certificate.pem")),
        key_file: Some(directory.join("key.pem")),
        ..RedisOptions::default()
    }
}

#[test]
fn who_shows_a_certificate_of_the_authority_is_let_in() {
    let (_peer, options) = start();
    server(&options).connect().map(|_| ()).unwrap();
    let bare = RedisOptions {
        certificate_file: None,
        key_file: None,
        ..options.clone()
    };
    let error = server(&bare).connect().map(|_| ());
    assert!(refused(error).contains("TLS: "));
    let other = tempfile::tempdir().unwrap();
    write_certificates(other.path());
    let stranger = RedisOptions {
        ca_file: Some(other.path().join("ca.pem")),
        ..options.clone()
    };
    let reason = refused(server(&stranger).connect().map(|_| ()));
    assert!(reason.contains("TLS: invalid peer certificate"), "{reason}");
    let plain = RedisOptions {
        url: options.url.replace("rediss", "redis"),
        ..RedisOptions::default()
    };
    let plain = server(&plain).connect().map(|_| ());
    assert!(plain.is_err());
}

#[test]
fn files_are_read_before_anything_is_connected() {
    let directory = TempDir::new().unwrap();
    write_certificates(directory.path());
    let good = options(directory.path(), "1");
    assert!(RedisServer::new(&good).is_ok());
    let error = |change: fn(&mut RedisOptions)| {
        let mut options = good.clone();
        change(&mut options);
        RedisServer::new(&options).unwrap_err()
    };
    let missing = error(|options| options.ca_file = Some("missing.pem".into()));
    assert!(
        matches!(missing, RedisOptionsError::File { .. }),
        "{missing}"
    );
    let no_certificate = error(|options| options.ca_file = options.key_file.clone());
    assert!(
        matches!(no_certificate, RedisOptionsError::Pem { .. }),
        "{no_certificate}"
    );
    let half = error(|options| options.key_file = None);
    assert!(matches!(half, RedisOptionsError::HalfCertificate), "{half}");
    let no_key = error(|options| options.key_file = options.ca_file.clone());
    assert!(
        matches!(no_key, RedisOptionsError::Certificate(_)),
        "{no_key}"
    );
    let no_tls = error(|options| options.url = "redis://127.0.0.78".into());
    assert!(matches!(no_tls, RedisOptionsError::NoTls), "{no_tls}");
    let insecure = error(|options| options.url.push_str("/#insecure"));
    assert!(matches!(insecure, RedisOptionsError::Url(_)), "{insecure}");
    let scheme = error(|options| options.url = "http://secret@127.0.0.78".into());
    assert!(!scheme.to_string().contains("secret"), "{scheme}");
}
