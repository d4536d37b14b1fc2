//! The stream connections of one upstream, many queries in a write (RFC 7766).

use std::io;
use std::net::SocketAddr;

use canvass_model::Remote;

use super::attempts::Attempts;
use crate::net::{Net, SocketId};
use crate::socket_options::SocketOptions;

/// Connections that take queries at the same time (RFC 7766 §6.2.2 asks for few).
const CONNECTIONS_MAX: usize = 4;
/// Queries that go into one connection before the next has its turn: a write's worth.
const TURN_QUERIES: u32 = 64;
/// Queries a connection may have open: far below the ids there are.
const OPEN_QUERIES_MAX: usize = 8_192;
/// Octets that may wait for a connection to take them.
const UNSENT_OCTETS_MAX: usize = 256 << 10;

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) socket: SocketId,
    pub(crate) attempts: Attempts,
    /// What is to be written, from `written` on.
    unsent: Vec<u8>,
    written: usize,
    /// It said that it would block, and has not said otherwise yet.
    blocked: bool,
    /// What was read of a message that is not whole yet.
    pub(crate) partial: Vec<u8>,
    queries: u32,
    pub(crate) answers: u32,
}

impl Connection {
    /// What a query is to be appended to.
    pub(crate) fn unsent(&mut self) -> &mut Vec<u8> {
        &mut self.unsent
    }

    pub(crate) fn on_query(&mut self) {
        self.queries += 1;
    }

    pub(crate) fn on_writable(&mut self) {
        self.blocked = false;
    }

    /// Writes what waits, until it would block.
    pub(crate) fn flush<N: Net>(&mut self, net: &mut N) -> io::Result<()> {
        while self.written < self.unsent.len() && !self.blocked {
            match net.write(self.socket, &self.unsent[self.written..]) {
                Ok(octets) => self.written += octets,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.blocked = true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if self.written == self.unsent.len() {
            self.unsent.clear();
            self.written = 0;
        } else if self.written > UNSENT_OCTETS_MAX / 4 {
            self.unsent.drain(..self.written);
            self.written = 0;
        }
        Ok(())
    }

    fn has_room(&self, limit: Option<u32>) -> bool {
        self.attempts.len() < OPEN_QUERIES_MAX
            && self.unsent.len() - self.written < UNSENT_OCTETS_MAX
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
    connections: Vec<Connection>,
    /// The connection that takes queries now, and how many more before the next.
    current: usize,
    turn_left: u32,
    /// How many queries a connection takes, where it showed a limit.
    pub(crate) queries_max: Option<u32>,
}

impl Streams {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            connections: Vec::new(),
            current: 0,
            turn_left: 0,
            queries_max: None,
        }
    }

    /// A connection that can take one more query, opened if need be (then the flag is set);
    /// `Ok(None)` when all have what they can hold.
    ///
    /// # Errors
    /// When there is no connection at all and none can be opened.
    pub(crate) fn pick<N: Net>(&mut self, net: &mut N) -> io::Result<Option<(usize, bool)>> {
        let limit = self.queries_max;
        if self.turn_left > 0
            && let Some(current) = self.connections.get(self.current)
            && current.has_room(limit)
        {
            self.turn_left -= 1;
            return Ok(Some((self.current, false)));
        }
        self.turn_left = TURN_QUERIES - 1;
        let fresh = self
            .connections
            .iter()
            .filter(|one| !one.is_used_up(limit))
            .count();
        let idle = self
            .connections
            .iter()
            .position(|one| one.attempts.len() == 0 && one.has_room(limit));
        if let Some(at) = idle {
            self.current = at;
            return Ok(Some((at, false)));
        }
        if fresh < CONNECTIONS_MAX && self.connections.len() < CONNECTIONS_MAX * 2 {
            match net.connect(&Remote::Inet(self.address), &SocketOptions::GATHERED) {
                Ok(socket) => {
                    self.connections.push(Connection {
                        socket,
                        attempts: Attempts::default(),
                        unsent: Vec::new(),
                        written: 0,
                        blocked: false,
                        partial: Vec::new(),
                        queries: 0,
                        answers: 0,
                    });
                    self.current = self.connections.len() - 1;
                    return Ok(Some((self.current, true)));
                }
                Err(error) if self.connections.is_empty() => return Err(error),
                Err(_) => {}
            }
        }
        let count = self.connections.len();
        let next = (1..=count).map(|step| (self.current + step) % count);
        Ok(next
            .into_iter()
            .find(|at| self.connections[*at].has_room(limit))
            .map(|at| {
                self.current = at;
                (at, false)
            }))
    }

    pub(crate) fn at(&mut self, at: usize) -> &mut Connection {
        &mut self.connections[at]
    }

    pub(crate) fn by_socket(&mut self, socket: SocketId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|one| one.socket == socket)
    }

    pub(crate) fn attempts_open(&self) -> usize {
        self.connections.iter().map(|one| one.attempts.len()).sum()
    }

    pub(crate) fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.connections.iter().map(|one| one.socket)
    }

    /// Sockets with something to write.
    pub(crate) fn unflushed(&self) -> Option<SocketId> {
        self.connections
            .iter()
            .find(|one| one.written < one.unsent.len() && !one.blocked)
            .map(|one| one.socket)
    }

    /// Whether this connection has taken all it may and answered all it took.
    pub(crate) fn is_finished(&self, socket: SocketId) -> bool {
        self.connections.iter().any(|one| {
            one.socket == socket && one.is_used_up(self.queries_max) && one.attempts.len() == 0
        })
    }

    pub(crate) fn remove(&mut self, socket: SocketId) -> Option<Connection> {
        let at = self
            .connections
            .iter()
            .position(|one| one.socket == socket)?;
        self.turn_left = 0;
        Some(self.connections.swap_remove(at))
    }
}
