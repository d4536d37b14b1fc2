//! Against nginx, a server that is not part of canvass, with TLS and on every address of 127/8.

use std::env;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::certificate::make_certificate;
use crate::common::PATIENCE;
use crate::http_rig::{check, fault, http, lines, probe};

/// How often to try other ports: another process may take one in the meantime.
const PORT_TRIES: usize = 10;
/// How long one look whether it listens may take.
const LOOK: Duration = Duration::from_millis(20);
/// Who the certificate is for, beside 127.0.0.1.
const NAME: &str = "web.test";
/// Octets of the page that is served as a file.
const PAGE_BYTES: usize = 50_000;

/// An nginx of our own. It is killed when this goes out of scope.
pub(crate) struct Nginx {
    child: Child,
    pub(crate) http: u16,
    pub(crate) https: u16,
    directory: TempDir,
}

impl Nginx {
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::configured(configuration)
    }

    /// As [`Self::start`], with what `configuration` returns for the ports of http and https.
    #[track_caller]
    pub(crate) fn configured(configuration: impl Fn(u16, u16) -> String) -> Self {
        (0..PORT_TRIES)
            .find_map(|_| Self::start_on(free_port(), free_port(), &configuration))
            .expect("nginx does not start: see its messages above")
    }

    /// `None` if another process took a port.
    fn start_on(http: u16, https: u16, configuration: impl Fn(u16, u16) -> String) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::create_dir(path("www")).unwrap();
        fs::write(path("www/page"), "x".repeat(PAGE_BYTES)).unwrap();
        make_certificate(directory.path(), NAME);
        fs::write(path("nginx.conf"), configuration(http, https)).unwrap();
        let prefix = format!("{}/", directory.path().display());
        let child = Command::new(program())
            .args(["-p", &prefix, "-c", "nginx.conf", "-e", "error.log"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("nginx can be started");
        let mut nginx = Self {
            child,
            http,
            https,
            directory,
        };
        nginx.listens().then_some(nginx)
    }

    /// Waits until it listens; `false` when it ended instead.
    #[track_caller]
    fn listens(&mut self) -> bool {
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "nginx does not listen");
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            let up = |port| {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
                TcpStream::connect_timeout(&address, LOOK).is_ok()
            };
            if up(self.http) && up(self.https) {
                return true;
            }
            std::thread::sleep(LOOK);
        }
    }

    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.http)
    }

    pub(crate) fn secure_url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.https)
    }

    pub(crate) fn file(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// The lines of its log so far: method, path, connection, requests on it before.
    pub(crate) fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.file("access.log")).unwrap();
        text.lines().map(String::from).collect()
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // It may have ended by itself, and then there is nothing to do.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Where the server is: servers live where the PATH of an ordinary user does not look.
#[track_caller]
fn program() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(["/usr/local/sbin".into(), "/usr/sbin".into()])
        .map(|directory| directory.join("nginx"))
        .find(|program| program.is_file())
        .expect("nginx is missing: scripts/test-deps installs what the tests need")
}

pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    listener.local_addr().unwrap().port()
}

/// What OpenSSL has for the SHA-256 of a certificate.
#[track_caller]
fn fingerprint(path: &str) -> String {
    let output = Command::new("openssl")
        .args(["x509", "-noout", "-fingerprint", "-sha256", "-in", path])
        .output()
        .expect("openssl is missing: scripts/test-deps installs what the tests need");
    let text = String::from_utf8(output.stdout).unwrap();
    let (_, digits) = text.trim().split_once('=').expect("a fingerprint");
    digits.replace(':', "").to_lowercase()
}

/// A single process, so that killing it leaves no children.
fn configuration(http: u16, https: u16) -> String {
    format!(
        "daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 4096; }}
http {{
    log_format short '$request_method $request_uri $connection $connection_requests $host';
    access_log access.log short;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    default_type text/plain;
    keepalive_requests 30;
    server {{
        listen 0.0.0.0:{http} backlog=4096;
        listen 0.0.0.0:{https} ssl backlog=4096;
        ssl_certificate certificate.pem;
        ssl_certificate_key key.pem;
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_session_tickets off;
        ssl_session_cache off;
        root www;
        location /zipped {{ alias www/page; gzip on; gzip_min_length 1; gzip_types *; }}
        location /moved {{ return 301 /page; }}
        location /secure {{ return 302 https://$host:{https}/page; }}
        location /empty {{ return 204; }}
        location /gone {{ return 444; }}
        location /status {{ return 200 'fine\\n'; }}
    }}
}}
"
    )
}

#[test]
fn nginx_is_asked_by_http_and_https() {
    let nginx = Nginx::start();
    let page = probe(&[], &nginx.url("127.0.0.1", "/page"));
    assert_eq!(
        (&page["status"], &page["body_bytes"]),
        (&json!("200"), &json!(PAGE_BYTES))
    );
    assert!(
        page["server"].as_str().unwrap().starts_with("nginx/"),
        "{page}"
    );

    let ca = nginx.file("certificate.pem");
    let secure = |args: &[&str], host: &str| probe(args, &nginx.secure_url(host, "/page"));
    let object = secure(&["--cacert", &ca], "127.0.0.1");
    assert_eq!(
        (&object["status"], &object["body_bytes"]),
        (&json!("200"), &json!(PAGE_BYTES))
    );
    let tls = &object["tls"];
    assert_eq!(
        (&tls["verified"], &tls["version"]),
        (&json!(true), &json!("TLSv1.3"))
    );
    assert_eq!(
        (&tls["subject"], &tls["issuer"]),
        (&json!("CN=web.test"), &json!("CN=web.test"))
    );
    assert_eq!(tls["sans"], json!([NAME, "127.0.0.1"]));
    let fingerprint = fingerprint(&ca);
    assert_eq!(tls["sha256"], fingerprint);
    // The certificate is also reported if it is for another host or not trusted.
    for (args, host, cause) in [
        (&["--cacert", &*ca][..], "127.0.0.2", "wronghost"),
        (&[], "127.0.0.1", "unknownissuer"),
    ] {
        let object = secure(args, host);
        assert_eq!(fault(&object), ("TLS", "tls", cause), "{object}");
        assert_eq!(object["tls"]["sha256"], fingerprint);
        let object = secure(&["-k"], host);
        assert_eq!(
            (&object["status"], &object["tls"]["verified"]),
            (&json!("200"), &json!(false))
        );
    }

    for (path, status, cause) in [
        ("/missing", "404", ""),
        ("/empty", "204", ""),
        ("/gone", "RESET", "closed"),
    ] {
        let object = probe(&[], &nginx.url("127.0.0.1", path));
        assert_eq!(
            (fault(&object).0, fault(&object).2),
            (status, cause),
            "{object}"
        );
    }
    // Plain HTTP on a port for TLS, and the other way round.
    let object = probe(&[], &format!("http://127.0.0.1:{}/", nginx.https));
    assert_eq!(object["status"], "400", "{object}");
    let object = probe(&[], &format!("https://127.0.0.1:{}/", nginx.http));
    assert_eq!(fault(&object), ("TLS", "tls", "handshake"), "{object}");
    let object = probe(&[], &format!("127.0.0.1:{}", nginx.http));
    assert_eq!(object["url"], nginx.url("127.0.0.1", "/"), "{object}");
}

#[test]
fn nginx_zips_redirects_and_keeps_connections() {
    let nginx = Nginx::start();
    let object = probe(&[], &nginx.url("127.0.0.1", "/zipped"));
    assert_eq!(object["decoded_bytes"], PAGE_BYTES, "{object}");
    assert!(object["body_bytes"].as_u64().unwrap() < 1000, "{object}");
    let object = probe(&["--follow", "1"], &nginx.url("127.0.0.1", "/moved"));
    assert_eq!(object["url"], nginx.url("127.0.0.1", "/page"), "{object}");
    let object = probe(&["--follow", "1", "-k"], &nginx.url("127.0.0.1", "/secure"));
    assert_eq!(
        object["url"],
        nginx.secure_url("127.0.0.1", "/page"),
        "{object}"
    );
    assert_eq!(
        (&object["status"], &object["tls"]["verified"]),
        (&json!("200"), &json!(false))
    );

    // It closes behind every thirtieth request.
    let url = nginx.url("127.0.0.1", "/status?repeated");
    let run = http(&["--repeat", "100"], &[url]).exits(0);
    assert_eq!(run.balance(), [100, 100, 0, 0]);
    run.objects().iter().for_each(check);
    let log = nginx.log();
    let repeated: Vec<&str> = log
        .iter()
        .filter_map(|line| line.strip_prefix("GET /status?repeated "))
        .collect();
    let connections: std::collections::BTreeSet<_> = repeated
        .iter()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!((repeated.len(), connections.len()), (100, 4));
}

#[test]
fn thousands_of_addresses_are_as_many_hosts() {
    const HOSTS: u64 = 3000;
    let nginx = Nginx::start();
    let address = |n: u64| format!("127.{}.{}.{}", 1 + n / 65_536, n / 256 % 256, n % 256);
    let urls: Vec<String> = (0..HOSTS)
        .map(|n| nginx.url(&address(n), "/status"))
        .collect();
    let run = http(&[], &urls).exits(0);
    for (object, n) in lines(&run, HOSTS).iter().zip(0..) {
        assert_eq!(object["remote"], format!("{}:{}", address(n), nginx.http));
        assert_eq!(object["body_bytes"], 5);
    }
    let urls: Vec<String> = (0..200)
        .map(|n| nginx.secure_url(&address(n), "/status"))
        .collect();
    for object in lines(&http(&["-k"], &urls).exits(0), 200) {
        assert_eq!(object["tls"]["chain_length"], 1);
    }
}

#[test]
fn plain_http_to_its_tls_port_is_an_answer_that_says_so() {
    let nginx = Nginx::start();
    let object = probe(&[], &format!("http://127.0.0.1:{}/", nginx.https));
    assert_eq!(object["status"], "400", "{object}");
    assert_eq!(object["warnings"], json!(["tls_port"]), "{object}");
    // The other way round, what comes is quoted.
    let object = probe(&[], &format!("https://127.0.0.1:{}/", nginx.http));
    assert_eq!(fault(&object), ("TLS", "tls", "handshake"), "{object}");
    let text = object["error"]["message"].as_str().unwrap();
    assert!(
        text.contains("the peer answered \"HTTP/1.1 400 Bad Request\""),
        "{text}"
    );
}
