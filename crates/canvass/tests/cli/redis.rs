//! Against Redis, a server that is not part of canvass.

use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::certificate::make_certificate;
use crate::common::PATIENCE;
use crate::peers::closed_port;
use crate::probing::{canvass_as, only, probe_as};

/// How often to try other ports: another process may take one in the meantime.
const PORT_TRIES: usize = 10;
/// How often it is looked whether it answers.
const LOOK: Duration = Duration::from_millis(20);
const PASSWORD: &str = "pass \"word\"";

/// A Redis in plain text and over TLS.
pub(crate) struct Redis {
    child: Child,
    pub plain: SocketAddr,
    tls: SocketAddr,
    directory: TempDir,
}

impl Redis {
    /// Starts one that wants a password, or none.
    #[track_caller]
    pub(crate) fn start(password: Option<&str>) -> Self {
        (0..PORT_TRIES)
            .find_map(|_| Self::start_on(closed_port(), closed_port(), password))
            .expect("redis-server does not start")
    }

    /// `None` if another process took a port.
    fn start_on(plain: SocketAddr, tls: SocketAddr, password: Option<&str>) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        make_certificate(directory.path(), "redis.test");
        let child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--port", &plain.port().to_string()])
            .args(["--tls-port", &tls.port().to_string()])
            .args([
                "--tls-cert-file",
                "certificate.pem",
                "--tls-key-file",
                "key.pem",
            ])
            .args([
                "--tls-ca-cert-file",
                "certificate.pem",
                "--tls-auth-clients",
                "no",
            ])
            .args(["--save", "", "--appendonly", "no"])
            .args(
                password
                    .iter()
                    .flat_map(|password| ["--requirepass", password]),
            )
            .current_dir(directory.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is missing: scripts/test-deps installs what the tests need");
        let mut redis = Self {
            child,
            plain,
            tls,
            directory,
        };
        redis.answers().then_some(redis)
    }

    /// Waits until it takes connections; `false` when it ended instead.
    #[track_caller]
    fn answers(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "redis-server does not answer");
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if [self.plain, self.tls]
                .iter()
                .all(|address| TcpStream::connect(address).is_ok())
            {
                return true;
            }
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_ping_is_answered_in_plain_text_and_over_tls() {
    let redis = Redis::start(None);
    let certificate = redis.directory.path().join("certificate.pem");
    let certificate = certificate.to_str().unwrap();
    for (address, args) in [
        (redis.plain, &["--talk", "redis"][..]),
        (redis.tls, &["--talk", "rediss", "--cacert", certificate]),
    ] {
        let target = address.to_string();
        let all = [&["tcp", &target, "-f", "ndjson"], args].concat();
        let object = only(canvass_as(None, &all));
        assert_eq!(object["status"], "MATCHED", "{object}");
        assert_eq!(object["captures"], json!({"reply": "PONG"}));
        assert_eq!(object["tls"].is_null(), address == redis.plain);
    }
}

#[test]
fn a_server_that_wants_a_password_has_answered() {
    let redis = Redis::start(Some(PASSWORD));
    let target = redis.plain.to_string();
    let args = ["tcp", &target, "--talk", "redis"];
    let object = only(canvass_as(None, &[&args[..], &["-f", "ndjson"]].concat()));
    assert_eq!(object["status"], "MATCHED", "{object}");
    let reply = object["captures"]["reply"].as_str().unwrap();
    assert!(reply.starts_with("NOAUTH "), "{reply}");
    let object = probe_as("default", PASSWORD, &args);
    assert_eq!(object["captures"], json!({"reply": "PONG"}), "{object}");
    let object = probe_as("default", "wrong", &args);
    assert_eq!(object["status"], "UNMATCHED", "{object}");
    assert!(object["mismatch"].as_str().unwrap().contains("-WRONGPASS"));
}
