//! Aliases: shown where they are all there is, and followed with `--follow-cname`.

use serde_json::json;

use crate::common::canvass;
use crate::name_servers::NameServer;
use crate::peers::{Peer, reply};

const CNAME: u16 = 5;
const A: u16 = 1;

/// A classless delegation (RFC 2317 §4).
const CLASSLESS: &str = "\
$TTL 300
@ SOA ns.one.test. hostmaster.one.test. 1 3600 600 86400 300
@ NS ns.one.test.
7 CNAME 7.0-25
0-25 NS ns.two.test.
";
const ONE: &str = "\
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
away CNAME hop.two.test.
dangling CNAME gone
empty CNAME ns
back A 192.0.2.9
";
const DELEGATED: &str = "\
$TTL 300
@ SOA ns.two.test. hostmaster.two.test. 1 3600 600 86400 300
@ NS ns.two.test.
7 PTR host.two.test.
";
const TWO: &str = "\
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
hop CNAME back.one.test.
";
const TARGET: &str = "7.0-25.2.0.192.in-addr.arpa.";

fn parent() -> NameServer {
    NameServer::bind(&[("2.0.192.in-addr.arpa", CLASSLESS), ("one.test", ONE)])
}

fn child() -> NameServer {
    NameServer::bind(&[("0-25.2.0.192.in-addr.arpa", DELEGATED), ("two.test", TWO)])
}

#[test]
fn ptr_shows_an_alias_that_is_all_there_is() {
    let server = parent();
    let resolver = server.resolver();
    let ask = |format| {
        let args = ["ptr", "192.0.2.7", "-r", &resolver, "-f", format];
        canvass(&args).exits(0)
    };
    let line = ask("ndjson").whole(1).remove(0);
    assert_eq!(line["outcome"], "negative");
    assert_eq!(line["status"], "NOERROR");
    assert_eq!(line["names"], json!([]));
    assert_eq!(line["cname"], TARGET);
    assert_eq!(line["attempts"], 1);
    let text = ask("text").out;
    assert_eq!(text, format!("192.0.2.7\tNOERROR\tCNAME {TARGET}\n"));
    let csv = ask("csv").out;
    let rows: Vec<&str> = csv.lines().collect();
    let mut columns = rows[0].split(',').zip(rows[1].split(','));
    assert!(columns.any(|cell| cell == ("cname", TARGET)), "{csv}");
}

#[test]
fn dns_shows_an_alias_that_is_all_there_is() {
    let server = parent();
    let resolver = server.resolver();
    let names = ["dangling.one.test", "away.one.test", "empty.one.test"];
    let ask = |format| {
        let args = ["-t", "AAAA", "-r", &resolver, "-f", format];
        canvass(&[&["dns"], &names[..], &args].concat()).exits(0)
    };
    let expected = [
        ("NXDOMAIN", "gone.one.test."),
        ("NOERROR", "hop.two.test."),
        ("NOERROR", "ns.one.test."),
    ];
    let lines = ask("ndjson").whole(3);
    let text = ask("text").out;
    let csv = ask("csv").out;
    for ((line, name), (status, target)) in lines.iter().zip(names).zip(expected) {
        assert_eq!(line["outcome"], "negative", "{line}");
        assert_eq!(line["status"], status);
        let answers = json!([
            {"name": format!("{name}."), "type": "CNAME", "ttl": 300, "data": target}
        ]);
        assert_eq!(line["answers"], answers);
        let row = format!("{name}\tAAAA\t{status}\tCNAME {target}\n");
        assert!(text.contains(&row), "{text}");
        let cell = format!(",{name}. 300 CNAME {target},");
        assert!(csv.contains(&cell), "{csv}");
    }
}

#[test]
fn an_alias_is_followed_from_one_server_to_the_next() {
    let (one, two) = (parent(), child());
    let (one, two) = (one.resolver(), two.resolver());
    let more = ["--follow-cname", "-f", "ndjson", "-r", &one, "-r", &two];
    let run = canvass(&[&["ptr", "192.0.2.7"], &more[..]].concat()).exits(0);
    let line = run.whole(1).remove(0);
    assert_eq!(line["outcome"], "answered");
    assert_eq!(line["names"], json!(["host.two.test."]));
    assert_eq!(line["cname"], TARGET);
    assert_eq!(line["resolver"], two.as_str());
    let run = canvass(&[&["dns", "away.one.test"], &more[..]].concat()).exits(0);
    let line = run.whole(1).remove(0);
    assert_eq!(line["outcome"], "answered");
    let answers: Vec<_> = line["answers"].as_array().unwrap().iter().collect();
    let data: Vec<_> = answers.iter().map(|answer| &answer["data"]).collect();
    assert_eq!(data, ["hop.two.test.", "back.one.test.", "192.0.2.9"]);
    assert_eq!(answers[1]["name"], "hop.two.test.");
}

#[test]
fn a_resolver_that_has_looked_the_target_up_is_asked_once() {
    let server = parent();
    let more = ["--follow-cname", "-f", "ndjson", "-r", &server.resolver()];
    let names = ["dns", "dangling.one.test", "empty.one.test", "-t", "AAAA"];
    let run = canvass(&[&names[..], &more].concat()).exits(0);
    for line in run.whole(2) {
        assert_eq!(line["attempts"], 1, "{line}");
    }
}

/// The wire form of `label.test.`.
fn name(label: &str) -> Vec<u8> {
    let mut wire = vec![label.len() as u8];
    wire.extend(label.as_bytes());
    wire.extend(b"\x04test\0");
    wire
}

/// The first label of the name asked for.
fn label(query: &[u8]) -> &str {
    let length = usize::from(query[12]);
    std::str::from_utf8(&query[13..13 + length]).unwrap()
}

#[test]
fn aliases_that_lead_in_a_circle_over_several_answers_are_malformed() {
    let peer = Peer::udp(|query| {
        let next = match label(query) {
            "a" => "b",
            "b" => "c",
            _ => "a",
        };
        vec![reply(query, 0, &[(CNAME, &name(next))])]
    });
    let args = ["dns", "a.test", "--follow-cname", "-f", "ndjson", "-r"];
    let run = canvass(&[&args[..], &[&peer.resolver()]].concat()).exits(1);
    let line = run.whole(1).remove(0);
    assert_eq!(
        (&line["outcome"], &line["status"]),
        (&"failed".into(), &"MALFORMED".into())
    );
    let message = format!(
        "alias target c.test.: {} sent aliases that lead in a circle, in 1 attempt",
        peer.address
    );
    assert_eq!(line["error"]["message"], message);
    assert_eq!(peer.queries(), 3);
}

#[test]
fn a_chain_of_too_many_aliases_is_malformed() {
    let peer = Peer::udp(|query| {
        let number: u32 = label(query)[1..].parse().unwrap();
        let next = name(&format!("n{}", number + 1));
        vec![reply(query, 0, &[(CNAME, &next)])]
    });
    let args = ["dns", "n0.test", "--follow-cname", "-f", "ndjson", "-r"];
    let run = canvass(&[&args[..], &[&peer.resolver()]].concat()).exits(1);
    let line = run.whole(1).remove(0);
    assert_eq!(line["status"], "MALFORMED");
    let message = line["error"]["message"].as_str().unwrap();
    assert!(message.contains("sent too many aliases"), "{message}");
    assert_eq!((line["attempts"].as_u64(), peer.queries()), (Some(17), 17));
}

#[test]
fn the_deadline_holds_for_the_whole_chain() {
    // The target is never answered.
    let peer = Peer::udp(|query| match label(query) {
        "a" => vec![reply(query, 0, &[(CNAME, &name("b"))])],
        _ => Vec::new(),
    });
    let args = ["dns", "a.test", "--follow-cname", "-f", "ndjson", "-r"];
    let limits = [
        "--deadline",
        "300ms",
        "--timeout",
        "50ms",
        "--retries",
        "99",
    ];
    let run = canvass(&[&args[..], &[&peer.resolver()], &limits].concat()).exits(1);
    let line = run.whole(1).remove(0);
    assert_eq!(line["status"], "TIMEOUT");
    let message = line["error"]["message"].as_str().unwrap();
    assert!(
        message.starts_with("alias target b.test.: no answer"),
        "{message}"
    );
}

#[test]
fn aliases_are_followed_only_with_the_flag() {
    let peer = Peer::udp(|query| match label(query) {
        "a" => vec![reply(query, 0, &[(CNAME, &name("b"))])],
        _ => vec![reply(query, 0, &[(A, &[192, 0, 2, 1])])],
    });
    for (flag, outcome, queries) in [("-q", "negative", 1), ("--follow-cname", "answered", 3)] {
        let args = ["dns", "a.test", flag, "-f", "ndjson", "-r"];
        let run = canvass(&[&args[..], &[&peer.resolver()]].concat()).exits(0);
        assert_eq!(run.whole(1)[0]["outcome"], outcome);
        assert_eq!(peer.queries(), queries);
    }
}
