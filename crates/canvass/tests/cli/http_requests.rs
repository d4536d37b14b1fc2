//! What is sent: methods, headers, bodies.

use std::fs;

use serde_json::json;

use crate::http_peers::{Server, header, ok};
use crate::http_rig::{WebLab, http, lines, probe};

/// The request that a run of one target sent, and the line of it.
#[track_caller]
fn sent(args: &[&str]) -> String {
    let server = Server::saying(ok("hello"));
    let object = probe(args, &server.url("/path?query=1#fragment"));
    assert_eq!(object["status"], "200", "{object}");
    server.requests().remove(0)
}

#[test]
fn a_request_says_who_asks_and_that_nothing_follows() {
    let request = sent(&[]);
    assert!(
        request.starts_with("GET /path?query=1 HTTP/1.1\r\nHost: 127.0.0.1:"),
        "{request}"
    );
    let agent = header(&request, "User-Agent").unwrap();
    assert!(agent.starts_with("canvass/"), "{agent}");
    assert_eq!(header(&request, "Connection"), Some("close"));
    assert_eq!(
        header(&request, "Accept-Encoding"),
        Some("gzip, deflate, br, zstd")
    );
    assert_eq!(header(&request, "Content-Length"), None);
    let request = sent(&["--http1.0"]);
    assert!(
        request.starts_with("GET /path?query=1 HTTP/1.0\r\n"),
        "{request}"
    );
}

#[test]
fn headers_are_added_replaced_emptied_and_left_out() {
    let request = sent(&[
        "-H",
        "X-One: 1",
        "-H",
        "X-One: 2",
        "-H",
        "User-Agent: me",
        "-H",
        "Accept:",
        "-H",
        "X-Empty;",
        "-H",
        "Host: other.test",
    ]);
    assert_eq!(request.matches("X-One: 1\r\n").count(), 1);
    assert_eq!(request.matches("X-One: 2\r\n").count(), 1);
    assert_eq!(header(&request, "User-Agent"), Some("me"));
    assert_eq!(request.matches("User-Agent").count(), 1);
    assert_eq!(header(&request, "Accept"), None);
    assert_eq!(header(&request, "X-Empty"), Some(""));
    assert_eq!(header(&request, "Host"), Some("other.test"));
    for bad in ["no colon", "a b: c", "X: a\r\nY: b"] {
        let run = http(&["-H", bad], &["http://127.0.0.1/"]).exits(2);
        assert!(run.out.is_empty(), "{bad:?}: {}", run.out);
    }
}

#[test]
fn bodies_go_out_as_they_are_with_the_method_that_suits_or_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("body");
    fs::write(&path, "line 1\nline 2\n").unwrap();
    let from_file = format!("@{}", path.display());

    let request = sent(&["-d", "a=1&b=2"]);
    assert!(request.starts_with("POST "), "{request}");
    assert!(request.ends_with("\r\n\r\na=1&b=2"));
    let form = "application/x-www-form-urlencoded";
    assert_eq!(header(&request, "Content-Type"), Some(form));
    let request = sent(&[
        "-X",
        "PUT",
        "-d",
        &from_file,
        "-H",
        "Content-Type: text/plain",
    ]);
    assert!(request.starts_with("PUT "), "{request}");
    assert!(request.ends_with("\r\n\r\nline 1\nline 2\n"), "{request}");
    assert_eq!(header(&request, "Content-Type"), Some("text/plain"));
    let request = sent(&["-X", "DELETE"]);
    assert!(request.starts_with("DELETE "), "{request}");
    assert_eq!(header(&request, "Content-Length"), None);
    assert_eq!(header(&sent(&["-X", "POST"]), "Content-Length"), Some("0"));

    for args in [["-d", "@/no/such/file"], ["-X", "GET IT"], ["-X", ""]] {
        let run = http(&args, &["http://127.0.0.1/"]).exits(2);
        assert!(
            run.out.is_empty() && !run.err.is_empty(),
            "{args:?}: {}",
            run.err
        );
    }
}

#[test]
fn a_large_body_goes_out_whole() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let body: String = (0..400_000)
        .map(|number| format!("{number:08}\n"))
        .collect();
    fs::write(&file, &body).unwrap();
    let request = sent(&["-d", &format!("@{}", file.path().display())]);
    assert_eq!(header(&request, "Content-Length"), Some("3600000"));
    assert!(request.ends_with(&body), "it is not what was to be sent");
}

#[test]
fn answers_that_have_no_body_end_with_their_head() {
    let lab = WebLab::local();
    for (args, path, length) in [
        (&["-X", "HEAD"][..], "/bytes/1000", json!(1000)),
        (&["-X", "HEAD"], "/gzip", json!(266)),
        (&["-X", "HEAD"], "/chunked/3", json!(null)),
        (&[], "/no-content", json!(null)),
        (&[], "/not-modified", json!(null)),
    ] {
        let object = probe(args, &lab.url("127.0.0.1", path));
        assert_eq!(object["outcome"], "answered", "{object}");
        assert_eq!(object["content_length"], length, "{object}");
        assert_eq!(
            (&object["body_bytes"], &object["decoded_bytes"]),
            (&json!(0), &json!(0))
        );
    }
    // RFC 9110 §15.4.5: the length is that of what would have come; nothing follows.
    let server = Server::saying("HTTP/1.1 304 Not Modified\r\nContent-Length: 50\r\n\r\n");
    let object = probe(&[], &server.url("/"));
    assert_eq!(
        (&object["status"], &object["body_bytes"]),
        (&json!("304"), &json!(0))
    );
    let server = Server::saying("HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\nabc");
    let object = probe(&[], &server.url("/"));
    assert_eq!(
        (
            &object["status"],
            &object["body_bytes"],
            &object["surplus_bytes"]
        ),
        (&json!("204"), &json!(0), &json!(3)),
        "{object}"
    );
}

#[test]
fn credentials_in_a_url_are_sent_and_never_shown() {
    let secret = "hunter2%40";
    let directory = tempfile::tempdir().unwrap();
    for format in ["ndjson", "csv", "text"] {
        let hlog = directory.path().join(format).display().to_string();
        let targets = format!(
            "http://canvass:secret@lab.test/basic\nhttp://user:{secret}@nxdomain.lab.test/\n\
             https://user:{secret}@lab.test:x/\nhttp://user:{secret}@lab.test/redirect/1\n\
             user:{secret}@lab.test\n"
        );
        let run = crate::common::canvass_reading(
            &[
                "http", "--lab", "-i", "-", "-f", format, "--trace", "-v", "--follow", "3",
                "--hlog", &hlog,
            ],
            targets,
        );
        assert_eq!(run.code, Some(1));
        for said in [&run.out, &run.err, &fs::read_to_string(&hlog).unwrap()] {
            for word in [secret, "hunter2", "canvass:secret", "Y2FudmFzczpzZWNyZXQ"] {
                assert!(!said.contains(word), "{word} is in:\n{said}");
            }
        }
        if format == "ndjson" {
            let objects = run.whole(5);
            assert_eq!(objects[0]["status"], "200", "{}", objects[0]);
            assert_eq!(objects[0]["url"], "http://lab.test/basic");
            assert_eq!(objects[2]["status"], "INVALID");
            assert_eq!(objects[4]["status"], "INVALID");
        }
    }
    let object = probe(&["--lab"], "http://canvass:wrong@lab.test/basic");
    assert_eq!(object["status"], "401");
}

#[test]
fn a_password_in_a_header_or_in_an_argument_is_not_repeated() {
    let args = [
        "--lab",
        "-v",
        "--trace",
        "-H",
        "Authorization: Bearer hunter2",
        "-d",
        "hunter2",
    ];
    let run = http(
        &args,
        &["http://lab.test/headers", "http://lab.test/malformed/nul"],
    );
    let objects = lines(&run, 2);
    assert_eq!(objects[0]["status"], "200");
    assert!(
        !run.out.contains("hunter2") && !run.err.contains("hunter2"),
        "{}",
        run.err
    );
}
