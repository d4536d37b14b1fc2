//! The lab over UDP.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::AsFd;
use std::time::Duration;

use canvass_model::Time;
use mio::net::UdpSocket;

use crate::batch::{Arrival, Inbox, Outbox, QUERY_BYTES_MAX};
use crate::datagram::{Peer, report_server};
use crate::destination::Destination;
use crate::exchange::Core;
use crate::report::{Count, Meter};
use crate::schedule::Held;

/// Batches read before others get their turn: each takes some 100 us, and replies that are due
/// must not wait for many.
const BATCHES_PER_TURN: usize = 2;

/// One UDP socket.
pub(crate) struct UdpEndpoint {
    socket: UdpSocket,
    /// Where it listens; `None` for every loopback address.
    only: Option<IpAddr>,
    /// Which of the lab's sockets this is.
    index: usize,
    /// There may be more to read.
    pub ready: bool,
    inbox: Inbox,
    outbox: Outbox<Letter>,
}

/// What is to be known of a reply once it has left.
#[derive(Clone, Copy)]
struct Letter {
    count: Count,
    /// When its query was read, and the delay it was to have, if it was held back.
    held: Option<(Time, Duration)>,
}

impl UdpEndpoint {
    /// Serves on a bound socket.
    pub fn new(socket: std::net::UdpSocket, index: usize) -> io::Result<Self> {
        let listen: SocketAddr = socket.local_addr()?;
        let every_loopback = listen.ip().is_unspecified();
        if every_loopback {
            report_server(socket.as_fd(), listen.is_ipv6())?;
        }
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: UdpSocket::from_std(socket),
            only: (!every_loopback).then(|| listen.ip()),
            index,
            ready: false,
            inbox: Inbox::new(QUERY_BYTES_MAX),
            outbox: Outbox::new(),
        })
    }

    /// The socket, for registration.
    pub fn source(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    /// Answers what has come, up to a bound; `ready` says whether there may be more.
    pub fn turn(&mut self, core: &mut Core) {
        for _ in 0..BATCHES_PER_TURN {
            let (received, more) = match self.inbox.receive(self.socket.as_fd()) {
                Ok(received) => received,
                Err(error) => {
                    // Any other error was about one datagram, and it is gone.
                    if error.kind() == io::ErrorKind::WouldBlock {
                        self.ready = false;
                        return;
                    }
                    continue;
                }
            };
            for index in 0..received {
                self.answer(core, index);
            }
            self.send_replies(core);
            if !more {
                self.ready = false;
                return;
            }
        }
    }

    /// Takes a reply whose time has come; it leaves with [`send_replies`](Self::send_replies).
    pub fn take_held(&mut self, core: &Core, held: &Held<Destination>, server: IpAddr, peer: Peer) {
        let letter = Letter {
            count: held.count,
            held: Some((held.received, held.asked)),
        };
        self.reply(core, &held.message, peer, server, letter);
    }

    /// Sends the replies that are ready.
    pub fn send_replies(&mut self, core: &Core) {
        let meter: &Meter = &core.meter;
        let clock = core.clock;
        self.outbox.send(self.socket.as_fd(), |letter, sent| {
            if !sent {
                return meter.add(Count::SendErrors);
            }
            meter.add(letter.count);
            if let Some((received, asked)) = letter.held {
                meter.add_delay(clock.now().since(received), asked);
            }
        });
    }

    fn answer(&mut self, core: &mut Core, index: usize) {
        let (arrival, query) = self.inbox.arrival(index);
        let Arrival { peer, cut, .. } = arrival;
        let loopback = arrival.server.filter(IpAddr::is_loopback);
        let Some(server) = self.only.or(loopback) else {
            return core.meter.add(Count::Foreign);
        };
        core.meter.add(Count::QueriesUdp);
        if cut {
            return core.meter.add(Count::Unreadable);
        }
        let back = Destination::Udp {
            endpoint: self.index,
            server,
            peer,
        };
        core.exchange(core.arrival(), server, query, back);
        for (count, reply) in core.ready() {
            let letter = Letter { count, held: None };
            self.reply(core, reply, peer, server, letter);
        }
    }

    fn reply(&mut self, core: &Core, message: &[u8], peer: Peer, server: IpAddr, letter: Letter) {
        if self.outbox.is_full() {
            self.send_replies(core);
        }
        let from = self.only.is_none().then_some(server);
        self.outbox.push(message, peer, from, letter);
    }
}
