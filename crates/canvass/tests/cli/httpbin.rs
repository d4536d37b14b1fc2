//! Against httpbin, with curl asked the same: the status, the decoded body, the redirects.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

use crate::common::in_time;
use crate::http_rig::{deps_dir, http, lines};

/// httpbin behind gunicorn on a free port of 127.0.0.1. Both end when this goes out of scope.
pub(crate) struct Httpbin {
    child: Child,
    port: u16,
}

impl Httpbin {
    #[track_caller]
    pub(crate) fn start() -> Self {
        let python = deps_dir().join("httpbin/bin/python");
        assert!(
            python.is_file(),
            "httpbin is missing at {}: scripts/test-deps installs it there, or wherever \
             CANVASS_TEST_DEPS points",
            python.display()
        );
        let mut child = Command::new(python)
            .args([
                "-m",
                "gunicorn",
                "--bind",
                "127.0.0.1:0",
                "--threads",
                "16",
                "httpbin:app",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("python can be started");
        let stderr = child.stderr.take().expect("its messages are a pipe");
        let lines = in_time("httpbin's port", move || {
            let mut lines = BufReader::new(stderr).lines().map_while(Result::ok);
            let port = lines.by_ref().find_map(|line| {
                let (_, rest) = line.split_once("Listening at: http://127.0.0.1:")?;
                rest.split(' ').next()?.parse().ok()
            });
            (port, lines)
        });
        let (Some(port), messages) = lines else {
            let _ = child.kill();
            panic!("httpbin does not start: gunicorn says no port");
        };
        // It would end if its messages were not read.
        thread::spawn(move || messages.for_each(drop));
        Self { child, port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Drop for Httpbin {
    fn drop(&mut self) {
        // At once, its worker with it. It may have ended by itself, and then there is nothing to do.
        let _ = kill_process(Pid::from_child(&self.child), Signal::QUIT);
        let _ = self.child.wait();
    }
}

/// What a client got: the code, the URL in the end, how many redirects, the decoded body.
#[derive(Debug, PartialEq)]
struct Got {
    code: u64,
    url: String,
    redirects: u64,
    body: Vec<u8>,
}

/// What curl gets.
#[track_caller]
fn curl(args: &[&str], url: &str) -> Got {
    let directory = tempfile::tempdir().unwrap();
    let body = directory.path().join("body");
    let output = Command::new("curl")
        .args([
            "-sS",
            "--noproxy",
            "*",
            "--compressed",
            "-o",
            body.to_str().unwrap(),
        ])
        .args(["-w", "%{http_code} %{num_redirects} %{url_effective}"])
        .args(SAME)
        .args(args)
        .arg(url)
        .output()
        .expect("curl is missing: scripts/test-deps installs what the tests need");
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success(),
        "{url}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut words = text.split(' ');
    Got {
        code: words.next().unwrap().parse().unwrap(),
        redirects: words.next().unwrap().parse().unwrap(),
        url: words.next().unwrap().to_owned(),
        body: match args {
            // It writes the head where there is no body.
            ["-I"] => Vec::new(),
            // Where there is no body, it makes no file.
            _ => fs::read(body).unwrap_or_default(),
        },
    }
}

/// What canvass got, from its line and the body it kept.
#[track_caller]
fn canvass_got(object: &Value, kept: &TempDir) -> Got {
    assert_eq!(object["outcome"], "answered", "{object}");
    let name = format!("{}.body", object["seq"]);
    Got {
        code: object["status_code"].as_u64().unwrap(),
        url: object["url"].as_str().unwrap().to_owned(),
        redirects: object["redirects"].as_array().unwrap().len() as u64,
        body: fs::read(kept.path().join(name)).unwrap(),
    }
}

/// What httpbin tells of in its answers, and what each client would send in its own way.
const SAME: [&str; 6] = [
    "-H",
    "User-Agent: a client under test",
    "-H",
    "Accept-Encoding: gzip, deflate, br",
    "-H",
    "Connection:",
];

/// Asks for each path by both, with arguments that mean the same to both, and compares.
#[track_caller]
fn compare(ours: &[&str], theirs: &[&str], paths: &[&str]) {
    let httpbin = Httpbin::start();
    let kept = tempfile::tempdir().unwrap();
    let mut args = vec!["--save", kept.path().to_str().unwrap()];
    args.extend(SAME);
    args.extend(ours);
    let urls: Vec<String> = paths.iter().map(|path| httpbin.url(path)).collect();
    let run = http(&args, &urls);
    for (object, url) in lines(&run, urls.len() as u64).iter().zip(&urls) {
        let (ours, theirs) = (canvass_got(object, &kept), curl(theirs, url));
        let text = |got: &Got| String::from_utf8_lossy(&got.body).into_owned();
        assert_eq!(ours, theirs, "{url}:\n{}\n{}", text(&ours), text(&theirs));
    }
}

#[test]
fn pages_are_the_same_for_canvass_and_curl() {
    compare(
        &[],
        &[],
        &[
            "/",
            "/html",
            "/json",
            "/xml",
            "/robots.txt",
            "/encoding/utf8",
            "/image/png",
            "/stream/5",
            "/links/3/0",
            "/range/1000",
            "/status/200",
            "/status/404",
            "/status/418",
            "/status/500",
            "/user-agent",
            "/ip",
            "/base64/Y2FudmFzcw==",
            "/drip?duration=0&numbytes=50",
            "/cache",
            "/anything/a%20b?c=%26d",
            "/response-headers?x=1&x=2",
        ],
    );
}

#[test]
fn codings_come_off_as_they_do_with_curl() {
    compare(&[], &[], &["/gzip", "/deflate", "/brotli"]);
}

#[test]
fn redirects_are_followed_as_curl_follows_them() {
    compare(
        &["--follow", "20"],
        &["-L", "--max-redirs", "20"],
        &[
            "/redirect/1",
            "/redirect/6",
            "/relative-redirect/4",
            "/absolute-redirect/3",
            "/redirect-to?url=/status/201",
            "/redirect-to?url=/get&status_code=308",
            "/cookies",
        ],
    );
    compare(&[], &[], &["/redirect/2", "/status/302"]);
}

#[test]
fn methods_and_bodies_arrive_as_curls_do() {
    for (method, path) in [
        ("POST", "/post"),
        ("PUT", "/put"),
        ("DELETE", "/delete"),
        ("PATCH", "/patch"),
    ] {
        let args = ["-X", method, "-d", "a=1&b=%26c&a=2"];
        compare(&args, &args, &[path]);
    }
    let json = [
        "-H",
        "Content-Type: application/json",
        "-d",
        "{\"a\": [1, 2]}",
    ];
    compare(&json, &json, &["/anything", "/post"]);
    compare(&["-X", "HEAD"], &["-I"], &["/get", "/html", "/gzip"]);
}

#[test]
fn credentials_are_understood_as_curls_are() {
    let httpbin = Httpbin::start();
    for (user, code) in [("user:pass%20word", 200), ("user:wrong", 401), ("", 401)] {
        let at = if user.is_empty() { "" } else { "@" };
        let url = format!(
            "http://{user}{at}127.0.0.1:{}/basic-auth/user/pass%20word",
            httpbin.port
        );
        let object = crate::http_rig::probe(&[], &url);
        assert_eq!(
            (object["status_code"].as_u64(), curl(&[], &url).code),
            (Some(code), code)
        );
    }
}
