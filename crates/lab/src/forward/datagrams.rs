//! Passing queries on over UDP, and reading the answers.

use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket as StdSocket;
use std::os::fd::AsFd;

use canvass_model::Time;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

use crate::batch::{Inbox, Outbox};
use crate::datagram::Peer;
use crate::report::Count;

use super::SOCKETS;
use super::flight::{Flight, SpanNumber};
use super::pending::{ANSWER_WAIT_MAX, Pending};
use super::waiting::{Returns, Waiting, remove_answered};

/// Queries that may be open at one socket.
const OPEN_MAX: usize = 32_768;
/// Queries that may wait until they may leave.
const BACKLOG_MAX: usize = 65_536;
/// The longest answer that is read: the longest datagram there is.
const ANSWER_BYTES_MAX: usize = 65_535;
/// Batches read from one socket before others get their turn.
const BATCHES_PER_TURN: usize = 2;

/// All there is of UDP: connected sockets, each with ids of its own.
pub(super) struct Datagrams {
    sockets: Vec<Socket>,
    /// The one by which queries leave at the next [`send`](Self::send): what leaves together is
    /// answered together.
    current: usize,
    /// Queries that have not left.
    backlog: VecDeque<Queued>,
    flight: Flight,
    outbox: Outbox<u16>,
    inbox: Inbox,
}

struct Queued {
    waiting: Waiting,
    query: Box<[u8]>,
}

struct Socket {
    socket: UdpSocket,
    pending: Pending<Asked>,
    /// There may be more to read.
    ready: bool,
}

struct Asked {
    waiting: Waiting,
    left: SpanNumber,
}

impl Datagrams {
    /// Takes connected sockets over, at least one; their tokens begin at `token_first`.
    pub fn new(
        sockets: Vec<StdSocket>,
        registry: &Registry,
        token_first: usize,
    ) -> io::Result<Self> {
        let mut registered = Vec::new();
        for (index, socket) in sockets.into_iter().enumerate() {
            socket.set_nonblocking(true)?;
            let mut socket = UdpSocket::from_std(socket);
            registry.register(&mut socket, Token(token_first + index), Interest::READABLE)?;
            registered.push(Socket {
                socket,
                pending: Pending::new(OPEN_MAX),
                ready: false,
            });
        }
        Ok(Self {
            sockets: registered,
            current: 0,
            backlog: VecDeque::new(),
            flight: Flight::new(),
            outbox: Outbox::new(),
            inbox: Inbox::new(ANSWER_BYTES_MAX),
        })
    }

    /// There is something to read from one of the sockets.
    pub fn note(&mut self, index: usize) {
        self.sockets[index].ready = true;
    }

    /// Takes a query in, to leave in its turn. Returns whether there was room for it.
    pub fn push(&mut self, query: &[u8], waiting: Waiting) -> bool {
        if self.backlog.len() >= BACKLOG_MAX {
            return false;
        }
        let query = query.into();
        self.backlog.push_back(Queued { waiting, query });
        true
    }

    /// Sends what may leave, each query with an id of its own.
    pub fn send(&mut self, now: Time, returns: &mut Returns<'_>) {
        if self.backlog.is_empty() {
            return;
        }
        self.flight.advance(now);
        let Socket {
            socket, pending, ..
        } = &mut self.sockets[self.current];
        self.current = (self.current + 1) % SOCKETS;
        while self.flight.has_room()
            && !pending.is_full()
            && let Some(Queued { waiting, query }) = self.backlog.pop_front()
        {
            let (received, left) = (waiting.received, self.flight.leave());
            if let Some(id) = pending.insert(received, Asked { waiting, left }) {
                let datagram = self.outbox.push(&query, Peer::CONNECTED, None, id);
                datagram[..2].copy_from_slice(&id.to_be_bytes());
            }
        }
        let flight = &mut self.flight;
        self.outbox.send(socket.as_fd(), |id, sent| {
            if !sent && let Some(asked) = pending.remove(id) {
                flight.answered(asked.left);
                returns.meter.add(Count::ForwardErrors);
                returns.unanswered(&asked.waiting);
            }
        });
    }

    /// Reads answers, up to a bound. Returns whether there may be more.
    pub fn turn(&mut self, returns: &mut Returns<'_>) -> bool {
        let mut more = false;
        for socket in self.sockets.iter_mut().filter(|socket| socket.ready) {
            socket.turn(&mut self.inbox, &mut self.flight, returns);
            more |= socket.ready;
        }
        more
    }

    /// Ends queries that were waited for long enough.
    pub fn expire(&mut self, now: Time, returns: &mut Returns<'_>) {
        for socket in &mut self.sockets {
            while let Some(asked) = socket.pending.remove_expired(now) {
                returns.unanswered(&asked.waiting);
            }
        }
        while self
            .backlog
            .front()
            .is_some_and(|next| next.expiry() <= now)
            && let Some(queued) = self.backlog.pop_front()
        {
            returns.unanswered(&queued.waiting);
        }
    }

    /// When [`expire`](Self::expire) will have something to do.
    pub fn next_expiry(&self) -> Option<Time> {
        let sent = self.sockets.iter().map(|socket| &socket.pending);
        let unsent = self.backlog.front().map(Queued::expiry);
        sent.filter_map(Pending::next_expiry).chain(unsent).min()
    }

    /// When [`send`](Self::send) will have something to do, if no answer comes before.
    pub fn next_send(&self) -> Option<Time> {
        (!self.backlog.is_empty()).then(|| self.flight.next_room())
    }

    /// How many queries are open, those that have not left among them.
    pub fn open(&self) -> usize {
        let sent = self.sockets.iter().map(|socket| socket.pending.len());
        sent.sum::<usize>() + self.backlog.len()
    }
}

impl Queued {
    fn expiry(&self) -> Time {
        self.waiting.received + ANSWER_WAIT_MAX
    }
}

impl Socket {
    fn turn(&mut self, inbox: &mut Inbox, flight: &mut Flight, returns: &mut Returns<'_>) {
        for _ in 0..BATCHES_PER_TURN {
            let (received, more) = match inbox.receive(self.socket.as_fd()) {
                Ok(received) => received,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.ready = false;
                    return;
                }
                // A closed port or a path that has gone, said of a datagram sent before: its
                // query stays unanswered.
                Err(_) => continue,
            };
            for index in 0..received {
                let (_, answer) = inbox.arrival(index);
                match remove_answered(&mut self.pending, answer, |asked| &asked.waiting) {
                    Some(asked) => {
                        flight.answered(asked.left);
                        returns.answer(&asked.waiting, answer);
                    }
                    None => returns.meter.add(Count::ForwardUnknown),
                }
            }
            if !more {
                self.ready = false;
                return;
            }
        }
    }
}
