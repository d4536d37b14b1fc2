use super::*;

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};
use std::time::Duration;

use mio::Poll;
use smallvec::smallvec;

use crate::bind::connect_udp;
use crate::datagram::Peer;
use crate::schedule::Schedule;
use crate::script::ReplyKind;
use crate::testing::query;

/// Longer than anything takes that comes at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// A forwarder by a clock of the test's, in front of a server that the test plays.
struct World {
    server: UdpSocket,
    /// Takes connections on the same port; nobody answers there.
    _listener: TcpListener,
    _poll: Poll,
    forwarder: Forwarder,
    schedule: Schedule<Destination>,
    meter: Meter,
    given_up: Vec<GivenUp>,
}

const UDP: Destination = Destination::Udp {
    endpoint: 0,
    server: std::net::IpAddr::V4(Ipv4Addr::LOCALHOST),
    peer: Peer::NOBODY,
};
const TCP: Destination = Destination::Tcp {
    slot: 6,
    generation: 9,
};

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
            schedule: Schedule::new(1000),
            meter: Meter::new(),
            given_up: Vec::new(),
        }
    }

    fn pass_on(&mut self, seconds: u64, query: &[u8], back: Destination) -> u32 {
        let delivery = Delivery {
            delay: Duration::from_millis(20),
            kind: ReplyKind::Answer,
        };
        self.forwarder
            .pass_on(at(seconds), query, back, smallvec![delivery], &self.meter)
    }

    fn turn(&mut self, seconds: u64) {
        for index in 0..SOCKETS {
            self.forwarder.datagrams.note(index);
        }
        let mut returns = Returns {
            schedule: &mut self.schedule,
            meter: &self.meter,
            given_up: &mut self.given_up,
        };
        while self.forwarder.turn(at(seconds), &mut returns) {}
    }

    /// Reads a query and returns its answer, and whom it goes to.
    fn serve(&self) -> (Vec<u8>, SocketAddr) {
        let mut message = vec![0; QUERY_BYTES_MAX];
        let (bytes, from) = self.server.recv_from(&mut message).unwrap();
        message.truncate(bytes);
        message[2] |= 0x80;
        (message, from)
    }

    /// Queries forwarded, answered, never answered; answers to none.
    fn counts(&self) -> [u64; 4] {
        let counts = self.meter.report(0).counts;
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
    assert_eq!(world.pass_on(1, &asked, UDP), 1);
    world.turn(1);
    let (answer, from) = world.serve();
    world.server.send_to(&answer, from).unwrap();
    world.turn(1);
    assert_eq!(world.counts(), [1, 1, 0, 0]);
    let due = at(1) + Duration::from_millis(20);
    assert_eq!(world.schedule.next_due(), Some(due));
    let held = world.schedule.pop_due(due).unwrap();
    assert_eq!(held.message[..2], [0xab, 0xcd]);
    assert_eq!(held.message[2..], answer[2..]);
}

#[test]
fn an_answer_after_its_time_belongs_to_nobody() {
    let mut world = World::new();
    world.pass_on(0, &query(1, "a.example.net", 1, None), UDP);
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
    assert_eq!(world.schedule.next_due(), None);
    assert_eq!(world.given_up, []);
}

#[test]
fn queries_that_leave_together_have_ids_of_their_own() {
    let mut world = World::new();
    for n in 0..100 {
        world.pass_on(0, &query(7, &format!("n{n}.example.net"), 1, None), UDP);
    }
    world.turn(0);
    let ids: HashSet<Vec<u8>> = (0..100).map(|_| world.serve().0[..2].into()).collect();
    assert_eq!(ids.len(), 100);
    assert_eq!(world.counts(), [100, 0, 0, 0]);
}

#[test]
fn a_burst_leaves_as_the_server_takes_it() {
    let mut world = World::new();
    for n in 0..300 {
        world.pass_on(0, &query(n, "a.example.net", 1, None), UDP);
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
    assert!(world.forwarder.next_wake().is_some_and(|wake| wake < at(1)));
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
fn a_connection_need_not_wait_for_what_has_expired() {
    let mut world = World::new();
    world.pass_on(0, &query(1, "a.example.net", 1, None), TCP);
    world.turn(9);
    assert_eq!(world.given_up, []);
    world.turn(10);
    let given_up = GivenUp {
        slot: 6,
        generation: 9,
        replies: 1,
    };
    assert_eq!(world.given_up, [given_up]);
    assert_eq!(world.counts(), [1, 0, 1, 0]);
}

#[test]
fn no_more_is_open_than_may_be() {
    for back in [UDP, TCP] {
        let mut world = World::new();
        let asked = query(1, "a.example.net", 1, None);
        let taken: u32 = (0..70_000).map(|_| world.pass_on(0, &asked, back)).sum();
        assert!(taken < 70_000);
        let counts = world.meter.report(0).counts;
        assert_eq!(counts.forwarded, u64::from(taken));
        assert_eq!(counts.forward_full, u64::from(70_000 - taken));
        world.forwarder.end(&world.meter);
        assert_eq!(world.counts(), [counts.forwarded, 0, counts.forwarded, 0]);
    }
}

#[test]
fn only_queries_are_passed_on() {
    let mut message = query(1, "a.example.net", 1, None);
    assert!(Forwarder::takes(&message));
    assert!(!Forwarder::takes(&message[..11]));
    message.resize(QUERY_BYTES_MAX + 1, 0);
    assert!(!Forwarder::takes(&message));
    message.truncate(QUERY_BYTES_MAX);
    assert!(Forwarder::takes(&message));
    message[2] |= 0x80;
    assert!(!Forwarder::takes(&message));
}
