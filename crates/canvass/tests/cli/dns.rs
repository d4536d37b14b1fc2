//! Any record of any name, by datagram and by stream.

use serde_json::{Value, json};

use crate::common::{canvass, canvass_reading, values};

/// The data of a line's records.
fn data(object: &Value) -> Vec<&str> {
    let answers = object["answers"].as_array().expect("answers is a list");
    answers
        .iter()
        .map(|answer| answer["data"].as_str().unwrap())
        .collect()
}

/// The only line of `canvass dns` against the lab.
#[track_caller]
fn only(args: &[&str], code: i32) -> Value {
    let mut all = vec!["dns", "--lab", "-f", "ndjson"];
    all.extend(args);
    canvass(&all).exits(code).whole(1).remove(0)
}

#[test]
fn every_type_asked_for_is_a_line() {
    let run = canvass(&[
        "dns",
        "example.net",
        "web.example.net",
        "-t",
        "A,aaaa,MX",
        "--lab",
        "-f",
        "ndjson",
    ])
    .exits(0);
    let objects = run.whole(6);
    assert_eq!(
        values(&objects, "type"),
        ["A", "AAAA", "MX", "A", "AAAA", "MX"]
    );
    let shown: Vec<Vec<&str>> = objects.iter().map(data).collect();
    assert_eq!(
        shown,
        [
            vec!["192.0.2.10"],
            vec!["2001:db8::a"],
            vec!["10 mail.example.net.", "20 mail2.example.net."],
            vec!["192.0.2.80"],
            vec!["2001:db8::50"],
            vec![],
        ]
    );
    assert_eq!(objects[5]["outcome"], "negative");
    assert_eq!(objects[5]["status"], "NOERROR");
}

#[test]
fn a_type_without_a_name_is_asked_for_by_its_number() {
    let object = only(&["example.net", "-t", "TYPE65280"], 0);
    assert_eq!(
        object["answers"],
        json!([{"name": "example.net.", "type": "TYPE65280", "ttl": 400, "data": "\\# 4 DEADBEEF"}])
    );
    assert_eq!(only(&["example.net", "-t", "TYPE15"], 0)["type"], "MX");
}

#[test]
fn records_are_shown_as_a_zone_file_shows_them() {
    for (record_type, shown) in [
        (
            "TXT",
            &[r#""v=spf1 mx -all" "say \"hi\" \\ bye" "\255raw\000""#][..],
        ),
        ("NS", &["ns1.example.net.", "ns2.example.net."]),
        ("CAA", &[r#"0 issue "ca.example""#]),
    ] {
        assert_eq!(data(&only(&["example.net", "-t", record_type], 0)), shown);
    }
    let srv = only(&["_http._tcp.example.net", "-t", "SRV"], 0);
    assert_eq!(data(&srv), ["10 5 80 web.example.net."]);
}

#[test]
fn a_line_may_name_its_own_type() {
    let run = canvass_reading(
        &["dns", "-t", "A,AAAA", "--lab", "-f", "ndjson"],
        "example.net\nexample.net MX\nexample.net\ttype65280\n",
    )
    .exits(0);
    let objects = run.whole(4);
    assert_eq!(values(&objects, "type"), ["A", "AAAA", "MX", "TYPE65280"]);
    let lines: Vec<u64> = objects
        .iter()
        .map(|o| o["line"].as_u64().unwrap())
        .collect();
    assert_eq!(lines, [1, 1, 2, 3]);
    assert_eq!(values(&objects, "target"), ["example.net"; 4]);
}

#[test]
fn aliases_are_shown_on_the_way_and_an_alias_to_nothing_is_negative() {
    let object = only(&["www.example.net"], 0);
    assert_eq!(object["answers"][0]["type"], "CNAME");
    assert_eq!(data(&object), ["web.example.net.", "192.0.2.80"]);
    let object = only(&["dangling.example.net"], 0);
    assert_eq!(
        (&object["outcome"], &object["status"]),
        (&"negative".into(), &"NXDOMAIN".into())
    );
    assert_eq!(data(&object), ["gone.example.net."]);
}

#[test]
fn an_answer_too_big_for_a_datagram_comes_by_stream() {
    let object = only(&["big.example.net", "-t", "TXT"], 0);
    assert_eq!(
        (&object["transport"], &object["attempts"]),
        (&"tcp".into(), &2.into())
    );
    assert!(data(&object)[0].len() > 4000);
}

#[test]
fn datagrams_alone_leave_a_big_answer_truncated() {
    let object = only(&["big.example.net", "-t", "TXT", "--transport", "udp"], 1);
    assert_eq!(
        (&object["status"], &object["attempts"]),
        (&"TRUNCATED".into(), &1.into())
    );
    let error = &object["error"];
    assert_eq!(error["cause"], "truncated");
    let resolver = object["resolver"].as_str().unwrap();
    assert_eq!(
        error["message"],
        format!("the answer of {resolver} did not fit a datagram, and tcp is not allowed")
    );
}

#[test]
fn streams_alone_ask_everything_by_stream() {
    let run = canvass(&[
        "ptr",
        "10.0.0.0/24",
        "--lab",
        "--transport",
        "tcp",
        "-f",
        "ndjson",
    ])
    .exits(0);
    let objects = run.whole(256);
    assert_eq!(values(&objects, "transport"), ["tcp"; 256]);
    assert!(run.err.contains("256 queries over TCP"), "{}", run.err);
    assert!(!run.err.contains("queries over UDP"), "{}", run.err);
    assert_eq!(
        only(&["big.example.net", "-t", "TXT", "--transport", "tcp"], 0)["attempts"],
        1
    );
}

#[test]
fn a_name_outside_what_the_resolver_serves_is_refused() {
    let object = only(&["example.org", "--retries", "1"], 1);
    assert_eq!(
        (&object["outcome"], &object["status"]),
        (&"failed".into(), &"REFUSED".into())
    );
    assert_eq!(object["error"]["cause"], "rcode");
    assert_eq!(object["attempts"], 2);
}

#[test]
fn an_address_has_no_records_of_its_own_but_is_a_name_all_the_same() {
    // "192.0.2.1" is a name of four labels to DNS, and is asked for as such.
    let object = only(&["192.0.2.1", "--retries", "0"], 1);
    assert_eq!(object["status"], "REFUSED");
}
