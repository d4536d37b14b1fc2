//! The services over UDP.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::time::Duration;

use canvass_model::Time;
use mio::net::UdpSocket;

use crate::batch::{Inbox, Outbox};
use crate::datagram::{Peer, report_server};
use crate::report::ServiceCount;
use crate::schedule::WAITING_MAX;
use crate::service::ServiceKind;

use super::wakes::Wake;
use super::{Core, is_served};

/// The longest datagram that is read: the longest there is.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Batches read before others get their turn.
const BATCHES_PER_TURN: usize = 2;
/// Where datagrams for every host of the loopback network go.
const BROADCAST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255));
/// The hosts that answer them.
const BROADCAST_HOSTS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)),
];

/// All there is of UDP.
pub(super) struct DatagramSide {
    endpoints: Vec<Endpoint>,
    answer: Vec<u8>,
}

/// An answer that waits for its time.
pub(crate) struct HeldDatagram {
    endpoint: usize,
    server: IpAddr,
    peer: Peer,
    received: Time,
    asked: Duration,
    copies: usize,
    answer: Box<[u8]>,
}

struct Endpoint {
    socket: UdpSocket,
    /// Where it listens; `None` for every loopback address.
    only: Option<IpAddr>,
    kind: ServiceKind,
    service: usize,
    ready: bool,
    inbox: Inbox,
    outbox: Outbox<Letter>,
}

/// What is to be known of an answer once it has left.
#[derive(Clone, Copy)]
struct Letter {
    /// When its datagram was read, and the delay it was to have, if it was held back.
    held: Option<(Time, Duration)>,
}

impl DatagramSide {
    pub const fn new() -> Self {
        Self {
            endpoints: Vec::new(),
            answer: Vec::new(),
        }
    }

    /// Serves on a bound socket.
    pub fn add(
        &mut self,
        socket: std::net::UdpSocket,
        kind: ServiceKind,
        service: usize,
    ) -> io::Result<()> {
        let listen = socket.local_addr()?;
        let every_loopback = listen.ip().is_unspecified();
        if every_loopback {
            report_server(socket.as_fd(), listen.is_ipv6())?;
        }
        socket.set_nonblocking(true)?;
        self.endpoints.push(Endpoint {
            socket: UdpSocket::from_std(socket),
            only: (!every_loopback).then(|| listen.ip()),
            kind,
            service,
            ready: false,
            inbox: Inbox::new(DATAGRAM_BYTES_MAX),
            outbox: Outbox::new(),
        });
        Ok(())
    }

    pub fn len(&self) -> usize {
        self.endpoints.len()
    }

    /// The sockets, for registration.
    pub fn sources(&mut self) -> impl Iterator<Item = &mut UdpSocket> {
        self.endpoints
            .iter_mut()
            .map(|endpoint| &mut endpoint.socket)
    }

    /// The poll says that a socket has something to read.
    pub fn note(&mut self, endpoint: usize) {
        self.endpoints[endpoint].ready = true;
    }

    /// Answers what has come, up to a bound. Returns whether there may be more.
    pub fn turn(&mut self, core: &mut Core) -> bool {
        let mut more = false;
        for index in 0..self.endpoints.len() {
            if self.endpoints[index].ready {
                self.turn_of(index, core);
                more |= self.endpoints[index].ready;
            }
        }
        more
    }

    /// Sends an answer whose time has come.
    pub fn send_held(&mut self, core: &Core, held: &HeldDatagram) {
        let endpoint = &mut self.endpoints[held.endpoint];
        let letter = Letter {
            held: Some((held.received, held.asked)),
        };
        for _ in 0..held.copies {
            endpoint.push(&held.answer, held.peer, held.server, letter);
        }
        endpoint.send(core);
    }

    fn turn_of(&mut self, index: usize, core: &mut Core) {
        for _ in 0..BATCHES_PER_TURN {
            let endpoint = &mut self.endpoints[index];
            let (received, more) = match endpoint.inbox.receive(endpoint.socket.as_fd()) {
                Ok(received) => received,
                Err(error) => {
                    // Any other error was about one datagram, and it is gone.
                    if error.kind() == io::ErrorKind::WouldBlock {
                        endpoint.ready = false;
                        return;
                    }
                    continue;
                }
            };
            for at in 0..received {
                self.answer(core, index, at);
            }
            self.endpoints[index].send(core);
            if !more {
                self.endpoints[index].ready = false;
                return;
            }
        }
    }

    fn answer(&mut self, core: &mut Core, index: usize, at: usize) {
        let endpoint = &mut self.endpoints[index];
        let (arrival, _) = endpoint.inbox.arrival(at);
        let Some(server) = endpoint.only.or(arrival.server) else {
            return;
        };
        if !is_served(endpoint.only.is_none(), server) {
            return core.meters[endpoint.service].add(ServiceCount::Foreign);
        }
        core.meters[endpoint.service].add(ServiceCount::Datagrams);
        if server == BROADCAST {
            for host in BROADCAST_HOSTS {
                self.answer_as(core, index, at, host);
            }
        } else {
            self.answer_as(core, index, at, server);
        }
    }

    fn answer_as(&mut self, core: &mut Core, index: usize, at: usize, server: IpAddr) {
        let endpoint = &mut self.endpoints[index];
        let (arrival, datagram) = endpoint.inbox.arrival(at);
        let now = core.clock.now();
        self.answer.clear();
        let plan = core
            .services
            .answer(now, endpoint.kind, server, datagram, &mut self.answer);
        let Some(plan) = plan else {
            return;
        };
        if plan.delay.is_zero() {
            for _ in 0..plan.copies {
                if endpoint.outbox.is_full() {
                    endpoint.send(core);
                }
                endpoint.push(&self.answer, arrival.peer, server, Letter { held: None });
            }
            return;
        }
        if core.wakes.len() >= WAITING_MAX {
            return core.meters[endpoint.service].add(ServiceCount::SendErrors);
        }
        let held = HeldDatagram {
            endpoint: index,
            server,
            peer: arrival.peer,
            received: now,
            asked: plan.delay,
            copies: plan.copies,
            answer: self.answer.as_slice().into(),
        };
        core.wakes
            .push(now + plan.delay, Wake::Datagram(Box::new(held)));
    }
}

impl Endpoint {
    fn push(&mut self, answer: &[u8], peer: Peer, server: IpAddr, letter: Letter) {
        let from = self.only.is_none().then_some(server);
        self.outbox.push(answer, peer, from, letter);
    }

    fn send(&mut self, core: &Core) {
        let (meter, clock) = (&core.meters[self.service], core.clock);
        self.outbox.send(self.socket.as_fd(), |letter, sent| {
            if !sent {
                return meter.add(ServiceCount::SendErrors);
            }
            meter.add(ServiceCount::Replies);
            if let Some((received, asked)) = letter.held {
                meter.add_delay(clock.now().since(received), asked);
            }
        });
    }
}
