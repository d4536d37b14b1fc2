//! What is written.

use super::super::{HttpVersion, RequestHeader};
use super::*;

const AGENT: &str = concat!("canvass/", env!("CARGO_PKG_VERSION"));

fn with_headers(headers: &[&str]) -> HttpSettings {
    let headers = headers.iter().map(|text| text.parse().unwrap());
    HttpSettings {
        headers: headers.collect(),
        ..HttpSettings::default()
    }
}

#[test]
fn a_request_is_written_in_origin_form() {
    let request = request(HttpSettings::default(), "http://host.example/a/b?c=d#e");
    let expected = format!(
        "GET /a/b?c=d HTTP/1.1\r\nHost: host.example\r\nUser-Agent: {AGENT}\r\nAccept: */*\r\n\
         Accept-Encoding: gzip, deflate, br, zstd\r\nConnection: close\r\n\r\n"
    );
    assert_eq!(written(&request), expected);
}

#[test]
fn the_host_is_as_the_url_has_it() {
    for (url, line) in [
        ("http://host.example:80/", "Host: host.example\r\n"),
        ("https://host.example:443/", "Host: host.example\r\n"),
        ("https://host.example:80/", "Host: host.example:80\r\n"),
        ("http://[2001:db8::1]:8080/", "Host: [2001:db8::1]:8080\r\n"),
        ("http://192.0.2.1/", "Host: 192.0.2.1\r\n"),
    ] {
        let written = written(&request(HttpSettings::default(), url));
        assert!(written.contains(line), "{url}: {written}");
    }
}

#[test]
fn userinfo_becomes_credentials_and_nothing_else() {
    for (url, credentials) in [
        ("http://user:pass@host.example/", Some("dXNlcjpwYXNz")),
        (
            "http://us%20er:p%40ss@host.example/",
            Some("dXMgZXI6cEBzcw=="),
        ),
        ("http://user@host.example/", Some("dXNlcjo=")),
        ("http://:pass@host.example/", Some("OnBhc3M=")),
        ("http://host.example/", None),
    ] {
        let request = request(HttpSettings::default(), url);
        assert_eq!(request.url().as_str(), "http://host.example/", "{url}");
        let written = written(&request);
        assert!(written.contains("Host: host.example\r\n"), "{url}");
        assert!(!written.contains('@'), "{url}");
        let line = credentials.map(|text| format!("Authorization: Basic {text}\r\n"));
        match line {
            Some(line) => assert!(written.contains(&line), "{url}: {written}"),
            None => assert!(!written.contains("Authorization"), "{url}: {written}"),
        }
    }
}

#[test]
fn the_connection_is_kept_if_it_is_to_be() {
    for (version, keep_alive, line) in [
        (HttpVersion::V11, false, Some("Connection: close\r\n")),
        (HttpVersion::V11, true, None),
        (HttpVersion::V10, false, Some("Connection: close\r\n")),
        (HttpVersion::V10, true, Some("Connection: keep-alive\r\n")),
    ] {
        let settings = HttpSettings {
            version,
            keep_alive,
            ..HttpSettings::default()
        };
        let written = written(&request(settings, "http://host.example/"));
        let start = format!("GET / HTTP/{}\r\n", version.as_str());
        assert!(written.starts_with(&start), "{written}");
        match line {
            Some(line) => assert!(written.contains(line), "{written}"),
            None => assert!(!written.contains("Connection"), "{written}"),
        }
    }
}

#[test]
fn the_users_headers_go_before_ours() {
    let headers = with_headers(&[
        "user-agent: mine",
        "accept:",
        "Accept-Encoding;",
        "X-A: 1",
        "X-A: 2",
        "HOST: other.example",
    ]);
    let expected = "GET / HTTP/1.1\r\nHOST: other.example\r\nConnection: close\r\n\
        user-agent: mine\r\nAccept-Encoding:\r\nX-A: 1\r\nX-A: 2\r\n\r\n";
    assert_eq!(written(&request(headers, "http://host.example/")), expected);
    let headers = with_headers(&["Authorization: Bearer x"]);
    let written = written(&request(headers, "http://user:pass@host.example/"));
    assert!(written.contains("Authorization: Bearer x\r\n"), "{written}");
    assert!(!written.contains("Basic"), "{written}");
}

#[test]
fn content_has_a_length_and_a_type() {
    let post = |headers: &[&str], body: Option<&[u8]>| HttpSettings {
        method: "POST".into(),
        body: body.map(Box::from),
        ..with_headers(headers)
    };
    let form = written(&request(post(&[], Some(b"a=b")), "http://host.example/"));
    assert!(
        form.ends_with(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b"
        ),
        "{form}"
    );
    let json = post(&["Content-Type: application/json"], Some(b"{}"));
    let json = written(&request(json, "http://host.example/"));
    assert!(
        json.ends_with("Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}"),
        "{json}"
    );
    let nothing = written(&request(post(&[], None), "http://host.example/"));
    assert!(nothing.ends_with("Content-Length: 0\r\n\r\n"), "{nothing}");
    assert!(!nothing.contains("Content-Type"), "{nothing}");
}

#[test]
fn nothing_secret_is_shown() {
    let settings = HttpSettings {
        headers: vec![RequestHeader::new("Cookie", "sesame").unwrap()],
        ..HttpSettings::default()
    };
    let request = request(settings, "http://user:sesame@host.example/");
    let shown = format!("{request:?} {:?}", request.settings());
    assert!(!shown.contains("sesame"), "{shown}");
}
