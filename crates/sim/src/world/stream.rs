//! TCP, and the resolvers over it.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use canvass_engine::SocketId;
use canvass_model::{Time, Transport};
use canvass_proto::dns::frame;
use rand::RngExt;

use super::World;
use super::agenda::Happening;
use super::datagram::RETRANSMISSION;
use super::sockets::{Far, Handle, Kind, StreamSocket};
use crate::scenario::Reach;

/// The time before Linux retransmits a SYN (RFC 6298 §2.1).
const CONNECT_AGAIN: Duration = Duration::from_secs(1);
/// The time limit of a connection attempt in Linux.
const CONNECT_GIVEN_UP: Duration = Duration::from_secs(127);
/// The maximum number of octets of a read or write of a choppy connection.
const CHOP_OCTETS_MAX: usize = 70;

impl World {
    pub(crate) fn connect(&mut self, remote: SocketAddr) -> io::Result<SocketId> {
        self.check_descriptors()?;
        let far = self.far_at(remote);
        self.check_ports(far)?;
        let reach = self.reach_of(far);
        if reach == Reach::Unroutable {
            return Err(io::Error::from_raw_os_error(libc::ENETUNREACH));
        }
        let handle = self
            .sockets
            .open(far, Kind::Stream(Box::<StreamSocket>::default()));
        self.on_socket_to(far);
        let mut at = self.now.plus_nanos(self.one_way_ns() + self.one_way_ns());
        let is_host = matches!(far, Far::Host { .. });
        if is_host && self.path.loss > 0.0 && self.rng.random_bool(self.path.loss) {
            at = at + CONNECT_AGAIN;
        }
        let broken = |errno| Happening::Broken { to: handle, errno };
        let (at, happening) = match reach {
            Reach::Blackhole => (self.now + CONNECT_GIVEN_UP, broken(libc::ETIMEDOUT)),
            Reach::Down => (at, broken(libc::EHOSTUNREACH)),
            Reach::Open if !self.refuses_streams(far) => (at, Happening::StreamOpen { to: handle }),
            _ => (at, broken(libc::ECONNREFUSED)),
        };
        self.agenda.add(at, happening);
        self.note("connect", handle, &[]);
        Ok(handle.id)
    }

    /// Returns whether a connection is established, or its error.
    pub(crate) fn opened(&mut self, id: SocketId) -> io::Result<()> {
        self.use_socket(id, "opened").map(drop)
    }

    /// Closes this side's end.
    pub(crate) fn shut_write(&mut self, id: SocketId) -> io::Result<()> {
        let handle = self.use_socket(id, "shut_write")?;
        let at = self.next_arrival_there(handle);
        self.note("shut write", handle, &[]);
        self.agenda.add(at, Happening::EndAtHost { from: handle });
        Ok(())
    }

    pub(crate) fn write(&mut self, id: SocketId, octets: &[u8]) -> io::Result<usize> {
        let handle = self.use_socket(id, "write")?;
        self.check_refusal()?;
        let chop = self
            .host
            .choppy
            .then(|| self.rng.random_range(1..=CHOP_OCTETS_MAX));
        let buffer_octets = self.host.stream_buffer_octets;
        let Some(stream) = self.sockets.stream(handle) else {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        };
        let room = buffer_octets.saturating_sub(stream.underway_octets);
        if !stream.open || room == 0 {
            stream.blocked = true;
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if chop.is_some_and(|chop| chop % 4 == 0) {
            // The system lacks buffers for a moment.
            let at = self.now.plus_nanos(100_000);
            self.agenda.add(at, Happening::StreamRoom { to: handle });
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = octets.len().min(room).min(chop.unwrap_or(usize::MAX));
        stream.underway_octets += taken;
        self.transfers += 1;
        let at = self.next_arrival_there(handle);
        self.note("write", handle, &octets[..taken]);
        self.agenda.add(
            at,
            Happening::OctetsAtPeer {
                from: handle,
                octets: octets[..taken].to_vec(),
            },
        );
        Ok(taken)
    }

    pub(crate) fn read(&mut self, id: SocketId, buffer: &mut [u8]) -> io::Result<usize> {
        let handle = self.touch(id, "read")?;
        let chop = self
            .host
            .choppy
            .then(|| self.rng.random_range(1..=CHOP_OCTETS_MAX));
        let Some(stream) = self.sockets.stream(handle) else {
            return Err(io::Error::from_raw_os_error(libc::EINVAL));
        };
        if stream.inbox.is_empty() {
            let ended = stream.ended;
            self.take_error(handle)?;
            return if ended {
                self.note("read end", handle, &[]);
                Ok(0)
            } else {
                Err(io::ErrorKind::WouldBlock.into())
            };
        }
        let octets = stream
            .inbox
            .len()
            .min(buffer.len())
            .min(chop.unwrap_or(usize::MAX));
        for (place, octet) in buffer.iter_mut().zip(stream.inbox.drain(..octets)) {
            *place = octet;
        }
        if chop.is_some() && !stream.inbox.is_empty() {
            // A short read means that the socket is empty.
            self.sockets.edge(handle, true, false);
        }
        self.note("read", handle, &buffer[..octets]);
        self.transfers += 1;
        self.on_octets_taken(handle, octets);
        Ok(octets)
    }

    pub(super) fn stream_open(&mut self, to: Handle) {
        if let Some(stream) = self.sockets.stream(to) {
            stream.open = true;
            self.sockets.edge(to, false, true);
            match self.sockets.by_handle(to).map(|socket| socket.far) {
                Some(Far::Host { remote, site }) => self.accept_at_host(to, remote, site),
                _ => self.watch_idle(to),
            }
        }
    }

    pub(super) fn broken(&mut self, to: Handle, errno: i32) {
        if let Some(socket) = self.sockets.by_handle(to) {
            socket.error = Some(errno);
            if let Kind::Stream(stream) = &mut socket.kind
                && stream.open
            {
                // After the error only the end of the stream follows.
                stream.ended = true;
            }
            self.sockets.edge(to, true, true);
        }
    }

    pub(super) fn octets_at_peer(&mut self, from: Handle, octets: &[u8]) {
        let Some(stream) = self.sockets.stream(from) else {
            return;
        };
        stream.underway_octets -= octets.len();
        let blocked = std::mem::take(&mut stream.blocked);
        if stream.host.is_some() {
            if blocked {
                self.sockets.edge(from, false, true);
            }
            return self.octets_at_host(from, octets);
        }
        stream.resolver.received_octets += octets.len() as u64;
        if !stream.resolver.closed {
            stream.resolver.unread.extend_from_slice(octets);
        }
        if blocked {
            self.sockets.edge(from, false, true);
        }
        self.answer_stream(from);
        self.watch_idle(from);
    }

    /// Answers the complete queries that a resolver has, as far as it does so now.
    fn answer_stream(&mut self, handle: Handle) {
        let now = self.now;
        let Some(peer) = self.resolver_of(handle) else {
            return;
        };
        let impairments = &self.servers[peer].peer.impairments;
        let (serial, silent) = (impairments.tcp_serial, impairments.tcp_silent);
        while let Some(stream) = self.sockets.stream(handle) {
            let far = &mut stream.resolver;
            if far.closed || serial && far.held > 0 {
                return;
            }
            let Some((query, rest)) = frame::split(&far.unread) else {
                return;
            };
            let (query, rest) = (query.to_vec(), rest.to_vec());
            far.unread = rest;
            self.watch.on_query(now, peer, Transport::Tcp, None, &query);
            if silent {
                continue;
            }
            let answers = self.servers[peer].answer(now, Transport::Tcp, &query);
            for (delay, message) in answers {
                self.agenda.add(
                    now + delay,
                    Happening::AnswerOnStream {
                        to: handle,
                        message,
                    },
                );
                if let Some(stream) = self.sockets.stream(handle) {
                    stream.resolver.held += 1;
                }
            }
        }
    }

    pub(super) fn answer_on_stream(&mut self, to: Handle, message: &[u8]) {
        let Some(peer) = self.resolver_of(to) else {
            return;
        };
        let mut octets = Vec::with_capacity(message.len() + 2);
        self.servers[peer].frame(message, &mut octets);
        let server = &self.servers[peer].peer;
        let close_after = server.impairments.tcp_close_after.map(|most| most.get());
        let reset_after = server.reset_after;
        let Some(stream) = self.sockets.stream(to) else {
            return;
        };
        stream.resolver.held -= 1;
        if stream.resolver.closed {
            return;
        }
        stream.resolver.answers += 1;
        stream.resolver.received_octets += 1;
        let answers = stream.resolver.answers;
        self.send_back(to, octets);
        if reset_after.is_some_and(|most| answers >= most) {
            self.end_resolver(to, Some(libc::ECONNRESET));
        } else if close_after.is_some_and(|most| answers >= most) {
            self.end_resolver(to, None);
        }
        self.answer_stream(to);
        self.watch_idle(to);
    }

    pub(super) fn octets_here(&mut self, to: Handle, octets: &[u8]) {
        if let Some(stream) = self.sockets.stream(to) {
            stream.inbox.extend(octets);
            self.sockets.edge(to, true, false);
        }
    }

    pub(super) fn stream_end(&mut self, to: Handle) {
        if let Some(stream) = self.sockets.stream(to) {
            stream.ended = true;
            self.sockets.edge(to, true, false);
        }
    }

    pub(super) fn idle_check(&mut self, to: Handle, received_octets: u64) {
        let idle = self.sockets.stream(to).is_some_and(|stream| {
            !stream.resolver.closed && stream.resolver.received_octets == received_octets
        });
        if idle {
            self.end_resolver(to, None);
        }
    }

    fn watch_idle(&mut self, to: Handle) {
        let Some(peer) = self.resolver_of(to) else {
            return;
        };
        let (Some(idle), now) = (self.servers[peer].peer.idle_close, self.now) else {
            return;
        };
        if let Some(stream) = self.sockets.stream(to) {
            let received_octets = stream.resolver.received_octets;
            self.agenda.add(
                now + idle,
                Happening::IdleCheck {
                    to,
                    received_octets,
                },
            );
        }
    }

    pub(super) fn send_back(&mut self, to: Handle, octets: Vec<u8>) {
        let mut rest = octets;
        while !rest.is_empty() {
            let cut = if self.host.choppy {
                self.rng.random_range(1..=rest.len())
            } else {
                rest.len()
            };
            let after = rest.split_off(cut);
            let at = self.next_arrival_here(to);
            self.agenda
                .add(at, Happening::OctetsHere { to, octets: rest });
            rest = after;
        }
    }

    /// The resolver closes or resets a connection.
    fn end_resolver(&mut self, to: Handle, errno: Option<i32>) {
        self.end_far(to, errno);
        if let Some(stream) = self.sockets.stream(to) {
            stream.resolver.closed = true;
            stream.resolver.unread = Vec::new();
        }
    }

    /// The remote end closes or resets a connection.
    pub(super) fn end_far(&mut self, to: Handle, errno: Option<i32>) {
        let at = self.next_arrival_here(to);
        let happening = match errno {
            Some(errno) => Happening::Broken { to, errno },
            None => Happening::StreamEnd { to },
        };
        self.agenda.add(at, happening);
    }

    fn next_arrival_here(&mut self, to: Handle) -> Time {
        let earliest = self
            .sockets
            .stream(to)
            .map_or(Time::ZERO, |stream| stream.arrival_here);
        let at = self.stream_arrival(earliest);
        if let Some(stream) = self.sockets.stream(to) {
            stream.arrival_here = at;
        }
        at
    }

    fn next_arrival_there(&mut self, from: Handle) -> Time {
        let earliest = self
            .sockets
            .stream(from)
            .map_or(Time::ZERO, |stream| stream.arrival_there);
        let at = self.stream_arrival(earliest);
        if let Some(stream) = self.sockets.stream(from) {
            stream.arrival_there = at;
        }
        at
    }

    /// The arrival time of octets that are sent now, after all earlier ones.
    fn stream_arrival(&mut self, earliest: Time) -> Time {
        let mut at = self.now.plus_nanos(self.one_way_ns());
        if self.path.loss > 0.0 && self.rng.random_bool(self.path.loss) {
            at = at + RETRANSMISSION;
        }
        at.max(earliest)
    }
}
