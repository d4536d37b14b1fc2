//! Against Dovecot, a POP3 and IMAP server that is not part of canvass.

use std::env;
use std::fs::{self, Permissions};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, getuid, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificate::make_certificate;
use crate::common::PATIENCE;
use crate::peers::closed_port;
use crate::probing::{canvass_as, probe, probe_as, reached, script};

/// How often to try other ports: another process may take one in the meantime.
const PORT_TRIES: usize = 10;
/// How often it is looked whether it answers.
const LOOK: Duration = Duration::from_millis(20);
pub(crate) const USER: &str = "reader";
/// With what has to be quoted in IMAP.
pub(crate) const PASSWORD: &str = "pass \"word\"";
/// The messages in the mailbox.
const MESSAGES: [&str; 3] = [
    "Subject: one\r\n\r\nfirst\r\n",
    "Subject: two\r\n\r\nsecond\r\n",
    "Subject: three\r\n\r\nthe third of three\r\n",
];

/// A Dovecot with one mailbox, over POP3 and IMAP, in plain text and over TLS.
pub(crate) struct Dovecot {
    child: Child,
    pub(crate) ports: Ports,
    directory: TempDir,
}

#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pop3: SocketAddr,
    pop3s: SocketAddr,
    pub(crate) imap: SocketAddr,
    pub(crate) imaps: SocketAddr,
}

impl Dovecot {
    #[track_caller]
    pub(crate) fn start() -> Self {
        (0..PORT_TRIES)
            .find_map(|_| {
                Self::start_on(Ports {
                    pop3: closed_port(),
                    pop3s: closed_port(),
                    imap: closed_port(),
                    imaps: closed_port(),
                })
            })
            .expect("dovecot does not start: see its messages above")
    }

    /// `None` if another process took a port.
    fn start_on(ports: Ports) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        // Its parts run as users of their own.
        fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
        fill_mailbox(directory.path());
        make_certificate(directory.path(), "dovecot.test");
        fs::write(
            directory.path().join("users"),
            format!("{USER}:{{PLAIN}}{PASSWORD}\n"),
        )
        .unwrap();
        let configuration = directory.path().join("dovecot.conf");
        fs::write(&configuration, configuration_text(directory.path(), ports)).unwrap();
        let child = Command::new(dovecot())
            .args(["-F", "-c", configuration.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("dovecot can be started");
        let mut dovecot = Self {
            child,
            ports,
            directory,
        };
        dovecot.answers().then_some(dovecot)
    }

    /// Waits until it takes connections; `false` when it ended instead.
    #[track_caller]
    fn answers(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "dovecot does not answer");
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            // It listens on all of its ports or on none.
            if TcpStream::connect(self.ports.imaps).is_ok() {
                return true;
            }
            thread::sleep(LOOK);
        }
    }

    pub(crate) fn certificate(&self) -> String {
        let path = self.directory.path().join("certificate.pem");
        path.to_str().unwrap().to_owned()
    }

    /// A probe of it with the credentials of its mailbox.
    #[track_caller]
    fn probe(&self, address: SocketAddr, args: &[&str]) -> Value {
        let target = address.to_string();
        let certificate = self.certificate();
        let all = [&["tcp", &target, "--cacert", &certificate], args].concat();
        probe_as(USER, PASSWORD, &all)
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Its parts end with it when it is asked to end. It may have ended by itself, and then
        // there is nothing to do.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// Where the server is: servers live where the PATH of an ordinary user does not look.
#[track_caller]
fn dovecot() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin".into(), "/usr/sbin".into()])
        .map(|directory| directory.join("dovecot"))
        .find(|program| program.is_file())
        .expect("dovecot is missing: scripts/test-deps installs what the tests need")
}

fn fill_mailbox(directory: &Path) {
    let new = directory.join("mail/new");
    for part in ["mail/cur", "mail/tmp", "mail/new"] {
        fs::create_dir_all(directory.join(part)).unwrap();
    }
    for (number, text) in (1..).zip(MESSAGES) {
        fs::write(new.join(format!("{number}.test")), text).unwrap();
    }
    for part in ["mail", "mail/cur", "mail/tmp", "mail/new"] {
        fs::set_permissions(directory.join(part), Permissions::from_mode(0o777)).unwrap();
    }
}

fn configuration_text(directory: &Path, ports: Ports) -> String {
    let path = directory.to_str().unwrap();
    // As root its parts run as users of their own, and else all as the same one.
    let users = if getuid().is_root() {
        "userdb {\n driver = static\n args = uid=nobody gid=nogroup home=/nonexistent\n}".to_owned()
    } else {
        let own = |flag: &str| {
            let output = Command::new("id")
                .arg(flag)
                .output()
                .expect("id can be run");
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        let (user, group) = (own("-un"), own("-gn"));
        format!(
            "default_internal_user = {user}\ndefault_internal_group = {group}\n\
             default_login_user = {user}\n\
             service anvil {{\n chroot =\n}}\n\
             service pop3-login {{\n chroot =\n}}\nservice imap-login {{\n chroot =\n}}\n\
             userdb {{\n driver = static\n args = uid={user} gid={group} home=/nonexistent\n}}"
        )
    };
    let listener = |service: &str, name: &str, address: SocketAddr| {
        let ssl = if name.ends_with('s') { "yes" } else { "no" };
        let port = address.port();
        format!(
            "service {service}-login {{\n inet_listener {name} {{\n  port = {port}\n  ssl = {ssl}\n }}\n}}\n"
        )
    };
    let listeners = [
        listener("pop3", "pop3", ports.pop3),
        listener("pop3", "pop3s", ports.pop3s),
        listener("imap", "imap", ports.imap),
        listener("imap", "imaps", ports.imaps),
    ]
    .concat();
    format!(
        "base_dir = {path}/run
state_dir = {path}/state
listen = 127.0.0.1
protocols = pop3 imap
log_path = /dev/null
first_valid_uid = 1
mail_location = maildir:{path}/mail
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{path}/certificate.pem
ssl_key = <{path}/key.pem
passdb {{
 driver = passwd-file
 args = scheme=plain {path}/users
}}
{users}
{listeners}"
    )
}

#[test]
fn messages_and_bytes_are_counted_over_every_way_to_the_mailbox() {
    let dovecot = Dovecot::start();
    let bytes: usize = MESSAGES.iter().map(|message| message.len()).sum();
    let counted = json!({"messages": "3", "bytes": bytes.to_string()});
    let object = dovecot.probe(dovecot.ports.pop3, &["--talk", "pop3-stat"]);
    assert_eq!(
        (&object["status"], &object["captures"]),
        (&json!("MATCHED"), &counted)
    );
    assert!(object["tls"].is_null());
    let object = dovecot.probe(dovecot.ports.pop3s, &["--talk", "pop3-stat", "--tls"]);
    assert_eq!(
        (&object["status"], &object["captures"]),
        (&json!("MATCHED"), &counted)
    );
    assert_eq!(object["tls"]["verified"], true);
    assert_eq!(object["tls"]["subject"], "CN=dovecot.test");
    assert_eq!(object["tls"]["sans"], json!(["dovecot.test", "127.0.0.1"]));
    let path = script(
        dovecot.directory.path(),
        "stls.yml",
        r#"
crlf: true
fail: "^-ERR"
query_response:
  - expect: '^\+OK'
    send: "STLS"
  - expect: '^\+OK'
    starttls: true
  - send: "USER ${user}"
  - expect: '^\+OK'
    send: "PASS ${password}"
  - expect: '^\+OK'
    send: "STAT"
  - expect: '^\+OK (?P<messages>[0-9]+) (?P<bytes>[0-9]+)'
    send: "QUIT"
"#,
    );
    let object = dovecot.probe(dovecot.ports.pop3, &["--talk", &path]);
    assert_eq!(
        (&object["status"], &object["captures"]),
        (&json!("MATCHED"), &counted)
    );
    assert_eq!(object["tls"]["verified"], true);
    assert_eq!(
        reached(&object),
        ["connect", "tls", "first_byte", "transfer"]
    );
}

#[test]
fn an_imap_login_goes_through_with_what_has_to_be_quoted() {
    let dovecot = Dovecot::start();
    for (address, args) in [
        (dovecot.ports.imap, &["--talk", "imap"][..]),
        (dovecot.ports.imaps, &["--talk", "imap", "--tls"]),
    ] {
        let object = dovecot.probe(address, args);
        assert_eq!(object["status"], "MATCHED", "{object}");
        let captures = &object["captures"];
        assert!(
            captures["greeting"].as_str().unwrap().contains("Dovecot"),
            "{captures}"
        );
        assert!(
            captures["capabilities"]
                .as_str()
                .unwrap()
                .contains("IMAP4rev1"),
            "{captures}"
        );
    }
    let path = script(
        dovecot.directory.path(),
        "starttls.yml",
        r#"
crlf: true
query_response:
  - expect: '^\* OK'
    send: "a STARTTLS"
  - expect: "^a OK"
    starttls: true
  - send: "b LOGIN ${user.quoted} ${password.quoted}"
  - expect: "^b (?P<login>OK)"
    fail: "^b (NO|BAD)"
  - send: "c STATUS INBOX (MESSAGES)"
  - expect: '^\* STATUS INBOX \(MESSAGES (?P<messages>[0-9]+)\)'
"#,
    );
    let object = dovecot.probe(dovecot.ports.imap, &["--talk", &path]);
    assert_eq!(
        object["captures"],
        json!({"login": "OK", "messages": "3"}),
        "{object}"
    );
    assert_eq!(object["tls"]["verified"], true);
}

#[test]
fn what_dovecot_refuses_is_told_and_what_it_is_sent_is_not() {
    let dovecot = Dovecot::start();
    let target = dovecot.ports.pop3.to_string();
    let args = ["tcp", &target, "--talk", "pop3-stat", "--trace"];
    let run = canvass_as(Some((USER, "not-this-one")), &args);
    let run = run.exits(1).says("expectations not met");
    assert!(run.out.contains("UNMATCHED"), "{}", run.out);
    assert!(run.out.contains("-ERR [AUTH]"), "{}", run.out);
    assert!(
        !format!("{}{}", run.out, run.err).contains("not-this-one"),
        "{run:?}"
    );
    let object = probe_as(USER, "not-this-one", &args[..4]);
    let expected = object["expected"].as_str().unwrap();
    assert!(expected.starts_with("a line that matches /"), "{object}");
    let seen = object["seen"].as_str().unwrap();
    assert!(seen.starts_with("\"-ERR [AUTH]"), "{object}");
    // Its certificate is not one that the world trusts.
    let object = probe(&["tcp", &dovecot.ports.imaps.to_string(), "--tls"]);
    assert_eq!(
        (&object["status"], &object["tls"]["verified"]),
        (&json!("TLS"), &json!(false))
    );
    // A client without TLS receives nothing from a port for TLS.
    let target = dovecot.ports.imaps.to_string();
    let object = probe(&["tcp", &target, "--talk", "banner", "--timeout", "100ms"]);
    assert_eq!(object["status"], "TIMEOUT", "{object}");
}

#[test]
fn tls_is_started_where_it_is_offered() {
    let dovecot = Dovecot::start();
    for (address, preset) in [
        (dovecot.ports.pop3, "pop3"),
        (dovecot.ports.imap, "imap"),
        (dovecot.ports.imap, "imap-login"),
        (dovecot.ports.pop3s, "pop3s"),
        (dovecot.ports.imaps, "imaps"),
    ] {
        let object = dovecot.probe(address, &["--talk", preset]);
        assert_eq!(object["status"], "MATCHED", "{object}");
        assert_eq!(object["tls"]["verified"], true, "{object}");
        let captures = &object["captures"];
        assert!(captures["greeting"].as_str().unwrap().contains("Dovecot"));
        let capabilities = captures["capabilities"].as_str().unwrap();
        assert!(!capabilities.contains("STARTTLS") && !capabilities.contains("STLS"));
    }
    let target = dovecot.ports.imap.to_string();
    let certificate = dovecot.certificate();
    let args = [
        "tcp",
        &target,
        "--talk",
        "imap-login",
        "--cacert",
        &certificate,
    ];
    let object = probe_as(USER, "wrong", &args);
    assert_eq!(object["status"], "UNMATCHED", "{object}");
    assert!(object["mismatch"].as_str().unwrap().contains("a4 NO"));
    canvass_as(None, &args)
        .exits(2)
        .says("imap-login needs credentials");
}
