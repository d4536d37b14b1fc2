use super::*;

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use mio::Poll;
use smallvec::smallvec;

use crate::bind::connect_udp;
use crate::connection_table::ConnectionId;
use crate::dns_server::ReplySchedule;
use crate::packet_info::RawAddress;
use crate::report::LabReport;
use crate::responder::ReplyKind;
use crate::testing::query;

/// The timeout of reads, which is not reached when the test passes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A forwarder with a virtual clock, and the socket of its server.
struct World {
    server: UdpSocket,
    /// Accepts connections on the same port, and never answers.
    _listener: TcpListener,
    _poll: Poll,
    forwarder: Forwarder,
    delayed: ReplySchedule,
    metrics: Metrics<DnsCounter>,
    abandoned: Vec<AbandonedReplies>,
}

const UDP: ReturnPath = ReturnPath::Udp {
    socket: 0,
    server: std::net::IpAddr::V4(Ipv4Addr::LOCALHOST),
    client: RawAddress::UNSET,
};
const CONNECTION: ConnectionId = ConnectionId::new(6, 9);
const TCP: ReturnPath = ReturnPath::Tcp(CONNECTION);

impl World {
    fn new() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let server = UdpSocket::bind(address).unwrap();
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        let sockets = connect_udp(address, SOCKETS).unwrap();
        let target = Target { address, sockets };
        let poll = Poll::new().unwrap();
        let registry = poll.registry().try_clone().unwrap();
        Self {
            server,
            _listener: listener,
            _poll: poll,
            forwarder: Forwarder::new(target, registry, 0).unwrap(),
            delayed: ReplySchedule::new(1000),
            metrics: Metrics::new(),
            abandoned: Vec::new(),
        }
    }

    fn forward(&mut self, seconds: u64, query: &[u8], return_path: ReturnPath) -> u32 {
        let planned = PlannedReply {
            delay: Duration::from_millis(20),
            kind: ReplyKind::Answer,
        };
        self.forwarder.forward(
            at(seconds),
            query,
            return_path,
            smallvec![planned],
            &self.metrics,
        )
    }

    fn turn(&mut self, seconds: u64) {
        for index in 0..SOCKETS {
            self.forwarder.udp.set_ready(index);
        }
        let mut relay = AnswerRelay {
            delayed: &mut self.delayed,
            metrics: &self.metrics,
            abandoned: &mut self.abandoned,
        };
        while self.forwarder.turn(at(seconds), &mut relay) {}
    }

    /// Reads a query and returns its answer, and where to send it.
    fn serve(&self) -> (Vec<u8>, SocketAddr) {
        let mut message = vec![0; QUERY_BYTES_MAX];
        let (bytes, from) = self.server.recv_from(&mut message).unwrap();
        message.truncate(bytes);
        message[2] |= 0x80;
        (message, from)
    }

    /// Queries forwarded, answered and never answered; unexpected answers.
    fn counts(&self) -> [u64; 4] {
        let counts = LabReport::new(&self.metrics, 0, Vec::new()).counts;
        [
            counts.forwarded,
            counts.forward_answered,
            counts.forward_unanswered,
            counts.forward_unknown,
        ]
    }
}

fn at(seconds: u64) -> Time {
    Time::ZERO + Duration::from_secs(seconds)
}

#[test]
fn an_answer_waits_for_the_delay_with_the_clients_id() {
    let mut world = World::new();
    let asked = query(0xabcd, "a.example.net", 1, None);
    assert_eq!(world.forward(1, &asked, UDP), 1);
    world.turn(1);
    let (answer, from) = world.serve();
    world.server.send_to(&answer, from).unwrap();
    // The delay counts from the query, however late the answer is.
    world.turn(5);
    assert_eq!(world.counts(), [1, 1, 0, 0]);
    let due = at(1) + Duration::from_millis(20);
    assert_eq!(world.delayed.next_due(), Some(due));
    let reply = world.delayed.pop_due(due).unwrap();
    assert_eq!(reply.message[..2], [0xab, 0xcd]);
    assert_eq!(reply.message[2..], answer[2..]);
}

#[test]
fn an_answer_to_an_expired_query_is_dropped() {
    let mut world = World::new();
    world.forward(0, &query(1, "a.example.net", 1, None), UDP);
    assert_eq!(world.forwarder.next_expiry, Some(at(10)));
    world.turn(9);
    assert_eq!(world.counts(), [1, 0, 0, 0]);
    let (answer, from) = world.serve();
    world.turn(10);
    assert_eq!(world.counts(), [1, 0, 1, 0]);
    assert_eq!(world.forwarder.next_expiry, None);
    world.server.send_to(&answer, from).unwrap();
    world.turn(11);
    assert_eq!(world.counts(), [1, 0, 1, 1]);
    assert_eq!(world.delayed.next_due(), None);
    assert_eq!(world.abandoned, []);
}

#[test]
fn queries_that_leave_together_have_ids_of_their_own() {
    let mut world = World::new();
    for n in 0..100 {
        world.forward(0, &query(7, &format!("n{n}.example.net"), 1, None), UDP);
    }
    world.turn(0);
    let ids: HashSet<Vec<u8>> = (0..100).map(|_| world.serve().0[..2].into()).collect();
    assert_eq!(ids.len(), 100);
    assert_eq!(world.counts(), [100, 0, 0, 0]);
}

#[test]
fn a_burst_is_limited_by_the_send_window() {
    let mut world = World::new();
    for n in 0..300 {
        world.forward(0, &query(n, "a.example.net", 1, None), UDP);
    }
    world.turn(0);
    world.server.set_nonblocking(true).unwrap();
    let mut served = Vec::new();
    let mut message = [0; QUERY_BYTES_MAX];
    while let Ok((bytes, from)) = world.server.recv_from(&mut message) {
        message[2] |= 0x80;
        served.push((message[..bytes].to_vec(), from));
    }
    let at_once = served.len() as u64;
    assert!((100..277).contains(&at_once), "{at_once}");
    assert!(world.forwarder.next_due().is_some_and(|wake| wake < at(1)));
    for (answer, from) in served {
        world.server.send_to(&answer, from).unwrap();
    }
    world.turn(0);
    assert_eq!(world.counts(), [300, at_once, 0, 0]);
    let rest = std::iter::from_fn(|| world.server.recv_from(&mut message).ok()).count();
    assert_eq!(rest as u64, 300 - at_once);
    world.turn(10);
    assert_eq!(world.counts(), [300, at_once, 300 - at_once, 0]);
}

#[test]
fn a_connection_does_not_wait_for_expired_queries() {
    let mut world = World::new();
    world.forward(0, &query(1, "a.example.net", 1, None), TCP);
    world.turn(9);
    assert_eq!(world.abandoned, []);
    world.turn(10);
    let abandoned = AbandonedReplies {
        connection: CONNECTION,
        replies: 1,
    };
    assert_eq!(world.abandoned, [abandoned]);
    assert_eq!(world.counts(), [1, 0, 1, 0]);
}

#[test]
fn open_queries_are_limited() {
    for return_path in [UDP, TCP] {
        let mut world = World::new();
        let asked = query(1, "a.example.net", 1, None);
        let accepted: u32 = (0..70_000)
            .map(|_| world.forward(0, &asked, return_path))
            .sum();
        assert!(accepted < 70_000);
        let counts = LabReport::new(&world.metrics, 0, Vec::new()).counts;
        assert_eq!(counts.forwarded, u64::from(accepted));
        assert_eq!(counts.forward_full, u64::from(70_000 - accepted));
        world.forwarder.count_open(&world.metrics);
        assert_eq!(world.counts(), [counts.forwarded, 0, counts.forwarded, 0]);
    }
}

#[test]
fn only_queries_are_forwarded() {
    let mut message = query(1, "a.example.net", 1, None);
    assert!(Forwarder::accepts(&message));
    assert!(!Forwarder::accepts(&message[..11]));
    message.resize(QUERY_BYTES_MAX + 1, 0);
    assert!(!Forwarder::accepts(&message));
    message.truncate(QUERY_BYTES_MAX);
    assert!(Forwarder::accepts(&message));
    message[2] |= 0x80;
    assert!(!Forwarder::accepts(&message));
}
