//! Against Exim, a mail server that is not part of canvass.

use std::env;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::thread;

use tempfile::TempDir;

use crate::certificate::make_certificate;
use crate::probe_peers::TcpPeer;
use crate::probing::{probe, verdict};

/// An Exim for each connection.
pub(crate) struct Exim {
    pub(crate) peer: TcpPeer<bool>,
    directory: TempDir,
}

impl Exim {
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with("tls_advertise_hosts =\n")
    }

    /// An Exim that offers STARTTLS, with a certificate that signs itself.
    #[track_caller]
    fn start_with_tls() -> Self {
        Self::start_with("tls_certificate = certificate.pem\ntls_privatekey = key.pem\n")
    }

    #[track_caller]
    fn start_with(tls: &str) -> Self {
        let program = exim();
        let directory = tempfile::tempdir().unwrap();
        // It may run as a user of its own, which keeps its log there.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
        let configuration = directory.path().join("exim.conf");
        let path = directory.path().to_str().unwrap();
        make_certificate(directory.path(), "exim.test");
        fs::set_permissions(
            directory.path().join("key.pem"),
            Permissions::from_mode(0o644),
        )
        .unwrap();
        fs::write(&configuration, configuration_text(path, tls)).unwrap();
        let peer = TcpPeer::serve(move |stream| {
            // Without root, it does not take over a connection that another process accepted.
            let (near, far) = UnixStream::pair().unwrap();
            let child = Command::new(&program)
                .arg("-C")
                .arg(&configuration)
                .arg("-bs")
                .stdin(OwnedFd::from(far.try_clone().unwrap()))
                .stdout(OwnedFd::from(far))
                .spawn()
                .expect("exim can be started");
            carry(stream, near, child)
        });
        Self { peer, directory }
    }
}

/// Carries what is said from one to the other until the server is done; tells whether it was
/// content.
fn carry(mut client: TcpStream, mut server: UnixStream, mut child: Child) -> bool {
    let (mut received, mut said) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let listener = thread::spawn(move || {
        pass_on(&mut received, &mut server);
        let _ = server.shutdown(Shutdown::Write);
    });
    pass_on(&mut said, &mut client);
    // The other side may have hung up first.
    let _ = client.shutdown(Shutdown::Both);
    listener.join().unwrap();
    child.wait().unwrap().success()
}

/// Passes everything on as it comes, until one side hangs up.
fn pass_on(from: &mut impl Read, to: &mut impl Write) {
    let mut buffer = [0; 4096];
    while let Ok(octets @ 1..) = from.read(&mut buffer) {
        if to.write_all(&buffer[..octets]).is_err() {
            return;
        }
    }
}

/// Where the server is: servers live where the PATH of an ordinary user does not look.
#[track_caller]
fn exim() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin".into(), "/usr/sbin".into()])
        .map(|directory| directory.join("exim4"))
        .find(|program| program.is_file())
        .expect("exim4 is missing: scripts/test-deps installs what the tests need")
}

fn configuration_text(path: &str, tls: &str) -> String {
    let tls = tls.replace("= certificate", &format!("= {path}/certificate"));
    let tls = tls.replace("= key", &format!("= {path}/key"));
    format!(
        "primary_hostname = exim.test
host_lookup =
rfc1413_query_timeout = 0s
{tls}keep_environment =
spool_directory = {path}/spool
log_file_path = {path}/%slog
"
    )
}

#[test]
fn greeting_and_extensions_are_captured() {
    let exim = Exim::start();
    let object = probe(&["tcp", &exim.peer.target(), "--talk", "smtp"]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    let captures = &object["captures"];
    let banner = captures["banner"].as_str().unwrap();
    assert!(banner.starts_with("exim.test ESMTP Exim "), "{banner}");
    let extensions: Vec<&str> = captures["extensions"]
        .as_str()
        .unwrap()
        .split(", ")
        .collect();
    assert!(
        extensions.contains(&"8BITMIME") && extensions.contains(&"PIPELINING"),
        "{captures}"
    );
    // It was said goodbye to, and not left in the middle.
    assert!(exim.peer.result());
}

#[test]
fn tls_is_started_where_it_is_offered_and_its_certificate_is_judged() {
    let exim = Exim::start_with_tls();
    let certificate = exim.directory.path().join("certificate.pem");
    let target = exim.peer.target();
    let object = probe(&[
        "tcp",
        &target,
        "--talk",
        "smtp",
        "--cacert",
        certificate.to_str().unwrap(),
    ]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert_eq!(
        (&object["tls"]["verified"], &object["tls"]["subject"]),
        (&true.into(), &"CN=exim.test".into())
    );
    // The extensions are those over TLS.
    let extensions = object["captures"]["extensions"].as_str().unwrap();
    assert!(
        extensions.contains("8BITMIME") && !extensions.contains("STARTTLS"),
        "{extensions}"
    );
    exim.peer.result();
    let object = probe(&["tcp", &target, "--talk", "smtp"]);
    assert_eq!(verdict(&object)[..2], ["TLS", "tls"], "{object}");
    exim.peer.result();
    let object = probe(&["tcp", &target, "--talk", "smtp-plain"]);
    assert_eq!(object["status"], "MATCHED", "{object}");
    assert!(object["tls"].is_null(), "{object}");
    let extensions = object["captures"]["extensions"].as_str().unwrap();
    assert!(extensions.contains("STARTTLS"), "{extensions}");
    assert!(exim.peer.result());
}
