//! Forwards queries over UDP.

use std::collections::VecDeque;
use std::io;
use std::net::UdpSocket as StdSocket;
use std::os::fd::AsFd;

use canvass_model::Time;
use mio::net::UdpSocket;
use mio::{Interest, Registry, Token};

use crate::datagram_batch::{ReceiveBatch, SendBatch};
use crate::packet_info::RawAddress;
use crate::report::DnsCounter;

use super::SOCKETS;
use super::forwarded_query::{AnswerRelay, ForwardedQuery, remove_answered};
use super::open_queries::{ANSWER_WAIT_MAX, OpenQueries};
use super::send_window::{IntervalNumber, SendWindow};

/// Open queries per socket.
const OPEN_MAX: usize = 32_768;
/// Queries that may wait to be sent.
const BACKLOG_MAX: usize = 65_536;
/// The longest datagram there is.
const ANSWER_BYTES_MAX: usize = 65_535;
/// Batches read from one socket per turn.
const BATCHES_PER_TURN: usize = 2;

/// Connected sockets, each with its own ids.
pub(super) struct UdpForwarder {
    sockets: Vec<Socket>,
    /// The socket that the next [`send`](Self::send) uses: the answers to one batch of queries
    /// then arrive as a batch.
    current: usize,
    /// Queries that have not been sent.
    backlog: VecDeque<QueuedQuery>,
    window: SendWindow,
    outgoing: SendBatch<u16>,
    received: ReceiveBatch,
}

struct QueuedQuery {
    forwarded: ForwardedQuery,
    message: Box<[u8]>,
}

struct Socket {
    socket: UdpSocket,
    open: OpenQueries<SentQuery>,
    /// There may be more to read.
    ready: bool,
}

struct SentQuery {
    forwarded: ForwardedQuery,
    interval: IntervalNumber,
}

impl UdpForwarder {
    /// Takes over at least one connected socket. Their tokens begin at `first_token`.
    pub(super) fn new(
        sockets: Vec<StdSocket>,
        registry: &Registry,
        first_token: usize,
    ) -> io::Result<Self> {
        let mut registered = Vec::new();
        for (index, socket) in sockets.into_iter().enumerate() {
            socket.set_nonblocking(true)?;
            let mut socket = UdpSocket::from_std(socket);
            registry.register(&mut socket, Token(first_token + index), Interest::READABLE)?;
            registered.push(Socket {
                socket,
                open: OpenQueries::new(OPEN_MAX),
                ready: false,
            });
        }
        Ok(Self {
            sockets: registered,
            current: 0,
            backlog: VecDeque::new(),
            window: SendWindow::new(),
            outgoing: SendBatch::new(),
            received: ReceiveBatch::new(ANSWER_BYTES_MAX),
        })
    }

    /// Notes that a socket has something to read.
    pub(super) fn set_ready(&mut self, index: usize) {
        self.sockets[index].ready = true;
    }

    /// Queues a query. Returns whether there was room for it.
    pub(super) fn push(&mut self, query: &[u8], forwarded: ForwardedQuery) -> bool {
        if self.backlog.len() >= BACKLOG_MAX {
            return false;
        }
        let message = query.into();
        self.backlog.push_back(QueuedQuery { forwarded, message });
        true
    }

    /// Sends as many queries as the window allows, each with its own id.
    pub(super) fn send(&mut self, now: Time, relay: &mut AnswerRelay<'_>) {
        if self.backlog.is_empty() {
            return;
        }
        self.window.advance(now);
        let Socket { socket, open, .. } = &mut self.sockets[self.current];
        self.current = (self.current + 1) % SOCKETS;
        while self.window.has_room()
            && !open.is_full()
            && let Some(QueuedQuery { forwarded, message }) = self.backlog.pop_front()
        {
            let (received, interval) = (forwarded.received, self.window.count_sent());
            let query = SentQuery {
                forwarded,
                interval,
            };
            if let Some(id) = open.insert(received, query) {
                let datagram = self
                    .outgoing
                    .push(&message, RawAddress::CONNECTED, None, id);
                datagram[..2].copy_from_slice(&id.to_be_bytes());
            }
        }
        let window = &mut self.window;
        self.outgoing.send(socket.as_fd(), |id, sent| {
            if !sent && let Some(query) = open.remove(id) {
                window.count_answered(query.interval);
                relay.metrics.add(DnsCounter::ForwardErrors);
                relay.unanswered(&query.forwarded);
            }
        });
    }

    /// Reads answers, up to a limit. Returns whether there may be more.
    pub(super) fn turn(&mut self, relay: &mut AnswerRelay<'_>) -> bool {
        let mut more = false;
        for socket in &mut self.sockets {
            socket.turn(&mut self.received, &mut self.window, relay);
            more |= socket.ready;
        }
        more
    }

    /// Ends queries that were not answered in time.
    pub(super) fn expire(&mut self, now: Time, relay: &mut AnswerRelay<'_>) {
        for socket in &mut self.sockets {
            while let Some(query) = socket.open.remove_expired(now) {
                relay.unanswered(&query.forwarded);
            }
        }
        while self
            .backlog
            .front()
            .is_some_and(|next| next.expiry() <= now)
            && let Some(queued) = self.backlog.pop_front()
        {
            relay.unanswered(&queued.forwarded);
        }
    }

    /// The next time at which [`expire`](Self::expire) has something to do.
    pub(super) fn next_expiry(&self) -> Option<Time> {
        let sent = self.sockets.iter().map(|socket| &socket.open);
        let unsent = self.backlog.front().map(QueuedQuery::expiry);
        sent.filter_map(OpenQueries::next_expiry)
            .chain(unsent)
            .min()
    }

    /// The next time at which [`send`](Self::send) has something to do without an answer.
    pub(super) fn next_send(&self) -> Option<Time> {
        (!self.backlog.is_empty()).then(|| self.window.next_room())
    }

    /// The number of open queries, including those that have not been sent.
    pub(super) fn open(&self) -> usize {
        let sent = self.sockets.iter().map(|socket| socket.open.len());
        sent.sum::<usize>() + self.backlog.len()
    }
}

impl QueuedQuery {
    fn expiry(&self) -> Time {
        self.forwarded.received + ANSWER_WAIT_MAX
    }
}

impl Socket {
    fn turn(
        &mut self,
        received: &mut ReceiveBatch,
        window: &mut SendWindow,
        relay: &mut AnswerRelay<'_>,
    ) {
        for _ in 0..BATCHES_PER_TURN {
            if !self.ready {
                return;
            }
            // An error is an ICMP message about an earlier query, which stays unanswered.
            for index in 0..received.receive(self.socket.as_fd(), &mut self.ready) {
                let (_, answer) = received.datagram(index);
                match remove_answered(&mut self.open, answer, |query| &query.forwarded) {
                    Some(query) => {
                        window.count_answered(query.interval);
                        relay.answer(&query.forwarded, answer);
                    }
                    None => relay.metrics.add(DnsCounter::ForwardUnknown),
                }
            }
        }
    }
}
