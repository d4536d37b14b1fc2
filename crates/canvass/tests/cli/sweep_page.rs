//! The forms of the page of a target.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Command, Stdio};

use rustix::process::Signal;
use tempfile::TempDir;

use crate::common::{Running, until};
use crate::nginx::free_port;
use crate::sweep_listen::get;

const LINE: &str = "tcp://www.lab.test:8377";

/// A sweep of the lab's service that reverses lines, of an endpoint that is down, and of one that never
/// says anything. Their first rounds are hours away.
struct Lines {
    running: Running,
    address: SocketAddr,
    silent: TcpListener,
    _directory: TempDir,
}

impl Lines {
    fn start() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let script = concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../docs/scripts/reverse.yaml"
        );
        let silent = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let config = format!(
            "interval = \"1000h\"\n[modules.reverse]\ntalk = \"{script}\"\n[[groups]]\nname = \"lines\"\n\
             module = \"reverse\"\ntargets = [\"{LINE}\"]\n[[groups]]\nname = \"web\"\n\
             targets = [\"https://expired.lab.test/\"]\n[modules.ssh]\ntalk = \"ssh\"\n\
             timeout = \"25s\"\n[[groups]]\nname = \"silent\"\nmodule = \"ssh\"\n\
             targets = [\"tcp://{}\"]\n",
            silent.local_addr().expect("an address")
        );
        let path = |name: &str| directory.path().join(name).display().to_string();
        fs::write(path("sweep.toml"), config).expect("it can be written");
        let address: SocketAddr = ([127, 0, 0, 1], free_port()).into();
        let (config, states, listen) = (path("sweep.toml"), path("states"), address.to_string());
        let flags = ["--lab", "--state", &states, "--listen", &listen];
        let running = Running::start(&[&["sweep", &config][..], &flags].concat());
        until("the listener", || get(address, "/-/ready").is_some());
        Self {
            running,
            address,
            silent,
            _directory: directory,
        }
    }

    /// The status and the body that curl gets.
    fn curl(&self, path: &str, more: &[&str]) -> (u16, String) {
        let output = Command::new("curl")
            .args([
                "-s",
                "-w",
                "\n%{http_code}",
                "--noproxy",
                "*",
                "--max-time",
                "20",
            ])
            .args(more)
            .arg(format!("http://{}{path}", self.address))
            .output()
            .expect("curl is installed (scripts/test-deps)");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let (body, status) = text.rsplit_once('\n').expect("a status");
        (status.parse().expect("a number"), body.to_owned())
    }

    fn post(&self, path: &str, fields: &[&str], more: &[&str]) -> (u16, String) {
        let fields = fields.iter().flat_map(|field| ["--data-urlencode", field]);
        let all: Vec<&str> = fields.chain(more.iter().copied()).collect();
        self.curl(path, &all)
    }
}

#[test]
fn the_text_that_was_typed_comes_back_reversed() {
    let lines = Lines::start();
    let key = format!("key={LINE}");
    let (status, page) = lines.curl("/target", &["-G", "--data-urlencode", &key]);
    assert_eq!(status, 200);
    assert!(page.contains("value=\"stressed\""), "{page}");
    let (status, page) = lines.post("/target", &[&key, "text=a <b> & c"], &[]);
    assert_eq!(status, 200);
    for part in ["c &amp; &gt;b&lt; a", "MATCHED", "resolved", "connected"] {
        assert!(page.contains(part), "{part:?} is missing in {page}");
    }
    // The state is as it was, whatever was found.
    let (_, page) = lines.post("/target", &["key=https://expired.lab.test/"], &[]);
    assert!(page.contains("not good: the certificate expired"), "{page}");
    assert!(page.contains("<span class=\"state unknown\">"), "{page}");
    let metrics = get(lines.address, "/metrics/targets").expect("metrics");
    assert!(!metrics.contains("probe_success{"), "{metrics}");
}

#[test]
fn what_is_not_listed_or_cannot_be_sent_is_refused() {
    let mut lines = Lines::start();
    let key = format!("key={LINE}");
    let (status, _) = lines.post("/target", &["key=tcp://127.0.0.1:22"], &[]);
    assert_eq!(status, 404);
    for text in ["text=a\r\nEND", &format!("text={}", "x".repeat(2_000))] {
        assert_eq!(lines.post("/target", &[&key, text], &[]).0, 400, "{text:?}");
    }
    let long = format!("text={}", "x".repeat(20_000));
    assert_eq!(lines.post("/target", &[&key, &long], &[]).0, 413);
    assert_eq!(
        lines
            .post("/target", &[&key], &["-H", "Content-Type: text/plain"])
            .0,
        415
    );
    for header in [
        "Origin: http://a.example.org",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
    ] {
        for path in ["/target", "/target/silence", "/api/silences"] {
            assert_eq!(
                lines.post(path, &[&key], &["-H", header]).0,
                403,
                "{path} {header}"
            );
        }
    }
    let origin = format!("Origin: http://{}", lines.address);
    assert_eq!(lines.post("/target", &[&key], &["-H", &origin]).0, 200);
    lines.running.signal(Signal::INT);
    lines.running.end().exits(130);
}

#[test]
fn silences_are_set_and_shown() {
    let lines = Lines::start();
    let list = || lines.curl("/api/silences", &[]).1;
    assert_eq!(list().trim(), "{\"silences\":[]}");
    assert_eq!(
        lines.post("/api/silences", &["group=web", "for=1h"], &[]).0,
        204
    );
    let key = format!("key={LINE}");
    let (status, _) = lines.post("/target/silence", &[&key, "for=4h"], &[]);
    assert_eq!(status, 303);
    assert!(
        list().contains("\"group\":\"web\"") && list().contains(LINE),
        "{}",
        list()
    );
    let page = get(lines.address, "/?state=silenced").expect("a page");
    assert!(page.contains("2 targets"), "{page}");
    // Of the group and of the line; the target in the group has no time of its own.
    assert_eq!(page.matches("silenced until 20").count(), 2, "{page}");
    assert_eq!(page.matches(">silenced</span>").count(), 1, "{page}");
    assert_eq!(
        lines.post("/target/silence", &[&key, "end=true"], &[]).0,
        303
    );
    assert!(!list().contains(LINE));
    let delete = |query: &str| {
        lines
            .curl(&format!("/api/silences?{query}"), &["-X", "DELETE"])
            .0
    };
    assert_eq!(delete("group=web"), 204);
    assert_eq!(delete("group=web"), 404);
    for fields in [
        &["for=1h"][..],
        &["group=web"],
        &["group=web", "for=soon"],
        &["group=web", "until=2020-01-01T00:00:00Z"],
    ] {
        assert_eq!(
            lines.post("/api/silences", fields, &[]).0,
            400,
            "{fields:?}"
        );
    }
}

#[test]
fn few_probes_are_under_way_at_once() {
    let mut lines = Lines::start();
    let key = format!(
        "key=tcp://{}",
        lines.silent.local_addr().expect("an address")
    );
    let url = format!("http://{}/target", lines.address);
    let mut command = Command::new("curl");
    command.args([
        "-s",
        "-o",
        "/dev/null",
        "-w",
        "%{http_code}",
        "--noproxy",
        "*",
    ]);
    command
        .args(["--data-urlencode", &key, &url])
        .stdout(Stdio::piped());
    let waiting: Vec<_> = (0..4)
        .map(|_| command.spawn().expect("curl is installed"))
        .collect();
    let connected: Vec<_> = lines.silent.incoming().take(4).collect();
    let (status, page) = lines.post("/target", &[&key], &[]);
    assert_eq!(status, 503);
    assert!(page.contains("Too many probes"), "{page}");
    drop(connected);
    for client in waiting {
        let output = client.wait_with_output().expect("it ends");
        assert_eq!(output.stdout, b"200");
    }
    assert_eq!(lines.post("/target", &[&format!("key={LINE}")], &[]).0, 200);
    // One that is under way does not hold up the end.
    let mut client = command.spawn().expect("curl is installed");
    let _connected = lines.silent.accept().expect("a connection");
    lines.running.signal(Signal::INT);
    lines.running.end().exits(130);
    client.wait().expect("it ends");
}
