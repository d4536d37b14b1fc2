//! Where answers lead.

use serde_json::json;

use crate::http_peers::{Server, header, ok};
use crate::http_rig::{WebLab, fault, message, probe};
use crate::peers::closed_port;

/// A server that leads to `location` from everywhere, with this status.
fn leading(code: u16, location: &str) -> Server {
    Server::saying(format!(
        "HTTP/1.1 {code} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n"
    ))
}

#[test]
fn each_hop_stands_in_the_line() {
    let lab = WebLab::local();
    let url = |path: &str| lab.url("127.0.0.1", path);
    let object = probe(&["--follow", "5"], &url("/redirect/3"));
    assert_eq!(object["status"], "200", "{object}");
    assert_eq!(object["url"], url("/"));
    assert_eq!(object["target"], url("/redirect/3"));
    let remote = lab.http.to_string();
    let hop = |from: &str, to: &str| json!({"url": url(from), "code": 302, "remote": remote, "location": url(to)});
    let hops = [
        hop("/redirect/3", "/redirect/2"),
        hop("/redirect/2", "/redirect/1"),
        hop("/redirect/1", "/"),
    ];
    assert_eq!(object["redirects"], json!(hops));
    assert_eq!(object["attempts"], 1);
}

#[test]
fn without_leave_nothing_is_followed_and_beyond_it_nothing_more() {
    let lab = WebLab::local();
    let url = lab.url("127.0.0.1", "/redirect/3");
    let object = probe(&[], &url);
    assert_eq!(
        (&object["outcome"], &object["status"]),
        (&json!("answered"), &json!("302"))
    );
    assert_eq!(object["redirects"], json!([]));
    assert_eq!(probe(&["--follow", "3"], &url)["status"], "200");
    let object = probe(&["--follow", "2"], &url);
    assert_eq!(fault(&object), ("302", "transfer", "redirect"));
    assert_eq!(object["redirects"].as_array().unwrap().len(), 2);
    let object = probe(&["--follow", "10"], &lab.url("127.0.0.1", "/redirect-loop"));
    assert_eq!(fault(&object), ("302", "transfer", "redirect"));
    assert!(message(&object).contains("10"), "{object}");
}

#[test]
fn redirects_lead_to_other_hosts_schemes_and_into_nowhere() {
    let lab = WebLab::local();
    let (ca, resolver) = (lab.ca(), lab.resolver());
    let args = ["--follow", "3", "--cacert", &ca, "-r", &resolver, "-4"];
    let to = |location: &str| {
        let path = format!("/redirect-to?url={location}&code=307");
        probe(&args, &lab.url("first.lab.test", &path))
    };
    let secure = lab.secure_url("good.lab.test", "/status/201");
    let object = to(&secure);
    assert_eq!(
        (&object["status"], &object["url"]),
        (&json!("201"), &json!(secure))
    );
    assert_eq!(object["tls"]["verified"], true);
    assert_eq!(object["redirects"][0]["remote"], lab.http.to_string());
    assert_eq!(object["remote"], lab.https.to_string());

    let object = to(&lab.secure_url("expired.lab.test", "/"));
    assert_eq!(fault(&object), ("TLS", "tls", "expired"));
    assert_eq!(object["redirects"].as_array().unwrap().len(), 1);
    let object = to("http://nxdomain.lab.test/");
    assert_eq!(fault(&object), ("NXDOMAIN", "resolve", "nxdomain"));
    let closed = closed_port();
    let object = to(&format!("http://{closed}/"));
    assert_eq!(fault(&object), ("CONNREFUSED", "connect", "refused"));
    assert_eq!(object["remote"], closed.to_string());
    for nowhere in [
        "ftp://lab.test/",
        "http://",
        "file:///etc/passwd",
        "http://lab.test:99999/",
    ] {
        let server = leading(302, nowhere);
        let object = probe(&args, &server.url("/"));
        assert_eq!(fault(&object), ("302", "transfer", "redirect"), "{object}");
    }
}

#[test]
fn every_code_changes_the_method_as_it_should_and_relative_places_are_found() {
    // (code, method asked with, method that follows)
    for (code, method, next) in [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (307, "POST", "POST"),
        (308, "PUT", "PUT"),
        (301, "PUT", "PUT"),
    ] {
        let server = Server::start(move |mut caller| {
            let Some(request) = caller.request() else {
                return;
            };
            if request.contains(" /a/b?x ") {
                caller.say(
                    format!("HTTP/1.1 {code} Go\r\nLocation: ../c?y\r\nContent-Length: 0\r\n\r\n")
                        .as_bytes(),
                );
            } else if request.starts_with("HEAD") {
                caller.say(b"HTTP/1.1 200 OK\r\n\r\n");
            } else {
                caller.say(&ok("there"));
            }
        });
        let args = ["--follow", "1", "-X", method, "-d", "content"];
        let object = probe(&args, &server.url("/a/b?x"));
        assert_eq!(object["status"], "200", "{code} {method}: {object}");
        let requests = server.requests();
        assert_eq!(requests.len(), 2, "{code} {method}");
        let second = &requests[1];
        assert!(
            second.starts_with(&format!("{next} /c?y HTTP/1.1\r\n")),
            "{code}: {second}"
        );
        let keeps = next == method && next != "HEAD" || code >= 307;
        if next != "HEAD" {
            assert_eq!(
                second.ends_with("\r\n\r\ncontent"),
                keeps,
                "{code}: {second}"
            );
            assert_eq!(
                header(second, "Content-Type").is_some(),
                keeps,
                "{code}: {second}"
            );
        }
    }
}

#[test]
fn credentials_stay_with_the_host_they_are_for() {
    let elsewhere = Server::saying(ok("elsewhere"));
    let first = leading(302, &elsewhere.url("/x"));
    let port = first.address.port();
    let args = [
        "--follow",
        "3",
        "-H",
        "Cookie: a=b",
        "-H",
        "X-Other: stays",
        "-H",
        "Host: mine.test",
    ];
    let target = format!("http://user:hunter2@127.0.0.1:{port}/");
    let object = probe(&args, &target);
    assert_eq!(object["status"], "200", "{object}");
    let (sent, followed) = (first.requests().remove(0), elsewhere.requests().remove(0));
    assert_eq!(
        header(&sent, "Authorization"),
        Some("Basic dXNlcjpodW50ZXIy")
    );
    assert_eq!(header(&sent, "Cookie"), Some("a=b"));
    assert_eq!(header(&sent, "Host"), Some("mine.test"));
    for name in ["Authorization", "Cookie"] {
        assert_eq!(header(&followed, name), None, "{followed}");
    }
    // It is the same host at another port.
    assert_eq!(header(&followed, "Host"), Some("mine.test"));
    assert_eq!(header(&followed, "X-Other"), Some("stays"));

    let args = ["--follow", "1", "-H", "Authorization: Bearer t"];
    probe(&args, &first.url("/"));
    let followed = elsewhere.requests().pop().unwrap();
    assert_eq!(header(&followed, "Authorization"), None, "{followed}");

    // To the same host they go along.
    let same = Server::start(|mut caller| {
        let Some(request) = caller.request() else {
            return;
        };
        if request.starts_with("GET /1 ") {
            caller.say(b"HTTP/1.1 302 Go\r\nLocation: /2\r\nContent-Length: 0\r\n\r\n");
        } else {
            caller.say(&ok("there"));
        }
    });
    probe(&args, &same.url("/1"));
    let followed = same.requests().pop().unwrap();
    assert_eq!(header(&followed, "Authorization"), Some("Bearer t"));
}

#[test]
fn a_redirect_is_followed_whatever_its_body_is() {
    for rest in [
        // Too large, endless, badly coded, cut short, with surplus.
        "Content-Length: 100000000000\r\n\r\nhello",
        "Transfer-Encoding: chunked\r\n\r\nfive\r\n",
        "Content-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello",
        "Content-Length: 9\r\n\r\nhello",
        "Content-Length: 0\r\n\r\nhello",
        "\r\n",
    ] {
        let server = Server::start(move |mut caller| {
            while let Some(request) = caller.request() {
                if request.starts_with("GET /end ") {
                    return caller.say(&ok("the end"));
                }
                let head = format!("HTTP/1.1 302 Found\r\nLocation: /end\r\n{rest}");
                caller.say(head.as_bytes());
            }
        });
        let args = ["--follow", "1", "--body-max", "1000"];
        let object = probe(&args, &server.url("/"));
        assert_eq!(object["status"], "200", "{rest:?}: {object}");
        assert_eq!(object["redirects"].as_array().unwrap().len(), 1, "{object}");
        assert_eq!(object["body_bytes"], 7, "{object}");
        assert_eq!(object.get("surplus_bytes"), None, "{object}");
        // How many are followed does not depend on the body, either.
        let object = probe(&["--follow", "0"], &server.url("/end"));
        assert_eq!(object["status"], "200", "{object}");
    }
    // What is wrong with its head is wrong.
    let server = Server::saying(
        "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    );
    let object = probe(&["--follow", "1"], &server.url("/"));
    assert_eq!(fault(&object).0, "MALFORMED", "{object}");
    assert_eq!(object["status_code"], 302, "{object}");
}

#[test]
fn a_location_is_asked_for_octet_by_octet() {
    for (location, asked) in [
        (&b"/\xc3\xa4"[..], "/%C3%A4"),
        (b"/\xe4?q=\xff", "/%E4?q=%FF"),
        (b"/a b?c d", "/a%20b?c%20d"),
        (b"/%e4", "/%e4"),
    ] {
        let location = location.to_vec();
        let server = Server::start(move |mut caller| {
            let Some(request) = caller.request() else {
                return;
            };
            if request.starts_with("GET / ") {
                let head = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: ";
                caller.say(&[&head[..], &location, b"\r\n\r\n"].concat());
            } else {
                caller.say(&ok("found"));
            }
        });
        let object = probe(&["--follow", "1"], &server.url("/"));
        assert_eq!(object["url"], server.url(asked), "{object}");
        let line = format!("GET {asked} HTTP/1.1\r\n");
        assert!(
            server.requests()[1].starts_with(&line),
            "{:?}",
            server.requests()
        );
    }
    // An empty one leads nowhere, as to curl.
    let object = probe(&["--follow", "1"], &leading(302, "").url("/"));
    assert_eq!(
        (&object["outcome"], &object["status"]),
        (&json!("answered"), &json!("302"))
    );
}
