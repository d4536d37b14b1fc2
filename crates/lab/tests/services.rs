//! The services besides DNS, over loopback sockets.

mod client;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use canvass_lab::{
    FORTUNE, Lab, LabConfig, MAILBOX_MESSAGES, MAILBOX_OCTETS, PAGE, ServiceConfig, ServiceCounts,
    ServiceKind,
};
use client::{READ_TIMEOUT, receive, udp};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

fn lab(kind: ServiceKind, impairments: &str) -> Lab {
    Lab::start(LabConfig {
        services: vec![ServiceConfig::on_port(kind, 0)],
        impairments: impairments.parse().unwrap(),
        ..LabConfig::default()
    })
    .unwrap()
}

fn connect(lab: &Lab, kind: ServiceKind) -> TcpStream {
    let stream = TcpStream::connect(lab.service_address(kind).unwrap()).unwrap();
    stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends input, and returns all output until the service closes.
fn talk(kind: ServiceKind, input: &str) -> String {
    let lab = lab(kind, "");
    let mut stream = connect(&lab, kind);
    stream.write_all(input.as_bytes()).unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).unwrap();
    received
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: lab\r\nConnection: close\r\n\r\n")
}

fn counts(lab: Lab) -> ServiceCounts {
    lab.stop().unwrap().services[0].counts
}

#[test]
fn a_page_comes_on_every_loopback_address() {
    let lab = lab(ServiceKind::Http, "");
    let port = lab.service_address(ServiceKind::Http).unwrap().port();
    for address in [[127, 0, 0, 1], [127, 9, 8, 7]] {
        let mut stream = TcpStream::connect(SocketAddr::from((address, port))).unwrap();
        stream.write_all(get("/").as_bytes()).unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).unwrap();
        assert!(received.starts_with("HTTP/1.1 200 OK\r\n") && received.ends_with(PAGE));
    }
    let counts = counts(lab);
    assert_eq!(
        (counts.connections, counts.requests, counts.closed),
        (2, 2, 2)
    );
}

#[test]
fn a_connection_serves_many_requests() {
    let lab = lab(ServiceKind::Http, "");
    let mut stream = connect(&lab, ServiceKind::Http);
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    for n in 1..=50 {
        write!(stream, "GET /keep/50 HTTP/1.1\r\nHost: lab\r\n\r\n").unwrap();
        let body = reader
            .by_ref()
            .lines()
            .map(Result::unwrap)
            .find(|line| line.starts_with("request "));
        assert_eq!(body.unwrap(), format!("request {n} of 50"));
    }
    assert_eq!(reader.read(&mut [0]).unwrap(), 0);
    assert_eq!(counts(lab).requests, 50);
}

#[test]
fn a_long_body_arrives_whole_at_a_slow_reader() {
    let lab = lab(ServiceKind::Http, "");
    let mut stream = connect(&lab, ServiceKind::Http);
    stream.write_all(get("/bytes/30000000").as_bytes()).unwrap();
    let (mut total, mut buffer) = (0, vec![0; 4096]);
    loop {
        match stream.read(&mut buffer).unwrap() {
            0 => break,
            octets => total += octets,
        }
    }
    assert!((30_000_000..30_001_000).contains(&total), "{total}");
}

#[test]
fn a_reset_follows_the_octets_before_it() {
    let lab = lab(ServiceKind::Http, "");
    for (path, before) in [("/reset", 0), ("/reset-body", 541)] {
        let mut stream = connect(&lab, ServiceKind::Http);
        stream.write_all(get(path).as_bytes()).unwrap();
        let mut received = Vec::new();
        let error = stream.read_to_end(&mut received).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionReset, "{path}");
        assert_eq!(received.len(), before, "{path}");
    }
    assert_eq!(counts(lab).resets, 2);
}

#[test]
fn delays_last_and_are_measured() {
    let lab = lab(ServiceKind::Http, "");
    let mut stream = connect(&lab, ServiceKind::Http);
    stream.write_all(get("/delay/30").as_bytes()).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    let service = lab.stop().unwrap().services[0];
    assert_eq!(service.delay.count, 1);
    let delay = Duration::from_millis(30);
    assert_eq!(service.delay.max, delay + service.delay_error.max);
}

#[test]
fn an_impairment_delays_every_reply() {
    let lab = lab(ServiceKind::Checker, "delay=25ms");
    let mut stream = connect(&lab, ServiceKind::Checker);
    stream.write_all(b"canvass:secret\n").unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).unwrap();
    assert_eq!(received, "1\r\n");
    let service = lab.stop().unwrap().services[0];
    assert!(service.delay.count > 0);
    assert!(service.delay.p50 >= Duration::from_millis(25));
}

#[test]
fn a_lab_that_refuses_has_no_listeners() {
    let lab = lab(ServiceKind::Http, "tcp-refuse");
    let address = lab.service_address(ServiceKind::Http).unwrap();
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
}

/// A client that trusts the lab's authority, and has its client certificate.
fn tls_client(lab: &Lab, name: &str) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(lab.ca_pem().unwrap().as_bytes());
    roots.add(ca.unwrap()).unwrap();
    let identity = lab.client_pem().unwrap().as_bytes();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_client_auth_cert(
            vec![CertificateDer::from_pem_slice(identity).unwrap()],
            PrivateKeyDer::from_pem_slice(identity).unwrap(),
        )
        .unwrap();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    StreamOwned::new(connection, connect(lab, ServiceKind::Https))
}

#[test]
fn https_is_served_by_name() {
    let lab = lab(ServiceKind::Https, "");
    for name in [
        "good.lab.test",
        "slow.lab.test",
        "tls12.lab.test",
        "clientcert.lab.test",
    ] {
        let mut stream = tls_client(&lab, name);
        stream.write_all(get("/bytes/300000").as_bytes()).unwrap();
        let mut received = Vec::new();
        // Without a close_notify this would be an error.
        stream.read_to_end(&mut received).unwrap();
        assert!(received.len() > 300_000, "{name}");
    }
    for (name, kind) in [
        ("expired.lab.test", ErrorKind::InvalidData),
        ("notls.lab.test", ErrorKind::InvalidData),
        ("close.lab.test", ErrorKind::UnexpectedEof),
        ("reset.lab.test", ErrorKind::ConnectionReset),
    ] {
        let mut stream = tls_client(&lab, name);
        let error = stream.write_all(get("/").as_bytes()).unwrap_err();
        assert_eq!(error.kind(), kind, "{name}: {error}");
    }
    let counts = counts(lab);
    assert_eq!(
        (counts.connections, counts.requests, counts.resets),
        (8, 4, 1)
    );
}

#[test]
fn there_is_no_authority_without_tls() {
    let lab = lab(ServiceKind::Http, "");
    assert_eq!((lab.ca_pem(), lab.client_pem()), (None, None));
}

#[test]
fn line_services_answer() {
    for (kind, input, received) in [
        (
            ServiceKind::Line,
            "abc\nEND\n",
            "Welcome to the reversing service\r\ncba\r\n",
        ),
        (ServiceKind::Fortune, "", FORTUNE),
        (ServiceKind::Checker, "canvass:wrong\n", "0\r\n"),
        (
            ServiceKind::Ssh,
            "SSH-2.0-probe\r\n",
            "SSH-2.0-canvass_lab_1.0\r\n",
        ),
        (
            ServiceKind::Ftp,
            "QUIT\r\n",
            "220 canvass-lab FTP server ready\r\n221 goodbye\r\n",
        ),
    ] {
        assert_eq!(talk(kind, input), received, "{kind}");
    }
    let mail = talk(
        ServiceKind::Pop3,
        "USER canvass\r\nPASS secret\r\nSTAT\r\nQUIT\r\n",
    );
    assert!(mail.contains(&format!("+OK {MAILBOX_MESSAGES} {MAILBOX_OCTETS}\r\n")));
    let imap = talk(ServiceKind::Imap, "a LOGIN canvass secret\r\nb LOGOUT\r\n");
    assert!(imap.contains("STARTTLS") && imap.ends_with("b OK LOGOUT completed\r\n"));
    let smtp = talk(ServiceKind::Smtp, "EHLO probe.test\r\nQUIT\r\n");
    assert!(smtp.contains("250-STARTTLS\r\n") && smtp.ends_with("closing\r\n"));
    let daytime = talk(ServiceKind::Daytime, "");
    assert!(daytime.ends_with(" UTC\r\n"), "{daytime}");
}

#[test]
fn echo_returns_its_input_over_tcp_and_udp() {
    let lab = lab(ServiceKind::Echo, "");
    let mut stream = connect(&lab, ServiceKind::Echo);
    stream.write_all(b"hello").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut received = String::new();
    stream.read_to_string(&mut received).unwrap();
    assert_eq!(received, "hello");
    let socket = udp();
    let mut to = lab.service_address(ServiceKind::Echo).unwrap();
    to.set_ip(Ipv4Addr::new(127, 0, 0, 77).into());
    let datagram = vec![b'x'; 2000];
    socket.send_to(&datagram, to).unwrap();
    let (received, from) = receive(&socket);
    assert_eq!((received.len(), from), (datagram.len(), to));
    assert_eq!(counts(lab).datagrams, 1);
}

#[test]
fn the_time_is_sent_over_tcp_and_udp() {
    let now = || {
        let unix = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
        unix + 2_208_988_800
    };
    let before = now() - 1000;
    let lab = lab(ServiceKind::Time, "time-skew=-1000");
    let mut received = [0; 4];
    connect(&lab, ServiceKind::Time)
        .read_exact(&mut received)
        .unwrap();
    let socket = udp();
    let to = lab.service_address(ServiceKind::Time).unwrap();
    socket.send_to(b"", to).unwrap();
    let (datagram, from) = receive(&socket);
    assert_eq!(from, to);
    let after = now() - 1000;
    for time in [received.as_slice(), &datagram] {
        let time = u64::from(u32::from_be_bytes(time.try_into().unwrap()));
        assert!((before..=after).contains(&time), "{time}");
    }
}

#[test]
fn several_hosts_answer_a_broadcast() {
    let lab = lab(ServiceKind::Time, "");
    let port = lab.service_address(ServiceKind::Time).unwrap().port();
    let socket = udp();
    socket.set_broadcast(true).unwrap();
    socket
        .send_to(b"", (Ipv4Addr::new(127, 255, 255, 255), port))
        .unwrap();
    let mut hosts: Vec<SocketAddr> = (0..3).map(|_| receive(&socket).1).collect();
    hosts.sort();
    assert_eq!(
        hosts,
        [1, 2, 3].map(|last| SocketAddr::from(([127, 0, 0, last], port)))
    );
}

#[test]
fn datagrams_are_delayed_too() {
    let lab = lab(ServiceKind::Echo, "delay=20ms,duplicate=100%");
    let socket = udp();
    socket
        .send_to(b"x", lab.service_address(ServiceKind::Echo).unwrap())
        .unwrap();
    for _ in 0..2 {
        assert_eq!(receive(&socket).0, b"x");
    }
    let service = lab.stop().unwrap().services[0];
    assert_eq!((service.counts.replies, service.delay.count), (2, 2));
    assert!(service.delay.p50 >= Duration::from_millis(20));
}

#[test]
fn ipv6_is_served_beside_ipv4() {
    let lab = Lab::start(LabConfig {
        also_ipv6: Some(Ipv6Addr::LOCALHOST),
        services: vec![
            ServiceConfig::on_port(ServiceKind::Fortune, 0),
            ServiceConfig::on_port(ServiceKind::Echo, 0),
        ],
        ..LabConfig::default()
    })
    .unwrap();
    let port = |kind| lab.service_address(kind).unwrap().port();
    let mut received = String::new();
    TcpStream::connect((Ipv6Addr::LOCALHOST, port(ServiceKind::Fortune)))
        .unwrap()
        .read_to_string(&mut received)
        .unwrap();
    assert_eq!(received, FORTUNE);
    let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    socket
        .send_to(b"six", (Ipv6Addr::LOCALHOST, port(ServiceKind::Echo)))
        .unwrap();
    assert_eq!(receive(&socket).0, b"six");
}

#[test]
fn many_idle_connections_stand_beside_busy_ones() {
    let lab = lab(ServiceKind::Http, "");
    let idle: Vec<TcpStream> = (0..400).map(|_| connect(&lab, ServiceKind::Http)).collect();
    for _ in 0..100 {
        let mut stream = connect(&lab, ServiceKind::Http);
        stream.write_all(get("/status/204").as_bytes()).unwrap();
        let mut received = String::new();
        stream.read_to_string(&mut received).unwrap();
        assert!(received.starts_with("HTTP/1.1 204"));
    }
    for mut stream in idle {
        stream.write_all(get("/").as_bytes()).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
    }
    let counts = counts(lab);
    assert_eq!((counts.connections, counts.requests), (500, 500));
}
