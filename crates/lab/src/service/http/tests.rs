use super::*;
use crate::service::testing::{Ending, converse, read_all};

fn http() -> Http {
    let site = Site::new(Some("the certificate\n".into()));
    Http::new(Arc::new(site))
}

/// Returns the output for one request, and how long it took in milliseconds.
fn ask(request: &str) -> (String, Ending, u64) {
    let (mut http, mut now) = (http(), Time::ZERO);
    http.received(request.as_bytes());
    let (received, ending) = read_all(&mut http, &mut now);
    let text = received.into_iter().map(char::from).collect();
    (text, ending, now.as_nanos() / 1_000_000)
}

fn fetch(path: &str) -> (String, Ending, u64) {
    ask(&format!("GET {path} HTTP/1.1\r\nHost: lab\r\n\r\n"))
}

/// The status line and the body.
fn parts(received: &str) -> (&str, &str) {
    let (head, body) = received.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap(), body)
}

#[test]
fn the_page_comes_with_its_length_and_the_connection_stays() {
    let (received, ending, _) = fetch("/");
    let length = format!("Content-Length: {}\r\n", PAGE.len());
    assert!(received.starts_with("HTTP/1.1 200 OK\r\n") && received.contains(&length));
    assert_eq!(parts(&received).1, PAGE);
    assert_eq!(ending, Ending::Open);
}

#[test]
fn a_request_in_two_pieces_is_answered_alike() {
    let request =
        b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let (whole, ending) = converse(http(), &[request]);
    assert!(whole.ends_with("chunked\n\nabc"), "{whole}");
    assert_eq!(ending, Ending::Open);
    for cut in 0..request.len() {
        let (head, tail) = request.split_at(cut);
        assert_eq!(converse(http(), &[head, tail]).0, whole, "{cut}");
    }
}

#[test]
fn requests_may_come_all_at_once() {
    let (received, ending, _) = ask(
        "GET /status/201 HTTP/1.1\r\nHost: x\r\n\r\n\r\nPOST /echo HTTP/1.1\r\nHost: x\r\n\
         Content-Length: 2\r\n\r\nhiGET /no-content HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n\
         GET / HTTP/1.1\r\n",
    );
    let codes: Vec<&str> = received
        .split("HTTP/1.1 ")
        .skip(1)
        .map(|answer| &answer[..3])
        .collect();
    assert_eq!(codes, ["201", "200", "204"]);
    assert_eq!(ending, Ending::Closed);
}

#[test]
fn a_head_has_no_body_and_an_old_client_no_chunks() {
    for path in [
        "/",
        "/chunked/3",
        "/gzip",
        "/bytes/100000",
        "/close-delimited/9",
    ] {
        let (received, _, _) = ask(&format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(parts(&received), ("HTTP/1.1 200 OK", ""), "{path}");
    }
    let (received, ending, _) = ask("GET /chunked/2 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert_eq!(
        parts(&received),
        ("HTTP/1.0 200 OK", "chunk 1 of 2\nchunk 2 of 2\n")
    );
    assert_eq!(ending, Ending::Closed);
    let (received, ending, _) = ask("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assert!(received.contains("\r\nConnection: keep-alive\r\n"));
    assert_eq!(ending, Ending::Open);
}

#[test]
fn statuses_are_those_asked_for() {
    for (path, code, body) in [
        ("/status/418", "418", true),
        ("/status/204", "204", false),
        ("/not-modified", "304", false),
        ("/status/99", "400", true),
        ("/status/x", "404", true),
        ("/nowhere", "404", true),
        ("/basic", "401", true),
    ] {
        let (received, ending, _) = fetch(path);
        let (first, rest) = parts(&received);
        assert!(
            first.starts_with(&format!("HTTP/1.1 {code} ")),
            "{path}: {first}"
        );
        assert_eq!(!rest.is_empty(), body, "{path}");
        assert_eq!(received.contains("Content-Length"), body, "{path}");
        assert_eq!(ending, Ending::Open);
    }
    let (received, _, _) = fetch("/status/102");
    assert!(received.starts_with("HTTP/1.1 102 Unnamed\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

#[test]
fn delays_and_drips_take_their_time() {
    let (received, _, ms) = fetch("/delay/250");
    assert_eq!((parts(&received).1, ms), ("after 250 ms\n", 250));
    let (received, _, ms) = fetch("/drip?octets=5&ms=20");
    assert_eq!((parts(&received).1, ms), ("abcde", 80));
    let (received, ending, ms) = fetch("/drip-head?ms=1");
    assert!(received.ends_with("hello"));
    assert_eq!((ending, ms), (Ending::Closed, received.len() as u64 - 1));
}

#[test]
fn redirects_have_the_expected_location() {
    for (path, code, location) in [
        ("/redirect/3", "302", "/redirect/2"),
        ("/redirect/1", "302", "/"),
        (
            "/redirect-to?url=http%3A%2F%2Fother.test%2F%3Fa%3Db&code=308",
            "308",
            "http://other.test/?a=b",
        ),
        ("/redirect-loop", "302", "/redirect-loop"),
    ] {
        let (received, _, _) = fetch(path);
        assert!(received.starts_with(&format!("HTTP/1.1 {code} ")), "{path}");
        assert!(
            received.contains(&format!("\r\nLocation: {location}\r\n")),
            "{received}"
        );
    }
    for path in [
        "/redirect/0",
        "/redirect-to?url=/&code=200",
        "/redirect-to?url=%0d%0aX:y",
    ] {
        assert!(fetch(path).0.starts_with("HTTP/1.1 40"), "{path}");
    }
}

#[test]
fn chunks_have_extensions_and_trailers() {
    let (received, ending, _) = fetch("/chunked/2");
    assert_eq!(
        parts(&received).1,
        "d;lab=\"1\"\r\nchunk 1 of 2\n\r\nd;lab=\"2\"\r\nchunk 2 of 2\n\r\n\
         0\r\nX-Lab-Chunks: 2\r\nX-Lab-End: yes\r\n\r\n"
    );
    assert_eq!(ending, Ending::Open);
    assert!(fetch("/chunked/20000").0.contains("chunk 20000 of 20000"));
}

#[test]
fn faulty_responses_end_where_expected() {
    for (path, length, ending) in [
        ("/close", 0, Ending::Closed),
        ("/reset", 0, Ending::Reset),
        ("/hang", 0, Ending::Open),
        ("/truncate-head", 27, Ending::Closed),
        ("/reset-head", 27, Ending::Reset),
        ("/truncate", 41 + 500, Ending::Closed),
        ("/reset-body", 41 + 500, Ending::Reset),
        ("/hang-body", 41 + 500, Ending::Open),
    ] {
        let (received, how, _) = fetch(path);
        assert_eq!((received.len(), how), (length, ending), "{path}");
    }
    for (kind, response) in MALFORMED {
        let (received, ending, _) = fetch(&format!("/malformed/{kind}"));
        let response: String = response.iter().copied().map(char::from).collect();
        assert_eq!((received, ending), (response, Ending::Closed), "{kind}");
    }
}

#[test]
fn endless_responses_are_sent_in_portions() {
    for path in ["/endless", "/endless-chunked", "/endless-head"] {
        let mut http = http();
        http.received(format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let mut activity = Activity::default();
        for _ in 0..100 {
            let mut out = Vec::new();
            let received = http.poll(Time::ZERO, &mut out, &mut activity);
            assert_eq!(received, ServiceOutput::Output(Output::Send));
            assert_eq!(out.len(), OUT_BYTES_MAX, "{path}");
        }
    }
    let (received, _, _) = fetch("/bytes/200000");
    assert_eq!(parts(&received).1.len(), 200_000);
}

#[test]
fn a_hung_request_ends_with_its_client() {
    let mut http = http();
    http.received(b"GET /hang HTTP/1.1\r\nHost: x\r\n\r\n");
    let mut now = Time::ZERO;
    assert_eq!(read_all(&mut http, &mut now).1, Ending::Open);
    http.ended();
    assert_eq!(read_all(&mut http, &mut now).1, Ending::Closed);
}

#[test]
fn a_client_that_ends_still_gets_its_answer() {
    let mut http = http();
    http.received(b"GET /delay/5 HTTP/1.1\r\nHost: x\r\n\r\n");
    http.ended();
    let (received, ending) = read_all(&mut http, &mut Time::ZERO.clone());
    assert!(received.starts_with(b"HTTP/1.1 200 OK") && ending == Ending::Closed);
}

#[test]
fn a_connection_is_kept_for_as_many_requests_as_asked() {
    let request = "GET /keep/2 HTTP/1.1\r\nHost: x\r\n\r\n".repeat(3);
    let (received, ending, _) = ask(&request);
    assert_eq!(received.matches("HTTP/1.1 200").count(), 2);
    assert_eq!(received.matches("Connection: close").count(), 1);
    assert_eq!(ending, Ending::Closed);
}

#[test]
fn a_password_opens_what_it_should() {
    let request = |credentials: &str| {
        ask(&format!(
            "GET /basic HTTP/1.1\r\nHost: x\r\nAuthorization: {credentials}\r\n\r\n"
        ))
        .0
    };
    assert!(request("Basic Y2FudmFzczpzZWNyZXQ=").starts_with("HTTP/1.1 200"));
    assert!(request("basic Y2FudmFzczpzZWNyZXQ=").starts_with("HTTP/1.1 200"));
    assert!(request("Basic Y2FudmFzczp3cm9uZw==").starts_with("HTTP/1.1 401"));
    assert!(request("Bearer Y2FudmFzczpzZWNyZXQ=").starts_with("HTTP/1.1 401"));
}

#[test]
fn expect_100_continue_is_answered() {
    let head =
        b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n";
    let (received, _) = converse(http(), &[head]);
    assert_eq!(received, "HTTP/1.1 100 Continue\r\n\r\n");
    let (received, _) = converse(http(), &[head, b"hi"]);
    assert!(received.contains("HTTP/1.1 200 OK") && received.ends_with("\n\nhi"));
}

#[test]
fn malformed_requests_are_refused_and_the_connection_closes() {
    for (request, code) in [
        ("nonsense\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/3\r\n\r\n", 505),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            400,
        ),
    ] {
        let (received, ending, _) = ask(request);
        assert!(
            received.starts_with(&format!("HTTP/1.1 {code} ")),
            "{request:?}: {received}"
        );
        assert_eq!(ending, Ending::Closed);
    }
    let long = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(HEAD_BYTES_MAX));
    assert!(ask(&long).0.starts_with("HTTP/1.1 431 "));
}

#[test]
fn every_path_of_the_list_is_there() {
    let list = fetch("/paths").0;
    for (path, help) in HTTP_PATHS {
        let example = path
            .replace("KIND", MALFORMED[0].0)
            .replace("/N", "/201")
            .replace("MS", "1");
        let mut http = http();
        http.received(format!("GET {example} HTTP/1.1\r\nHost: x\r\n\r\n").as_bytes());
        let mut out = Vec::new();
        http.poll(Time::ZERO, &mut out, &mut Activity::default());
        assert!(!out.starts_with(b"HTTP/1.1 404"), "{path}");
        assert!(list.contains(path) && list.contains(help), "{path}");
    }
}
