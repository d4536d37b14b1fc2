//! `canvass sweep --listen`: metrics and a page while it runs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::common::{Running, canvass, until};
use crate::nginx::free_port;
use crate::peers::closed_port;

/// A sweep of a port that is open and one that is not, with a listener.
pub(crate) struct Sweep {
    pub running: Running,
    pub address: SocketAddr,
    /// The targets.
    pub open: String,
    pub closed: String,
    _peer: TcpListener,
}

impl Sweep {
    /// Starts it, and waits until both targets have been probed often enough.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`Self::start`], with further flags.
    pub(crate) fn start_with(more: &[&str]) -> Self {
        let peer = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let open = format!("tcp://{}", peer.local_addr().expect("an address"));
        let closed = format!("tcp://{}", closed_port());
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let listen = address.to_string();
        let flags = [
            "sweep",
            &open,
            &closed,
            "--interval",
            "200ms",
            "-r",
            "127.0.0.1:9",
            "--listen",
            &listen,
        ];
        let mut running = Running::start(&[&flags[..], more].concat());
        let lines = [running.read_line(), running.read_line()];
        assert!(lines.iter().any(|line| line.contains(" up ")), "{lines:?}");
        assert!(
            lines.iter().any(|line| line.contains(" down ")),
            "{lines:?}"
        );
        Self {
            running,
            address,
            open,
            closed,
            _peer: peer,
        }
    }

    /// The body of the response to a request for `path`.
    pub(crate) fn get(&self, path: &str) -> String {
        get(self.address, path).expect("the listener answers")
    }
}

/// The body of a response with status 200; `None` if there is none.
pub(crate) fn get(address: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect(address).ok()?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).ok()?;
    let mut response = String::new();
    stream.read_to_string(&mut response).ok()?;
    let (header, body) = response.split_once("\r\n\r\n")?;
    header.starts_with("HTTP/1.1 200 ").then(|| body.to_owned())
}

/// Checks metrics with Prometheus' own tool, which complains of names too.
#[track_caller]
pub(crate) fn assert_promtool_accepts(metrics: &str) {
    let mut tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool is installed (scripts/test-deps)");
    let mut input = tool.stdin.take().expect("a pipe");
    input.write_all(metrics.as_bytes()).expect("it reads");
    drop(input);
    let output = tool.wait_with_output().expect("it ends");
    let complaints = [output.stdout, output.stderr].concat();
    let complaints = String::from_utf8_lossy(&complaints);
    assert!(output.status.success(), "{complaints}\n{metrics}");
    assert_eq!(complaints, "");
}

#[test]
fn a_sweep_serves_metrics_and_a_page_until_it_ends() {
    let mut sweep = Sweep::start();
    let own = sweep.get("/metrics");
    assert!(own.contains("canvass_targets{state=\"down\"} 1\n"), "{own}");
    assert_promtool_accepts(&own);
    let targets = sweep.get("/metrics/targets");
    for (target, success) in [(&sweep.open, 1), (&sweep.closed, 0)] {
        let series = format!(
            "probe_success{{target=\"{target}\",group=\"endpoints\",module=\"tcp\"}} {success}\n"
        );
        assert!(targets.contains(&series), "{series}{targets}");
    }
    assert_promtool_accepts(&targets);
    let page = sweep.get("/?state=down");
    assert!(
        page.contains(&sweep.closed) && !page.contains(&sweep.open),
        "{page}"
    );
    assert!(page.contains("refused the connection"), "{page}");
    sweep.running.signal(Signal::INT);
    let run = sweep.running.end();
    run.exits(130)
        .says(&format!("listening on http://{}/\n", sweep.address));
    assert!(TcpStream::connect(sweep.address).is_err());
}

#[test]
fn a_free_port_is_chosen_and_reported() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let target = format!("tcp://{}", peer.local_addr().expect("an address"));
    let args = ["sweep", &target, "--interval", "100ms", "-r", "127.0.0.1:9"];
    let mut running = Running::start(&[&args[..], &["--listen", "127.0.0.1:0"]].concat());
    running.read_line();
    running.signal(Signal::TERM);
    let run = running.end().exits(143);
    let address = run
        .err
        .lines()
        .find_map(|line| line.strip_prefix("listening on http://")?.strip_suffix('/'));
    let address: SocketAddr = address.expect("it says where").parse().expect("an address");
    assert!(address.ip().is_loopback() && address.port() != 0);
    assert!(!run.err.contains("not a loopback address"), "{}", run.err);
}

#[test]
fn an_address_that_others_can_reach_is_reported() {
    let port = free_port();
    let listen = format!("0.0.0.0:{port}");
    let args = ["sweep", "tcp://127.0.0.1:9", "-r", "127.0.0.1:9"];
    let mut running = Running::start(&[&args[..], &["--listen", &listen]].concat());
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    until("the listener", || get(address, "/-/ready").is_some());
    running.signal(Signal::INT);
    running.end().says("is not a loopback address");
}

#[test]
fn a_listener_that_cannot_be_is_an_error_before_anything_is_sent() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let taken = taken.local_addr().expect("an address").to_string();
    let args = ["sweep", "tcp://127.0.0.1:9", "-r", "127.0.0.1:9"];
    let with = |more: &[&str]| canvass(&[&args[..], more].concat());
    let run = with(&["--listen", &taken]).exits(3);
    assert!(
        run.err.contains(&format!("cannot listen on {taken}: ")),
        "{}",
        run.err
    );
    with(&["--listen", "127.0.0.1:0", "--once"]).exits(2);
    with(&["--listen-host", "status.example.net"]).exits(2);
    with(&["--listen", "9115"]).exits(2);
}

#[test]
fn clients_of_the_listener_leave_descriptors_for_probes() {
    let peer = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let target = format!("tcp://{}", peer.local_addr().expect("an address"));
    let listen = format!("127.0.0.1:{}", free_port());
    let limited = |limit: &str| {
        let flags = ["sweep", &target, "--interval", "200ms", "-r", "127.0.0.1:9"];
        let listening = [&flags[..], &["--listen", &listen]].concat();
        Running::start_by(&["prlimit", &format!("--nofile={limit}")], &listening)
    };
    let run = limited("320").end().exits(2);
    assert!(run.err.contains("--listen needs "), "{}", run.err);
    let mut running = limited("512");
    assert!(running.read_line().contains(" up "));
    let mut clients: Vec<TcpStream> = (0..256)
        .map(|_| TcpStream::connect(&listen).expect("the listener accepts"))
        .collect();
    // They are accepted in their order, so all are there when the last one is served.
    let mut last = clients.pop().expect("256 clients");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n");
    last.write_all(request.as_bytes()).expect("it reads");
    let mut metrics = String::new();
    last.read_to_string(&mut metrics).expect("it answers");
    for line in [
        "canvass_listener_connections 256",
        "canvass_targets{state=\"up\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is missing in {metrics}");
    }
    running.signal(Signal::INT);
    running.end().exits(130);
}
