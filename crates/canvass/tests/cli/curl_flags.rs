//! Flags that mean what they mean to curl.

use std::process::Command;

use serde_json::json;

use crate::common::canvass;
use crate::http_peers::{Server, header, ok};
use crate::http_rig::{WebLab, fault, probe};
use crate::probing::{canvass_as, only, script};

/// A server that answers every request with the page of that path.
fn pages() -> Server {
    Server::start(|mut caller| {
        while caller.request().is_some() {
            caller.say(&ok("page"));
        }
    })
}

/// The request line that a server gets.
#[track_caller]
fn asked(server: &Server, args: &[&str], target: &str) -> String {
    let before = server.requests().len();
    assert_eq!(probe(args, target)["status"], "200");
    let requests = server.requests();
    requests[before].lines().next().unwrap().to_owned()
}

/// The request line that curl sends.
#[track_caller]
fn asked_by_curl(server: &Server, args: &[&str], target: &str) -> String {
    let before = server.requests().len();
    let status = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "--globoff", "-o", "/dev/null"])
        .args(args)
        .arg(target)
        .status()
        .expect("curl is missing: scripts/test-deps installs what the tests need");
    assert!(status.success());
    server.requests()[before].lines().next().unwrap().to_owned()
}

#[test]
fn dot_segments_are_sent_as_given() {
    let server = pages();
    for path in [
        "/a/../b",
        "/./a/./b?c/../d",
        "/..",
        "/%2e%2e/a",
        "/../../etc/passwd#x",
        "/a/b",
        "",
        "?../a",
    ] {
        let url = server.url(path);
        for args in [&[][..], &["--path-as-is"]] {
            let line = asked(&server, args, &url);
            // curl leaves what is encoded, and urls of the web do not.
            if !args.is_empty() || !path.contains('%') {
                assert_eq!(line, asked_by_curl(&server, args, &url), "{args:?} {path}");
            }
        }
    }
    let object = probe(&["--path-as-is"], &server.url("/a/../b?c#d"));
    assert_eq!(object["url"], server.url("/a/../b?c#d"));
    assert_eq!(object["target"], server.url("/a/../b?c#d"));
    let url = server.url("/a/../b");
    let bare = url.strip_prefix("http://").unwrap();
    // https is tried first, and the path is kept for http.
    let object = probe(&["--path-as-is"], bare);
    assert_eq!(object["url"], url);
    // With the flag they are two targets.
    let urls = [url.as_str(), &server.url("/b")];
    let run = |args: &[&str]| canvass(&[&["http", "--dedup"], args, &urls].concat()).exits(0);
    assert_eq!(run(&[]).balance()[0], 1);
    assert_eq!(run(&["--path-as-is"]).balance()[0], 2);
}

#[test]
fn the_head_alone_is_asked_for() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
    let object = probe(&["-I"], &server.url("/"));
    assert_eq!(
        (
            &object["status"],
            &object["content_length"],
            &object["body_bytes"]
        ),
        (&json!("200"), &json!(1000), &json!(0))
    );
    assert!(server.requests()[0].starts_with("HEAD / HTTP/1.1\r\n"));
    for other in [["-d", "x"], ["-X", "GET"]] {
        let args = [&["http", "--head"], &other[..], &["http://127.0.0.1/"]].concat();
        canvass(&args).exits(2).says("cannot be used with");
    }
}

#[test]
fn redirects_are_followed_up_to_50() {
    let lab = WebLab::local();
    let url = |path: &str| lab.url("127.0.0.1", path);
    for (args, path, status) in [
        (&["-L"][..], "/redirect/3", "200"),
        (&["--location"], "/redirect/50", "200"),
        (&["-L", "--follow", "2"], "/redirect/2", "200"),
        (&["--follow", "0"], "/redirect/1", "302"),
    ] {
        assert_eq!(probe(args, &url(path))["status"], status, "{args:?} {path}");
    }
    let object = probe(&["-L"], &url("/redirect-loop"));
    assert_eq!(fault(&object), ("302", "transfer", "redirect"));
    assert_eq!(object["redirects"].as_array().unwrap().len(), 50);
    let object = probe(&["-L", "--follow", "2"], &url("/redirect/3"));
    assert_eq!(fault(&object), ("302", "transfer", "redirect"));
}

#[test]
fn credentials_are_sent_when_they_are_asked_for() {
    let server = pages();
    let url = server.url("/");
    let directory = tempfile::tempdir().unwrap();
    let file = script(directory.path(), "credentials", "filed\nsecret two\n");
    let with_user = url.replace("://", "://in:url@");
    let basic = |text| Some(format!("Basic {text}"));
    for (args, target, value) in [
        (&[][..], &url, None),
        (&["--basic"], &url, basic("ZW52OnNlY3JldA==")),
        (&["-u", "me"], &url, basic("bWU6c2VjcmV0")),
        (
            &["--credentials", &file],
            &url,
            basic("ZmlsZWQ6c2VjcmV0IHR3bw=="),
        ),
        (
            &["--user", "me", "--credentials", &file],
            &url,
            basic("bWU6c2VjcmV0IHR3bw=="),
        ),
        (&["-u", "me"], &with_user, basic("bWU6c2VjcmV0")),
        (&[], &with_user, basic("aW46dXJs")),
        (
            &["-u", "me", "-H", "Authorization: own"],
            &url,
            Some("own".to_owned()),
        ),
    ] {
        let before = server.requests().len();
        let all = [&["http", target, "-f", "ndjson"], args].concat();
        let run = canvass_as(Some(("env", "secret")), &all);
        assert!(!run.out.contains("secret") && !run.err.contains("secret"));
        only(run);
        let request = &server.requests()[before];
        assert_eq!(
            header(request, "Authorization"),
            value.as_deref(),
            "{args:?}"
        );
    }
}

#[test]
fn credentials_are_for_the_origin_of_the_target() {
    let other = pages();
    let location = other.url("/");
    let server = Server::start(move |mut caller| {
        while let Some(request) = caller.request() {
            let to = if request.starts_with("GET /near ") {
                &location
            } else {
                "/near"
            };
            let head = format!("HTTP/1.1 302 Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
            caller.say(head.as_bytes());
        }
    });
    let url = server.url("/");
    let run = canvass_as(
        Some(("env", "secret")),
        &["http", &url, "-f", "ndjson", "-L", "--basic"],
    );
    assert_eq!(only(run)["status"], "200");
    for request in server.requests() {
        assert!(header(&request, "Authorization").is_some(), "{request}");
    }
    assert_eq!(header(&other.requests()[0], "Authorization"), None);

    // By http after https, anybody on the way could read them.
    let bare = url.strip_prefix("http://").unwrap().trim_end_matches('/');
    let run = canvass_as(
        Some(("env", "secret")),
        &["http", bare, "-f", "ndjson", "--basic"],
    );
    assert_eq!(only(run)["status"], "302");
    let requests = server.requests();
    assert_eq!(header(requests.last().unwrap(), "Authorization"), None);
}

#[test]
fn a_password_on_the_command_line_is_refused() {
    let target = "http://127.0.0.1/";
    let run = |args: &[&str]| canvass_as(None, &[&["http", target], args].concat()).exits(2);
    let refused = run(&["--user", "me:hunter2"]).says("CANVASS_PASSWORD");
    assert!(!refused.err.contains("hunter2"), "{}", refused.err);
    refused.says("--user me with");
    run(&["--user", "me"]).says("--user needs a password: set CANVASS_PASSWORD");
    run(&["--basic"]).says("--basic needs credentials: set CANVASS_USER and CANVASS_PASSWORD");
    canvass_as(Some(("a:b", "c")), &["http", target, "--basic"])
        .exits(2)
        .says("has a colon");
}

#[test]
fn the_users_host_is_for_the_first_host_only() {
    let second = pages();
    let location = second.url("/").replace("127.0.0.1", "localhost");
    let first = Server::start(move |mut caller| {
        while let Some(request) = caller.request() {
            let to = if request.starts_with("GET /next ") {
                &location
            } else {
                "/next"
            };
            let head = format!("HTTP/1.1 302 Go\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
            caller.say(head.as_bytes());
        }
    });
    let args = ["-L", "-4", "-H", "Host: virtual.test"];
    assert_eq!(probe(&args, &first.url("/"))["status"], "200");
    for request in first.requests() {
        assert_eq!(header(&request, "Host"), Some("virtual.test"), "{request}");
    }
    let port = second.address.port();
    let host = format!("localhost:{port}");
    assert_eq!(header(&second.requests()[0], "Host"), Some(host.as_str()));
}

#[test]
fn the_name_to_verify_is_for_the_first_host_only() {
    let lab = WebLab::local();
    let (ca, resolver) = (lab.ca(), lab.resolver());
    let args = [
        "-L",
        "-4",
        "--cacert",
        &ca,
        "-r",
        &resolver,
        "--server-name",
        "good.lab.test",
    ];
    let lead = |to: &str| {
        let path = format!("/redirect-to?url={to}&code=302");
        probe(&args, &lab.secure_url("127.0.0.1", &path))
    };
    // The certificate that this name gets is not for the first host, whose name is another one.
    let object = lead(&lab.secure_url("expired.lab.test", "/"));
    assert_eq!(fault(&object), ("TLS", "tls", "expired"), "{object}");
    assert_eq!(object["redirects"].as_array().unwrap().len(), 1);
    let object = lead(&lab.secure_url("127.0.0.1", "/status/204"));
    assert_eq!(object["status"], "204", "{object}");
}
