//! Beside blackbox_exporter, which is not part of canvass: the same modules and targets, metric by
//! metric.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::thread;

use crate::blackbox_rig::{Bench, EXAMPLE, PROBES, probe};
use crate::dovecot::Dovecot;
use crate::name_servers::NameServer;
use crate::nginx::Nginx;
use crate::peers::closed_port;
use crate::probe_peers::{TcpPeer, read_line};

/// The file that the service of blackbox_exporter starts with.
const SERVICE: &str = "/etc/prometheus/blackbox.yml";

/// The zone that the modules of the example ask for.
const ZONE: &str = "$TTL 300
@ IN SOA ns.prometheus.io. host.prometheus.io. 2026010101 3600 600 86400 300
@ IN NS ns
ns IN A 127.0.0.9
www IN A 127.0.0.1
alias IN CNAME www
text IN TXT \"a b\" \"c\"
mail IN MX 10 ns
";

#[test]
fn pages_have_the_same_metrics() {
    let nginx = Nginx::start();
    let mut bench = Bench::new(&nginx.file("certificate.pem"));
    let plain = |path| nginx.url("127.0.0.1", path);
    let secure = |path| nginx.secure_url("127.0.0.1", path);
    for path in ["/page", "/moved", "/empty", "/gone", "/status", "/none"] {
        bench.compare("http_default", &plain(path));
    }
    for module in ["http_not_followed", "http_redirect_expected"] {
        bench.compare(module, &plain("/moved"));
        bench.compare(module, &plain("/page"));
    }
    for module in ["http_body", "http_header", "http_no_tls", "http_tls"] {
        bench.compare(module, &plain("/page"));
        bench.compare(module, &plain("/status"));
        bench.compare(module, &plain("/secure"));
    }
    for module in ["http_default", "http_ca", "http_no_tls", "http_tls"] {
        bench.compare(module, &secure("/page"));
    }
    for module in [
        "http_2xx_example",
        "http_post_2xx",
        "http_basic_auth_example",
        "http_gzip_with_accept_encoding",
    ] {
        bench.compare(module, &plain("/status"));
        bench.compare(module, &plain("/zipped"));
    }
    bench.compare("http_default", &format!("http://{}/", closed_port()));
    // Without a scheme, and by a name.
    let local = nginx.url("localhost", "/page");
    bench.compare("http_default", local.trim_start_matches("http://"));
    bench.end();
}

#[test]
fn ports_and_conversations_have_the_same_metrics() {
    let nginx = Nginx::start();
    let dovecot = Dovecot::start();
    let mut bench = Bench::new(&nginx.file("certificate.pem"));
    let host = |url: String| url.split('/').nth(2).unwrap_or_default().to_owned();
    let plain = host(nginx.url("127.0.0.1", "/"));
    let secure = host(nginx.secure_url("127.0.0.1", "/"));
    for module in ["tcp_connect_example", "tcp_ip4"] {
        bench.compare(module, &plain);
        bench.compare(module, &closed_port().to_string());
    }
    for module in ["tls_connect", "tcp_tls"] {
        bench.compare(module, &secure);
    }
    for module in ["imap_starttls", "imap_starttls_insecure"] {
        bench.compare(module, &dovecot.ports.imap.to_string());
    }
    // A peer that closes instead of the banner.
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let peer = thread::spawn(move || {
        for _ in 0..PROBES {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"220 mail\r\n").unwrap();
        }
    });
    bench.compare("tcp_banner", &address);
    peer.join().unwrap();
    bench.end();
}

#[test]
fn name_servers_have_the_same_metrics() {
    let server = NameServer::bind(&[("prometheus.io", ZONE)]);
    let mut bench = Bench::new("unused");
    for module in [
        "dns_udp_example",
        "dns_soa",
        "dns_tcp_example",
        "dns_any",
        "dns_alias",
        "dns_text",
        "dns_mail",
        "dns_missing",
        "dns_missing_expected",
        "dns_refused",
        "dns_refused_expected",
    ] {
        bench.compare(module, &server.address.to_string());
    }
    bench.end();
}

/// Greets as a mail server and as a chat server do, and closes where TLS would begin.
fn mail_and_chat() -> TcpPeer<()> {
    TcpPeer::serve(|mut stream| {
        // The chat server's words are no answer that the mail client waits for, and the other way round.
        let words: [&[u8]; 2] = [
            b"220 mail.test ESMTP here\r\n",
            b"PING :canvass\r\n:chat.test 001 prober\r\n",
        ];
        let _ = words.iter().try_for_each(|words| stream.write_all(words));
        loop {
            let line = read_line(&mut stream);
            let answer: &[u8] = match &line[..] {
                line if line.starts_with(b"EHLO") => b"250-STARTTLS\r\n250 OK\r\n",
                line if line.starts_with(b"STARTTLS") => b"220 go on\r\n",
                b"NICK prober\n" | b"USER prober prober prober :prober\n" => b"",
                _ => return,
            };
            if stream.write_all(answer).is_err() {
                return;
            }
        }
    })
}

#[test]
fn every_module_of_the_example_that_both_know_has_the_same_metrics() {
    let nginx = Nginx::start();
    let dovecot = Dovecot::start();
    let server = NameServer::bind(&[("prometheus.io", ZONE)]);
    let peer = mail_and_chat();
    let mut bench = Bench::new("unused");
    let example = fs::read_to_string(EXAMPLE).expect("the package has an example");
    let names = example.lines().filter_map(|line| {
        let name = line.strip_prefix("  ")?.strip_suffix(':')?;
        (!name.starts_with(' ')).then_some(name)
    });
    let secure = nginx.secure_url("127.0.0.1", "");
    let mut compared = 0;
    for name in names {
        let target = match name {
            "icmp_example" => continue,
            "tls_connect" => secure.trim_start_matches("https://").to_owned(),
            "imap_starttls" => dovecot.ports.imap.to_string(),
            "tcp_connect_example" | "smtp_starttls" | "irc_banner_example" => peer.target(),
            name if name.starts_with("dns_") => server.address.to_string(),
            _ => nginx.url("127.0.0.1", "/zipped"),
        };
        bench.compare(name, &target);
        compared += 1;
    }
    assert_eq!(compared, 15);
    bench.end();
}

/// Serves one connection: says this, and reads until the peer closes.
fn peer(says: &'static [u8]) -> (String, thread::JoinHandle<()>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let peer = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(says).unwrap();
        // A reset ends it as well.
        let _ = stream.read_to_end(&mut Vec::new());
    });
    (address, peer)
}

/// What blackbox_exporter has since 0.26 and 0.28, so that Debian's cannot be asked.
#[test]
fn labels_and_octets_have_their_metrics() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("modules.yml");
    let text = r#"
modules:
  ssh:
    prober: tcp
    tcp:
      query_response:
        - expect: "^SSH-([^-]+)-(?P<software>.+)"
          labels:
            - {name: version, value: "${1}"}
            - {name: software, value: "${software}"}
  octets:
    prober: tcp
    timeout: 5s
    tcp: {query_response: [{expect_bytes: "AMQP"}]}
"#;
    fs::write(&file, text).unwrap();
    let file = file.to_str().unwrap();
    let (address, says) = peer(b"SSH-2.0-canvass_1\r\n");
    let run = probe(file, "ssh", &address).exits(0);
    says.join().unwrap();
    let info = "probe_expect_info{software=\"canvass_1\",version=\"2.0\"} 1\n";
    assert!(run.out.contains(info), "{}", run.out);
    let (address, says) = peer(b"AMQP");
    let run = probe(file, "octets", &address).exits(0);
    says.join().unwrap();
    assert!(
        run.out.contains("probe_failed_due_to_bytes 0\n"),
        "{}",
        run.out
    );
}

#[test]
fn the_files_of_the_package_load() {
    for (file, module) in [(EXAMPLE, "icmp_example"), (SERVICE, "grpc")] {
        probe(file, module, "127.0.0.1")
            .exits(2)
            .says("canvass has no prober");
        probe(file, "nothing", "127.0.0.1")
            .exits(2)
            .says("Unknown module \"nothing\"");
    }
}
