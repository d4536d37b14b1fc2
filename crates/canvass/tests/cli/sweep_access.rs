//! `canvass sweep --web-config`: TLS and passwords in front of the listener.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::Signal;
use tempfile::TempDir;

use crate::common::{canvass, until};
use crate::sweep_listen::Sweep;
use crate::sweep_prometheus::{Prometheus, value};
use crate::tls_server::Made;

/// The user and the hash of "s3cret", with the least cost.
const USERS: &str = "basic_auth_users:\n  scraper: \
                     $2b$04$abcdefghijklmnopqrstuuLZYjhNQAOdpbzt4WxWlUHjv1wsyH5DG\n";
const TLS: &str = "tls_server_config:\n  cert_file: leaf.pem\n  key_file: leaf.key\n";

/// A directory with a web configuration, an authority and a certificate for 127.0.0.1.
struct Files(TempDir);

impl Files {
    fn new(text: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        Made::default().in_directory(directory.path());
        let files = Self(directory);
        files.write(text);
        files
    }

    fn write(&self, text: &str) {
        fs::write(self.path("web.yml"), text).expect("it can be written");
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// A sweep with this web configuration.
    fn start(&self) -> Sweep {
        Sweep::start_with(&[
            "--web-config",
            self.path("web.yml").to_str().expect("UTF-8"),
        ])
    }

    fn check(&self) -> crate::common::Run {
        let path = self.path("web.yml");
        let flags = ["sweep", "tcp://127.0.0.1:9", "-r", "127.0.0.1:9", "--check"];
        let web = [
            "--listen",
            "127.0.0.1:0",
            "--web-config",
            path.to_str().expect("UTF-8"),
        ];
        canvass(&[&flags[..], &web].concat())
    }
}

/// The status that curl gets, run in `directory`; 0 if there is no response.
fn curl(directory: &Path, scheme: &str, address: SocketAddr, more: &[&str]) -> u16 {
    let output = Command::new("curl")
        .args([
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "--max-time",
            "20",
        ])
        .args(["--noproxy", "*"])
        .args(more)
        .arg(format!("{scheme}://{address}/metrics"))
        .current_dir(directory)
        .output()
        .expect("curl is installed (scripts/test-deps)");
    String::from_utf8_lossy(&output.stdout)
        .parse()
        .expect("a status")
}

#[test]
fn a_listener_with_users_asks_for_passwords() {
    let files = Files::new(USERS);
    let mut sweep = files.start();
    let get = |more: &[&str]| curl(files.0.path(), "http", sweep.address, more);
    assert_eq!(get(&["-u", "scraper:s3cret"]), 200);
    for wrong in ["scraper:wrong", "scraper:", "other:s3cret", ":"] {
        assert_eq!(get(&["-u", wrong]), 401, "{wrong}");
    }
    assert_eq!(get(&[]), 401);
    assert_eq!(get(&["-H", "Authorization: Basic %"]), 401);
    // Others can be let in without a restart.
    files.write(&USERS.replace("scraper", "other"));
    assert_eq!(get(&["-u", "other:s3cret"]), 200);
    assert_eq!(get(&["-u", "scraper:s3cret"]), 401);
    // What is wrong is reported, and changes nothing.
    files.write("basic_auth_users:\n  other: s3cret\n");
    assert_eq!(get(&["-u", "other:s3cret"]), 200);
    sweep.running.signal(Signal::INT);
    let run = sweep.running.end().says("web.yml: read again");
    let complaint = run
        .err
        .lines()
        .find(|line| line.contains("stays as it was"));
    let complaint = complaint.expect("it is reported");
    assert!(
        complaint.contains("line 2") && !complaint.contains("s3cret"),
        "{complaint}"
    );
}

#[test]
fn a_listener_with_tls_is_verified_by_curl() {
    let files = Files::new(TLS);
    let mut sweep = files.start();
    let get = |scheme, more: &[&str]| curl(files.0.path(), scheme, sweep.address, more);
    let trusting = ["--cacert", "ca.pem"];
    for version in ["1.2", "1.3"] {
        let only = ["--tls-max", version, "--cacert", "ca.pem"];
        assert_eq!(get("https", &only), 200, "{version}");
    }
    assert_eq!(get("https", &[]), 0, "the authority is not trusted");
    assert_eq!(get("http", &[]), 0);
    // A certificate that was renewed, by another authority.
    Made::default().in_directory(files.0.path());
    assert_eq!(get("https", &trusting), 200);
    files.write(&format!("{TLS}  min_version: TLS13\n"));
    assert_eq!(get("https", &["--tls-max", "1.2", "--cacert", "ca.pem"]), 0);
    assert_eq!(get("https", &trusting), 200);
    sweep.running.signal(Signal::INT);
    let listening = format!("listening on https://{}/\n", sweep.address);
    sweep.running.end().says(&listening);
}

#[test]
fn clients_are_known_by_their_certificates() {
    let config =
        format!("{TLS}  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: ca.pem\n");
    let (files, others) = (Files::new(&config), Files::new(""));
    let sweep = files.start();
    let ca = files.path("ca.pem");
    let ca = ca.to_str().expect("UTF-8");
    let get = |directory: &Path, more: &[&str]| {
        curl(
            directory,
            "https",
            sweep.address,
            &[&["--cacert", ca], more].concat(),
        )
    };
    let own = ["--cert", "leaf.pem", "--key", "leaf.key"];
    assert_eq!(get(files.0.path(), &own), 200);
    assert_eq!(get(files.0.path(), &[]), 0);
    assert_eq!(get(others.0.path(), &own), 0);
    for (names, status) in [("127.0.0.1", 200), ("127.0.0.2", 0)] {
        files.write(&format!("{config}  client_allowed_sans: ['{names}']\n"));
        assert_eq!(get(files.0.path(), &own), status, "{names}");
    }
    // Any certificate, but one.
    files.write(&format!("{TLS}  client_auth_type: RequireAnyClientCert\n"));
    assert_eq!(get(others.0.path(), &own), 200);
    assert_eq!(get(others.0.path(), &[]), 0);
}

#[test]
fn prometheus_scrapes_over_tls_with_a_password() {
    let files = Files::new(&format!("{TLS}{USERS}"));
    let sweep = files.start();
    let ca = files.path("ca.pem");
    let lines = format!(
        "scheme: https\n    tls_config: {{ca_file: '{}'}}\n    \
         basic_auth: {{username: scraper, password: s3cret}}\n    ",
        ca.display()
    );
    let prometheus = Prometheus::start_with(sweep.address, &lines, &[]);
    let successes = prometheus.wait_for("probe_success", 2);
    assert_eq!(value(&successes, "target", &sweep.open), "1");
    assert_eq!(value(&successes, "target", &sweep.closed), "0");
}

#[test]
fn headers_and_a_limit_on_requests_are_applied() {
    let files = Files::new(
        "http_server_config:\n  headers:\n    X-Frame-Options: deny\nrate_limit:\n  interval: 1h\n  burst: 2\n",
    );
    let sweep = files.start();
    let get = || curl(files.0.path(), "http", sweep.address, &["-D", "header"]);
    assert_eq!(get(), 200);
    let header = fs::read_to_string(files.path("header")).expect("curl has written it");
    assert!(header.contains("x-frame-options: deny\r\n"), "{header}");
    assert_eq!((get(), get()), (200, 429));
}

#[test]
fn a_web_configuration_is_checked_before_anything_is_sent() {
    let files = Files::new(&format!("{TLS}{USERS}"));
    files.check().exits(0);
    for (text, complaint) in [
        (format!("{TLS}  cert_fle: a\n"), "line 4"),
        (format!("{TLS}rate_limit:\n  burts: 1\n"), "burts"),
        (TLS.replace("leaf.key", "none.key"), "none.key"),
    ] {
        files.write(&text);
        let run = files.check().exits(2);
        assert!(
            run.err.contains("--web-config: ") && run.err.contains(complaint),
            "{}",
            run.err
        );
    }
    canvass(&[
        "sweep",
        "tcp://127.0.0.1:9",
        "--web-config",
        "web.yml",
        "--check",
    ])
    .exits(2);
}

#[test]
fn wrong_passwords_do_not_stall_the_listener() {
    // One password takes seconds.
    let slow = USERS.replace("$04$", "$16$");
    let files = Files::new(&format!(
        "{slow}  quick: {}",
        &USERS[USERS.find('$').expect("a hash")..]
    ));
    let sweep = files.start();
    let get = |more: &[&str]| curl(files.0.path(), "http", sweep.address, more);
    assert_eq!(get(&["-u", "quick:s3cret"]), 200);
    let wrong = || {
        let address = sweep.address.to_string();
        let mut curl = Command::new("curl");
        curl.args(["-s", "--noproxy", "*", "-u", "scraper:wrong"]);
        curl.arg(format!("http://{address}/metrics"))
            .spawn()
            .expect("curl is installed")
    };
    let mut clients: Vec<_> = (0..20).map(|_| wrong()).collect();
    until("a busy listener", || {
        // One whose password was right before does not wait for the others.
        get(&["-u", "quick:s3cret"]) == 200
    });
    let waiting = clients
        .iter_mut()
        .filter_map(|client| client.try_wait().expect("a child"))
        .count();
    assert!(waiting < 20, "all were verified before");
    for mut client in clients {
        let _ = client.kill();
        let _ = client.wait();
    }
}
