//! The lab over TCP on loopback.

mod client;

use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use client::{address, check_answer, lab, query, read_reply, tcp, wait_until, write_queries};
use socket2::SockRef;

fn queries(ids: std::ops::Range<u16>) -> Vec<Vec<u8>> {
    ids.map(|id| query(id, address(id.into()))).collect()
}

fn check_reply(stream: &mut TcpStream, id: u16) {
    let reply = read_reply(stream).unwrap();
    assert_eq!(check_answer(&reply, address(id.into())), id);
}

#[test]
fn a_pipelined_batch_is_answered_in_order() {
    let lab = lab("");
    let mut stream = tcp(&lab);
    write_queries(&mut stream, &queries(0..500));
    for id in 0..500 {
        check_reply(&mut stream, id);
    }
    let counts = lab.stop().unwrap().counts;
    assert_eq!(
        (counts.queries_tcp, counts.answered, counts.connections),
        (500, 500, 1)
    );
}

#[test]
fn a_query_may_come_in_pieces() {
    let lab = lab("");
    let mut stream = tcp(&lab);
    let mut bytes = Vec::new();
    for query in queries(0..3) {
        bytes.extend((query.len() as u16).to_be_bytes());
        bytes.extend(query);
    }
    for piece in bytes.chunks(7) {
        stream.write_all(piece).unwrap();
    }
    for id in 0..3 {
        check_reply(&mut stream, id);
    }
}

#[test]
fn a_peer_that_reads_late_gets_every_answer() {
    let lab = lab("");
    let mut stream = tcp(&lab);
    // With a small receive buffer it is the lab whose answers are held up.
    SockRef::from(&stream)
        .set_recv_buffer_size(64 << 10)
        .unwrap();
    let mut writer = stream.try_clone().unwrap();
    let (batches, batch) = (400, queries(0..1000));
    let writing = std::thread::spawn(move || {
        for _ in 0..batches {
            write_queries(&mut writer, &batch);
        }
        writer.shutdown(Shutdown::Write).unwrap();
    });
    wait_until(|| lab.report().counts.queries_tcp > 0);
    let mut replies = 0;
    let mut reader = BufReader::new(&mut stream);
    while read_reply(&mut reader).is_some() {
        replies += 1;
    }
    writing.join().unwrap();
    assert_eq!(replies, batches * 1000);
}

#[test]
fn a_connection_closes_after_its_last_answer() {
    let lab = lab("tcp-close-after=3");
    let mut stream = tcp(&lab);
    write_queries(&mut stream, &queries(0..10));
    for id in 0..3 {
        check_reply(&mut stream, id);
    }
    // A close and not a reset, although queries are unanswered.
    assert_eq!(read_reply(&mut stream), None);
    let mut next = tcp(&lab);
    write_queries(&mut next, &queries(0..1));
    check_reply(&mut next, 0);
    let counts = lab.stop().unwrap().counts;
    assert_eq!((counts.answered, counts.closed_by_lab), (4, 1));
}

#[test]
fn every_query_has_the_delay() {
    for impairments in ["delay=20ms", "delay=20ms,tcp-serial"] {
        let lab = lab(impairments);
        let mut stream = tcp(&lab);
        write_queries(&mut stream, &queries(0..5));
        for id in 0..5 {
            check_reply(&mut stream, id);
        }
        let report = lab.stop().unwrap();
        assert_eq!(report.delay.count, 5);
        let delay = Duration::from_millis(20);
        assert!(report.delay.p50 >= delay, "{report}");
        assert_eq!(report.delay.max, delay + report.delay_error.max);
    }
}

#[test]
fn delayed_answers_reach_a_peer_that_has_closed_its_end() {
    let lab = lab("delay=20ms");
    let mut stream = tcp(&lab);
    write_queries(&mut stream, &queries(0..2));
    stream.shutdown(Shutdown::Write).unwrap();
    for id in 0..2 {
        check_reply(&mut stream, id);
    }
    assert_eq!(read_reply(&mut stream), None);
}

#[test]
fn a_late_answer_is_overtaken() {
    let lab = lab("late=50%,late-by=50ms,delay=1ms");
    let mut stream = tcp(&lab);
    write_queries(&mut stream, &queries(0..64));
    let mut ids: Vec<u16> = (0..64)
        .map(|_| {
            let reply = read_reply(&mut stream).unwrap();
            u16::from_be_bytes([reply[0], reply[1]])
        })
        .collect();
    assert!(!ids.is_sorted());
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..64));
}

#[test]
fn a_silent_listener_accepts_and_never_answers() {
    let lab = lab("tcp-silent");
    let mut stream = tcp(&lab);
    write_queries(&mut stream, &queries(0..4));
    stream.shutdown(Shutdown::Write).unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    let counts = lab.stop().unwrap().counts;
    assert_eq!((counts.tcp_silent, counts.answered), (4, 0));
}

#[test]
fn a_refusing_lab_has_no_listener() {
    let lab = lab("tcp-refuse");
    let error = TcpStream::connect(lab.address()).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionRefused);
}

#[test]
fn many_connections_are_served_side_by_side() {
    let lab = lab("");
    let mut streams: Vec<TcpStream> = (0..200).map(|_| tcp(&lab)).collect();
    for round in 0..3 {
        for stream in &mut streams {
            write_queries(stream, &queries(round..round + 1));
        }
        for stream in &mut streams {
            check_reply(stream, round);
        }
    }
    drop(streams);
    let mut stream = tcp(&lab);
    write_queries(&mut stream, &queries(0..1));
    check_reply(&mut stream, 0);
    assert_eq!(lab.stop().unwrap().counts.answered, 601);
}
