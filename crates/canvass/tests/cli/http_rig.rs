//! What the tests of `canvass http` stand on: runs of it, what must be true of every line, and the
//! lab's web servers as a process of their own.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{CANVASS, Run, Running, canvass_reading};

/// Phases on every line, in the order of a probe's life.
pub(crate) const PHASES: [&str; 6] = [
    "wait",
    "resolve",
    "connect",
    "tls",
    "first_byte",
    "transfer",
];

/// How far the phases may be from the latency: what is lost by reading decimals.
const SUM_ERROR_MS: f64 = 0.001;

/// Runs `canvass http` to its end, with `targets` on its standard input and ndjson on its output.
pub(crate) fn http(args: &[&str], targets: &[impl AsRef<str>]) -> Run {
    let mut all = vec!["http", "-i", "-", "-f", "ndjson"];
    all.extend(args);
    let lines: Vec<&str> = targets.iter().map(AsRef::as_ref).collect();
    canvass_reading(&all, lines.join("\n"))
}

/// The one line of a run with one target.
#[track_caller]
pub(crate) fn probe(args: &[&str], target: &str) -> Value {
    let run = http(args, &[target]);
    let mut objects = lines(&run, 1);
    objects.remove(0)
}

/// The lines of a run, one for each of `count` targets, in the order asked.
#[track_caller]
pub(crate) fn lines(run: &Run, count: u64) -> Vec<Value> {
    let objects = run.whole(count);
    objects.iter().for_each(check);
    let [admitted, answered, negative, failed] = run.balance();
    assert_eq!(admitted, count, "{}", run.err);
    let of = |outcome: &str| {
        let many = objects.iter().filter(|object| object["outcome"] == outcome);
        many.count() as u64
    };
    assert_eq!(
        [answered, negative, failed],
        [of("answered"), of("negative"), of("failed")],
        "{}",
        run.err
    );
    objects
}

/// What is true of every line, whatever happened.
#[track_caller]
pub(crate) fn check(object: &Value) {
    let phases = object["phases_ms"].as_object().expect("phases");
    assert_eq!(phases.len(), PHASES.len(), "{object}");
    let spans = PHASES.map(|phase| phases[phase].as_f64());
    let total: f64 = spans.iter().flatten().sum();
    match object["latency_ms"].as_f64() {
        Some(latency_ms) => assert!(
            (total - latency_ms).abs() <= SUM_ERROR_MS,
            "the phases make {total} ms: {object}"
        ),
        None => assert!(spans.iter().all(Option::is_none), "{object}"),
    }
    assert_eq!(object["probe"], "http");
    let failed = object["outcome"] == "failed";
    assert_eq!(object["error"].is_object(), failed, "{object}");
    for key in ["expected", "seen"] {
        let is_negative = object["outcome"] == "negative";
        assert_eq!(object[key].is_string(), is_negative, "{object}");
    }
    if !failed {
        assert_eq!(
            object["status"].as_str().and_then(|code| code.parse().ok()),
            object["status_code"].as_u64(),
            "{object}"
        );
        assert!(object["phases_ms"]["transfer"].is_f64() || object["phases_ms"]["transfer"] == 0);
    }
    if let Some(tls) = object["tls"].as_object() {
        assert_eq!(tls["verified"] == false, tls["verify_error"].is_string());
        assert_eq!(tls["subject"].is_null(), tls["sha256"].is_null());
    }
}

/// `(status, error.phase, error.cause)`; the last two empty where there is no error.
pub(crate) fn fault(object: &Value) -> (&str, &str, &str) {
    let text = |value: &'static str| object["error"][value].as_str().unwrap_or_default();
    (
        object["status"].as_str().unwrap_or_default(),
        text("phase"),
        text("cause"),
    )
}

/// What the error says.
pub(crate) fn message(object: &Value) -> &str {
    object["error"]["message"].as_str().unwrap_or_default()
}

/// Which phases were reached.
pub(crate) fn reached(object: &Value) -> Vec<&'static str> {
    let was = |phase: &&str| !object["phases_ms"][*phase].is_null();
    PHASES.into_iter().filter(was).collect()
}

/// `canvass lab` with its web servers.
pub(crate) struct WebLab {
    running: Running,
    pub dns: SocketAddr,
    pub http: SocketAddr,
    pub https: SocketAddr,
    files: TempDir,
}

impl WebLab {
    /// On 127.0.0.1, or on every address of 127/8 where `listen` is `0.0.0.0:0`.
    #[track_caller]
    pub(crate) fn start(listen: &str, args: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let path = |name: &str| files.path().join(name).display().to_string();
        let (ca, client) = (path("ca.pem"), path("client.pem"));
        let mut all = vec!["lab", "--listen", listen, "--serve", "http,https"];
        all.extend(["--ca-out", &ca, "--client-out", &client]);
        all.extend(args);
        let mut running = Running::start(&all);
        let mut address = |prefix: &str| -> SocketAddr {
            let line = running.read_line();
            line.strip_prefix(prefix)
                .map(|rest| rest.trim_end_matches(" (udp and tcp)"))
                .and_then(|address| address.parse().ok())
                .unwrap_or_else(|| panic!("{line:?} does not begin with {prefix:?}"))
        };
        let (http, https) = (address("http on "), address("https on "));
        let dns = address("listening on ");
        Self {
            running,
            dns,
            http,
            https,
            files,
        }
    }

    pub(crate) fn local() -> Self {
        Self::start("127.0.0.1:0", &[])
    }

    /// The URL of a path at `host`, by plain HTTP.
    pub(crate) fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.http.port())
    }

    /// The same, by HTTPS.
    pub(crate) fn secure_url(&self, host: &str, path: &str) -> String {
        format!("https://{host}:{}{path}", self.https.port())
    }

    /// Its DNS as `--resolver` takes it.
    pub(crate) fn resolver(&self) -> String {
        SocketAddr::new(Ipv4Addr::LOCALHOST.into(), self.dns.port()).to_string()
    }

    /// The certificate of its authority.
    pub(crate) fn ca(&self) -> String {
        self.file("ca.pem")
    }

    /// A client certificate of its authority, with its key.
    pub(crate) fn client(&self) -> String {
        self.file("client.pem")
    }

    fn file(&self, name: &str) -> String {
        self.files.path().join(name).display().to_string()
    }

    /// Ends it: what it says it did.
    #[track_caller]
    pub(crate) fn report(mut self) -> String {
        self.running.signal(Signal::TERM);
        self.running.end().err
    }
}

/// Runs the command under a hard limit of descriptors, with its targets in a file.
pub(crate) fn canvass_with_descriptors(limit: u32, args: &[&str]) -> Run {
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!(
            "ulimit -Sn {limit} && ulimit -Hn {limit} && exec \"$@\""
        ))
        .arg("sh")
        .arg(CANVASS)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .expect("a shell is there");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("output is UTF-8"),
        err: String::from_utf8(output.stderr).expect("messages are UTF-8"),
    }
}

/// What `scripts/test-deps` keeps beside the system's packages.
pub(crate) fn deps_dir() -> PathBuf {
    let from = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    match (
        from("CANVASS_TEST_DEPS"),
        from("XDG_CACHE_HOME"),
        from("HOME"),
    ) {
        (Some(dir), _, _) => dir.into(),
        (None, Some(cache), _) => PathBuf::from(cache).join("canvass-test"),
        (None, None, Some(home)) => PathBuf::from(home).join(".cache/canvass-test"),
        (None, None, None) => panic!("none of CANVASS_TEST_DEPS, XDG_CACHE_HOME and HOME is set"),
    }
}
