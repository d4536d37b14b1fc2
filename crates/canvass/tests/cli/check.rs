//! `canvass check`: one list of endpoints of several kinds.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use serde_json::Value;

use crate::common::{Run, canvass, canvass_reading, values};
use crate::dovecot::{self, Dovecot};
use crate::exim::Exim;
use crate::name_servers::NameServer;
use crate::nginx::Nginx;
use crate::peers::closed_port;
use crate::probe_peers::{TcpPeer, UdpHost};
use crate::probing::{assert_line, canvass_as};

const ZONE: &str = "\
$TTL 300
@ SOA ns host 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
@ MX 10 mail
mail A 192.0.2.25
";

fn check(args: &[&str], list: &str) -> Run {
    let all = [&["check", "-i", "-", "-f", "ndjson"], args].concat();
    canvass_reading(&all, list)
}

fn keys(object: &Value) -> BTreeSet<&str> {
    let keys = object.as_object().unwrap().keys();
    // It is there only when this machine held the run up.
    let keys = keys.filter(|key| *key != "stalled");
    keys.map(String::as_str).collect()
}

/// The bytes of files, one after the other, in a file of this directory.
fn joined(directory: &tempfile::TempDir, files: &[String]) -> String {
    let path = directory.path().join("all.pem");
    let all: String = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    fs::write(&path, all).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn one_list_is_checked_by_scheme_against_real_servers() {
    let (nginx, dovecot, exim) = (Nginx::start(), Dovecot::start(), Exim::start());
    let named = NameServer::bind(&[("check.test", ZONE)]);
    let directory = tempfile::tempdir().unwrap();
    let socket = directory.path().join("socket");
    let _listener = UnixListener::bind(&socket).unwrap();
    let roots = joined(
        &directory,
        &[nginx.file("certificate.pem"), dovecot.certificate()],
    );
    let echo = UdpHost::start(1, 0, |_, _| b"here".to_vec());
    let closed = closed_port();
    let page = nginx.secure_url("127.0.0.1", "/status");
    let secure = page.strip_prefix("https://").unwrap();
    let secure = secure.strip_suffix("/status").unwrap();
    let resolver = named.resolver();
    let ports = dovecot.ports;
    let expected: Vec<(String, &str, &str, &str)> = vec![
        (page.clone(), "http", "answered", "200"),
        (nginx.url("127.0.0.1", "/none"), "http", "answered", "404"),
        (format!("tcp://{}", ports.imap), "tcp", "answered", "OPEN"),
        (format!("tcp://{closed}"), "tcp", "failed", "CONNREFUSED"),
        (format!("tls://{secure}"), "tcp", "answered", "OPEN"),
        (
            format!("smtp://{}", exim.peer.target()),
            "tcp",
            "answered",
            "MATCHED",
        ),
        (
            format!("imap://{}", ports.imap),
            "tcp",
            "answered",
            "MATCHED",
        ),
        (
            format!("imaps://{}", ports.imaps),
            "tcp",
            "answered",
            "MATCHED",
        ),
        (
            format!("udp://{}", echo.address),
            "udp",
            "answered",
            "MATCHED",
        ),
        (
            format!("dns://{resolver}/check.test?type=MX"),
            "dns",
            "answered",
            "NOERROR",
        ),
        (
            format!("dns://{resolver}/check.test?type=TXT"),
            "dns",
            "negative",
            "NOERROR",
        ),
        (
            format!("dns://{resolver}/no.check.test"),
            "dns",
            "negative",
            "NXDOMAIN",
        ),
        (
            format!("unix:{}", socket.display()),
            "tcp",
            "answered",
            "OPEN",
        ),
        ("127.0.0.1:443".into(), "tcp", "failed", "INVALID"),
        ("htps://127.0.0.1/".into(), "tcp", "failed", "INVALID"),
        ("https://127.0.0.1:0/".into(), "http", "failed", "INVALID"),
    ];
    let mut list = String::from("# everything\n\n");
    expected
        .iter()
        .for_each(|(target, ..)| list.push_str(&format!("{target}  # one\n")));
    let run = check(&["--cacert", &roots], &list).exits(1);
    let objects = run.whole(16);
    for (index, (object, expected)) in objects.iter().zip(&expected).enumerate() {
        let read = (
            object["target"].as_str().unwrap().to_owned(),
            object["probe"].as_str().unwrap(),
            object["outcome"].as_str().unwrap(),
            object["status"].as_str().unwrap(),
        );
        assert_eq!(read, *expected, "{object}");
        assert_eq!(object["line"], index + 3);
        if object["probe"] != "dns" {
            assert_line(object);
        }
    }
    assert_eq!(run.balance(), [16, 10, 2, 4]);
    assert_eq!(objects[4]["tls"]["verified"], true);
    assert_eq!(objects[4]["tls"]["subject"], "CN=web.test");
    assert_eq!(objects[7]["tls"]["subject"], "CN=dovecot.test");
    assert_eq!(objects[9]["answers"][0]["data"], "10 mail.check.test.");
    assert_eq!(objects[9]["resolver"], resolver);
    let message = |index: usize| objects[index]["error"]["message"].as_str().unwrap();
    assert!(
        message(13).contains("such as tcp://HOST:PORT"),
        "{}",
        message(13)
    );
    assert!(
        message(14).contains("did you mean https"),
        "{}",
        message(14)
    );

    // A line is the one of the command for its probe alone.
    for (index, args) in [
        (0, vec!["http", &page, "--cacert", &roots]),
        (4, vec!["tcp", secure, "--tls", "--cacert", &roots]),
        (9, vec!["dns", "check.test", "-t", "MX", "-r", &resolver]),
    ] {
        let alone = canvass(&[&args[..], &["-f", "ndjson"]].concat()).exits(0);
        assert_eq!(keys(&objects[index]), keys(&alone.whole(1)[0]), "{args:?}");
    }
}

#[test]
fn what_is_not_there_counts_against_the_exit_status() {
    let named = NameServer::bind(&[("check.test", ZONE)]);
    let resolver = named.resolver();
    let [there, missing, empty] = ["check.test?type=MX", "no.check.test", "check.test?type=TXT"]
        .map(|question| format!("dns://{resolver}/{question}"));
    canvass(&["check", &there]).exits(0);
    canvass(&["check", &missing]).exits(1);
    canvass(&["check", &empty]).exits(1);
    canvass(&["check", &there, &missing, "--fail-below", "50"]).exits(0);
    // It is an answer where names are looked up.
    canvass(&["dns", "no.check.test", "-r", &resolver]).exits(0);
    // A question without a resolver goes to that of the run.
    let run = check(&["-r", &resolver], "dns:///check.test?type=MX\n").exits(0);
    assert_eq!(run.whole(1)[0]["resolver"], resolver);
}

#[test]
fn every_format_has_a_line_for_each_endpoint_and_report_reads_them() {
    let list = "https://good.lab.test/\ntcp://www.lab.test:22\nimap://www.lab.test\n\
                dns:///example.net?type=MX\nudp://127.0.0.1:daytime\nno scheme\n";
    let run = canvass_reading(&["check", "--lab", "-q"], list).exits(1);
    let mut lines: Vec<&str> = run.out.lines().collect();
    lines.sort_unstable();
    for (line, part) in lines.iter().zip([
        "dns:///example.net?type=MX\tMX\tNOERROR\t10 mail.example.net.",
        "https://good.lab.test/\t200\t162\t",
        "imap://www.lab.test\tMATCHED\t",
        "no scheme\tINVALID\t-\tinvalid: an endpoint begins with its scheme",
        "tcp://www.lab.test:22\tOPEN\t",
        "udp://127.0.0.1:daytime\tMATCHED\t",
    ]) {
        assert!(line.starts_with(part), "{line}");
    }

    let run = canvass_reading(&["check", "--lab", "-q", "-f", "csv"], list).exits(1);
    let rows: Vec<&str> = run.out.lines().collect();
    assert_eq!(rows.len(), 7);
    assert!(rows[0].starts_with("seq,line,target,probe,outcome,status,type,answers,resolver,"));
    let row = |probe: &str| {
        let cell = format!(",{probe},");
        let row = rows[1..].iter().find(|row| row.contains(&cell));
        *row.unwrap_or_else(|| panic!("no row of {probe} in {rows:#?}"))
    };
    assert!(row("dns").contains(",answered,NOERROR,MX,example.net. 400 MX 10 mail.example.net. |"));
    assert!(row("http").contains(",https://good.lab.test/,162,"));
    assert!(row("http").contains(",TLSv1.3,"));

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run.ndjson");
    let path = path.to_str().unwrap();
    let run = canvass_reading(&["check", "--lab", "-vf", "ndjson", "-o", path], list).exits(1);
    assert_eq!(run.balance(), [6, 5, 0, 1]);
    for phase in ["dns", "connect"] {
        let has_phase = |line: &str| line.split_whitespace().next() == Some(phase);
        assert!(run.err.lines().any(has_phase), "no {phase} in {}", run.err);
    }
    let report = canvass(&["report", path]).exits(0);
    assert_eq!(report.err, "");
    for word in ["dns http tcp udp", "phase-dns", "phase-connect", "MATCHED"] {
        assert!(report.out.contains(word), "{word}");
    }
}

#[test]
fn nothing_leaves_for_elsewhere_with_a_lab() {
    let list = "dns://192.0.2.53/www.lab.test\nsmtp://192.0.2.25\ntls://203.0.113.1\n";
    let run = check(&["--lab", "-k"], list).exits(0);
    let objects = run.whole(3);
    for (object, key) in objects.iter().zip(["resolver", "remote", "remote"]) {
        let address = object[key].as_str().unwrap();
        assert!(address.starts_with("127.0.0.1:"), "{object}");
    }
    // One that is here already is asked.
    let named = NameServer::bind(&[("check.test", ZONE)]);
    let target = format!("dns://{}/check.test?type=MX", named.resolver());
    let run = check(&["--lab"], &target).exits(0);
    assert_eq!(run.whole(1)[0]["resolver"], named.resolver());
}

#[test]
fn the_flags_of_lists_hold_for_endpoints() {
    let peer = TcpPeer::serve(drop);
    let port = peer.address.port();
    let list = format!(
        "name,endpoint\na,tcp://127.0.0.1:{port}\nb,\"tcp://127.0.0.1:{port}/\"\n\
         c,tcp://127.0.0.2:{port}\nd,tcp://127.0.0.3:{port}\n"
    );
    let fields = ["--field", "2", "--delimiter", ",", "--skip-lines", "1"];
    let dedup = ["--dedup", "--exclude", "127.0.0.2"];
    let run = check(&[&fields[..], &dedup].concat(), &list).exits(1);
    let objects = run.whole(2);
    let [first, last] = ["1", "3"].map(|octet| format!("tcp://127.0.0.{octet}:{port}"));
    assert_eq!(values(&objects, "target"), [first.as_str(), &last]);
    assert_eq!(values(&objects, "status"), ["OPEN", "CONNREFUSED"]);
    run.says("repeated targets left out: 1");
    let run = check(&[&fields[..], &["--limit", "1"]].concat(), &list).exits(0);
    assert_eq!(values(&run.whole(1), "target"), [first]);
    let run = check(&["--strict"], &list).exits(2);
    run.says("such as tcp://HOST:PORT");
}

#[test]
fn headers_redirects_and_credentials_reach_the_endpoints_they_are_for() {
    let peer = TcpPeer::serve(|mut stream| {
        let mut request = Vec::new();
        let mut octet = [0];
        while !request.ends_with(b"\r\n\r\n") && stream.read(&mut octet).unwrap() == 1 {
            request.push(octet[0]);
        }
        let _ = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        String::from_utf8(request).unwrap()
    });
    let url = format!("http://{}/", peer.target());
    check(&["-H", "X-Check: yes"], &url).exits(0);
    assert!(peer.result().contains("\r\nX-Check: yes\r\n"));

    let nginx = Nginx::start();
    let moved = nginx.url("127.0.0.1", "/moved");
    assert_eq!(check(&[], &moved).exits(0).whole(1)[0]["status"], "301");
    assert_eq!(
        check(&["--follow", "1"], &moved).exits(0).whole(1)[0]["status"],
        "200"
    );

    let dovecot = Dovecot::start();
    let target = format!("imaps://{}", dovecot.ports.imaps);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("credentials");
    let certificate = dovecot.certificate();
    let args = ["check", &target, "--cacert", &certificate, "-f", "ndjson"];
    for (password, code, status) in [(dovecot::PASSWORD, 0, "MATCHED"), ("wrong", 1, "UNMATCHED")] {
        std::fs::write(&file, format!("{}\n{password}\n", dovecot::USER)).unwrap();
        let from_file = ["--credentials", file.to_str().unwrap()];
        let run = canvass(&[&args[..], &from_file].concat()).exits(code);
        assert_eq!(run.whole(1)[0]["status"], status, "{}", run.out);
    }
    // Those of the environment go to no server.
    canvass_as(Some((dovecot::USER, "wrong")), &args).exits(0);
}

#[test]
fn a_dead_resolver_fails_its_questions_and_nothing_else() {
    let peer = TcpPeer::serve(drop);
    let dead = closed_port().to_string();
    let mut list: String = (0..30)
        .map(|index| format!("dns:///n{index}.test\n"))
        .collect();
    list.push_str(&format!("tcp://{}\ntcp://name.test:1\n", peer.target()));
    let args = ["-r", &dead, "--deadline", "1500ms", "--retries", "1"];
    let run = check(&args, &list).exits(1);
    let objects = run.whole(32);
    assert_eq!(run.balance(), [32, 1, 0, 31]);
    assert_eq!(objects[30]["status"], "OPEN");
    for object in &objects[..30] {
        // Some are asked, and others wait for the resolver until they are given up.
        let phase = object["error"]["phase"].as_str().unwrap();
        assert!(["dns", "wait"].contains(&phase), "{object}");
    }
}
