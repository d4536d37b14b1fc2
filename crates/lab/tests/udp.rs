//! The lab over UDP on loopback.

mod client;

use std::net::{IpAddr, Ipv6Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use canvass_lab::{Lab, LabConfig};
use client::{address, check_answer, lab, query, receive, udp, wait_until};

#[test]
fn every_loopback_address_answers_as_itself() {
    let lab = lab("");
    let socket = udp();
    for (id, server) in [[127, 0, 0, 1], [127, 1, 2, 3], [127, 200, 100, 50]]
        .into_iter()
        .enumerate()
    {
        let server = SocketAddr::new(IpAddr::from(server), lab.address().port());
        socket
            .send_to(&query(id as u16, address(1)), server)
            .unwrap();
        let (reply, from) = receive(&socket);
        assert_eq!(from, server);
        assert_eq!(check_answer(&reply, address(1)), id as u16);
    }
    let report = lab.stop().unwrap();
    assert_eq!((report.counts.queries_udp, report.counts.answered), (3, 3));
    assert_eq!(report.delay.count, 0);
}

#[test]
fn ipv6_is_served_on_the_same_port_when_asked_for() {
    let started = Lab::start(LabConfig {
        also_ipv6: Some(Ipv6Addr::LOCALHOST),
        ..LabConfig::default()
    });
    let lab = match started {
        Ok(lab) => lab,
        // Without IPv6 there is nothing to test.
        Err(_) if UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).is_err() => return,
        Err(error) => panic!("{error}"),
    };
    let socket = UdpSocket::bind((Ipv6Addr::LOCALHOST, 0)).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let server = SocketAddr::from((Ipv6Addr::LOCALHOST, lab.address().port()));
    let target: IpAddr = "2001:db8::1".parse().unwrap();
    socket.send_to(&query(1, target), server).unwrap();
    let (reply, from) = receive(&socket);
    assert_eq!((check_answer(&reply, target), from), (1, server));
}

#[test]
fn a_given_address_and_port_are_taken_for_both_transports() {
    let first = lab("");
    let taken = LabConfig {
        listen: first.address(),
        ..LabConfig::default()
    };
    let error = Lab::start(taken.clone()).unwrap_err();
    assert!(error.to_string().contains(&first.address().to_string()));
    first.stop().unwrap();
    let second = Lab::start(taken.clone()).unwrap();
    assert_eq!(second.address(), taken.listen);
    let socket = udp();
    socket.send_to(&query(1, address(1)), taken.listen).unwrap();
    assert_eq!(receive(&socket).1, taken.listen);
}

#[test]
fn a_burst_is_answered_whole() {
    let lab = lab("");
    let socket = udp();
    for id in 0..200 {
        let query = query(id, address(id.into()));
        socket.send_to(&query, lab.address()).unwrap();
    }
    for id in 0..200 {
        let (reply, _) = receive(&socket);
        assert_eq!(check_answer(&reply, address(id.into())), id);
    }
}

#[test]
fn a_delay_is_applied_and_reported() {
    let lab = lab("delay=20ms");
    let socket = udp();
    for id in 0..50 {
        let query = query(id, address(id.into()));
        socket.send_to(&query, lab.address()).unwrap();
        let (reply, _) = receive(&socket);
        assert_eq!(check_answer(&reply, address(id.into())), id);
    }
    let report = lab.stop().unwrap();
    assert_eq!((report.delay.count, report.counts.answered), (50, 50));
    let delay = Duration::from_millis(20);
    assert!(report.delay.p50 >= delay, "{report}");
    assert_eq!(report.delay.max, delay + report.delay_error.max);
}

#[test]
fn forgeries_and_duplicates_come_from_the_address_that_was_asked() {
    let lab = lab("forge=100%,duplicate=100%");
    let socket = udp();
    let server = SocketAddr::new(IpAddr::from([127, 0, 0, 9]), lab.address().port());
    let query = query(5, address(2));
    socket.send_to(&query, server).unwrap();
    let replies: Vec<Vec<u8>> = (0..4)
        .map(|_| {
            let (reply, from) = receive(&socket);
            assert_eq!(from, server);
            reply
        })
        .collect();
    let question = 12..query.len();
    assert_ne!(replies[0][..2], query[..2]);
    assert_ne!(replies[1][question.clone()], query[question]);
    assert_eq!(check_answer(&replies[2], address(2)), 5);
    assert_eq!(replies[2], replies[3]);
    let counts = lab.stop().unwrap().counts;
    assert_eq!(
        (counts.forged, counts.answered, counts.duplicated),
        (2, 1, 1)
    );
}

#[test]
fn what_is_not_answered_is_counted() {
    let lab = lab("dead=127.0.0.2,lying=127.0.0.3");
    let socket = udp();
    let server = |last| SocketAddr::new(IpAddr::from([127, 0, 0, last]), lab.address().port());
    for (last, message) in [
        (2, query(1, address(1))),
        (1, b"short".to_vec()),
        (1, vec![0; 4000]),
        (3, query(2, address(1))),
    ] {
        socket.send_to(&message, server(last)).unwrap();
    }
    // Queries are answered in order, so all earlier ones have been processed.
    let (reply, from) = receive(&socket);
    assert_eq!((from, reply[3] & 0x0f), (server(3), 2));
    let counts = lab.stop().unwrap().counts;
    assert_eq!(
        (
            counts.queries_udp,
            counts.dead,
            counts.malformed,
            counts.servfail
        ),
        (4, 1, 2, 1)
    );
}

#[test]
fn a_query_over_the_in_flight_cap_is_treated_as_the_lab_is_told() {
    for (over, counts) in [("refused", (1, 0)), ("silent", (0, 1))] {
        let lab = lab(&format!("never=100%,inflight-cap=1,over={over}"));
        let socket = udp();
        for id in 0..2 {
            let query = query(id, address(u32::from(id)));
            socket.send_to(&query, lab.address()).unwrap();
        }
        if over == "refused" {
            let (reply, _) = receive(&socket);
            assert_eq!((reply[1], reply[3] & 0x0f), (1, 5));
        } else {
            wait_until(|| lab.report().counts.over_in_flight_cap == 1);
        }
        let counted = lab.stop().unwrap().counts;
        assert_eq!(counted.never, 1);
        assert_eq!((counted.refused, counted.over_in_flight_cap), counts);
    }
}
