//! A sweep that answers `/probe`, and a client.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::common::{PATIENCE, Run, Running, until};
use crate::nginx::free_port;

/// A resolver that is not there, so that no other one is asked.
const NO_RESOLVER: [&str; 2] = ["-r", "127.0.0.1:9"];

/// A response to a request.
#[derive(Debug)]
pub(crate) struct Response {
    pub status: u16,
    /// The header, with names in lower case.
    header: String,
    pub body: String,
}

impl Response {
    /// The same, if its status is 200.
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{self:?}");
        self
    }

    /// The value of a field; empty without it.
    pub(crate) fn field(&self, name: &str) -> &str {
        let mut lines = self.header.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or_default()
    }
}

/// The response to a GET for `path`, with `fields` in its header.
pub(crate) fn get(address: SocketAddr, path: &str, fields: &str) -> Response {
    request(address, "GET", path, fields)
}

/// The response to a request with `fields` in its header, each with its end of line.
pub(crate) fn request(address: SocketAddr, method: &str, path: &str, fields: &str) -> Response {
    let mut stream = begin(address, method, path, fields);
    let mut response = Vec::new();
    stream.read_to_end(&mut response).expect("a response");
    let response = String::from_utf8_lossy(&response).into_owned();
    let (header, body) = response.split_once("\r\n\r\n").expect("a whole header");
    let status = header.split(' ').nth(1).and_then(|code| code.parse().ok());
    let lower = |line: &str| match line.split_once(": ") {
        Some((name, value)) => format!("{}: {value}", name.to_lowercase()),
        None => line.to_owned(),
    };
    Response {
        status: status.expect("a status"),
        header: header.lines().map(lower).collect::<Vec<_>>().join("\n"),
        body: body.to_owned(),
    }
}

/// Sends a request, and does not wait for its response. By HTTP/1.0 that has no chunks.
pub(crate) fn begin(address: SocketAddr, method: &str, path: &str, fields: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("{method} {path} HTTP/1.0\r\nHost: {address}\r\n{fields}\r\n");
    stream.write_all(request.as_bytes()).expect("it reads");
    stream
}

/// A file of modules.
pub(crate) struct ModulesFile(TempDir);

impl ModulesFile {
    pub(crate) fn new(text: &str) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        file.write(text);
        file
    }

    pub(crate) fn path(&self) -> String {
        self.0.path().join("modules.yml").display().to_string()
    }

    /// Replaces it whole.
    pub(crate) fn write(&self, text: &str) {
        let new = self.0.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.path()).unwrap();
    }
}

/// A sweep with modules and a listener.
pub(crate) struct Exporter {
    pub running: Running,
    pub address: SocketAddr,
}

impl Exporter {
    /// Starts one on loopback. `more` may name targets.
    pub(crate) fn start(modules: &str, more: &[&str]) -> Self {
        Self::start_on("127.0.0.1", modules, more)
    }

    /// Starts one on an address that loopback is a part of.
    pub(crate) fn start_on(host: &str, modules: &str, more: &[&str]) -> Self {
        let port = free_port();
        let listen = format!("{host}:{port}");
        let own = ["sweep", "--modules", modules, "--listen", &listen];
        let running = Running::start(&[&own[..], &NO_RESOLVER, more].concat());
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        until("the listener", || TcpStream::connect(address).is_ok());
        Self { running, address }
    }

    pub(crate) fn get(&self, path: &str, fields: &str) -> Response {
        get(self.address, path, fields)
    }

    pub(crate) fn request(&self, method: &str, path: &str, fields: &str) -> Response {
        request(self.address, method, path, fields)
    }

    /// The value of a metric without labels in `/metrics`.
    #[track_caller]
    pub(crate) fn metric(&self, name: &str) -> f64 {
        let metrics = self.get("/metrics", "").ok().body;
        let mut lines = metrics.lines();
        let value = lines.find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {name} in {metrics}"))
    }

    /// Ends it by a signal.
    pub(crate) fn end(mut self) -> Run {
        self.running.signal(Signal::TERM);
        self.running.end()
    }
}
