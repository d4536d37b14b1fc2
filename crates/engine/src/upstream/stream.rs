//! The stream connections of one upstream, many queries in a write (RFC 7766).

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Remote, Time};
use canvass_proto::connection::{Connection, LengthPrefixed, Received};
use canvass_proto::dns::Message;

use super::attempts::{Attempt, Attempts};
use crate::net::{Net, SocketId};
use crate::socket_options::SocketOptions;

/// Connections that take queries at the same time (RFC 7766 §6.2.2 recommends few).
pub(super) const CONNECTIONS_MAX: usize = 4;
/// The most queries given to one connection for one write, before another has its turn.
const TURN_QUERIES: u32 = 64;
/// Queries a connection may have open: far below the ids there are.
const OPEN_QUERIES_MAX: usize = 8_192;
/// Octets that may wait to be written to a connection.
const UNSENT_OCTETS_MAX: usize = 256 << 10;
/// How long a message may take from its first octet to its last while a query expires: a server
/// writes messages whole, so a longer one has a length that is not true.
const MESSAGE_MAX: Duration = Duration::from_secs(1);

/// One connection of an upstream.
#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) socket: SocketId,
    pub(crate) attempts: Attempts,
    connection: Connection<LengthPrefixed>,
    /// When the first octets were received of a message that is not complete.
    message_began: Option<Time>,
    /// The socket would block, and has not become writable since.
    blocked: bool,
    queries: u32,
    pub(crate) answers: u32,
}

impl Stream {
    fn new(socket: SocketId) -> Self {
        Self {
            socket,
            attempts: Attempts::default(),
            connection: Connection::default(),
            message_began: None,
            blocked: false,
            queries: 0,
            answers: 0,
        }
    }

    /// Appends a query, written by `write`, to the send buffer.
    pub(crate) fn send(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.connection.send(write);
        self.queries += 1;
    }

    /// Takes what was read, and returns the messages that are complete now.
    pub(crate) fn received<'a>(
        &mut self,
        now: Time,
        octets: &'a [u8],
    ) -> Received<'a, LengthPrefixed> {
        let received = self.connection.received(octets);
        let began = self.message_began.filter(|_| received.frames.is_empty());
        let partial = self.connection.partial_frame();
        self.message_began = partial.map(|_| began.unwrap_or(now));
        received
    }

    /// Whether a message is complete whose length says that more of it follows.
    pub(crate) fn is_overlong(&self) -> bool {
        let partial = self.connection.partial_frame();
        let message = partial.and_then(Message::new);
        message.is_some_and(|message| message.end().is_some())
    }

    /// Whether it waits for the rest of a message that will not come.
    pub(super) fn is_stuck(&self, now: Time) -> bool {
        let began = self.message_began;
        began.is_some_and(|began| now.since(began) >= MESSAGE_MAX)
    }

    pub(crate) fn on_writable(&mut self) {
        self.blocked = false;
    }

    /// Writes the send buffer to the socket until that would block. Returns the number of octets
    /// written.
    pub(crate) fn flush<N: Net>(&mut self, net: &mut N) -> io::Result<usize> {
        let mut written = 0;
        while self.wants_flush() {
            match net.write(self.socket, self.connection.outgoing()) {
                Ok(octets) => {
                    self.connection.wrote(octets);
                    written += octets;
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(written)
    }

    fn wants_flush(&self) -> bool {
        self.connection.has_outgoing() && !self.blocked
    }

    fn has_room(&self, limit: Option<u32>) -> bool {
        self.attempts.len() < OPEN_QUERIES_MAX
            && self.connection.outgoing().len() < UNSENT_OCTETS_MAX
            && limit.is_none_or(|limit| self.queries < limit)
    }

    fn is_used_up(&self, limit: Option<u32>) -> bool {
        limit.is_some_and(|limit| self.queries >= limit)
    }
}

/// The connections of one upstream.
#[derive(Debug)]
pub(crate) struct Streams {
    address: SocketAddr,
    options: SocketOptions,
    streams: Vec<Stream>,
    /// The connection that takes queries now, and how many more before the next one.
    current: usize,
    turn_left: u32,
    /// Connections that take queries at the same time.
    pub(super) connections_max: usize,
    /// The number of queries that a connection takes, if it has shown a limit.
    pub(crate) queries_max: Option<u32>,
}

impl Streams {
    pub(crate) fn new(address: SocketAddr, source: Option<SocketAddr>) -> Self {
        Self {
            address,
            options: SocketOptions::query_streams(source),
            streams: Vec::new(),
            current: 0,
            turn_left: 0,
            connections_max: CONNECTIONS_MAX,
            queries_max: None,
        }
    }

    /// A connection with room for one more query, and whether it was opened for it; `Ok(None)`
    /// when all are full.
    ///
    /// # Errors
    /// When there is no connection at all and none can be opened.
    pub(crate) fn pick<N: Net>(&mut self, net: &mut N) -> io::Result<Option<(usize, bool)>> {
        let limit = self.queries_max;
        if self.turn_left > 0
            && let Some(current) = self.streams.get(self.current)
            && current.has_room(limit)
            && current.connection.has_outgoing()
        {
            self.turn_left -= 1;
            return Ok(Some((self.current, false)));
        }
        self.turn_left = TURN_QUERIES - 1;
        let fresh = self
            .streams
            .iter()
            .filter(|one| !one.is_used_up(limit))
            .count();
        let idle = self
            .streams
            .iter()
            .position(|one| one.attempts.len() == 0 && one.has_room(limit));
        if let Some(at) = idle {
            self.current = at;
            return Ok(Some((at, false)));
        }
        if fresh < self.connections_max && self.streams.len() < CONNECTIONS_MAX * 2 {
            match net.connect(&Remote::Inet(self.address), &self.options) {
                Ok(socket) => {
                    self.streams.push(Stream::new(socket));
                    self.current = self.streams.len() - 1;
                    return Ok(Some((self.current, true)));
                }
                Err(error) if self.streams.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        // A server may answer the queries of a connection one at a time.
        let count = self.streams.len();
        let next = (1..=count).map(|step| (self.current + step) % count);
        let least = next
            .filter(|at| self.streams[*at].has_room(limit))
            .min_by_key(|at| self.streams[*at].attempts.len());
        Ok(least.map(|at| {
            self.current = at;
            (at, false)
        }))
    }

    pub(crate) fn at(&mut self, at: usize) -> &mut Stream {
        &mut self.streams[at]
    }

    pub(crate) fn by_socket(&mut self, socket: SocketId) -> Option<&mut Stream> {
        self.streams.iter_mut().find(|one| one.socket == socket)
    }

    /// Takes out the connections whose queries have all ended.
    pub(super) fn take_idle(&mut self, idle: &mut Vec<SocketId>) {
        let ended = self.streams.extract_if(.., |one| one.attempts.len() == 0);
        idle.extend(ended.map(|one| one.socket));
        self.turn_left = 0;
    }

    /// Adds the queries that are in flight.
    pub(super) fn add_in_flight(&self, all: &mut Vec<Attempt>) {
        for one in &self.streams {
            all.extend(one.attempts.unexpired().copied());
        }
    }

    pub(crate) fn attempts_open(&self) -> usize {
        self.streams.iter().map(|one| one.attempts.len()).sum()
    }

    pub(crate) fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.streams.iter().map(|one| one.socket)
    }

    /// The socket of a connection with something to write.
    pub(crate) fn unflushed(&self) -> Option<SocketId> {
        self.streams
            .iter()
            .find(|one| one.wants_flush())
            .map(|one| one.socket)
    }

    /// Whether this connection has taken all the queries it may and answered all of them.
    pub(crate) fn is_finished(&self, socket: SocketId) -> bool {
        self.streams.iter().any(|one| {
            one.socket == socket && one.is_used_up(self.queries_max) && one.attempts.len() == 0
        })
    }

    /// Takes out all connections.
    pub(crate) fn remove_all(&mut self) -> Vec<Stream> {
        self.turn_left = 0;
        std::mem::take(&mut self.streams)
    }

    pub(crate) fn remove(&mut self, socket: SocketId) -> Option<Stream> {
        let at = self.streams.iter().position(|one| one.socket == socket)?;
        self.turn_left = 0;
        Some(self.streams.swap_remove(at))
    }
}
