//! Who is asked: URLs, bare hosts, names and who looks them up, families, sockets.

use std::fs;
use std::io::Write;
use std::net::{Ipv6Addr, TcpListener};
use std::os::unix::net::UnixListener;
use std::thread;

use serde_json::json;

use crate::common::{canvass, distinct};
use crate::http_peers::{Server, header, ok, read_request};
use crate::http_rig::{WebLab, fault, http, lines, message, probe, reached};
use crate::peers::{Peer, closed_port};

#[test]
fn a_bare_host_is_asked_by_https_and_by_http_where_that_comes_to_nothing() {
    let object = probe(&["--lab"], "lab.test");
    assert_eq!(object["url"], "https://lab.test/");
    assert_eq!(object["tls"]["verified"], true);

    // Plain text where TLS was to be, an alert, a reset, a close: http, on the usual port.
    for name in ["notls", "alert", "reset", "close"] {
        let target = format!("{name}.lab.test/status/204?a=b");
        let object = probe(&["--lab"], &target);
        assert_eq!(object["target"], target);
        assert_eq!(object["status"], "204", "{object}");
        assert_eq!(object["url"], format!("http://{target}"));
        assert!(object["tls"].is_null(), "{object}");
        assert!(!object["phases_ms"]["tls"].is_null(), "{object}");
    }

    // A port that refuses, and one that speaks HTTP alone.
    let closed = closed_port().to_string();
    let object = probe(&[], &closed);
    assert_eq!(fault(&object), ("CONNREFUSED", "connect", "refused"));
    assert_eq!(object["url"], format!("http://{closed}/"));
    let server = Server::saying(ok("hello"));
    let object = probe(&[], &server.address.to_string());
    assert_eq!(object["status"], "200", "{object}");
    assert_eq!(object["url"], server.url("/"));
}

#[test]
fn https_with_a_bad_certificate_or_a_written_scheme_does_not_become_http() {
    let run = http(&["--lab"], &["expired.lab.test", "https://notls.lab.test/"]);
    let objects = lines(&run.exits(1), 2);
    assert_eq!(fault(&objects[0]), ("TLS", "tls", "expired"));
    assert_eq!(fault(&objects[1]), ("TLS", "tls", "handshake"));
    assert_eq!(objects[1]["url"], "https://notls.lab.test/");
}

#[test]
fn a_thousand_urls_of_one_host_are_one_lookup() {
    let lab = WebLab::local();
    let targets: Vec<String> = (0..1000)
        .map(|number| lab.url("many.lab.test", &format!("/bytes/{number}")))
        .collect();
    let run = http(&["-r", &lab.resolver(), "-4"], &targets).exits(0);
    let objects = lines(&run, 1000);
    for (number, object) in objects.iter().enumerate() {
        assert_eq!(object["body_bytes"], number);
    }
    // Requests that came during the lookup waited for it, later ones did not.
    assert!(
        objects
            .iter()
            .any(|object| object["phases_ms"]["resolve"].is_f64())
    );
    let run = run.says("names: needed 1000, looked up 1");
    drop(run);
    let report = lab.report();
    assert!(
        report.contains("lab: 1 query over UDP, 1 answered"),
        "{report}"
    );
}

#[test]
fn both_halves_of_a_name_are_looked_up_and_each_alone_with_its_flag() {
    let lab = WebLab::start("127.0.0.1:0", &["--ipv6"]);
    let (resolver, url) = (lab.resolver(), lab.url("both.lab.test", "/"));
    let remote = |family: &[&str]| {
        let mut args = vec!["-r", &resolver];
        args.extend(family);
        probe(&args, &url)["remote"].as_str().unwrap().to_owned()
    };
    let port = lab.http.port();
    // RFC 8305 §4: IPv6 first.
    assert_eq!(remote(&[]), format!("[::1]:{port}"));
    assert_eq!(remote(&["-6"]), format!("[::1]:{port}"));
    assert_eq!(remote(&["-4"]), format!("127.0.0.1:{port}"));
    let report = lab.report();
    assert!(report.contains("lab: 4 queries over UDP"), "{report}");
}

#[test]
fn a_family_that_refuses_leaves_the_other() {
    let lab = WebLab::local();
    let url = lab.url("both.lab.test", "/");
    let object = probe(&["-r", &lab.resolver()], &url);
    assert_eq!(object["remote"], lab.http.to_string(), "{object}");
    assert_eq!(
        (&object["outcome"], &object["attempts"]),
        (&json!("answered"), &json!(1))
    );
    let object = probe(&["-r", &lab.resolver(), "-6"], &url);
    assert_eq!(fault(&object), ("CONNREFUSED", "connect", "refused"));
    assert_eq!(object["error"]["errno"], "ECONNREFUSED");
}

#[test]
fn all_addresses_have_a_verdict_each_on_one_line() {
    let lab = WebLab::local();
    let url = lab.url("both.lab.test", "/");
    let args = ["-r", &lab.resolver(), "--all-addresses"];
    let object = probe(&args, &url);
    assert_eq!(
        fault(&object),
        ("CONNREFUSED", "connect", "refused"),
        "{object}"
    );
    let addresses = object["addresses"].as_array().unwrap();
    let port = lab.http.port();
    let seen: Vec<_> = addresses
        .iter()
        .map(|one| {
            (
                one["remote"].as_str().unwrap(),
                one["status"].as_str().unwrap(),
            )
        })
        .collect();
    let (six, four) = (format!("[::1]:{port}"), format!("127.0.0.1:{port}"));
    assert_eq!(seen, [(&*six, "CONNREFUSED"), (&*four, "200")]);
    assert_eq!(addresses[0]["error"]["errno"], "ECONNREFUSED");
    assert!(addresses[1]["error"].is_null());
    assert!(addresses[0]["phases_ms"]["first_byte"].is_null());
    assert!(addresses[1]["phases_ms"]["first_byte"].is_f64());

    let both = WebLab::start("127.0.0.1:0", &["--ipv6"]);
    let args = ["-r", &both.resolver(), "--all-addresses"];
    let object = probe(&args, &both.url("both.lab.test", "/status/204"));
    assert_eq!(
        (&object["outcome"], &object["status"]),
        (&json!("answered"), &json!("204"))
    );
    assert_eq!(object["addresses"].as_array().unwrap().len(), 2);
}

#[test]
fn a_connection_that_does_not_come_about_is_overtaken_by_the_next_address() {
    // A backlog that is full answers no SYN: the first address hangs.
    let full = TcpListener::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    let port = full.local_addr().unwrap().port();
    rustix::net::listen(&full, 0).unwrap();
    let held: Vec<_> = (0..8)
        .map(|_| {
            let socket = rustix::net::socket_with(
                rustix::net::AddressFamily::INET6,
                rustix::net::SocketType::STREAM,
                rustix::net::SocketFlags::NONBLOCK,
                None,
            )
            .unwrap();
            // It goes on by itself, or hangs.
            let _ = rustix::net::connect(&socket, &full.local_addr().unwrap());
            socket
        })
        .collect();
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let server = Server::on(listener, |mut caller| {
        if caller.request().is_some() {
            caller.say(&ok("four"));
        }
    });
    let lab = WebLab::local();
    let url = format!("http://both.lab.test:{port}/");
    let object = probe(&["-r", &lab.resolver()], &url);
    assert_eq!(object["remote"], server.address.to_string(), "{object}");
    assert_eq!(object["status"], "200");
    let connect_ms = object["phases_ms"]["connect"].as_f64().unwrap();
    // RFC 8305 §5: after a quarter of a second.
    assert!(connect_ms >= 249.0, "{object}");
    drop(held);
}

#[test]
fn names_fail_in_each_way_that_a_lookup_can() {
    let run = http(
        &["--lab"],
        &["http://nxdomain.lab.test/", "http://nodata.lab.test/"],
    );
    let objects = lines(&run.exits(1), 2);
    assert_eq!(fault(&objects[0]), ("NXDOMAIN", "resolve", "nxdomain"));
    assert_eq!(fault(&objects[1]), ("NOERROR", "resolve", "nodata"));
    for object in &objects {
        assert_eq!(reached(object), ["wait", "resolve"], "{object}");
        assert!(object["remote"].is_null());
    }
    let object = probe(
        &["--lab", "--deadline", "700ms"],
        "http://servfail.lab.test/",
    );
    assert_eq!(object["error"]["phase"], "resolve", "{object}");
    assert_eq!(reached(&object), ["wait", "resolve"]);
    assert_eq!(fault(&object).1, "resolve");

    let silent = Peer::silent();
    let resolver = silent.resolver();
    // No other limit ends it before a test gives up.
    let limits = ["--resolve-timeout", "300ms", "--deadline", "10m"];
    let args = [&["-r", &resolver], &limits[..]].concat();
    let object = probe(&args, "http://silent.test/");
    assert_eq!(fault(&object), ("TIMEOUT", "resolve", "timeout"));
    assert!(message(&object).contains("silent.test"), "{object}");
    let resolve_ms = object["phases_ms"]["resolve"].as_f64().unwrap();
    assert!(resolve_ms >= 300.0, "{object}");
}

#[test]
fn the_system_may_look_names_up() {
    let server = Server::saying(ok("hello"));
    let port = server.address.port();
    // /etc/hosts has it on every system.
    let url = format!("http://localhost:{port}/");
    let silent = Peer::silent();
    let args = ["--resolve", "system", "-4", "-r", &silent.resolver()];
    let object = probe(&args, &url);
    assert_eq!(object["status"], "200", "{object}");
    assert_eq!(object["remote"], server.address.to_string());
    assert_eq!(silent.queries(), 0);
    let request = server.requests().remove(0);
    assert_eq!(
        header(&request, "Host"),
        Some(&*format!("localhost:{port}"))
    );
}

#[test]
fn connections_are_led_elsewhere_and_requests_are_not() {
    let server = Server::saying(ok("hello"));
    let port = server.address.port().to_string();
    let silent = Peer::silent();
    for (pin, url) in [
        (
            format!("pinned.test:80:127.0.0.1:{port}"),
            "http://pinned.test/",
        ),
        (format!("::127.0.0.1:{port}"), "http://any.test:8080/"),
        (format!(":81::{port}"), "http://127.0.0.1:81/"),
        (
            format!("pinned.test::127.0.0.1:{port}"),
            "http://pinned.test:99/",
        ),
    ] {
        let args = ["--connect-to", &pin, "-r", &silent.resolver()];
        let object = probe(&args, url);
        assert_eq!(object["status"], "200", "{object}");
        assert_eq!(object["remote"], server.address.to_string());
        assert_eq!(object["url"], url);
        let request = server.requests().pop().unwrap();
        let host = url.split('/').nth(2);
        assert_eq!(header(&request, "Host"), host);
    }
    assert_eq!(silent.queries(), 0);
    // A pin for another host does nothing.
    let pin = format!("other.test:80:127.0.0.1:{port}");
    let closed = closed_port();
    let object = probe(&["--connect-to", &pin], &format!("http://{closed}/"));
    assert_eq!(fault(&object), ("CONNREFUSED", "connect", "refused"));
}

#[test]
fn a_pin_keeps_the_name_for_tls() {
    let lab = WebLab::local();
    let pin = format!("good.lab.test:443:127.0.0.1:{}", lab.https.port());
    let args = ["--connect-to", &pin, "--cacert", &lab.ca()];
    let object = probe(&args, "https://good.lab.test/");
    assert_eq!(object["status"], "200", "{object}");
    assert_eq!(object["tls"]["verified"], true);
}

/// A web server at a path that answers `count` connections with what they asked for.
fn serve_unix(path: &std::path::Path, count: usize) -> thread::JoinHandle<Vec<String>> {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        let mut requests = Vec::new();
        for _ in 0..count {
            let (mut stream, _) = listener.accept().unwrap();
            requests.extend(read_request(&mut stream));
            let _ = stream.write_all(&ok("by path"));
        }
        requests
    })
}

#[test]
fn sockets_in_the_file_system_are_asked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("web");
    let text = path.display().to_string();
    let server = serve_unix(&path, 3);

    let object = probe(&[], &format!("unix:{text}"));
    assert_eq!(object["status"], "200", "{object}");
    assert_eq!(object["remote"], format!("unix:{text}"));
    assert_eq!(object["body_bytes"], "by path".len());
    assert!(object["phases_ms"]["resolve"].is_null());
    let urls = ["http://a.test/x", "http://b.test:81/y"];
    let objects = lines(&http(&["--unix-socket", &text], &urls).exits(0), 2);
    for object in &objects {
        assert_eq!(object["remote"], format!("unix:{text}"));
    }
    let mut requests = server.join().unwrap();
    assert_eq!(header(&requests.remove(0), "Host"), Some("localhost"));
    let mut hosts: Vec<_> = requests.iter().map(|one| header(one, "Host")).collect();
    hosts.sort_unstable();
    assert_eq!(hosts, [Some("a.test"), Some("b.test:81")]);
}

#[test]
fn a_socket_that_is_not_there_or_not_served_is_no_fault_of_this_program() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("none");
    let object = probe(&[], &format!("unix:{}", path.display()));
    assert_eq!(object["outcome"], "failed");
    assert_eq!(object["error"]["errno"], "ENOENT", "{object}");
    assert_eq!(object["error"]["phase"], "connect");
    drop(UnixListener::bind(&path).unwrap());
    let object = probe(&[], &format!("unix:{}", path.display()));
    assert_eq!(
        fault(&object),
        ("CONNREFUSED", "connect", "refused"),
        "{object}"
    );
}

#[test]
fn spans_and_ports_make_targets_and_arguments_and_files_give_them() {
    let lab = WebLab::start("0.0.0.0:0", &[]);
    let port = lab.http.port().to_string();
    let run = http(
        &["--ports", &port],
        &["127.0.3.0/30", "127.0.4.1-127.0.4.3"],
    );
    let objects = lines(&run.exits(0), 7);
    let first = format!("127.0.3.0:{port}");
    assert_eq!(objects[0]["target"], first, "{}", objects[0]);
    assert_eq!(objects[0]["url"], format!("http://{first}/"));
    assert_eq!(distinct(&objects, "remote").len(), 7);

    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(
        &file,
        format!(
            "# two\n{}\n\n{}\n",
            lab.url("127.0.5.1", "/"),
            lab.url("127.0.5.2", "/")
        ),
    )
    .unwrap();
    let path = file.path().to_str().unwrap();
    let run = canvass(&["http", "-i", path, "-f", "ndjson"]).exits(0);
    let objects = lines(&run, 2);
    assert_eq!(
        (&objects[0]["line"], &objects[1]["line"]),
        (&json!(2), &json!(4))
    );
    let run = canvass(&["http", &lab.url("127.0.6.1", "/"), "-f", "ndjson"]).exits(0);
    assert!(lines(&run, 1)[0]["line"].is_null());
}
