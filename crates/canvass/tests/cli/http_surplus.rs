//! Octets after a complete answer: they change no verdict, whenever they come.

use std::io::Write;

use serde_json::json;

use crate::http_peers::{Server, ok};
use crate::http_rig::{fault, http, lines, probe};

/// Enough probes for every order in which the pieces can come.
const PROBES: u64 = 200;

#[test]
fn what_comes_after_an_answer_makes_no_difference_whenever_it_comes() {
    let server = Server::start(|mut caller| {
        if caller.request().is_some() {
            caller.say(&ok("hello"));
            let _ = caller.stream.write_all(b"\r\n");
        }
    });
    let urls: Vec<String> = (0..PROBES)
        .map(|number| server.url(&format!("/{number}")))
        .collect();
    let run = http(&[], &urls).exits(0);
    for object in lines(&run, PROBES) {
        assert_eq!(
            (&object["status"], &object["body_bytes"]),
            (&json!("200"), &json!(5)),
            "{object}"
        );
        let surplus_bytes = object.get("surplus_bytes");
        assert!(surplus_bytes.is_none_or(|octets| *octets == 2), "{object}");
    }
}

#[test]
fn a_body_where_there_can_be_none_is_surplus() {
    for (args, head) in [
        (
            &["-X", "HEAD"][..],
            "200 OK\r\nContent-Length: 5\r\n\r\nhello",
        ),
        (&[], "204 No Content\r\n\r\nhello"),
        (&[], "204 No Content\r\n\r\n0\r\n\r\n"),
        (&[], "304 Not Modified\r\nContent-Length: 5\r\n\r\nhello"),
        (&[], "200 OK\r\nContent-Length: 0\r\n\r\nhello"),
        (
            &[],
            "200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nhello",
        ),
    ] {
        let server = Server::saying(format!("HTTP/1.1 {head}"));
        let object = probe(args, &server.url("/"));
        assert_eq!(object["outcome"], "answered", "{object}");
        assert_eq!(
            (&object["body_bytes"], &object["surplus_bytes"]),
            (&json!(0), &json!(5)),
            "{head:?}: {object}"
        );
    }
    // Without any there is no key.
    let object = probe(&[], &Server::saying(ok("hello")).url("/"));
    assert_eq!(object.get("surplus_bytes"), None, "{object}");
}

#[test]
fn a_connection_with_surplus_carries_no_other_request() {
    let server = Server::start(|mut caller| {
        while caller.request().is_some() {
            caller.say(&[&ok("hello")[..], b"0\r\n\r\n"].concat());
        }
    });
    let run = http(&["--repeat", "4"], &[server.url("/")]).exits(0);
    for object in run.objects() {
        assert_eq!(
            (&object["status"], &object["surplus_bytes"]),
            (&json!("200"), &json!(5)),
            "{object}"
        );
    }
    assert_eq!(server.connections(), 4);
}

#[test]
fn surplus_that_comes_late_is_not_taken_for_the_next_answer() {
    // It comes when the next request is under way already.
    let server = Server::start(|mut caller| {
        for count in 1.. {
            if caller.request().is_none() {
                return;
            }
            if count == 2 {
                let _ = caller.stream.write_all(b"0\r\n\r\n");
            }
            caller.say(&ok("hello"));
        }
    });
    let run = http(&["--repeat", "4"], &[server.url("/")]).exits(0);
    let objects = run.objects();
    assert_eq!(objects.len(), 4);
    for object in objects {
        assert_eq!(fault(&object), ("200", "", ""), "{object}");
        assert_eq!(object["body_bytes"], 5, "{object}");
    }
    // A request that must not be sent twice is not.
    let run = http(&["--repeat", "2", "-X", "POST"], &[server.url("/")]).exits(1);
    let statuses: Vec<_> = run
        .objects()
        .iter()
        .map(|object| object["status"].clone())
        .collect();
    assert_eq!(statuses, ["200", "MALFORMED"]);
}
