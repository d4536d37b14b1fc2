//! Asking BIND and Unbound about zones that are signed, well and badly.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::common::canvass;
use crate::name_servers::NameServer;

const MISSING: &str = "a program is missing: scripts/test-deps installs what the tests need";
/// The zone whose signatures are good, and the one whose signatures have expired.
const ZONES: [(&str, &[&str]); 2] = [
    ("signed.test", &[]),
    (
        "bogus.test",
        &["-P", "-s", "20200101000000", "-e", "20200201000000"],
    ),
];
const ZONE: &str = "\
$TTL 300
@ SOA ns host 1 3600 600 86400 300
@ NS ns
ns A 127.0.0.1
www A 192.0.2.1
alias CNAME www
old DNAME new
a.new A 192.0.2.2
sub NS ns.sub
ns.sub A 192.0.2.53
";

/// A BIND that serves [`ZONES`], and an Unbound that validates what it learns from it.
#[track_caller]
fn start() -> (NameServer, NameServer) {
    let zones = ZONES.map(|(zone, flags)| (zone, sign(zone, flags)));
    let texts = [0, 1].map(|at| (zones[at].0, &*zones[at].1.zone));
    let bind = NameServer::bind_with("server-id \"ns1.test\"; version \"9.test\";", &texts);
    let mut lines = vec![
        "do-not-query-localhost: no".to_owned(),
        "module-config: \"validator iterator\"".to_owned(),
        "ede: yes".to_owned(),
        "local-zone: \"test.\" nodefault".to_owned(),
    ];
    lines.extend(
        zones
            .iter()
            .map(|(_, signed)| format!("trust-anchor: \"{}\"", signed.key)),
    );
    let port = bind.address.port();
    lines.extend(zones.iter().map(|(zone, _)| {
        format!("\nstub-zone:\n  name: \"{zone}\"\n  stub-addr: 127.0.0.1@{port}")
    }));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    (bind, NameServer::unbound(&lines))
}

/// What dig prints.
fn dig(server: &NameServer, args: &[&str]) -> String {
    let port = server.address.port().to_string();
    let output = Command::new("dig")
        .args(["@127.0.0.1", "-p", &port, "+nocookie", "+noad"])
        .args(["+time=1", "+tries=1"])
        .args(args)
        .output()
        .expect(MISSING);
    String::from_utf8(output.stdout).unwrap()
}

/// The ndjson line of `canvass dns` with these arguments.
#[track_caller]
fn object(server: &NameServer, args: &[&str], code: i32) -> Value {
    let resolver = server.resolver();
    let common = [
        "dns",
        "-r",
        &resolver,
        "-f",
        "ndjson",
        "-q",
        "--retries",
        "0",
    ];
    canvass(&[&common, args].concat())
        .exits(code)
        .whole(1)
        .remove(0)
}

/// The same in the format text.
#[track_caller]
fn plain_text(server: &NameServer, args: &[&str], code: i32) -> String {
    let resolver = server.resolver();
    let common = ["dns", "-r", &resolver, "-q", "--retries", "0"];
    canvass(&[&common, args].concat()).exits(code).out
}

/// A zone with its signatures, and its key as a zone file has it.
struct Signed {
    zone: String,
    key: String,
}

/// Signs [`ZONE`] as the zone of this name.
#[track_caller]
fn sign(zone: &str, flags: &[&str]) -> Signed {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let file = directory.join(zone);
    fs::write(&file, ZONE).unwrap();
    let output = Command::new("dnssec-keygen")
        .args(["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", zone])
        .current_dir(directory)
        .output()
        .expect(MISSING);
    let name = String::from_utf8(output.stdout).unwrap();
    let key = fs::read_to_string(directory.join(format!("{}.key", name.trim()))).unwrap();
    let output = Command::new("dnssec-signzone")
        .args(["-q", "-S", "-z", "-o", zone])
        .args(flags)
        .arg(&file)
        .current_dir(directory)
        .output()
        .expect(MISSING);
    assert!(output.status.success(), "{output:?}");
    let record = key.lines().find(|line| !line.starts_with(';'));
    Signed {
        zone: fs::read_to_string(directory.join(format!("{zone}.signed"))).unwrap(),
        key: record.expect("a key file has a record").to_owned(),
    }
}

/// The types of the records in a section of a line.
fn types(section: &Value) -> Vec<&str> {
    let records = section.as_array().expect("a section is a list");
    records
        .iter()
        .map(|record| record["type"].as_str().unwrap())
        .collect()
}

#[test]
fn bind_and_unbound_are_asked_as_dig_asks_them() {
    let (bind, unbound) = &start();
    chaos_class(bind);
    signatures(bind);
    referral(bind);
    flags_are_those_of_dig(bind, unbound);
    bogus_signatures(unbound);
}

fn chaos_class(bind: &NameServer) {
    let version = ["version.bind", "-t", "TXT", "--class", "CH", "--nsid"];
    assert_eq!(
        plain_text(bind, &version, 0),
        "version.bind\tCH TXT\tNOERROR\t\"9.test\"\tNSID: 6e 73 31 2e 74 65 73 74 (\"ns1.test\")\n"
    );
    let line = object(bind, &version, 0);
    let record = json!([
        {"name": "version.bind.", "type": "TXT", "class": "CH", "ttl": 0, "data": "\"9.test\""},
    ]);
    assert_eq!((&line["class"], &line["answers"]), (&json!("CH"), &record));
    assert_eq!(
        line["nsid"],
        json!({"hex": "6e73312e74657374", "text": "ns1.test"})
    );
    let theirs = dig(bind, &["version.bind", "TXT", "CH", "+nsid"]);
    let nsid = "; NSID: 6e 73 31 2e 74 65 73 74 (\"ns1.test\")";
    assert!(theirs.contains(nsid), "{theirs}");
}

fn signatures(bind: &NameServer) {
    let line = object(bind, &["www.signed.test", "--dnssec"], 0);
    assert_eq!(types(&line["answers"]), ["A", "RRSIG"]);
    assert_eq!(
        (&line["outcome"], &line["edns"]),
        (&json!("answered"), &json!(true))
    );
    let line = object(bind, &["alias.signed.test", "--dnssec"], 0);
    assert_eq!(types(&line["answers"]), ["CNAME", "RRSIG", "A", "RRSIG"]);
    // The CNAME that comes with a DNAME has no signature.
    let line = object(bind, &["a.old.signed.test", "--dnssec"], 0);
    assert_eq!(
        types(&line["answers"]),
        ["DNAME", "RRSIG", "CNAME", "A", "RRSIG"]
    );
    // Signatures are not what was asked for.
    let line = object(
        bind,
        &["alias.signed.test", "-t", "MX", "--dnssec", "--sections"],
        0,
    );
    assert_eq!(types(&line["answers"]), ["CNAME", "RRSIG"]);
    assert_eq!(types(&line["authority"]), ["SOA", "RRSIG", "NSEC", "RRSIG"]);
    assert_eq!(line["outcome"], "negative");
    assert_eq!(
        types(&object(bind, &["www.signed.test"], 0)["answers"]),
        ["A"]
    );
}

fn referral(bind: &NameServer) {
    let line = object(
        bind,
        &["x.sub.signed.test", "--no-recurse", "--sections"],
        0,
    );
    assert_eq!(
        (&line["authority"], &line["additional"], &line["flags"]),
        (
            &json!([{"name": "sub.signed.test.", "type": "NS", "ttl": 300,
                     "data": "ns.sub.signed.test."}]),
            &json!([{"name": "ns.sub.signed.test.", "type": "A", "ttl": 300,
                     "data": "192.0.2.53"}]),
            &json!([]),
        )
    );
    assert_eq!(
        plain_text(
            bind,
            &["x.sub.signed.test", "--no-recurse", "--sections"],
            0
        ),
        "x.sub.signed.test\tA\tNOERROR\t-\tflags: - | \
         AUTHORITY: sub.signed.test. 300 NS ns.sub.signed.test. | \
         ADDITIONAL: ns.sub.signed.test. 300 A 192.0.2.53\n"
    );
}

fn flags_are_those_of_dig(bind: &NameServer, unbound: &NameServer) {
    for (server, name, flags, options) in [
        (bind, "www.signed.test", &[][..], &[][..]),
        (bind, "www.signed.test", &["--no-recurse"], &["+norec"]),
        (bind, "nothing.signed.test", &["--cd"], &["+cd"]),
        (unbound, "www.signed.test", &[], &[]),
        (unbound, "www.signed.test", &["--dnssec"], &["+dnssec"]),
        (
            unbound,
            "www.signed.test",
            &["--dnssec", "--cd"],
            &["+dnssec", "+cd"],
        ),
        (
            unbound,
            "www.bogus.test",
            &["--no-edns", "--cd"],
            &["+noedns", "+cd"],
        ),
    ] {
        let mut args = vec![name];
        args.extend(flags);
        let line = object(server, &args, 0);
        let ours = line["flags"].as_array().unwrap().iter();
        let ours: Vec<_> = ours.map(|flag| flag.as_str().unwrap()).collect();
        let mut args = vec![name, "+noall", "+comments"];
        args.extend(options);
        let theirs = dig(server, &args);
        let (_, flags) = theirs.split_once(";; flags: qr").expect("dig shows flags");
        let (flags, _) = flags.split_once(';').unwrap();
        assert_eq!(
            ours,
            flags.split_whitespace().collect::<Vec<_>>(),
            "{name} {options:?}"
        );
    }
    let text = plain_text(unbound, &["www.signed.test", "--dnssec"], 0);
    assert!(text.ends_with("\tflags: rd ra ad\n"), "{text}");
}

fn bogus_signatures(unbound: &NameServer) {
    // What Unbound says may change when it has the failure in its cache.
    dig(unbound, &["www.bogus.test"]);
    let line = object(unbound, &["www.bogus.test"], 1);
    assert_eq!(line["status"], "SERVFAIL");
    let error = &line["ede"][0];
    let (code, name) = (&error["code"], error["name"].as_str().unwrap());
    let theirs = dig(unbound, &["www.bogus.test"]);
    assert!(
        theirs.contains(&format!("; EDE: {code} ({name})")),
        "{theirs}"
    );
    let message = line["error"]["message"].as_str().unwrap();
    assert!(message.contains(&format!(": {name} ({code})")), "{message}");
    assert_eq!(
        object(unbound, &["www.bogus.test", "--cd"], 0)["outcome"],
        "answered"
    );
}
