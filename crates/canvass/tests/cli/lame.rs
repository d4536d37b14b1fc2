//! Servers that do not recurse, or answer with errors alone: by themselves, and beside one that
//! recurses.

use std::net::TcpListener;

use serde_json::{Value, json};

use crate::common::{LabChild, Run, canvass};
use crate::name_servers::NameServer;
use crate::peers::{Peer, reply};

const PARENT: &str = "\
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
sub NS ns.elsewhere.example.
";
/// The reverse zone of 10.0.0.0/8, of which 10.1.0.0/16 is delegated.
const REVERSE: &str = "\
$TTL 300
@ SOA ns.parent.test. hostmaster.parent.test. 1 3600 600 86400 300
@ NS ns.parent.test.
1 NS ns.elsewhere.example.
1.0.2 PTR www.sub.parent.test.
";

fn parent() -> NameServer {
    NameServer::bind(&[("parent.test", PARENT), ("10.in-addr.arpa", REVERSE)])
}

/// The state of a resolver, as its row in the summary has it.
#[track_caller]
fn state_of(run: &Run, resolver: &str) -> String {
    let row = run
        .err
        .lines()
        .find(|line| line.trim_start().starts_with(resolver))
        .unwrap_or_else(|| panic!("no row of {resolver} in:\n{}", run.err));
    let words: Vec<&str> = row.split("  ").map(str::trim).collect();
    words.last().unwrap().to_string()
}

/// Checks that a line failed for a referral.
#[track_caller]
fn assert_lame(line: &Value, resolver: &str, phase: &str) {
    assert_eq!(line["outcome"], "failed", "{line}");
    assert_eq!(line["status"], "LAME");
    let error = &line["error"];
    assert_eq!(
        (&error["phase"], &error["cause"]),
        (&phase.into(), &"lame".into())
    );
    let expected =
        format!("{resolver} does not recurse, and does not serve this name, in 1 attempt");
    let message = error["message"].as_str().unwrap();
    assert!(message.ends_with(&expected), "{message}");
}

#[test]
fn a_referral_is_not_no_data() {
    let bind = parent();
    let resolver = bind.resolver();
    let run = canvass(&[
        "dns",
        "www.sub.parent.test",
        "nothing.parent.test",
        "www.parent.test",
        "-t",
        "AAAA",
        "-r",
        &resolver,
        "-f",
        "ndjson",
        "-v",
    ])
    .exits(1);
    let lines = run.whole(3);
    assert_lame(&lines[0], &resolver, "dns");
    assert_eq!(lines[0]["attempts"], 1);
    assert_eq!(lines[0]["answers"], json!([]));
    // A server may deny names of its own zones.
    for (line, status) in lines[1..].iter().zip(["NXDOMAIN", "NOERROR"]) {
        assert_eq!(line["outcome"], "negative", "{line}");
        assert_eq!(line["status"], status);
    }
    assert_eq!(state_of(&run, &resolver), "does not recurse");
    let run = canvass(&["ptr", "10.1.0.1", "-r", &resolver, "-f", "ndjson"]).exits(1);
    assert_lame(&run.whole(1)[0], &resolver, "dns");
}

#[test]
fn a_host_whose_name_was_referred_is_not_reached() {
    let bind = parent();
    let resolver = bind.resolver();
    let url = "http://www.sub.parent.test:1/";
    let run = canvass(&["http", url, "-r", &resolver, "-f", "ndjson"]).exits(1);
    assert_lame(&run.whole(1)[0], &resolver, "resolve");
}

#[test]
fn a_name_that_was_referred_is_neither_confirmed_nor_unconfirmed() {
    let bind = parent();
    let args = ["ptr", "10.2.0.1", "--forward-confirm", "-f", "ndjson", "-r"];
    let run = canvass(&[&args[..], &[&bind.resolver()]].concat()).exits(0);
    let line = &run.whole(1)[0];
    assert_eq!(line["names"], json!(["www.sub.parent.test."]));
    assert_eq!(line["confirmed"], Value::Null);
    assert_eq!(line["forward"], json!({"www.sub.parent.test.": []}));
}

#[test]
fn a_server_that_does_not_recurse_spoils_nothing_beside_one_that_does() {
    let bind = parent();
    let lab = LabChild::start(&[]);
    let ask = |resolvers: &[&str]| {
        let mut args = vec!["ptr", "10.1.0.0/22", "-f", "ndjson"];
        resolvers.iter().for_each(|one| args.extend(["-r", one]));
        canvass(&args).exits(0)
    };
    let (lame, good) = (bind.resolver(), lab.resolver());
    let truth = ask(&[&good]);
    let run = ask(&[&lame, &good]);
    let told = |run: &Run| -> Vec<_> {
        let lines = run.whole(1024);
        lines
            .into_iter()
            .map(|line| (line["outcome"].clone(), line["names"].clone()))
            .collect()
    };
    assert_eq!(told(&run), told(&truth));
    assert_eq!(run.balance(), truth.balance());
    let state = state_of(&run, &lame);
    assert!(state.ends_with("does not recurse"), "{state}");
    assert_eq!(state_of(&run, &good), "good");
    assert!(run.err.contains("not recursed "), "{}", run.err);
}

#[test]
fn a_host_is_found_through_the_resolver_that_recurses() {
    let bind = parent();
    let unbound = NameServer::unbound(&[
        "local-zone: \"sub.parent.test.\" static",
        "local-data: \"www.sub.parent.test. A 127.0.0.1\"",
    ]);
    let host = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = host.local_addr().unwrap().port();
    let (lame, good) = (bind.resolver(), unbound.resolver());
    let target = format!("www.sub.parent.test:{port}");
    // Whichever is asked first.
    for resolvers in [[&lame, &good], [&good, &lame]] {
        let [first, second] = resolvers.map(String::as_str);
        let run = canvass(&["tcp", &target, "-r", first, "-r", second, "-f", "ndjson"]).exits(0);
        assert_eq!(run.whole(1)[0]["status"], "OPEN");
    }
    let run = canvass(&["tcp", &target, "-r", &lame, "-f", "ndjson"]).exits(1);
    assert_lame(&run.whole(1)[0], &lame, "resolve");
}

#[test]
fn a_resolver_that_refuses_is_not_called_good() {
    let unbound = NameServer::unbound(&["access-control: 127.0.0.0/8 refuse"]);
    let resolver = unbound.resolver();
    let args = ["ptr", "10.0.0.1", "-vf", "ndjson", "--retries", "1", "-r"];
    let run = canvass(&[&args[..], &[&resolver]].concat()).exits(1);
    let line = &run.whole(1)[0];
    assert_eq!(
        (&line["outcome"], &line["status"]),
        (&"failed".into(), &"REFUSED".into())
    );
    assert_eq!(line["error"]["cause"], "rcode");
    assert_eq!(state_of(&run, &resolver), "no usable answer");
}

#[test]
fn only_a_resolver_that_answers_is_called_good() {
    for (peer, state) in [
        (Peer::honest(), "good"),
        (Peer::silent(), "no usable answer"),
        (
            Peer::udp(|query| vec![reply(query, 2, &[])]),
            "no usable answer",
        ),
        (
            Peer::udp(|query| vec![reply(query, 5, &[])]),
            "no usable answer",
        ),
        (
            Peer::udp(|query| vec![unfounded(query)]),
            "does not recurse",
        ),
    ] {
        let resolver = peer.resolver();
        let args = [
            "ptr",
            "10.0.0.1",
            "-v",
            "--timeout",
            "50ms",
            "--retries",
            "1",
        ];
        let run = canvass(&[&args[..], &["-r", &resolver]].concat());
        assert_eq!(state_of(&run, &resolver), state);
    }
}

/// An empty reply of a server that neither has authority nor recurses.
fn unfounded(query: &[u8]) -> Vec<u8> {
    let mut reply = reply(query, 0, &[]);
    reply[3] = 0;
    reply
}

#[test]
fn the_text_says_that_the_server_does_not_recurse() {
    let peer = Peer::udp(|query| vec![unfounded(query)]);
    let run = canvass(&["ptr", "10.0.0.1", "-r", &peer.resolver()]).exits(1);
    let expected = format!(
        "10.0.0.1\tLAME\t{} does not recurse, and does not serve this name, in 1 attempt\n",
        peer.address
    );
    assert_eq!(run.out, expected);
}
