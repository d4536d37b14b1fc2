//! DNS over TCP: the listeners and their connections.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use canvass_model::Time;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::connection_table::{ConnectionId, ConnectionTable, Progress};
use crate::forwarder::AbandonedReplies;
use crate::framing::READ_BYTES;
use crate::listener::{Accepted, Listener};
use crate::report::DnsCounter;

use super::connection::Connection;
use super::query_handler::{DelayedReply, QueryHandler};

/// Open connections; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 65_536;
/// Connections served per turn.
const CONNECTIONS_PER_TURN: usize = 64;
/// Octets of replies written per turn, so that replies that are due do not wait for long.
const REPLY_BYTES_PER_TURN: usize = 128 << 10;

/// The DNS server's side of TCP.
pub(crate) struct TcpServer {
    listeners: Vec<Listener>,
    registry: Registry,
    first_listener: usize,
    connections: ConnectionTable<Connection>,
    /// Replies that were added to their connections and are about to be sent.
    added: Vec<AddedReply>,
    buffer: Box<[u8]>,
    replies: Vec<u8>,
}

struct AddedReply {
    connection: ConnectionId,
    received: Time,
    delay: Duration,
}

impl TcpServer {
    /// Takes over listeners. Their tokens begin at `first_listener`, those of connections at
    /// `first_connection`.
    pub(crate) fn new(
        sockets: Vec<std::net::TcpListener>,
        registry: Registry,
        first_listener: usize,
        first_connection: usize,
    ) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for (index, socket) in sockets.into_iter().enumerate() {
            let mut listener = Listener::new(socket)?;
            let token = Token(first_listener + index);
            registry.register(listener.source(), token, Interest::READABLE)?;
            listeners.push(listener);
        }
        Ok(Self {
            listeners,
            registry,
            first_listener,
            connections: ConnectionTable::new(first_connection),
            added: Vec::new(),
            buffer: vec![0; READ_BYTES].into(),
            replies: Vec::new(),
        })
    }

    /// Accepts connections, or marks one to be served.
    pub(crate) fn handle_event(&mut self, event: &Event, handler: &mut QueryHandler) {
        let index = event.token().0 - self.first_listener;
        if let Some(listener) = self.listeners.get_mut(index) {
            listener.ready = true;
            return self.accept(handler);
        }
        self.connections
            .handle_event(event, Connection::set_readable);
    }

    /// Whether connections are waiting to be served.
    pub(crate) fn has_work(&self) -> bool {
        self.connections.queued() > 0
    }

    /// Serves connections, up to a limit.
    pub(crate) fn turn(&mut self, handler: &mut QueryHandler) {
        let mut reply_bytes = 0;
        for _ in 0..CONNECTIONS_PER_TURN.min(self.connections.queued()) {
            if reply_bytes >= REPLY_BYTES_PER_TURN {
                break;
            }
            let Some((id, connection)) = self.connections.next_queued() else {
                break;
            };
            match connection.serve(handler, &mut self.buffer, &mut self.replies) {
                Progress::More => self.connections.enqueue(id),
                Progress::Idle => {}
                Progress::Closed => self.close(id, handler),
            }
            reply_bytes += self.replies.len();
        }
    }

    /// Adds a reply that is due to its connection. It leaves with
    /// [`send_delayed`](Self::send_delayed).
    pub(crate) fn add_delayed(
        &mut self,
        handler: &QueryHandler,
        id: ConnectionId,
        reply: &DelayedReply,
    ) {
        let Some(connection) = self.connections.get_mut(id) else {
            handler.metrics.add(DnsCounter::SendErrors);
            return;
        };
        connection.add_delayed(handler, reply);
        self.added.push(AddedReply {
            connection: id,
            received: reply.received,
            delay: reply.delay,
        });
        // A query may have had to wait for this reply.
        self.connections.enqueue(id);
    }

    /// Has a connection no longer wait for replies that will not come.
    pub(crate) fn abandon(&mut self, abandoned: AbandonedReplies) {
        if let Some(connection) = self.connections.get_mut(abandoned.connection) {
            connection.abandon(abandoned.replies);
            // They may be all that kept it open, or kept it from its next query.
            self.connections.enqueue(abandoned.connection);
        }
    }

    /// Sends the replies added since the last call, with one write per connection.
    pub(crate) fn send_delayed(&mut self, handler: &mut QueryHandler) {
        let mut added = std::mem::take(&mut self.added);
        for reply in &added {
            if let Some(connection) = self.connections.get_mut(reply.connection)
                && connection.send_unsent(handler).is_err()
            {
                self.close(reply.connection, handler);
            }
        }
        if !added.is_empty() {
            let now = handler.clock.now();
            for reply in added.drain(..) {
                handler
                    .metrics
                    .add_delay(now.since(reply.received), reply.delay);
            }
        }
        self.added = added;
    }

    fn accept(&mut self, handler: &mut QueryHandler) {
        for index in 0..self.listeners.len() {
            while self.listeners[index].ready && self.connections.len() < CONNECTIONS_MAX {
                match self.listeners[index].accept() {
                    Accepted::Connection(stream, server) => self.open(stream, server, handler),
                    Accepted::NotLoopback => handler.metrics.add(DnsCounter::NotLoopback),
                    Accepted::Nothing => {}
                    // Accepting is tried again when a connection closes or another one arrives.
                    Accepted::Failed => return handler.metrics.add(DnsCounter::AcceptErrors),
                }
            }
        }
    }

    fn open(&mut self, stream: TcpStream, server: IpAddr, handler: &QueryHandler) {
        let id = self
            .connections
            .insert(|id| Connection::new(stream, server, id));
        let token = self.connections.token(id);
        let interest = Interest::READABLE | Interest::WRITABLE;
        let registered = self.connections.get_mut(id).is_some_and(|connection| {
            self.registry
                .register(connection.stream(), token, interest)
                .is_ok()
        });
        if registered {
            handler.metrics.add(DnsCounter::Connections);
        } else {
            self.connections.remove(id);
            handler.metrics.add(DnsCounter::AcceptErrors);
        }
    }

    fn close(&mut self, id: ConnectionId, handler: &mut QueryHandler) {
        // Dropping the connection closes its descriptor, which also takes it out of the poll.
        if self.connections.remove(id).is_some() {
            self.accept(handler);
        }
    }
}
