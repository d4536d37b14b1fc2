//! Answers that break the rules and have one reading all the same, and those that have two.

use serde_json::{Value, json};

use crate::common::canvass;
use crate::http_peers::Server;
use crate::http_rig::{fault, message, probe};

/// Each with the warnings it is accepted with.
const ODD: [(&str, &[&str]); 12] = [
    (
        "HTTP/1.1  200 OK\r\nContent-Length: 2\r\n\r\nok",
        &["status_line"],
    ),
    (
        "http/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        &["http_version"],
    ),
    (
        "HTTP/2 200\r\nContent-Length: 2\r\n\r\nok",
        &["http_version"],
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        &["blank_before_colon"],
    ),
    (
        "HTTP/1.1 200 OK\r\n: x\r\nY(Z): x\r\nContent-Length: 2\r\n\r\nok",
        &["header_name"],
    ),
    (
        "HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok",
        &["control_character"],
    ),
    (
        "HTTP/1.1 200 OK\r\nX-A: \x1b[2J\r\nContent-Length: 2\r\n\r\nok",
        &["control_character"],
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
        &["transfer_encoding"],
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\nok",
        &["transfer_encoding"],
    ),
    (
        "HTTP/1.1 200 OK\r\nContent-Encoding: utf-8\r\nContent-Length: 2\r\n\r\nok",
        &["content_encoding"],
    ),
    (
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0  \r\n\r\n",
        &["chunk_size"],
    ),
    (
        "HTTP/1.1  200OK\r\nX-A : \x01\r\nTransfer-Encoding: chunked\r\n\r\n2 \r\nok\r\n0\r\n\r\n",
        &[
            "status_line",
            "blank_before_colon",
            "control_character",
            "chunk_size",
        ],
    ),
];

#[test]
fn an_answer_with_one_reading_is_accepted_with_a_warning() {
    for (response, warnings) in ODD {
        let server = Server::saying(response);
        let object = probe(&[], &server.url("/"));
        assert_eq!(object["status"], "200", "{response:?}: {object}");
        assert_eq!(object["body_bytes"], 2, "{response:?}: {object}");
        assert_eq!(object["decoded_bytes"], 2, "{response:?}: {object}");
        assert_eq!(object["warnings"], json!(warnings), "{response:?}");
        let object = probe(&["--strict-http"], &server.url("/"));
        assert_eq!(fault(&object).0, "MALFORMED", "{response:?}: {object}");
        assert_eq!(object.get("warnings"), None, "{object}");
    }
}

#[test]
fn an_answer_with_two_readings_is_not_accepted() {
    for response in [
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-A: b\rContent-Length: 9\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nX-A\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2 0\r\nok\r\n0\r\n\r\n",
    ] {
        let object = probe(&[], &Server::saying(response).url("/"));
        assert_eq!(fault(&object).0, "MALFORMED", "{response:?}: {object}");
        // What was good of it is shown.
        assert_eq!(object["status_code"], 200, "{response:?}: {object}");
        assert!(object["http_version"].is_string(), "{object}");
    }
}

#[test]
fn a_code_outside_the_classes_is_an_answer() {
    for code in ["000", "099", "600", "999"] {
        let response = format!("HTTP/1.1 {code} Odd\r\nContent-Length: 2\r\n\r\nok");
        let object = probe(&[], &Server::saying(response).url("/"));
        let number: u16 = code.parse().unwrap();
        assert_eq!(object["outcome"], "answered", "{object}");
        assert_eq!(object["status"], number.to_string(), "{object}");
        assert_eq!(object["status_code"], number, "{object}");
        assert_eq!(object["warnings"], json!(["status_code"]), "{object}");
    }
    for code in ["20", "2000", "+20", "2x0"] {
        let response = format!("HTTP/1.1 {code} Odd\r\nContent-Length: 2\r\n\r\nok");
        let object = probe(&[], &Server::saying(response).url("/"));
        assert_eq!(fault(&object).0, "MALFORMED", "{object}");
        assert_eq!(object["status_code"], Value::Null, "{object}");
        assert!(message(&object).contains("bad status line"), "{object}");
    }
}

#[test]
fn a_body_under_an_unknown_coding_is_kept_as_it_is() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::saying(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, rot13\r\nContent-Length: 5\r\n\r\nuryyb",
    );
    let object = probe(
        &["--save", directory.path().to_str().unwrap()],
        &server.url("/"),
    );
    assert_eq!(object["status"], "200", "{object}");
    let body = std::fs::read(directory.path().join("0.body")).unwrap();
    assert_eq!(body, b"uryyb");
}

#[test]
fn every_format_has_the_warnings() {
    let server = Server::saying(
        "HTTP/1.1  200 OK\r\nContent-Length : 2\r\nConnection: close\r\n\r\nok, and more",
    );
    let url = server.url("/");
    let text = canvass(&["http", &url]).exits(0).out;
    assert!(
        text.ends_with(
            "\twarnings: status_line, blank_before_colon | 10 octets after the answer\n"
        ),
        "{text}"
    );
    let csv = canvass(&["http", &url, "-f", "csv"]).exits(0).out;
    let (header, row) = csv.split_once('\n').unwrap();
    let column = |name| header.split(',').position(|column| column == name).unwrap();
    let cells: Vec<_> = row.trim_end().split(',').collect();
    assert_eq!(cells[column("warnings")], "status_line blank_before_colon");
    assert_eq!(cells[column("surplus_bytes")], "10");
}
