//! Certificates for servers that are not part of canvass.

use std::path::Path;
use std::process::{Command, Stdio};

/// Makes a certificate for `name` and 127.0.0.1 that signs itself: `certificate.pem` and
/// `key.pem` in a directory.
#[track_caller]
pub(crate) fn make_certificate(directory: &Path, name: &str) {
    let status = Command::new("openssl")
        .args(["req", "-x509", "-nodes", "-days", "30"])
        .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-subj", &format!("/CN={name}")])
        .args([
            "-addext",
            &format!("subjectAltName=DNS:{name},IP:127.0.0.1"),
        ])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", "key.pem", "-out", "certificate.pem"])
        .current_dir(directory)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("openssl is missing: scripts/test-deps installs what the tests need");
    assert!(status.success());
}
