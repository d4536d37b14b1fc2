//! Asking BIND and Unbound about zones that are signed, well and badly.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::common::{PATIENCE, canvass};
use crate::peers::closed_port;

/// How many ports are tried: another process may take one before the server binds it.
const PORT_TRIES: usize = 10;
/// How long to wait before asking again whether a server answers.
const PAUSE: Duration = Duration::from_millis(50);
const MISSING: &str = "a program is missing: scripts/test-deps installs what the tests need";
/// The zone whose signatures are good, and the one whose signatures have expired.
const ZONES: [(&str, &[&str]); 2] = [
    ("signed.test", &[]),
    (
        "bogus.test",
        &["-P", "-s", "20200101000000", "-e", "20200201000000"],
    ),
];
const ZONE: &str = "\
$TTL 300
@ SOA ns host 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
alias CNAME www
old DNAME new
a.new A 192.0.2.2
sub NS ns.sub
ns.sub A 192.0.2.53
";

/// A server that ends with this.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    /// Starts a server with the configuration for a free port that `configure` writes.
    #[track_caller]
    fn start(mut command: impl FnMut(SocketAddr) -> Command, name: &str) -> Self {
        for _ in 0..PORT_TRIES {
            let address = closed_port();
            let mut command = command(address);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            let child = command.stderr(Stdio::null()).spawn().expect(MISSING);
            let mut server = Self { child, address };
            if server.answers(name) {
                return server;
            }
        }
        panic!("no server starts");
    }

    /// Waits until it has an answer for `name`; `false` if it ended instead.
    fn answers(&mut self, name: &str) -> bool {
        let begun = Instant::now();
        while !self.dig(&[name, "SOA", "+cd"]).contains("status: NOERROR") {
            assert!(begun.elapsed() < PATIENCE, "the server does not answer");
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            std::thread::sleep(PAUSE);
        }
        true
    }

    /// What dig prints.
    fn dig(&self, args: &[&str]) -> String {
        let port = self.address.port().to_string();
        let output = Command::new("dig")
            .args(["@127.0.0.1", "-p", &port, "+nocookie", "+noad"])
            .args(["+time=1", "+tries=1"])
            .args(args)
            .output()
            .expect(MISSING);
        String::from_utf8(output.stdout).unwrap()
    }

    /// The line of `canvass dns` with these arguments.
    #[track_caller]
    fn line(&self, args: &[&str], code: i32) -> Value {
        let resolver = self.address.to_string();
        let mut all = vec![
            "dns",
            "-r",
            &resolver,
            "-f",
            "ndjson",
            "-q",
            "--retries",
            "0",
        ];
        all.extend(args);
        canvass(&all).exits(code).whole(1).remove(0)
    }

    /// The same as text.
    #[track_caller]
    fn text(&self, args: &[&str], code: i32) -> String {
        let resolver = self.address.to_string();
        let mut all = vec!["dns", "-r", &resolver, "-q", "--retries", "0"];
        all.extend(args);
        canvass(&all).exits(code).out
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A BIND that serves [`ZONES`], and an Unbound that validates what it learns from it.
struct Servers {
    unbound: Server,
    bind: Server,
    _directory: TempDir,
}

impl Servers {
    #[track_caller]
    fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path();
        let keys: String = ZONES
            .iter()
            .map(|(zone, flags)| sign(path, zone, flags))
            .map(|key| format!("trust-anchor: \"{key}\"\n"))
            .collect();
        let bind = Server::start(|address| named(path, address), ZONES[0].0);
        let upstream = bind.address;
        let unbound = Server::start(
            |address| unbound(path, address, upstream, &keys),
            ZONES[0].0,
        );
        Self {
            unbound,
            bind,
            _directory: directory,
        }
    }
}

/// Writes and signs a zone, and returns its key as a zone file has it.
#[track_caller]
fn sign(directory: &Path, zone: &str, flags: &[&str]) -> String {
    let file = directory.join(zone);
    fs::write(&file, ZONE).unwrap();
    let output = Command::new("dnssec-keygen")
        .args(["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone])
        .current_dir(directory)
        .output()
        .expect(MISSING);
    let name = String::from_utf8(output.stdout).unwrap();
    let key = fs::read_to_string(directory.join(format!("{}.key", name.trim()))).unwrap();
    let output = Command::new("dnssec-signzone")
        .args(["-q", "-S", "-z", "-o", zone])
        .args(flags)
        .arg(&file)
        .current_dir(directory)
        .output()
        .expect(MISSING);
    assert!(output.status.success(), "{output:?}");
    let record = key.lines().find(|line| !line.starts_with(';'));
    record.expect("a key file has a record").to_owned()
}

fn named(directory: &Path, address: SocketAddr) -> Command {
    let (path, port) = (directory.display(), address.port());
    let mut text = format!(
        "options {{ directory \"{path}\"; pid-file \"{path}/pid\"; \
         session-keyfile \"{path}/key\"; listen-on port {port} {{ 127.0.0.1; }}; \
         listen-on-v6 {{ none; }}; recursion no; dnssec-validation no; \
         server-id \"ns1.test\"; version \"9.test\"; }};\ncontrols {{ }};\n"
    );
    for (zone, _) in ZONES {
        text.push_str(&format!(
            "zone \"{zone}\" {{ type primary; file \"{path}/{zone}.signed\"; }};\n"
        ));
    }
    let file = directory.join("named.conf");
    fs::write(&file, text).unwrap();
    let mut command = Command::new("/usr/sbin/named");
    command.arg("-fc").arg(file);
    command
}

fn unbound(directory: &Path, address: SocketAddr, upstream: SocketAddr, keys: &str) -> Command {
    let (path, port) = (directory.display(), address.port());
    let mut text = format!(
        "server:\ninterface: 127.0.0.1@{port}\ndirectory: \"{path}\"\ndo-daemonize: no\n\
         chroot: \"\"\nusername: \"\"\npidfile: \"\"\nuse-syslog: no\n\
         do-not-query-localhost: no\nmodule-config: \"validator iterator\"\nede: yes\n\
         local-zone: \"test.\" nodefault\n{keys}\
         remote-control:\ncontrol-enable: no\n"
    );
    for (zone, _) in ZONES {
        let port = upstream.port();
        text.push_str(&format!(
            "stub-zone:\nname: \"{zone}\"\nstub-addr: 127.0.0.1@{port}\n"
        ));
    }
    let file = directory.join("unbound.conf");
    fs::write(&file, text).unwrap();
    let mut command = Command::new("/usr/sbin/unbound");
    command.arg("-dc").arg(file);
    command
}

/// The types of the records in a section of a line.
fn types(section: &Value) -> Vec<&str> {
    let records = section.as_array().expect("a section is a list");
    records
        .iter()
        .map(|record| record["type"].as_str().unwrap())
        .collect()
}

#[test]
fn bind_and_unbound_are_asked_as_dig_asks_them() {
    let servers = Servers::start();
    let (bind, unbound) = (&servers.bind, &servers.unbound);
    chaos_class(bind);
    signatures(bind);
    referral(bind);
    flags_are_those_of_dig(bind, unbound);
    bogus_signatures(unbound);
}

fn chaos_class(bind: &Server) {
    let version = ["version.bind", "-t", "TXT", "--class", "CH", "--nsid"];
    assert_eq!(
        bind.text(&version, 0),
        "version.bind\tCH TXT\tNOERROR\t\"9.test\"\tNSID: 6e 73 31 2e 74 65 73 74 (\"ns1.test\")\n"
    );
    let line = bind.line(&version, 0);
    let record = json!([
        {"name": "version.bind.", "type": "TXT", "class": "CH", "ttl": 0, "data": "\"9.test\""},
    ]);
    assert_eq!((&line["class"], &line["answers"]), (&json!("CH"), &record));
    assert_eq!(
        line["nsid"],
        json!({"hex": "6e73312e74657374", "text": "ns1.test"})
    );
    let theirs = bind.dig(&["version.bind", "TXT", "CH", "+nsid"]);
    let nsid = "; NSID: 6e 73 31 2e 74 65 73 74 (\"ns1.test\")";
    assert!(theirs.contains(nsid), "{theirs}");
}

fn signatures(bind: &Server) {
    let line = bind.line(&["www.signed.test", "--dnssec"], 0);
    assert_eq!(types(&line["answers"]), ["A", "RRSIG"]);
    assert_eq!(
        (&line["outcome"], &line["edns"]),
        (&json!("answered"), &json!(true))
    );
    let line = bind.line(&["alias.signed.test", "--dnssec"], 0);
    assert_eq!(types(&line["answers"]), ["CNAME", "RRSIG", "A", "RRSIG"]);
    // The CNAME that comes with a DNAME has no signature.
    let line = bind.line(&["a.old.signed.test", "--dnssec"], 0);
    assert_eq!(
        types(&line["answers"]),
        ["DNAME", "RRSIG", "CNAME", "A", "RRSIG"]
    );
    // Signatures are not what was asked for.
    let line = bind.line(
        &["alias.signed.test", "-t", "MX", "--dnssec", "--sections"],
        0,
    );
    assert_eq!(types(&line["answers"]), ["CNAME", "RRSIG"]);
    assert_eq!(types(&line["authority"]), ["SOA", "RRSIG", "NSEC", "RRSIG"]);
    assert_eq!(line["outcome"], "negative");
    assert_eq!(types(&bind.line(&["www.signed.test"], 0)["answers"]), ["A"]);
}

fn referral(bind: &Server) {
    let line = bind.line(&["x.sub.signed.test", "--no-recurse", "--sections"], 0);
    assert_eq!(
        (&line["authority"], &line["additional"], &line["flags"]),
        (
            &json!([{"name": "sub.signed.test.", "type": "NS", "ttl": 300,
                     "data": "ns.sub.signed.test."}]),
            &json!([{"name": "ns.sub.signed.test.", "type": "A", "ttl": 300,
                     "data": "192.0.2.53"}]),
            &json!([]),
        )
    );
    assert_eq!(
        bind.text(&["x.sub.signed.test", "--no-recurse", "--sections"], 0),
        "x.sub.signed.test\tA\tNOERROR\t-\tflags: - | \
         AUTHORITY: sub.signed.test. 300 NS ns.sub.signed.test. | \
         ADDITIONAL: ns.sub.signed.test. 300 A 192.0.2.53\n"
    );
}

fn flags_are_those_of_dig(bind: &Server, unbound: &Server) {
    for (server, name, flags, options) in [
        (bind, "www.signed.test", &[][..], &[][..]),
        (bind, "www.signed.test", &["--no-recurse"], &["+norec"]),
        (bind, "nothing.signed.test", &["--cd"], &["+cd"]),
        (unbound, "www.signed.test", &[], &[]),
        (unbound, "www.signed.test", &["--dnssec"], &["+dnssec"]),
        (
            unbound,
            "www.signed.test",
            &["--dnssec", "--cd"],
            &["+dnssec", "+cd"],
        ),
        (
            unbound,
            "www.bogus.test",
            &["--no-edns", "--cd"],
            &["+noedns", "+cd"],
        ),
    ] {
        let mut args = vec![name];
        args.extend(flags);
        let line = server.line(&args, 0);
        let ours = line["flags"].as_array().unwrap().iter();
        let ours: Vec<_> = ours.map(|flag| flag.as_str().unwrap()).collect();
        let mut args = vec![name, "+noall", "+comments"];
        args.extend(options);
        let theirs = server.dig(&args);
        let (_, flags) = theirs.split_once(";; flags: qr").expect("dig shows flags");
        let (flags, _) = flags.split_once(';').unwrap();
        assert_eq!(
            ours,
            flags.split_whitespace().collect::<Vec<_>>(),
            "{name} {options:?}"
        );
    }
    let text = unbound.text(&["www.signed.test", "--dnssec"], 0);
    assert!(text.ends_with("\tflags: rd ra ad\n"), "{text}");
}

fn bogus_signatures(unbound: &Server) {
    // What Unbound says may change when it has the failure in its cache.
    unbound.dig(&["www.bogus.test"]);
    let line = unbound.line(&["www.bogus.test"], 1);
    assert_eq!(line["status"], "SERVFAIL");
    let error = &line["ede"][0];
    let (code, name) = (&error["code"], error["name"].as_str().unwrap());
    let theirs = unbound.dig(&["www.bogus.test"]);
    assert!(
        theirs.contains(&format!("; EDE: {code} ({name})")),
        "{theirs}"
    );
    let message = line["error"]["message"].as_str().unwrap();
    assert!(message.contains(&format!(": {name} ({code})")), "{message}");
    assert_eq!(
        unbound.line(&["www.bogus.test", "--cd"], 0)["outcome"],
        "answered"
    );
}
