//! The datagram sockets of one upstream.

use std::io;
use std::net::SocketAddr;

use rand::RngExt;
use rand::rngs::StdRng;

use super::attempts::{Attempt, Attempts};
use crate::net::{Net, SocketId};
use crate::socket_options::SocketOptions;

/// Sockets of an upstream that is one of a few. Each has a port of its own.
const SOCKETS_FEW: usize = 2;
/// The most sockets of an upstream, if the others are full.
const SOCKETS_MAX: usize = 16;
/// Queries that a socket may have open, expired ones included: far fewer than there are ids.
const OPEN_QUERIES_MAX: usize = 16_384;
/// Upstreams that count as a few.
const UPSTREAMS_FEW: usize = 16;
/// The most that one answer takes of a receive buffer, in octets: the kernel counts the memory it
/// allocated, and a datagram of 1232 octets takes this much with its headers.
const ANSWER_BUFFER_OCTETS: usize = 2_304;

/// One socket and the queries that are out on it.
#[derive(Debug)]
pub(crate) struct Datagram {
    pub(crate) socket: SocketId,
    pub(crate) attempts: Attempts,
    in_flight_max: usize,
    /// Datagrams that the kernel dropped here, each of which explains an attempt without an answer.
    drops_accounted: u64,
}

impl Datagram {
    /// An attempt was not answered in time, and the kernel has dropped so many datagrams until now.
    /// Returns whether one of those explains it.
    pub(super) fn accounts_for_drop(&mut self, drops: u64) -> bool {
        let is_new = drops > self.drops_accounted;
        self.drops_accounted += u64::from(is_new);
        is_new
    }

    /// Whether the buffer has room for one more answer, and a free id is soon found.
    fn has_room(&self) -> bool {
        self.attempts.in_flight() < self.in_flight_max && self.attempts.len() < OPEN_QUERIES_MAX
    }
}

/// The sockets of one upstream: opened when they are needed, each on a port of its own.
#[derive(Debug)]
pub(crate) struct Datagrams {
    address: SocketAddr,
    options: SocketOptions,
    sockets: Vec<Datagram>,
    /// How many are opened before one is full.
    usual: usize,
}

impl Datagrams {
    pub(crate) fn new(address: SocketAddr, source: Option<SocketAddr>, upstreams: usize) -> Self {
        let usual = if upstreams <= UPSTREAMS_FEW {
            SOCKETS_FEW
        } else {
            1
        };
        Self {
            address,
            options: SocketOptions::query_datagrams(source),
            sockets: Vec::new(),
            usual,
        }
    }

    /// A socket with room for one more query, chosen at random, and whether it was opened for it;
    /// `Ok(None)` when all are full.
    ///
    /// # Errors
    /// When there is no socket at all and none can be opened.
    pub(crate) fn pick<N: Net>(
        &mut self,
        net: &mut N,
        rng: &mut StdRng,
    ) -> io::Result<Option<(usize, bool)>> {
        let count = self.sockets.len();
        if count < self.usual && self.open(net)? {
            return Ok(Some((count, true)));
        }
        let start = rng.random_range(0..count);
        let free = |at: &usize| self.sockets[*at].has_room();
        if let Some(at) = (start..count).chain(0..start).find(free) {
            return Ok(Some((at, false)));
        }
        if count < SOCKETS_MAX && self.open(net)? {
            return Ok(Some((count, true)));
        }
        Ok(None)
    }

    /// Opens one more. It is an error only for the first if there is no descriptor for it.
    fn open<N: Net>(&mut self, net: &mut N) -> io::Result<bool> {
        match net.open_datagram(self.address, &self.options) {
            Ok((socket, granted)) => {
                let in_flight_max = (granted / ANSWER_BUFFER_OCTETS).max(1);
                self.sockets.push(Datagram {
                    socket,
                    attempts: Attempts::default(),
                    in_flight_max,
                    drops_accounted: 0,
                });
                Ok(true)
            }
            Err(_) if !self.sockets.is_empty() => {
                self.usual = self.sockets.len();
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) fn at(&mut self, at: usize) -> &mut Datagram {
        &mut self.sockets[at]
    }

    #[inline]
    pub(crate) fn by_socket(&mut self, socket: SocketId) -> Option<&mut Datagram> {
        self.sockets
            .iter_mut()
            .find(|datagram| datagram.socket == socket)
    }

    /// Takes out the sockets whose queries have all ended.
    pub(super) fn take_idle(&mut self, idle: &mut Vec<SocketId>) {
        let ended = self.sockets.extract_if(.., |one| one.attempts.len() == 0);
        idle.extend(ended.map(|one| one.socket));
    }

    /// Adds the queries that are in flight.
    pub(super) fn add_in_flight(&self, all: &mut Vec<Attempt>) {
        for one in &self.sockets {
            all.extend(one.attempts.unexpired().copied());
        }
    }

    pub(crate) fn attempts_open(&self) -> usize {
        self.sockets.iter().map(|one| one.attempts.len()).sum()
    }

    pub(crate) fn sockets(&self) -> impl Iterator<Item = SocketId> {
        self.sockets.iter().map(|datagram| datagram.socket)
    }
}
