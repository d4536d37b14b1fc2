//! The limits of an answer that have flags of their own, and what names them.

use crate::common::canvass;
use crate::http_peers::Server;
use crate::http_rig::{fault, message, probe};

#[test]
fn each_limit_has_a_flag_and_the_advice_names_it() {
    let lines = |count| {
        let lines = "X-A: b\r\n".repeat(count);
        format!("HTTP/1.1 204 No Content\r\n{lines}\r\n")
    };
    let interim = |count| {
        let interim = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(count);
        format!("{interim}HTTP/1.1 204 No Content\r\n\r\n")
    };
    let coded = |count| {
        let codings = vec!["gzip"; count].join(", ");
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: {codings}\r\nContent-Length: 0\r\n\r\n")
    };
    let advice = canvass(&["explain", "oversize"]).exits(0).out;
    for (flag, response, default_max, message_of) in [
        (
            "--head-lines-max",
            &lines as &dyn Fn(usize) -> String,
            1_000,
            "the head has more than",
        ),
        ("--interim-max", &interim, 16, "more than"),
    ] {
        assert_eq!(
            probe(&[], &Server::saying(response(default_max)).url("/"))["status"],
            "204"
        );
        let beyond = Server::saying(response(default_max + 1));
        let object = probe(&[], &beyond.url("/"));
        assert_eq!(
            (fault(&object).0, fault(&object).2),
            ("TRUNCATED", "oversize"),
            "{object}"
        );
        let text = format!("{message_of} {default_max} ");
        assert!(message(&object).contains(&text), "{object}");
        let raised = (default_max + 1).to_string();
        let object = probe(&[flag, &raised], &beyond.url("/"));
        assert_eq!(object["status"], "204", "{flag}: {object}");
        assert!(advice.contains(flag), "{advice}");
    }
    // An empty body needs no decoding, whatever it is said to be.
    assert_eq!(
        probe(&[], &Server::saying(coded(5)).url("/"))["status"],
        "200"
    );
    let body = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, gzip\r\nContent-Length: 1\r\n\r\n\x1f";
    let server = Server::saying(body);
    let object = probe(&["--codings-max", "1"], &server.url("/"));
    assert_eq!(fault(&object).2, "oversize", "{object}");
    assert!(
        message(&object).contains("more than 1 content codings"),
        "{object}"
    );
    assert_eq!(fault(&probe(&[], &server.url("/"))).2, "coding");
    for flag in ["--codings-max", "--body-max", "--head-max"] {
        assert!(advice.contains(flag), "{advice}");
    }
}

#[test]
fn the_status_line_of_a_head_that_is_too_large_is_shown() {
    let long = format!("HTTP/1.1 503 Busy\r\nX: {}\r\n\r\n", "a".repeat(2_000));
    let object = probe(&["--head-max", "1k"], &Server::saying(long).url("/"));
    assert_eq!(fault(&object).0, "TRUNCATED", "{object}");
    assert_eq!(object["status_code"], 503, "{object}");
    assert_eq!(object["http_version"], "1.1", "{object}");
}
