//! What a line shows of a response only on request.

use std::fs;
use std::process::Command;

use serde_json::json;

use crate::common::canvass;
use crate::http_peers::Server;
use crate::http_rig::{http, lines, probe};
use crate::nginx::Nginx;
use crate::peers::closed_port;

/// Keys that are there only if a flag asks for them.
const KEYS: [&str; 4] = ["headers", "title", "body_sha256", "favicon"];
/// `mmh3.hash(base64.encodebytes(bytes(range(256)) * 3))` in Python.
const ICON_MMH3: i64 = 1_836_528_006;

fn icon() -> Vec<u8> {
    (0..=255).cycle().take(768).collect()
}

#[test]
fn without_a_flag_no_line_has_them_and_nothing_more_is_requested() {
    let server = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let object = probe(&[], &server.url("/"));
    for key in KEYS {
        assert!(object.get(key).is_none(), "{object}");
    }
    assert_eq!(server.requests().len(), 1);
    assert!(server.requests()[0].contains("Connection: close"));
}

#[test]
fn headers_are_shown_in_order_with_repetitions_and_escaped() {
    let server = Server::saying(
        b"HTTP/1.1 200 OK\r\nset-Cookie: a=\"1\"\r\nX-Odd: \xff\xe2\x80\xa8\r\nSet-Cookie: b\r\n\
          X-Empty:\r\nContent-Length: 0\r\n\r\n"
            .to_vec(),
    );
    let object = probe(&["--headers"], &server.url("/"));
    let header = |name: &str, value: &str| json!({"name": name, "value": value});
    let headers = json!([
        header("set-Cookie", "a=\"1\""),
        header("X-Odd", "\u{fffd}\u{2028}"),
        header("Set-Cookie", "b"),
        header("X-Empty", ""),
        header("Content-Length", "0"),
    ]);
    assert_eq!(object["headers"], headers);
    let text = canvass(&["http", &server.url("/"), "--headers"])
        .exits(0)
        .out;
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.contains(" | X-Odd: \u{fffd}\\u{2028} | "), "{text}");
    // Where there was no response there are none.
    let object = probe(&["--headers"], &format!("http://{}/", closed_port()));
    assert_eq!(object["headers"], json!([]));
}

#[test]
fn the_digest_is_that_of_the_decoded_body_and_the_body_is_not_kept() {
    let nginx = Nginx::start();
    let output = Command::new("sha256sum")
        .arg(nginx.file("www/page"))
        .output()
        .expect("coreutils are there");
    let text = String::from_utf8(output.stdout).unwrap();
    let expected = text.split(' ').next().unwrap();
    let urls = ["/page", "/zipped"].map(|path| nginx.url("127.0.0.1", path));
    for object in lines(&http(&["--body-sha256"], &urls).exits(0), 2) {
        assert_eq!(object["body_sha256"], expected, "{object}");
    }
    let cut = Server::saying("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
    let object = probe(&["--body-sha256", "--retries", "0"], &cut.url("/"));
    assert_eq!(object["body_sha256"], json!(null), "{object}");
}

#[test]
fn the_title_is_text() {
    let page =
        b"<!doctype html><meta charset=shift_jis><title>\n \x93\xfa\x96{ &amp; \x1b[2J</title>";
    let head = |content_type: &str| {
        let length = page.len();
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
        )
    };
    let title = |content_type: &str| {
        let server = Server::saying([head(content_type).as_bytes(), page].concat());
        probe(&["--title"], &server.url("/"))["title"].clone()
    };
    assert_eq!(title("text/html"), "日本 & \u{1b}[2J");
    assert_eq!(title("text/plain"), json!(null));
    let server = Server::saying([head("text/html").as_bytes(), page].concat());
    let text = canvass(&["http", &server.url("/"), "--title"]).exits(0).out;
    assert!(text.contains("title 日本 & \\u{1b}[2J"), "{text}");
}

#[test]
fn the_icon_is_hashed_as_shodan_and_httpx_do() {
    let nginx = Nginx::start();
    let url = nginx.url("127.0.0.1", "/page?q");
    let object = probe(&["--favicon"], &url);
    let icon_url = nginx.url("127.0.0.1", "/favicon.ico");
    let missing = json!({"url": icon_url, "status": 404, "mmh3": null});
    assert_eq!(object["favicon"], missing);
    assert_eq!(
        (&object["outcome"], &object["url"]),
        (&json!("answered"), &json!(url))
    );

    fs::write(nginx.file("www/favicon.ico"), icon()).unwrap();
    let object = probe(&["--favicon"], &url);
    let found = json!({"url": icon_url, "status": 200, "mmh3": ICON_MMH3});
    assert_eq!(object["favicon"], found);
    assert_eq!(object["attempts"], 1);
    // Both went over one connection.
    let log = nginx.log();
    let (page, icon) = (&log[log.len() - 2], &log[log.len() - 1]);
    let connection = |line: &str| line.split(' ').nth(2).map(str::to_owned);
    assert!(
        page.starts_with("GET /page?q ") && icon.starts_with("GET /favicon.ico "),
        "{log:?}"
    );
    assert_eq!(connection(page), connection(icon));

    let secure = nginx.secure_url("127.0.0.1", "/page");
    let object = probe(&["--favicon", "-k"], &secure);
    assert_eq!(object["favicon"]["mmh3"], ICON_MMH3, "{object}");
    assert_eq!(object["tls"]["chain_length"], 1);
}

#[test]
fn an_icon_that_cannot_be_had_changes_nothing() {
    // The server closes after each page, and does not answer for the icon.
    let server = Server::start(|mut caller| {
        let request = caller.request().unwrap_or_default();
        if request.starts_with("GET /page") {
            caller.say(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi");
        }
    });
    let object = probe(&["--favicon", "--expect-body", "hi"], &server.url("/page"));
    assert_eq!(object["favicon"], json!(null));
    assert_eq!(
        (&object["outcome"], &object["status"]),
        (&json!("answered"), &json!("200"))
    );
    assert_eq!(
        (&object["body_bytes"], &object["attempts"]),
        (&json!(2), &json!(1))
    );
    assert_eq!(server.connections(), 2);
    // A failed page has no icon, and a judged one has.
    let object = probe(&["--favicon"], &format!("http://{}/", closed_port()));
    assert_eq!(object["favicon"], json!(null));
    let server = Server::saying("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    let object = probe(&["--favicon", "--expect-status", "200"], &server.url("/"));
    assert_eq!(
        (&object["outcome"], &object["favicon"]["status"]),
        (&json!("negative"), &json!(404))
    );
    canvass(&["http", "--favicon", "--all-addresses", "http://127.0.0.1/"]).exits(2);
}

#[test]
fn a_chain_shows_each_hop_in_detail() {
    let nginx = Nginx::start();
    let first = nginx.url("127.0.0.1", "/secure");
    let object = probe(&["--chain", "--follow", "2", "-k"], &first);
    let hop = &object["redirects"][0];
    assert_eq!((&hop["url"], &hop["code"]), (&json!(first), &json!(302)));
    assert!(
        hop["server"].as_str().unwrap().starts_with("nginx/"),
        "{hop}"
    );
    assert_eq!(
        (&hop["http_version"], &hop["tls"]),
        (&json!("1.1"), &json!(null))
    );
    assert!(hop["content_length"].is_u64(), "{hop}");
    let ms = |value: &serde_json::Value, phase: &str| value["phases_ms"][phase].as_f64();
    assert_eq!(ms(hop, "tls"), None);
    assert!(
        ms(hop, "connect").unwrap() < ms(&object, "connect").unwrap(),
        "{object}"
    );
    assert_eq!(object["tls"]["verified"], false);

    let moved = nginx.secure_url("127.0.0.1", "/moved");
    let object = probe(&["--chain", "--follow", "1", "-k"], &moved);
    assert!(
        object["redirects"][0]["tls"]["subject"].is_string(),
        "{object}"
    );
    let object = probe(&["--follow", "1", "-k"], &moved);
    assert!(object["redirects"][0].get("tls").is_none(), "{object}");
}
