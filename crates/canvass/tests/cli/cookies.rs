//! The cookies that `canvass http --cookies` keeps for a target.

use serde_json::json;

use crate::http_peers::{Server, header, ok};
use crate::http_rig::{fault, http, probe};
use crate::httpbin::Httpbin;

/// A server that leads to the same page until the request has its cookie.
fn gate() -> Server {
    Server::start(|mut caller| {
        while let Some(request) = caller.request() {
            if header(&request, "Cookie").is_some_and(|cookies| cookies.contains("seen=1")) {
                caller.say(&ok("in"));
            } else {
                caller.say(
                    b"HTTP/1.1 302 Again\r\nSet-Cookie: seen=1; Path=/\r\nLocation: /\r\n\
                      Content-Length: 0\r\n\r\n",
                );
            }
        }
    })
}

#[test]
fn a_redirect_to_oneself_ends_with_the_cookie() {
    let server = gate();
    let object = probe(&["-L"], &server.url("/"));
    assert_eq!(fault(&object), ("302", "transfer", "redirect"));
    let object = probe(&["-L", "--cookies"], &server.url("/"));
    assert_eq!(object["status"], "200", "{object}");
    assert_eq!(object["redirects"].as_array().unwrap().len(), 1);
    // Together with the user's own, in one field.
    let args = ["-L", "--cookies", "-H", "Cookie: own=2"];
    assert_eq!(probe(&args, &server.url("/"))["status"], "200");
    let requests = server.requests();
    let last = requests.last().unwrap();
    assert_eq!(header(last, "Cookie"), Some("own=2; seen=1"));
}

#[test]
fn a_jar_is_for_one_target_and_its_repeats() {
    let server = gate();
    let args = ["-L", "--cookies", "--repeat", "2"];
    let run = http(&args, &[server.url("/?1"), server.url("/?2")]).exits(0);
    let objects = run.objects();
    assert_eq!(objects.len(), 4);
    let hops = |number: u64, target: &str| {
        let of = |object: &&serde_json::Value| {
            object["repeat"] == json!(number) && object["target"] == server.url(target)
        };
        let object = objects.iter().find(of).unwrap();
        object["redirects"].as_array().unwrap().len()
    };
    for target in ["/?1", "/?2"] {
        assert_eq!((hops(1, target), hops(2, target)), (1, 0), "{target}");
    }
}

#[test]
fn cookies_stay_where_they_are_for() {
    let other = Server::saying(ok("there"));
    let location = other.url("/").replace("127.0.0.1", "localhost");
    let server = Server::saying(format!(
        "HTTP/1.1 302 Go\r\nSet-Cookie: secret=1; Domain=localhost\r\nSet-Cookie: near=2\r\n\
         Location: {location}\r\nContent-Length: 0\r\n\r\n"
    ));
    let object = probe(&["-L", "-4", "--cookies"], &server.url("/"));
    assert_eq!(object["status"], "200", "{object}");
    assert_eq!(header(&other.requests()[0], "Cookie"), None);
}

#[test]
fn httpbin_sets_cookies_on_redirects() {
    let httpbin = Httpbin::start();
    let body = |path: &str| {
        let directory = tempfile::tempdir().unwrap();
        let save = directory.path().to_str().unwrap();
        let object = probe(&["-L", "--cookies", "--save", save], &httpbin.url(path));
        assert_eq!(object["status"], "200", "{object}");
        let text = std::fs::read_to_string(directory.path().join("0.body")).unwrap();
        serde_json::from_str::<serde_json::Value>(&text).unwrap()
    };
    assert_eq!(
        body("/cookies/set?a=1&b=2"),
        json!({"cookies": {"a": "1", "b": "2"}})
    );
    let through = "/redirect-to?url=/cookies/set/a/1";
    assert_eq!(body(through), json!({"cookies": {"a": "1"}}));
}
