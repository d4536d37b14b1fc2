//! The flags for how questions are asked: what they put into a query, and what is shown of its
//! response. The peers belong to the tests.

use std::process::Command;
use std::sync::mpsc;

use serde_json::{Value, json};

use crate::common::{PATIENCE, Run, canvass};
use crate::peers::{NAME, PTR, Peer, has_edns, reply};

/// An option of an OPT record.
fn option(code: u16, data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u16).to_be_bytes();
    [&code.to_be_bytes(), &length, data].concat()
}

/// An Extended DNS Error.
fn error(code: u16, text: &[u8]) -> Vec<u8> {
    option(15, &[&code.to_be_bytes(), text].concat())
}

/// An OPT record with these options.
fn opt(options: &[u8]) -> Vec<u8> {
    let length = (options.len() as u16).to_be_bytes();
    [&[0, 0, 41, 4, 208, 0, 0, 0, 0], &length[..], options].concat()
}

/// The reply with these additional records.
fn with_additional(mut reply: Vec<u8>, records: &[Vec<u8>]) -> Vec<u8> {
    reply[11] += records.len() as u8;
    reply.extend(records.concat());
    reply
}

/// A peer that answers with a name and these options.
fn answering(options: Vec<u8>) -> Peer {
    Peer::udp(move |query| {
        let answer = reply(query, 0, &[(PTR, NAME)]);
        vec![with_additional(answer, &[opt(&options)])]
    })
}

/// Asks the peer about one address.
fn ask(peer: &Peer, format: &str, more: &[&str]) -> Run {
    let resolver = peer.resolver();
    let mut args = vec!["ptr", "10.0.0.1", "-q", "-f", format, "-r", &resolver];
    args.extend(more);
    canvass(&args)
}

#[track_caller]
fn line(peer: &Peer, more: &[&str], code: i32) -> Value {
    ask(peer, "ndjson", more).exits(code).whole(1).remove(0)
}

#[test]
fn queries_are_the_same_as_those_of_dig_with_the_same_flags() {
    let (sender, queries) = mpsc::channel();
    let peer = Peer::udp(move |query| {
        sender.send(query.to_vec()).unwrap();
        vec![reply(query, 0, &[])]
    });
    let resolver = peer.resolver();
    let port = peer.address.port().to_string();
    for (flags, options) in [
        (&[][..], &[][..]),
        (&["--dnssec"], &["+dnssec"]),
        (&["--cd", "--no-recurse"], &["+cd", "+norecurse"]),
        (&["--no-edns"], &["+noedns"]),
        (&["--class", "ch", "--nsid"], &["-c", "CH", "+nsid"]),
        (&["--class", "ANY"], &["-c", "ANY"]),
        (&["--subnet", "192.0.2.77/20"], &["+subnet=192.0.2.77/20"]),
        (&["--subnet", "192.0.2.1"], &["+subnet=192.0.2.1"]),
        (&["--subnet", "2001:db8::1/33"], &["+subnet=2001:db8::1/33"]),
        (&["--subnet", "0/0"], &["+subnet=0/0"]),
        (&["--subnet", "0"], &["+subnet=0"]),
        (
            &["--dnssec", "--nsid", "--subnet", "::/0"],
            &["+dnssec", "+nsid", "+subnet=::/0"],
        ),
    ] {
        let mut args = vec!["dns", "www.example.net", "-t", "TXT", "-q", "-r", &resolver];
        args.extend(flags);
        canvass(&args).exits(0);
        let ours = queries.recv_timeout(PATIENCE).unwrap();
        let status = Command::new("dig")
            .args([
                "@127.0.0.1",
                "-p",
                &port,
                "-t",
                "TXT",
                "-q",
                "www.example.net",
            ])
            .args(["+noad", "+nocookie", "+tries=1"])
            .args(options)
            .output()
            .expect("dig is missing: scripts/test-deps installs what the tests need")
            .status;
        assert!(status.success(), "{options:?}");
        let theirs = queries.recv_timeout(PATIENCE).unwrap();
        assert_eq!(ours[2..], theirs[2..], "{flags:?}");
    }
}

#[test]
fn flags_that_exclude_each_other_are_refused_by_name() {
    for (flags, words) in [
        (&["--no-edns", "--dnssec"][..], ["--no-edns", "--dnssec"]),
        (&["--nsid", "--no-edns"], ["--nsid", "--no-edns"]),
        (&["--no-edns", "--subnet", "0"], ["--no-edns", "--subnet"]),
        (
            &["--class", "CH", "--forward-confirm"],
            ["--class CH", "--forward-confirm"],
        ),
        (&["--subnet", "192.0.2.0/33"], ["--subnet", "192.0.2.0/33"]),
        (&["--class", "BOGUS"], ["--class", "BOGUS"]),
    ] {
        let mut args = vec!["ptr", "192.0.2.1", "-r", "127.0.0.1:9"];
        args.extend(flags);
        let run = canvass(&args).exits(2);
        for word in words {
            assert!(run.err.contains(word), "{flags:?}: {}", run.err);
        }
    }
}

#[test]
fn an_ordinary_ptr_line_has_no_more_keys_than_before() {
    let keys = |object: &Value| {
        let keys = object.as_object().unwrap().keys().cloned();
        keys.collect::<Vec<_>>().join(" ")
    };
    // serde_json sorts them.
    let plain = "attempts error latency_ms line names outcome phases_ms probe resolver \
                 response_ms seq started status target transport ttl";
    assert_eq!(keys(&line(&answering(Vec::new()), &[], 0)), plain);
    let shown = line(&answering(error(3, b"")), &[], 0);
    assert_eq!(
        keys(&shown),
        plain.replacen(" error", " ede error", 1),
        "{shown}"
    );
    assert_eq!(
        shown["ede"],
        json!([{"code": 3, "name": "Stale Answer", "text": null}])
    );
}

#[test]
fn an_error_of_any_text_is_shown_safely_in_every_format() {
    let text = b"\x1b[2J</bdi><script>\n\t\"a\", \xff\xe2\x80\xa8\xe2\x80\xae\0";
    let options = [error(6, text), error(49152, b"two")].concat();
    let peer =
        Peer::udp(move |query| vec![with_additional(reply(query, 2, &[]), &[opt(&options)])]);
    let shown =
        "DNSSEC Bogus (6): \"\\u{1b}[2J</bdi><script>\\n\\t\\\"a\\\", \u{fffd}\\u{2028}\\u{202e}\"";
    let object = line(&peer, &["--retries", "0"], 1);
    assert_eq!(
        object["error"]["message"],
        format!(
            "{} answered SERVFAIL in 1 attempt: {shown}; 49152: \"two\"",
            peer.address
        )
    );
    assert_eq!(
        object["ede"],
        json!([
            {
                "code": 6,
                "name": "DNSSEC Bogus",
                "text": "\u{1b}[2J</bdi><script>\n\t\"a\", \u{fffd}\u{2028}\u{202e}",
            },
            {"code": 49152, "name": null, "text": "two"},
        ])
    );
    let directory = tempfile::tempdir().unwrap();
    let page = directory.path().join("page.html");
    for format in ["text", "ndjson", "csv"] {
        let more = ["--retries", "0", "--html", page.to_str().unwrap()];
        let run = ask(&peer, format, &more).exits(1);
        let lines = if format == "csv" { 2 } else { 1 };
        assert_eq!(run.out.lines().count(), lines, "{}", run.out);
        let page = std::fs::read_to_string(&page).unwrap();
        for text in [&run.out, &run.err, &page] {
            let is_unsafe = |c: char| c.is_control() && c != '\n' && c != '\t' || c == '\u{2028}';
            assert!(!text.contains(is_unsafe), "{text:?}");
        }
        assert!(!page.contains("</bdi><script>"));
    }
}

#[test]
fn opt_records_that_lie_are_read_as_far_as_they_can_be() {
    let mut lie = error(6, b"text");
    lie[3] = 0xff;
    let mut long = opt(&error(6, b""));
    long[10] = 0xff;
    let empty = opt(&[]);
    let stale = opt(&error(3, b""));
    for (additional, codes) in [
        (vec![opt(&[error(3, b""), lie.clone()].concat())], vec![3]),
        (vec![opt(&lie)], vec![]),
        (vec![long], vec![]),
        (vec![stale.clone(), empty.clone()], vec![3]),
        (vec![empty, stale], vec![]),
        (vec![opt(&option(15, &[0]))], vec![]),
        (vec![opt(&option(15, &[0, 6])[..5])], vec![]),
    ] {
        let shown = format!("{additional:?}");
        let peer = Peer::udp(move |query| {
            let answer = reply(query, 0, &[(PTR, NAME)]);
            vec![with_additional(answer, &additional)]
        });
        let object = line(&peer, &["--sections"], 0);
        assert_eq!(object["names"], json!(["a.test."]), "{shown}");
        assert_eq!(object["additional"], json!([]), "{shown}");
        let errors = object["ede"].as_array().cloned().unwrap_or_default();
        let found: Vec<_> = errors.iter().map(|error| error["code"].clone()).collect();
        assert_eq!(found, codes, "{shown}");
    }
}

#[test]
fn an_opt_record_in_the_answer_section_is_no_answer() {
    let peer = Peer::udp(|query| {
        let mut answer = reply(query, 0, &[]);
        answer[7] = 1;
        answer.extend(opt(&error(6, b"")));
        vec![answer]
    });
    let object = line(&peer, &["--retries", "0"], 1);
    assert_eq!(object["status"], "MALFORMED");
    assert!(object.get("ede").is_none(), "{object}");
}

#[test]
fn an_answer_without_edns_says_that_the_flags_had_no_effect() {
    let peer = Peer::udp(|query| {
        vec![if has_edns(query) {
            reply(query, 1, &[])
        } else {
            reply(query, 0, &[(PTR, NAME)])
        }]
    });
    let object = line(&peer, &["--dnssec"], 0);
    assert_eq!(object["names"], json!(["a.test."]));
    assert_eq!(object["edns"], false, "{object}");
    assert_eq!(object["flags"], json!(["rd", "ra"]), "{object}");
    let text = ask(&peer, "text", &["--nsid"]).exits(0).out;
    assert_eq!(text, "10.0.0.1\tNOERROR\ta.test.\tEDNS: not supported\n");
    // A plain query needs no EDNS(0), so its absence is not reported.
    assert!(line(&peer, &[], 0).get("edns").is_none());
}

#[test]
fn the_subnet_in_the_response_has_its_scope() {
    let peer = answering(option(8, &[0, 1, 24, 16, 192, 0, 2]));
    let object = line(&peer, &["--subnet", "192.0.2.77/24"], 0);
    assert_eq!(
        (&object["subnet"], &object["edns"]),
        (
            &json!({"prefix": "192.0.2.0/24", "scope": 16}),
            &json!(true)
        )
    );
    let text = ask(&peer, "text", &["--subnet", "192.0.2.77/24"])
        .exits(0)
        .out;
    assert_eq!(
        text,
        "10.0.0.1\tNOERROR\ta.test.\tCLIENT-SUBNET: 192.0.2.0/24/16\n"
    );
}

#[test]
fn an_identifier_of_any_octets_is_shown() {
    let peer = answering(option(3, b"\x00\x1bns"));
    let object = line(&peer, &["--nsid"], 0);
    assert_eq!(object["nsid"], json!({"hex": "001b6e73", "text": null}));
    let csv = ask(&peer, "csv", &["--nsid"]).exits(0).out;
    assert!(csv.contains("\"00 1b 6e 73 (\"\"..ns\"\")\""), "{csv}");
}
