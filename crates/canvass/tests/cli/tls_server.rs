//! `openssl s_server`, with certificates made by openssl: a server with what rustls has not.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::Value;

use crate::probing::probe;

/// A server on a free port of 127.0.0.1.
pub(crate) struct TlsServer {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    pub(crate) port: u16,
}

impl TlsServer {
    /// Serves `leaf.pem` with `leaf.key` of `directory`.
    #[track_caller]
    pub(crate) fn start(directory: &Path, args: &[&str]) -> Self {
        let mut child = Command::new("openssl")
            .args(["s_server", "-accept", "127.0.0.1:0"])
            .args(["-cert", "leaf.pem", "-key", "leaf.key"])
            .args(args)
            .current_dir(directory)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("openssl is missing: scripts/test-deps installs what the tests need");
        let stdin = child.stdin.take().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut server = Self {
            child,
            stdin,
            stdout,
            port: 0,
        };
        let line = server.read_until("ACCEPT 127.0.0.1:");
        let port = line.trim_end().rsplit(':').next().unwrap();
        server.port = port.parse().unwrap();
        server
    }

    /// The next line that has `part`.
    #[track_caller]
    pub(crate) fn read_until(&mut self, part: &str) -> String {
        let mut line = String::new();
        while !line.contains(part) {
            line.clear();
            let count = self.stdout.read_line(&mut line).unwrap();
            assert!(count > 0, "openssl s_server ended before {part:?}");
        }
        line
    }

    /// Gives it a command of its own (openssl-s_server(1), "Connected commands").
    pub(crate) fn command(&mut self, letter: &str) {
        // In one write: openssl takes a letter without a line end for data.
        self.stdin
            .write_all(format!("{letter}\n").as_bytes())
            .unwrap();
    }

    pub(crate) fn target(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

impl Drop for TlsServer {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The line of a handshake with a server that has these arguments. `ca.pem` of `directory` is
/// trusted.
#[track_caller]
pub(crate) fn handshake(directory: &Path, args: &[&str]) -> Value {
    let server = TlsServer::start(directory, args);
    let ca = directory.join("ca.pem");
    probe(&[
        "tcp",
        &server.target(),
        "--tls",
        "--cacert",
        ca.to_str().unwrap(),
    ])
}

#[track_caller]
pub(crate) fn openssl(directory: &Path, args: &[&str]) {
    let output = Command::new("openssl")
        .args(args)
        .current_dir(directory)
        .stdin(Stdio::null())
        .output()
        .expect("openssl is missing: scripts/test-deps installs what the tests need");
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "openssl {args:?}: {message}");
}

/// How a certificate and the authority that signs it are made.
pub(crate) struct Made<'a> {
    /// Arguments of `openssl req` for the authority's key.
    pub(crate) ca_key: &'a [&'a str],
    /// For the server's key.
    pub(crate) key: &'a [&'a str],
    /// Arguments of `openssl x509 -req`, such as the hash.
    pub(crate) signing: &'a [&'a str],
    pub(crate) subject: &'a str,
    /// The days from now to its end.
    pub(crate) days: &'a str,
    /// The extensions of the server's certificate (x509v3_config(5)).
    pub(crate) extensions: &'a str,
}

pub(crate) const RSA_2048: &[&str] = &["-newkey", "rsa:2048"];
pub(crate) const P256: &[&str] = &["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

impl Default for Made<'_> {
    fn default() -> Self {
        Self {
            ca_key: P256,
            key: P256,
            signing: &["-sha256"],
            subject: "/CN=leaf",
            days: "20",
            extensions: "subjectAltName=IP:127.0.0.1\n",
        }
    }
}

impl Made<'_> {
    /// Makes `ca.pem`, `leaf.pem` and `leaf.key` in `directory`, with `ca.key` beside them.
    #[track_caller]
    pub(crate) fn in_directory(&self, directory: &Path) {
        let mut args = vec!["req", "-x509", "-nodes", "-days", "30"];
        args.extend([
            "-subj",
            "/CN=test ca",
            "-keyout",
            "ca.key",
            "-out",
            "ca.pem",
        ]);
        args.extend(self.ca_key);
        openssl(directory, &args);
        let mut args = vec!["req", "-nodes", "-subj", self.subject];
        args.extend(["-keyout", "leaf.key", "-out", "leaf.csr"]);
        args.extend(self.key);
        openssl(directory, &args);
        let identified = format!("authorityKeyIdentifier=keyid\n{}", self.extensions);
        fs::write(directory.join("extensions"), identified).unwrap();
        let mut args = vec!["x509", "-req", "-in", "leaf.csr", "-days", self.days];
        args.extend(["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"]);
        args.extend(["-extfile", "extensions", "-out", "leaf.pem"]);
        args.extend(self.signing);
        openssl(directory, &args);
    }
}
