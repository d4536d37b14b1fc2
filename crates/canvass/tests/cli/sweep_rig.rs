//! A service that can be told to fail, and a sweep of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde_json::Value;
use tempfile::TempDir;

use crate::common::Running;
use crate::probe_peers::TcpPeer;

/// The interval of the sweeps of these tests.
pub(crate) const INTERVAL_MS: u64 = 200;
const INTERVAL: &str = "200ms";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";

/// An HTTP server that closes connections instead of answering while it is told to.
pub(crate) struct Service {
    peer: TcpPeer<()>,
    /// The number of connections that are closed without an answer; without end below 0.
    failures: Arc<AtomicI64>,
    answered: Arc<AtomicU64>,
    connections: Arc<AtomicU64>,
}

impl Service {
    pub(crate) fn start() -> Self {
        let failures = Arc::new(AtomicI64::new(0));
        let (answered, connections) = <(Arc<AtomicU64>, Arc<AtomicU64>)>::default();
        let (failing, good, all) = (failures.clone(), answered.clone(), connections.clone());
        let peer = TcpPeer::serve(move |mut stream| {
            all.fetch_add(1, Ordering::SeqCst);
            // What is not read before the end would reset the connection instead of closing it.
            read_request(&mut stream);
            let left = failing.load(Ordering::SeqCst);
            if left == 0 {
                // A probe that has given up meanwhile needs no answer.
                let _ = stream.write_all(ANSWER);
                good.fetch_add(1, Ordering::SeqCst);
            } else if left > 0 {
                failing.fetch_sub(1, Ordering::SeqCst);
            }
        });
        Self {
            peer,
            failures,
            answered,
            connections,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/", self.peer.address)
    }

    pub(crate) fn port(&self) -> u16 {
        self.peer.address.port()
    }

    /// Answers no more.
    pub(crate) fn go_down(&self) {
        self.failures.store(-1, Ordering::SeqCst);
    }

    /// Answers again.
    pub(crate) fn come_back(&self) {
        self.failures.store(0, Ordering::SeqCst);
    }

    /// Fails the next probes.
    pub(crate) fn lose(&self, probes: i64) {
        self.failures.store(probes, Ordering::SeqCst);
    }

    /// Whether no more probes are to be failed.
    pub(crate) fn has_lost_all(&self) -> bool {
        self.failures.load(Ordering::SeqCst) == 0
    }

    /// The number of requests that were answered.
    pub(crate) fn answered(&self) -> u64 {
        self.answered.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.connections.load(Ordering::SeqCst)
    }
}

fn read_request(stream: &mut TcpStream) {
    let mut request = Vec::new();
    let mut octet = [0];
    while !request.ends_with(b"\r\n\r\n") && matches!(stream.read(&mut octet), Ok(1)) {
        request.push(octet[0]);
    }
}

/// The files of a sweep.
pub(crate) struct Files(TempDir);

impl Files {
    /// A list of these endpoints.
    pub(crate) fn new(endpoints: &[&str]) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        fs::write(files.path("list"), endpoints.join("\n") + "\n").unwrap();
        files
    }

    pub(crate) fn path(&self, name: &str) -> String {
        self.directory().join(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn directory(&self) -> &Path {
        self.0.path()
    }

    /// The arguments of a sweep of the list, which writes a line for each probe to `lines`. Its
    /// resolver is not there.
    pub(crate) fn args(&self, more: &[&str]) -> Vec<String> {
        let (list, lines) = (self.path("list"), self.path("lines"));
        let mut args = vec!["sweep", "-i", &list, "-o", &lines];
        args.extend(more);
        for default in [
            ["--interval", INTERVAL],
            ["-f", "ndjson"],
            ["-r", "127.0.0.1:1"],
        ] {
            let is_lab = default[0] == "-r" && more.iter().any(|flag| flag.starts_with("--lab"));
            if !more.contains(&default[0]) && !is_lab {
                args.extend(default);
            }
        }
        args.into_iter().map(String::from).collect()
    }

    /// Starts a sweep with these arguments.
    pub(crate) fn sweep(&self, more: &[&str]) -> Running {
        self.sweep_by(&[], more)
    }

    /// The same, by another command that is given `wrapper`.
    pub(crate) fn sweep_by(&self, wrapper: &[&str], more: &[&str]) -> Running {
        let args = self.args(more);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        // The lines of an earlier sweep would be taken for those of this one.
        let _ = fs::remove_file(self.path("lines"));
        Running::start_by(wrapper, &args)
    }

    /// The lines of the probes so far; the last may be incomplete still.
    pub(crate) fn probes(&self) -> Vec<Value> {
        let lines = fs::read_to_string(self.path("lines")).unwrap_or_default();
        let whole = lines.split_inclusive('\n');
        let whole = whole.filter(|line| line.ends_with('\n'));
        whole
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// The next change that a sweep writes as ndjson.
#[track_caller]
pub(crate) fn next_change(running: &mut Running) -> Value {
    serde_json::from_str(&running.read_line()).unwrap()
}

/// The states that a change is from and to, and whether it is an alert.
pub(crate) fn change(object: &Value) -> (&str, &str, bool) {
    (
        object["from"].as_str().unwrap(),
        object["to"].as_str().unwrap(),
        object["alert"].as_bool().unwrap(),
    )
}

/// The number behind a word in the summary of a sweep.
#[track_caller]
pub(crate) fn summed(err: &str, word: &str) -> u64 {
    let mut words = err.split_whitespace();
    words
        .find(|found| *found == word)
        .and_then(|_| words.next()?.parse().ok())
        .unwrap_or_else(|| panic!("no number of {word} in:\n{err}"))
}

/// When the probes of each target were due, in microseconds since midnight UTC.
pub(crate) fn due_us(probes: &[Value]) -> BTreeMap<&str, Vec<i64>> {
    let mut due: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for probe in probes {
        // 2026-11-28T03:55:50.417323Z
        let started = probe["started"].as_str().unwrap();
        let part = |from, to| started[from..to].parse::<i64>().unwrap();
        let seconds = (part(11, 13) * 60 + part(14, 16)) * 60 + part(17, 19);
        let started_us = seconds * 1_000_000 + part(20, 26);
        let ms = |key: &str| probe[key].as_f64().unwrap();
        let late_us = (ms("response_ms") - ms("latency_ms")) * 1e3;
        let target = probe["target"].as_str().unwrap();
        due.entry(target)
            .or_default()
            .push(started_us - late_us as i64);
    }
    due
}
