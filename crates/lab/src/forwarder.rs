//! Forwards queries to another DNS server and relays its answers.
//!
//! This is not a resolver: it has no cache, no retransmission and no policy. A query keeps its
//! transport and gets a new id. An answer is accepted if its id and its question are those of an
//! open query on the same socket. Impairments then apply to it as planned by the responder.

mod forwarded_query;
mod open_queries;
mod send_window;
mod tcp;
mod udp;

use std::io;
use std::net::{SocketAddr, UdpSocket};

use canvass_model::Time;
use mio::event::Event;
use mio::{Registry, Token};
use smallvec::SmallVec;

use crate::datagram_batch::QUERY_BYTES_MAX;
use crate::dns_server::ReturnPath;
use crate::framing::READ_BYTES;
use crate::report::{DnsCounter, Metrics};
use crate::responder::PlannedReply;
use forwarded_query::{ForwardedQuery, is_query};
use open_queries::ANSWER_WAIT_MAX;
use tcp::TcpForwarder;
use udp::UdpForwarder;

pub(crate) use forwarded_query::{AbandonedReplies, AnswerRelay};

/// UDP sockets. Each has its own receive buffer, and a server with several workers distributes
/// flows among them.
pub(crate) const SOCKETS: usize = 8;
/// TCP connections to the server. All queries of one client connection use the same one.
const CONNECTIONS: usize = 4;
/// The number of poll tokens in use.
pub(crate) const TOKENS: usize = SOCKETS + CONNECTIONS;

/// The server to forward to, and sockets connected to it.
pub(crate) struct Target {
    pub address: SocketAddr,
    /// [`SOCKETS`] of them.
    pub sockets: Vec<UdpSocket>,
}

/// Forwards queries. Does not read a clock.
pub(crate) struct Forwarder {
    server: SocketAddr,
    registry: Registry,
    first_token: usize,
    udp: UdpForwarder,
    connections: [TcpForwarder; CONNECTIONS],
    buffer: Box<[u8]>,
    /// The earliest time at which a query can expire. Computed again only then, because nearly
    /// every query is answered before.
    next_expiry: Option<Time>,
}

impl Forwarder {
    /// Uses [`TOKENS`] tokens from `first_token` on.
    pub(crate) fn new(target: Target, registry: Registry, first_token: usize) -> io::Result<Self> {
        let udp = UdpForwarder::new(target.sockets, &registry, first_token)?;
        let connection = |index| TcpForwarder::new(Token(first_token + SOCKETS + index));
        Ok(Self {
            server: target.address,
            registry,
            first_token,
            udp,
            connections: std::array::from_fn(connection),
            buffer: vec![0; READ_BYTES].into(),
            next_expiry: None,
        })
    }

    /// Handles an event of a socket or a connection.
    pub(crate) fn handle_event(&mut self, event: &Event) {
        let index = event.token().0 - self.first_token;
        match index.checked_sub(SOCKETS) {
            None => self.udp.set_ready(index),
            Some(index) => self.connections[index].handle_event(event),
        }
    }

    /// Whether a message can be forwarded: it is a query of at most [`QUERY_BYTES_MAX`] octets.
    pub(crate) fn accepts(message: &[u8]) -> bool {
        is_query(message) && message.len() <= QUERY_BYTES_MAX
    }

    /// Forwards a query that it [`accepts`](Self::accepts), at the next [`turn`](Self::turn) or
    /// once the server's receive buffer can be expected to have room. Returns the number of replies
    /// that may result.
    pub(crate) fn forward(
        &mut self,
        received: Time,
        query: &[u8],
        return_path: ReturnPath,
        planned: SmallVec<[PlannedReply; 1]>,
        metrics: &Metrics<DnsCounter>,
    ) -> u32 {
        let replies = planned.len() as u32;
        let forwarded = ForwardedQuery::new(received, return_path, query, planned);
        let accepted = match return_path {
            ReturnPath::Udp { .. } => self.udp.push(query, forwarded),
            ReturnPath::Tcp(client) => {
                self.connections[client.slot() % CONNECTIONS].push(query, forwarded)
            }
        };
        if !accepted {
            metrics.add(DnsCounter::ForwardFull);
            return 0;
        }
        metrics.add(DnsCounter::Forwarded);
        self.next_expiry.get_or_insert(received + ANSWER_WAIT_MAX);
        replies
    }

    /// Relays answers, sends queries, and expires those that were not answered in time. Returns
    /// whether there may be more to do at once.
    pub(crate) fn turn(&mut self, now: Time, relay: &mut AnswerRelay<'_>) -> bool {
        // Reads first: each answer may make room for a query.
        let mut more = self.udp.turn(relay);
        self.udp.send(now, relay);
        for connection in &mut self.connections {
            if connection.has_to_send() {
                connection.send(self.server, &self.registry, relay);
            }
            more |= connection.turn(&mut self.buffer, relay);
            // Queries of a connection that closed may have to be sent over the next one.
            more |= connection.has_to_send();
        }
        if self.next_expiry.is_some_and(|at| at <= now) {
            self.expire(now, relay);
        }
        more
    }

    /// The next time at which there is something to do without an event.
    pub(crate) fn next_due(&self) -> Option<Time> {
        let send = self.udp.next_send();
        self.next_expiry.into_iter().chain(send).min()
    }

    /// Counts the queries that are still open as unanswered, when the lab stops.
    pub(crate) fn count_open(&self, metrics: &Metrics<DnsCounter>) {
        let over_tcp: usize = self.connections.iter().map(TcpForwarder::open).sum();
        let open = self.udp.open() + over_tcp;
        metrics.add_many(DnsCounter::ForwardUnanswered, open as u64);
    }

    fn expire(&mut self, now: Time, relay: &mut AnswerRelay<'_>) {
        self.udp.expire(now, relay);
        for connection in &mut self.connections {
            connection.expire(now, relay);
        }
        let over_tcp = self
            .connections
            .iter()
            .filter_map(TcpForwarder::next_expiry);
        self.next_expiry = over_tcp.chain(self.udp.next_expiry()).min();
    }
}

#[cfg(test)]
mod tests;
