//! Alerts of a sweep: to a webhook, to a command and to Alertmanager, and silences.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use crate::common::{Running, canvass, until};
use crate::http_peers::{Server, ok};
use crate::peers::closed_port;

/// An endpoint that can be closed and opened.
struct Endpoint {
    address: SocketAddr,
    server: Option<Server>,
}

impl Endpoint {
    fn open() -> Self {
        let server = Server::start(drop);
        Self {
            address: server.address,
            server: Some(server),
        }
    }

    fn close(&mut self) {
        self.server = None;
    }

    fn reopen(&mut self) {
        let listener = TcpListener::bind(self.address).expect("the port is free again");
        self.server = Some(Server::on(listener, drop));
    }

    fn url(&self) -> String {
        format!("tcp://{}", self.address)
    }
}

/// Starts a sweep with short rounds. No resolver is needed.
fn sweep(endpoints: &[&str], args: &[&str]) -> Running {
    let short = [
        "--interval",
        "100ms",
        "--down-after",
        "1",
        "--up-after",
        "1",
        "-f",
        "ndjson",
        "-r",
        "127.0.0.1:1",
    ];
    Running::start(&[&["sweep"], endpoints, &short, args].concat())
}

/// The next change.
#[track_caller]
fn change(sweep: &mut Running) -> Value {
    let line = sweep.read_line();
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
}

/// Reads changes up to the first to this state.
#[track_caller]
fn wait_for(sweep: &mut Running, state: &str) -> Value {
    loop {
        let change = change(sweep);
        if change["to"] == state {
            return change;
        }
    }
}

/// The bodies that a webhook was sent.
fn bodies(hook: &Server) -> Vec<Value> {
    let requests = hook.requests();
    let bodies = requests.iter().map(|request| {
        assert!(request.starts_with("POST "), "{request}");
        let (_, body) = request.split_once("\r\n\r\n").expect("a head");
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {body}"))
    });
    bodies.collect()
}

fn path(directory: &TempDir, name: &str) -> String {
    let path = directory.path().join(name);
    path.to_str().expect("a path of the test is UTF-8").into()
}

#[test]
fn a_webhook_is_sent_one_down_and_one_up() {
    let hook = Server::saying(ok(""));
    let mut endpoint = Endpoint::open();
    let mut sweep = sweep(
        &[&endpoint.url()],
        &["--alert-webhook", &hook.url("/alerts?secret=word")],
    );
    assert_eq!(wait_for(&mut sweep, "up")["alert"], false);
    endpoint.close();
    assert_eq!(wait_for(&mut sweep, "down")["alert"], true);
    hook.wait_for_requests(1);
    endpoint.reopen();
    assert_eq!(wait_for(&mut sweep, "up")["alert"], true);
    hook.wait_for_requests(2);
    sweep.signal(Signal::INT);
    let run = sweep.end().exits(130);
    assert!(!run.err.contains("secret"), "{}", run.err);
    let [down, up] = &bodies(&hook)[..] else {
        panic!("{:?}", hook.requests())
    };
    assert_eq!(
        (&down["event"], &down["state"]),
        (&"down".into(), &"down".into())
    );
    assert_eq!((&up["event"], &up["from"]), (&"up".into(), &"down".into()));
    assert_eq!(down["group"], "endpoints");
    assert_eq!(down["dedup_key"], up["dedup_key"]);
    assert!(down["reason"].is_string(), "{down}");
}

#[test]
fn a_webhook_that_hangs_holds_up_nothing_and_is_sent_the_same_after_a_crash() {
    let answers = Arc::new(AtomicBool::new(false));
    let hook = Server::start({
        let answers = Arc::clone(&answers);
        move |mut caller| {
            while caller.request().is_some() {
                if answers.load(Ordering::SeqCst) {
                    caller.say(&ok(""));
                }
            }
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let state = path(&directory, "states");
    let (mut first, mut second) = (Endpoint::open(), Endpoint::open());
    let third = Endpoint::open();
    let urls = [first.url(), second.url(), third.url()];
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let url = hook.url("/");
    let args = [
        "--alert-webhook",
        &url,
        "--alert-timeout",
        "10m",
        "--state",
        &state,
    ];
    let mut running = sweep(&urls, &args);
    for _ in 0..3 {
        wait_for(&mut running, "up");
    }
    first.close();
    let down = wait_for(&mut running, "down");
    hook.wait_for_requests(1);
    // It has no answer, and the rounds of another endpoint and the lines go on.
    let server = third.server.as_ref().unwrap();
    let before = server.connections();
    until("twenty more rounds", || server.connections() >= before + 20);
    second.close();
    wait_for(&mut running, "down");
    assert_eq!(hook.requests().len(), 1);
    running.signal(Signal::KILL);
    running.end();

    answers.store(true, Ordering::SeqCst);
    let mut running = sweep(&urls, &args);
    hook.wait_for_requests(3);
    let bodies = bodies(&hook);
    assert_eq!(bodies[0], bodies[1]);
    assert_eq!(bodies[0]["target"], down["target"]);
    assert_ne!(bodies[2]["target"], down["target"]);
    running.signal(Signal::INT);
    running.end().exits(130);
}

#[test]
fn what_hangs_at_the_end_is_named_and_kept() {
    let hook = Server::start(|mut caller| while caller.request().is_some() {});
    let directory = tempfile::tempdir().unwrap();
    let state = path(&directory, "states");
    let closed = format!("tcp://{}", closed_port());
    let url = hook.url("/");
    let mut running = sweep(&[&closed], &["--alert-webhook", &url, "--state", &state]);
    hook.wait_for_requests(1);
    running.signal(Signal::INT);
    let words = format!(
        "canvass: webhook http://{}: alerts that were not delivered: 1 (kept for the next sweep)",
        hook.address
    );
    running.end().exits(130).says(&words);
    let kept: Value = serde_json::from_slice(&fs::read(&state).unwrap()).unwrap();
    assert_eq!(
        kept["alerts"]["open"].as_array().unwrap().len(),
        1,
        "{kept}"
    );
    let undelivered = kept["alerts"]["undelivered"].as_object().unwrap();
    assert_eq!(undelivered.len(), 1, "{kept}");
}

#[test]
fn a_template_says_what_a_webhook_is_sent() {
    let hook = Server::saying(ok(""));
    let directory = tempfile::tempdir().unwrap();
    let template = path(&directory, "template.json");
    fs::write(
        &template,
        r#"{"text": "${target} is ${state} in ${group}"}"#,
    )
    .unwrap();
    let closed = format!("tcp://{}", closed_port());
    let url = hook.url("/");
    let mut running = sweep(
        &[&closed],
        &["--alert-webhook", &url, "--alert-template", &template],
    );
    let target = wait_for(&mut running, "down")["target"].clone();
    hook.wait_for_requests(1);
    let text = format!("{} is down in endpoints", target.as_str().unwrap());
    assert_eq!(bodies(&hook)[0]["text"], text);
}

#[test]
fn a_command_is_given_the_alert() {
    let directory = tempfile::tempdir().unwrap();
    let written = path(&directory, "a file");
    let closed = format!("tcp://{}", closed_port());
    let command = format!("sh -c 'cat >> \"$0\"' '{written}'");
    let mut running = sweep(&[&closed], &["--alert-exec", &command]);
    let target = wait_for(&mut running, "down")["target"].clone();
    let read = || fs::read_to_string(&written).unwrap_or_default();
    until("the command to write", || read().ends_with('\n'));
    let alert: Value = serde_json::from_str(&read()).unwrap();
    assert_eq!(alert["target"], target);
    assert_eq!(alert["event"], "down");
}

#[test]
fn a_silence_is_shown_and_holds_the_alert_back_until_it_ends() {
    let hook = Server::saying(ok(""));
    let directory = tempfile::tempdir().unwrap();
    let state = path(&directory, "states");
    let silence = |args: &[&str]| {
        let all = [&["sweep", "silence", "--state", &state], args].concat();
        canvass(&all)
    };
    silence(&["group:endpoints", "--for", "1h"]).exits(0);
    let run = silence(&["--list"]).exits(0);
    assert!(run.out.ends_with("Z group:endpoints\n"), "{}", run.out);
    let closed = format!("tcp://{}", closed_port());
    let url = hook.url("/");
    let mut running = sweep(&[&closed], &["--alert-webhook", &url, "--state", &state]);
    let down = wait_for(&mut running, "down");
    assert_eq!(
        (&down["alert"], &down["silenced"]),
        (&false.into(), &true.into())
    );
    assert_eq!(hook.requests().len(), 0);
    silence(&["group:endpoints", "--remove"]).exits(0);
    assert_eq!(silence(&["--list"]).exits(0).out, "");
    hook.wait_for_requests(1);
    assert_eq!(bodies(&hook)[0]["event"], "down");
}

#[test]
fn what_cannot_be_used_is_refused_without_its_secrets() {
    let directory = tempfile::tempdir().unwrap();
    let template = path(&directory, "template.json");
    fs::write(&template, "{\"a\": ${target}}").unwrap();
    let state = path(&directory, "states");
    for (args, words) in [
        (
            &["--alert-webhook", "user:secret@a"][..],
            "--alert-webhook: expected http://",
        ),
        (
            &["--alert-alertmanager", "ftp://:secret@a/"],
            "--alert-alertmanager: expected",
        ),
        (
            &["--alert-exec", "a 'secret"],
            "--alert-exec: expected a program",
        ),
        (&["--alert-template", &template], "--alert-webhook"),
        (
            &[
                "--alert-webhook",
                "http://127.0.0.1:1/",
                "--alert-template",
                &template,
            ],
            "it makes no JSON",
        ),
        (&["--once", "--alert-exec", "true"], "cannot be used with"),
        (
            &["--alert-reminder", "0s"],
            "--alert-reminder: expected a time above 0",
        ),
    ] {
        let all = [&["sweep", "tcp://127.0.0.1:1", "-r", "127.0.0.1:1"], args].concat();
        let run = canvass(&all).exits(2).says(words);
        assert!(!run.err.contains("secret"), "{}", run.err);
    }
    for (args, words) in [
        (&["a", "--remove"][..], "a is not silenced"),
        (&["a"], "expected one of --for"),
        (&["a", "--until", "tomorrow"], "--until: expected a time"),
        (
            &["a", "--until", "2001-01-01T00:00:00Z"],
            "over before it begins",
        ),
        (
            &["a", "--for", "1h", "--until", "2100-01-01T00:00:00Z"],
            "cannot be used with",
        ),
        (&["--for", "1h"], "ENDPOINT"),
    ] {
        let all = [&["sweep", "silence", "--state", &state], args].concat();
        canvass(&all).exits(2).says(words);
    }
}

/// Debian's Alertmanager. It is ended when this goes out of scope.
struct Alertmanager {
    child: Child,
    address: SocketAddr,
}

impl Alertmanager {
    fn start(directory: &Path) -> Self {
        let config = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n";
        fs::write(directory.join("alertmanager.yml"), config).unwrap();
        let address = closed_port();
        let child = Command::new("prometheus-alertmanager")
            .arg("--config.file=alertmanager.yml")
            .arg("--storage.path=data")
            .arg("--cluster.listen-address=")
            .arg(format!("--web.listen-address={address}"))
            .current_dir(directory)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("Alertmanager is missing: scripts/test-deps installs what the tests need");
        let mut started = Self { child, address };
        until("Alertmanager to listen", || {
            assert!(started.child.try_wait().unwrap().is_none(), "it has ended");
            TcpStream::connect(address).is_ok()
        });
        started
    }

    /// The alerts that its API shows.
    fn alerts(&self) -> Vec<Value> {
        let output = Command::new("curl")
            .args(["-sS", "--noproxy", "*"])
            .arg(format!("http://{}/api/v2/alerts", self.address))
            .output()
            .expect("curl is missing: scripts/test-deps installs what the tests need");
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }
}

impl Drop for Alertmanager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn alertmanager_shows_what_is_down_until_it_is_up() {
    let directory = tempfile::tempdir().unwrap();
    let alertmanager = Alertmanager::start(directory.path());
    let mut endpoint = Endpoint::open();
    let url = format!("http://{}", alertmanager.address);
    let mut running = sweep(&[&endpoint.url()], &["--alert-alertmanager", &url]);
    wait_for(&mut running, "up");
    endpoint.close();
    let target = wait_for(&mut running, "down")["target"].clone();
    until("the alert", || alertmanager.alerts().len() == 1);
    let alert = &alertmanager.alerts()[0];
    assert_eq!(alert["labels"]["alertname"], "CanvassTargetDown");
    assert_eq!(alert["labels"]["target"], target);
    assert_eq!(alert["labels"]["group"], "endpoints");
    assert!(alert["annotations"]["summary"].is_string(), "{alert}");
    assert_eq!(alert["status"]["state"], "active");
    endpoint.reopen();
    wait_for(&mut running, "up");
    until("the alert to be resolved", || {
        alertmanager.alerts().is_empty()
    });
}
