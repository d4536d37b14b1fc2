//! Beside blackbox_exporter, which is not part of canvass: the same modules and targets, metric by
//! metric.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::blackbox_differences::{ADDED, KNOWN, TIMES};
use crate::common::{PATIENCE, Run, canvass};
use crate::dovecot::Dovecot;
use crate::name_servers::NameServer;
use crate::nginx::{Nginx, free_port};
use crate::peers::closed_port;

const PROGRAM: &str = "/usr/bin/prometheus-blackbox-exporter";
/// What Debian's package has of the file that blackbox_exporter shows as an example.
const EXAMPLE: &str = "/usr/share/doc/prometheus-blackbox-exporter/examples/example.yml";
/// The file that its service starts with.
const SERVICE: &str = "/etc/prometheus/blackbox.yml";
/// How often to try other ports: another process may take one in the meantime.
const PORT_TRIES: usize = 10;
const LOOK: Duration = Duration::from_millis(20);

/// The zone that the modules of the example ask for.
const ZONE: &str = "$TTL 300
@ IN SOA ns.prometheus.io. host.prometheus.io. 2026010101 3600 600 86400 300
@ IN NS ns
ns IN A 127.0.0.9
www IN A 127.0.0.1
alias IN CNAME www
text IN TXT \"a b\" \"c\"
mail IN MX 10 ns
";

/// Modules beside those of the example. `CERTIFICATE` is that of nginx.
const MODULES: &str = include_str!("blackbox_modules.yml");

/// A blackbox_exporter. It is killed when this goes out of scope.
struct Exporter {
    child: Child,
    address: SocketAddr,
}

impl Exporter {
    #[track_caller]
    fn start(modules: &Path) -> Self {
        (0..PORT_TRIES)
            .find_map(|_| Self::start_on(modules, free_port()))
            .expect("blackbox_exporter does not start: see its messages above")
    }

    /// `None` if another process took the port.
    fn start_on(modules: &Path, port: u16) -> Option<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut child = Command::new(PROGRAM)
            .arg(format!("--config.file={}", modules.display()))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("blackbox_exporter is missing: scripts/test-deps installs it");
        let begun = Instant::now();
        while TcpStream::connect_timeout(&address, LOOK).is_err() {
            assert!(begun.elapsed() < PATIENCE, "it does not listen");
            if child.try_wait().unwrap().is_some() {
                return None;
            }
            thread::sleep(LOOK);
        }
        Some(Self { child, address })
    }

    /// What it answers for a target. Nothing in it has to be encoded.
    fn probe(&self, module: &str, target: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let request = format!("GET /probe?module={module}&target={target} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(" 200 OK"), "{module} {target}: {response}");
        body.to_owned()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Gauges and their descriptions.
#[derive(Debug, Default)]
struct Metrics {
    /// Values by name and labels. Labels that were added since are left out.
    values: BTreeMap<String, String>,
    descriptions: BTreeSet<String>,
}

impl Metrics {
    fn parse(text: &str) -> Self {
        let mut metrics = Self::default();
        for line in text.lines() {
            if line.starts_with('#') {
                metrics.descriptions.insert(line.to_owned());
                continue;
            }
            let (series, value) = line.rsplit_once(' ').expect("a series has a value");
            metrics
                .values
                .insert(without_serial_number(series), value.to_owned());
        }
        metrics
    }
}

/// The label that version 0.26 added.
fn without_serial_number(series: &str) -> String {
    match series.split_once(",serialnumber=\"") {
        Some((before, rest)) => {
            let after = rest.split_once('"').map_or("", |(_, after)| after);
            let number = rest.len() - after.len() - 1;
            assert!(number > 1, "{series}");
            // The labels are sorted, and this one is not the last.
            format!("{before}{after}")
        }
        None => series.to_owned(),
    }
}

fn name(series: &str) -> &str {
    series.split_once('{').map_or(series, |(name, _)| name)
}

/// The files of a test, its servers, and blackbox_exporter.
struct Bench {
    exporter: Exporter,
    modules: String,
    differences: Vec<String>,
    _directory: TempDir,
}

impl Bench {
    fn new(certificate: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("modules.yml");
        let example = fs::read_to_string(EXAMPLE).expect("the package has an example");
        let more = MODULES.replace("CERTIFICATE", certificate);
        fs::write(&path, format!("{example}{more}")).unwrap();
        Self {
            exporter: Exporter::start(&path),
            modules: path.display().to_string(),
            differences: Vec::new(),
            _directory: directory,
        }
    }

    /// Probes a target with both, and notes every difference that is not known.
    fn compare(&mut self, module: &str, target: &str) {
        let theirs = Metrics::parse(&self.exporter.probe(module, target));
        let run = probe(&self.modules, module, target);
        let ours = Metrics::parse(&run.out);
        let place = format!("{module} {target}");
        assert_eq!(run.err, "", "{place}");
        let success = ours.values.get("probe_success").map(String::as_str);
        assert_eq!(run.code == Some(0), success == Some("1"), "{place}");
        let known = |series: &str| {
            ADDED.contains(&name(series))
                || KNOWN
                    .iter()
                    .any(|known| known.module == module && series.starts_with(known.series))
        };
        let all: BTreeSet<_> = theirs.values.keys().chain(ours.values.keys()).collect();
        for series in all.into_iter().filter(|series| !known(series)) {
            let (their, our) = (theirs.values.get(series), ours.values.get(series));
            let is_time = TIMES.contains(&name(series));
            if their.is_some() != our.is_some() || !is_time && their != our {
                let line = format!("{place}: {series}: {their:?}, and ours {our:?}");
                self.differences.push(line);
            }
        }
        for line in theirs.descriptions.symmetric_difference(&ours.descriptions) {
            let name = line.split(' ').nth(2).unwrap_or_default();
            if !known(name) {
                self.differences.push(format!("{place}: {line}"));
            }
        }
    }

    #[track_caller]
    fn end(self) {
        assert!(
            self.differences.is_empty(),
            "{}",
            self.differences.join("\n")
        );
    }
}

fn probe(modules: &str, module: &str, target: &str) -> Run {
    canvass(&["probe", "--modules", modules, "--module", module, target])
}

#[test]
fn pages_have_the_same_metrics() {
    let nginx = Nginx::start();
    let mut bench = Bench::new(&nginx.file("certificate.pem"));
    let plain = |path| nginx.url("127.0.0.1", path);
    let secure = |path| nginx.secure_url("127.0.0.1", path);
    for path in ["/page", "/moved", "/empty", "/gone", "/status", "/none"] {
        bench.compare("http_default", &plain(path));
    }
    for module in ["http_not_followed", "http_redirect_expected"] {
        bench.compare(module, &plain("/moved"));
        bench.compare(module, &plain("/page"));
    }
    for module in ["http_body", "http_header", "http_no_tls", "http_tls"] {
        bench.compare(module, &plain("/page"));
        bench.compare(module, &plain("/status"));
        bench.compare(module, &plain("/secure"));
    }
    for module in ["http_default", "http_ca", "http_no_tls", "http_tls"] {
        bench.compare(module, &secure("/page"));
    }
    for module in [
        "http_2xx_example",
        "http_post_2xx",
        "http_basic_auth_example",
        "http_gzip_with_accept_encoding",
    ] {
        bench.compare(module, &plain("/status"));
        bench.compare(module, &plain("/zipped"));
    }
    bench.compare("http_default", &format!("http://{}/", closed_port()));
    // Without a scheme, and by a name.
    let local = nginx.url("localhost", "/page");
    bench.compare("http_default", local.trim_start_matches("http://"));
    bench.end();
}

#[test]
fn ports_and_conversations_have_the_same_metrics() {
    let nginx = Nginx::start();
    let dovecot = Dovecot::start();
    let mut bench = Bench::new(&nginx.file("certificate.pem"));
    let host = |url: String| url.split('/').nth(2).unwrap_or_default().to_owned();
    let plain = host(nginx.url("127.0.0.1", "/"));
    let secure = host(nginx.secure_url("127.0.0.1", "/"));
    for module in ["tcp_connect_example", "tcp_ip4"] {
        bench.compare(module, &plain);
        bench.compare(module, &closed_port().to_string());
    }
    for module in ["tls_connect", "tcp_tls"] {
        bench.compare(module, &secure);
    }
    for module in ["imap_starttls", "imap_starttls_insecure"] {
        bench.compare(module, &dovecot.ports.imap.to_string());
    }
    // A peer that closes instead of the banner.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let peer = thread::spawn(move || {
        for _ in 0..2 {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"220 mail\r\n").unwrap();
        }
    });
    bench.compare("tcp_banner", &address);
    peer.join().unwrap();
    bench.end();
}

#[test]
fn name_servers_have_the_same_metrics() {
    let server = NameServer::bind(&[("prometheus.io", ZONE)]);
    let mut bench = Bench::new("unused");
    for module in [
        "dns_udp_example",
        "dns_soa",
        "dns_tcp_example",
        "dns_any",
        "dns_alias",
        "dns_text",
        "dns_mail",
        "dns_missing",
        "dns_missing_expected",
        "dns_refused",
        "dns_refused_expected",
    ] {
        bench.compare(module, &server.address.to_string());
    }
    bench.end();
}

/// Serves one connection: says this, and reads until the peer closes.
fn peer(says: &'static [u8]) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(says).unwrap();
        // A reset ends it as well.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (address, peer)
}

/// What blackbox_exporter has since 0.26 and 0.28, so that Debian's cannot be asked.
#[test]
fn labels_and_octets_have_their_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("modules.yml");
    let text = r#"
modules:
  ssh:
    prober: tcp
    tcp:
      query_response:
        - expect: "^SSH-([^-]+)-(?P<software>.+)"
          labels:
            - {name: version, value: "${1}"}
            - {name: software, value: "${software}"}
  octets:
    prober: tcp
    timeout: 5s
    tcp: {query_response: [{expect_bytes: "AMQP"}]}
"#;
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let (address, says) = peer(b"SSH-2.0-canvass_1\r\n");
    let run = probe(file, "ssh", &address).exits(0);
    says.join().unwrap();
    let info = "probe_expect_info{software=\"canvass_1\",version=\"2.0\"} 1\n";
    assert!(run.out.contains(info), "{}", run.out);
    let (address, says) = peer(b"AMQP");
    let run = probe(file, "octets", &address).exits(0);
    says.join().unwrap();
    assert!(
        run.out.contains("probe_failed_due_to_bytes 0\n"),
        "{}",
        run.out
    );
}

#[test]
fn the_files_of_the_package_load() {
    for (file, module) in [(EXAMPLE, "icmp_example"), (SERVICE, "grpc")] {
        probe(file, module, "127.0.0.1")
            .exits(2)
            .says("canvass has no prober");
        probe(file, "nothing", "127.0.0.1")
            .exits(2)
            .says("Unknown module \"nothing\"");
    }
}
