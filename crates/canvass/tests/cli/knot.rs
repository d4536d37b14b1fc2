//! Against Knot DNS, a server that is not part of canvass.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::common::{PATIENCE, canvass, values};
use crate::peers::closed_port;

/// How many ports to try: another process may take one in the meantime.
const PORT_TRIES: usize = 10;
/// How long one look whether it answers may take.
const LOOK: Duration = Duration::from_millis(50);

/// A Knot DNS that makes names for 10.0.0.0/8 and fd00::/8, and knows them forward as well.
struct Knot {
    child: Child,
    address: SocketAddr,
    _directory: TempDir,
}

impl Knot {
    #[track_caller]
    fn start() -> Self {
        (0..PORT_TRIES)
            .find_map(|_| Self::start_on(closed_port()))
            .expect("knotd does not start: see its messages above")
    }

    /// `None` if another process took the port.
    fn start_on(address: SocketAddr) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().to_str().unwrap();
        let soa = "@ 400 SOA ns.example.net. admin.example.net. 1 3600 600 86400 400\n\
            @ 400 NS ns.example.net.\n";
        fs::write(directory.path().join("reverse.zone"), soa).unwrap();
        let long = format!("\"{}\" ", "x".repeat(200)).repeat(10);
        let forward = format!("{soa}ns 400 A 127.0.0.1\nbig 400 TXT {long}\n@ 400 MX 10 mail\n");
        fs::write(directory.path().join("forward.zone"), forward).unwrap();
        let configuration = directory.path().join("knot.conf");
        fs::write(&configuration, configuration_text(path, address)).unwrap();
        let child = Command::new(knotd())
            .args(["-c", configuration.to_str().unwrap()])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("knotd can be started");
        let mut knot = Self {
            child,
            address,
            _directory: directory,
        };
        knot.answers().then_some(knot)
    }

    /// Waits until it answers; `false` when it ended instead.
    #[track_caller]
    fn answers(&mut self) -> bool {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        socket.connect(self.address).unwrap();
        socket.set_read_timeout(Some(LOOK)).unwrap();
        // The SOA of 10.in-addr.arpa.
        let query = b"\x00\x01\0\0\0\x01\0\0\0\0\0\0\x0210\x07in-addr\x04arpa\0\0\x06\0\x01";
        let begun = Instant::now();
        let mut buffer = [0; 512];
        loop {
            assert!(begun.elapsed() < PATIENCE, "knotd does not answer");
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            // Before it listens, sending fails, and there is nothing to wait for.
            if socket.send(query).is_err() {
                std::thread::sleep(LOOK);
            } else if let Ok(octets) = socket.recv(&mut buffer)
                && octets > 12
                && buffer[3] & 15 == 0
            {
                return true;
            }
        }
    }

    fn resolver(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for Knot {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the server is: servers live where the PATH of an ordinary user does not look.
#[track_caller]
fn knotd() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin".into(), "/usr/sbin".into()])
        .map(|directory| directory.join("knotd"))
        .find(|program| program.is_file())
        .expect("knotd is missing: scripts/test-deps installs what the tests need")
}

fn configuration_text(path: &str, address: SocketAddr) -> String {
    let listen = format!("{}@{}", address.ip(), address.port());
    format!(
        "server:
    listen: {listen}
    rundir: {path}
    pidfile: {path}/knot.pid
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: {path}/db
log:
  - target: stderr
    any: warning
mod-synthrecord:
  - id: reverse4
    type: reverse
    prefix: dyn-
    origin: example.net
    ttl: 400
    network: 10.0.0.0/8
  - id: reverse6
    type: reverse
    prefix: dyn-
    origin: example.net
    ttl: 400
    network: fd00::/8
  - id: forward4
    type: forward
    prefix: dyn-
    ttl: 400
    network: 10.0.0.0/8
  - id: forward6
    type: forward
    prefix: dyn-
    ttl: 400
    network: fd00::/8
template:
  - id: default
    storage: {path}
zone:
  - domain: 10.in-addr.arpa
    file: reverse.zone
    module: mod-synthrecord/reverse4
  - domain: d.f.ip6.arpa
    file: reverse.zone
    module: mod-synthrecord/reverse6
  - domain: example.net
    file: forward.zone
    module: [mod-synthrecord/forward4, mod-synthrecord/forward6]
"
    )
}

#[test]
fn knot_answers_for_a_whole_network_by_either_transport() {
    let knot = Knot::start();
    for transport in ["udp", "tcp"] {
        let run = canvass(&[
            "ptr",
            "10.20.0.0/20",
            "-r",
            &knot.resolver(),
            "--transport",
            transport,
            "-f",
            "ndjson",
        ])
        .exits(0);
        let objects = run.whole(4096);
        for object in &objects {
            let name = object["target"].as_str().unwrap().replace('.', "-");
            assert_eq!(object["names"], json!([format!("dyn-{name}.example.net.")]));
            assert_eq!(object["ttl"], 400);
        }
        assert_eq!(values(&objects, "transport"), [transport; 4096]);
        assert_eq!(run.balance(), [4096, 4096, 0, 0]);
    }
}

#[test]
fn knot_confirms_forward_and_is_negative_where_it_has_nothing() {
    let knot = Knot::start();
    let run = canvass(&[
        "ptr",
        "10.1.2.3",
        "fd00::1",
        "2.1.10.in-addr.arpa",
        "--forward-confirm",
        "-r",
        &knot.resolver(),
        "-f",
        "ndjson",
    ])
    .exits(0);
    let objects = run.whole(3);
    assert_eq!(objects[0]["confirmed"], true);
    assert_eq!(
        objects[0]["forward"],
        json!({"dyn-10-1-2-3.example.net.": ["10.1.2.3"]})
    );
    assert_eq!(objects[1]["confirmed"], true);
    assert_eq!(objects[2]["outcome"], "negative");
    // Knot serves no other reverse zone.
    let args = ["ptr", "192.0.2.1", "-r", &knot.resolver(), "--retries", "1"];
    assert!(canvass(&args).exits(1).out.contains("\tREFUSED\t"));
}

#[test]
fn knot_hands_big_answers_over_tcp() {
    let knot = Knot::start();
    let run = canvass(&[
        "dns",
        "big.example.net",
        "example.net",
        "-t",
        "TXT,MX",
        "-r",
        &knot.resolver(),
        "-f",
        "ndjson",
    ])
    .exits(0);
    let objects = run.whole(4);
    assert_eq!(
        (&objects[0]["transport"], &objects[0]["attempts"]),
        (&"tcp".into(), &2.into())
    );
    assert!(objects[0]["answers"][0]["data"].as_str().unwrap().len() > 2000);
    assert_eq!(objects[3]["answers"][0]["data"], "10 mail.example.net.");
    assert_eq!(
        values(&objects, "outcome"),
        ["answered", "negative", "negative", "answered"]
    );
}
