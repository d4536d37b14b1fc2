//! Forwarding to another DNS server: to a second lab, and to faulty servers.

mod client;

use std::io::Write;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::time::Duration;

use canvass_lab::{Counts, Lab, LabConfig};
use client::{
    READ_TIMEOUT, address, check_answer, lab, query, read_reply, receive, tcp, udp, wait_until,
    write_queries,
};

/// A lab that forwards to a server.
fn forwarding(server: SocketAddr, impairments: &str) -> Lab {
    Lab::start(LabConfig {
        forward: Some(server),
        impairments: impairments.parse().unwrap(),
        ..LabConfig::default()
    })
    .unwrap()
}

fn queries(ids: std::ops::Range<u16>) -> Vec<Vec<u8>> {
    ids.map(|id| query(id, address(id.into()))).collect()
}

/// Queries forwarded, answered and never answered; unexpected answers.
fn forwarded(counts: Counts) -> [u64; 4] {
    [
        counts.forwarded,
        counts.forward_answered,
        counts.forward_unanswered,
        counts.forward_unknown,
    ]
}

fn ask(socket: &UdpSocket, lab: &Lab, query: &[u8]) -> Vec<u8> {
    socket.send_to(query, lab.address()).unwrap();
    receive(socket).0
}

#[test]
fn an_answer_over_udp_is_the_servers_to_the_octet() {
    let server = lab("");
    let path = forwarding(server.address(), "");
    let socket = udp();
    for n in 0..64 {
        let query = query(n as u16 * 1000, address(n));
        assert_eq!(ask(&socket, &path, &query), ask(&socket, &server, &query));
    }
    let counts = path.stop().unwrap().counts;
    assert_eq!(forwarded(counts), [64, 64, 0, 0]);
    assert_eq!((counts.queries_udp, counts.answered), (64, 64));
    assert_eq!(server.stop().unwrap().counts.queries_udp, 128);
}

#[test]
fn answers_reach_the_right_client_with_equal_ids() {
    let server = lab("jitter=5ms,delay=5ms");
    let path = forwarding(server.address(), "");
    let clients: Vec<UdpSocket> = (0..200).map(|_| udp()).collect();
    for (n, client) in (0..).zip(&clients) {
        client
            .send_to(&query(7, address(n)), path.address())
            .unwrap();
    }
    for (n, client) in (0..).zip(&clients) {
        let (reply, from) = receive(client);
        assert_eq!(
            (check_answer(&reply, address(n)), from),
            (7, path.address())
        );
    }
    assert_eq!(forwarded(path.stop().unwrap().counts), [200, 200, 0, 0]);
}

#[test]
fn queries_over_tcp_are_forwarded_over_tcp() {
    let server = lab("");
    let path = forwarding(server.address(), "");
    for _ in 0..3 {
        let mut stream = tcp(&path);
        write_queries(&mut stream, &queries(0..500));
        let mut replies: Vec<Vec<u8>> =
            (0..500).map(|_| read_reply(&mut stream).unwrap()).collect();
        replies.sort_unstable();
        for (id, reply) in (0..500).zip(replies) {
            assert_eq!(check_answer(&reply, address(id.into())), id);
        }
    }
    assert_eq!(forwarded(path.stop().unwrap().counts), [1500, 1500, 0, 0]);
    let counts = server.stop().unwrap().counts;
    assert_eq!((counts.queries_udp, counts.queries_tcp), (0, 1500));
}

#[test]
fn a_delay_includes_the_time_of_the_server() {
    let millis = |number: u64| Duration::from_millis(number);
    for (server_ms, path_ms) in [(25, 30), (30, 20), (0, 30)] {
        let server = lab(&format!("delay={server_ms}ms"));
        let path = forwarding(server.address(), &format!("delay={path_ms}ms"));
        let socket = udp();
        for n in 0..20 {
            let reply = ask(&socket, &path, &query(n as u16, address(n)));
            check_answer(&reply, address(n));
        }
        let report = path.stop().unwrap();
        assert_eq!(report.delay.count, 20);
        assert!(
            report.delay.p50 >= millis(server_ms.max(path_ms)),
            "{report}"
        );
    }
}

#[test]
fn forwarded_answers_are_impaired_too() {
    let server = lab("");
    let path = forwarding(server.address(), "forge=100%,duplicate=100%");
    let socket = udp();
    let asked = query(5, address(2));
    let direct = ask(&socket, &server, &asked);
    socket.send_to(&asked, path.address()).unwrap();
    let replies: Vec<Vec<u8>> = (0..4).map(|_| receive(&socket).0).collect();
    assert!(replies[..2].iter().all(|reply| *reply != direct));
    assert!(replies[2..].iter().all(|reply| *reply == direct));
    let counts = path.stop().unwrap().counts;
    assert_eq!((counts.forged, counts.duplicated), (2, 1));
    assert_eq!(forwarded(counts), [1, 1, 0, 0]);

    let path = forwarding(server.address(), "corrupt=100%");
    let corrupt = ask(&socket, &path, &asked);
    assert!(hickory_proto::op::Message::from_vec(&corrupt).is_err());
    assert_eq!(path.stop().unwrap().counts.corrupted, 1);
}

#[test]
fn what_the_lab_answers_itself_is_not_forwarded() {
    let server = lab("");
    let socket = udp();
    for (impairments, code) in [
        ("servfail=100%", 2),
        ("refused=100%", 5),
        ("lying=127.0.0.1", 2),
    ] {
        let path = forwarding(server.address(), impairments);
        let reply = ask(&socket, &path, &query(3, address(1)));
        assert_eq!((reply[1], reply[3] & 0x0f), (3, code), "{impairments}");
        assert_eq!(forwarded(path.stop().unwrap().counts), [0; 4]);
    }
    let path = forwarding(server.address(), "no-edns");
    let mut with_opt = query(3, address(1));
    with_opt[11] = 1;
    with_opt.extend([0, 0, 41, 4, 208, 0, 0, 0, 0, 0, 0]);
    assert_eq!(ask(&socket, &path, &with_opt)[3] & 0x0f, 1);
    check_answer(&ask(&socket, &path, &query(3, address(1))), address(1));
    assert_eq!(forwarded(path.stop().unwrap().counts), [1, 1, 0, 0]);
}

#[test]
fn a_query_that_only_the_server_understands_is_forwarded() {
    let server = lab("");
    let path = forwarding(server.address(), "forge=100%");
    let socket = udp();
    let mut status = query(3, address(1));
    status[2] |= 2 << 3;
    let reply = ask(&socket, &path, &status);
    assert_eq!((reply[1], reply[3] & 0x0f), (3, 4));
    socket.send_to(b"short", path.address()).unwrap();
    // Later queries are read after it: two forged answers and the answer.
    ask(&socket, &path, &query(4, address(1)));
    let counts = path.stop().unwrap().counts;
    // An answer to it could not be forged, and the short message is malformed.
    assert_eq!((counts.malformed, counts.formerr), (2, 1));
    assert_eq!(counts.forwarded, 2);
}

#[test]
fn without_a_server_queries_are_unanswered_and_connections_end() {
    let nobody = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let path = forwarding(nobody.local_addr().unwrap(), "");
    let socket = udp();
    for message in queries(0..3) {
        socket.send_to(&message, path.address()).unwrap();
        // The server receives it and does not answer.
        nobody.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
        receive(&nobody);
    }
    // Nothing listens on TCP: the connection is refused, which ends its queries at once.
    let mut stream = tcp(&path);
    write_queries(&mut stream, &queries(0..5));
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_reply(&mut stream), None);
    assert_eq!(forwarded(path.report().counts), [8, 0, 5, 0]);
    let report = path.stop().unwrap();
    assert_eq!(forwarded(report.counts), [8, 0, 8, 0]);
    let text = report.to_string();
    assert!(
        text.contains("8 forwarded, 8 never answered by the server"),
        "{text}"
    );
}

#[test]
fn unexpected_answers_are_dropped() {
    let server = udp();
    let path = forwarding(server.local_addr().unwrap(), "");
    let socket = udp();
    socket
        .send_to(&query(77, address(1)), path.address())
        .unwrap();
    let (asked, from) = receive(&server);
    let mut reply = asked.clone();
    reply[2] |= 0x80;
    let mut wrong_id = reply.clone();
    wrong_id[1] ^= 1;
    let mut wrong_question = reply.clone();
    wrong_question[13] ^= 1;
    for message in [&wrong_id, &wrong_question, &asked, &reply, &reply] {
        server.send_to(message, from).unwrap();
    }
    // From another address: the kernel drops it.
    udp().send_to(&reply, from).unwrap();
    let (true_reply, _) = receive(&socket);
    assert_eq!(true_reply[..2], [0, 77]);
    assert_eq!(true_reply[2..], reply[2..]);
    // Queries use the sockets in turn. An answer to the first socket follows all of the above.
    let mut queries = 1;
    let mut next_from = None;
    while next_from != Some(from) {
        socket
            .send_to(&query(78, address(2)), path.address())
            .unwrap();
        let (mut reply, next) = receive(&server);
        reply[2] |= 0x80;
        server.send_to(&reply, next).unwrap();
        assert_eq!(receive(&socket).0[1], 78);
        next_from = Some(next);
        queries += 1;
    }
    assert_eq!(
        forwarded(path.stop().unwrap().counts),
        [queries, queries, 0, 4]
    );
}

#[test]
fn a_connection_that_the_server_closes_is_opened_again() {
    let server = lab("tcp-close-after=3");
    let path = forwarding(server.address(), "");
    let mut stream = tcp(&path);
    write_queries(&mut stream, &queries(0..10));
    let mut ids: Vec<u16> = (0..10)
        .map(|_| {
            let reply = read_reply(&mut stream).unwrap();
            u16::from_be_bytes([reply[0], reply[1]])
        })
        .collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..10));
    assert_eq!(forwarded(path.stop().unwrap().counts), [10, 10, 0, 0]);
    assert_eq!(server.stop().unwrap().counts.connections, 4);
}

#[test]
fn a_server_that_closes_without_an_answer_is_not_asked_for_ever() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let path = forwarding(server.local_addr().unwrap(), "");
    let mut stream = tcp(&path);
    write_queries(&mut stream, &queries(0..4));
    drop(server.accept().unwrap());
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_reply(&mut stream), None);
    assert_eq!(forwarded(path.stop().unwrap().counts), [4, 0, 4, 0]);
}

#[test]
fn a_long_answer_stays_whole_and_may_come_in_pieces() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let path = forwarding(server.local_addr().unwrap(), "");
    let mut stream = tcp(&path);
    write_queries(&mut stream, &[query(9, address(1))]);
    let (mut served, _) = server.accept().unwrap();
    let mut reply = read_reply(&mut served).unwrap();
    reply[2] |= 0x80;
    reply.resize(65_535, 0xa5);
    let mut framed = 65_535_u16.to_be_bytes().to_vec();
    framed.extend(&reply);
    served.set_nodelay(true).unwrap();
    for piece in framed.chunks(10_000) {
        served.write_all(piece).unwrap();
    }
    let received = read_reply(&mut stream).unwrap();
    assert_eq!(received[..2], [0, 9]);
    assert!(received[2..] == reply[2..]);
}

#[test]
fn a_client_that_leaves_takes_no_answer_from_the_next() {
    let server = lab("delay=20ms");
    let path = forwarding(server.address(), "");
    let leaver = tcp(&path);
    let mut writer: &TcpStream = &leaver;
    let batch = queries(0..1);
    writer
        .write_all(&[&[0, batch[0].len() as u8], &batch[0][..]].concat())
        .unwrap();
    wait_until(|| path.report().counts.forwarded == 1);
    drop(leaver);
    let mut stream = tcp(&path);
    write_queries(&mut stream, &queries(1..2));
    let reply = read_reply(&mut stream).unwrap();
    assert_eq!(check_answer(&reply, address(1)), 1);
}

#[test]
fn a_lab_does_not_forward_to_itself() {
    let first = lab("");
    let there = first.address();
    first.stop().unwrap();
    let at = |listen: SocketAddr, forward: &str| LabConfig {
        listen,
        forward: Some(SocketAddr::new(forward.parse().unwrap(), there.port())),
        ..LabConfig::default()
    };
    let everywhere = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), there.port());
    assert!(at(there, "127.0.0.1").forwards_to_itself());
    assert!(!at(there, "127.0.0.2").forwards_to_itself());
    assert!(at(everywhere, "127.0.0.2").forwards_to_itself());
    assert!(!at(everywhere, "192.0.2.1").forwards_to_itself());
    assert!(!at(everywhere, "::1").forwards_to_itself());
    let with_ipv6 = LabConfig {
        also_ipv6: Some(std::net::Ipv6Addr::LOCALHOST),
        ..at(everywhere, "::1")
    };
    assert!(with_ipv6.forwards_to_itself());
    let error = Lab::start(at(there, "127.0.0.1")).unwrap_err().to_string();
    assert_eq!(
        error,
        format!("cannot forward to {there}: that is the lab itself")
    );
}
