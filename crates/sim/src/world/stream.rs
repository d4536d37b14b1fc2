//! Streams and what resolvers do on them.

use std::io;
use std::time::Duration;

use canvass_engine::SocketId;
use canvass_model::{Time, Transport};
use canvass_proto::dns::frame;
use rand::RngExt;

use super::World;
use super::agenda::Happening;
use super::datagram::RETRANSMISSION;
use super::sockets::{Handle, Kind, StreamSocket};
use crate::scenario::Reach;

/// How long Linux goes on trying to connect.
const CONNECT_GIVEN_UP: Duration = Duration::from_secs(127);
/// The most octets that a choppy stream takes or gives at once.
const CHOP_OCTETS_MAX: usize = 70;

impl World {
    pub fn connect(&mut self, peer: usize) -> io::Result<SocketId> {
        self.check_descriptors()?;
        self.check_route(peer)?;
        let handle = self
            .sockets
            .open(peer, Kind::Stream(Box::<StreamSocket>::default()));
        let there_and_back = self.one_way_ns() + self.one_way_ns();
        let at = self.now.plus_nanos(there_and_back);
        let server = &self.servers[peer].peer;
        let happening = match server.reach {
            Reach::Blackhole => {
                let errno = libc::ETIMEDOUT;
                self.agenda.add(
                    self.now + CONNECT_GIVEN_UP,
                    Happening::StreamBroken { to: handle, errno },
                );
                None
            }
            Reach::Open if !server.impairments.tcp_refuse => {
                Some(Happening::StreamOpen { to: handle })
            }
            _ => Some(Happening::StreamBroken {
                to: handle,
                errno: libc::ECONNREFUSED,
            }),
        };
        if let Some(happening) = happening {
            self.agenda.add(at, happening);
        }
        self.note("connect", handle, &[]);
        Ok(handle.id)
    }

    pub fn write(&mut self, id: SocketId, octets: &[u8]) -> io::Result<usize> {
        let handle = self.use_socket(id, "write")?;
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
            // The system is short of memory for a moment.
            let at = self.now.plus_nanos(100_000);
            self.agenda.add(at, Happening::StreamRoom { to: handle });
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let taken = octets.len().min(room).min(chop.unwrap_or(usize::MAX));
        stream.underway_octets += taken;
        let earliest = stream.arrival_there;
        let at = self.stream_arrival(earliest);
        if let Some(stream) = self.sockets.stream(handle) {
            stream.arrival_there = at;
        }
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

    pub fn read(&mut self, id: SocketId, buffer: &mut [u8]) -> io::Result<usize> {
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
        self.note("read", handle, &buffer[..octets]);
        Ok(octets)
    }

    pub(super) fn stream_open(&mut self, to: Handle) {
        if let Some(stream) = self.sockets.stream(to) {
            stream.open = true;
            self.sockets.edge(to, false, true);
            self.watch_idle(to);
        }
    }

    pub(super) fn stream_broken(&mut self, to: Handle, errno: i32) {
        if let Some(socket) = self.sockets.by_handle(to) {
            socket.error = Some(errno);
            self.sockets.edge(to, true, true);
        }
    }

    pub(super) fn octets_at_peer(&mut self, from: Handle, octets: &[u8]) {
        let Some(stream) = self.sockets.stream(from) else {
            return;
        };
        stream.underway_octets -= octets.len();
        let blocked = std::mem::take(&mut stream.blocked);
        stream.far.heard_octets += octets.len() as u64;
        if !stream.far.closed {
            stream.far.unread.extend_from_slice(octets);
        }
        if blocked {
            self.sockets.edge(from, false, true);
        }
        self.answer_stream(from);
        self.watch_idle(from);
    }

    /// Answers the whole queries that a resolver has, as far as it does so now.
    fn answer_stream(&mut self, handle: Handle) {
        let now = self.now;
        let peer = self.peer_of(handle);
        let impairments = &self.servers[peer].peer.impairments;
        let (serial, silent) = (impairments.tcp_serial, impairments.tcp_silent);
        while let Some(stream) = self.sockets.stream(handle) {
            let far = &mut stream.far;
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
                    stream.far.held += 1;
                }
            }
        }
    }

    pub(super) fn answer_on_stream(&mut self, to: Handle, message: &[u8]) {
        let peer = self.peer_of(to);
        let server = &self.servers[peer].peer;
        let close_after = server.impairments.tcp_close_after.map(|most| most.get());
        let reset_after = server.reset_after;
        let Some(stream) = self.sockets.stream(to) else {
            return;
        };
        stream.far.held -= 1;
        if stream.far.closed {
            return;
        }
        stream.far.answers += 1;
        stream.far.heard_octets += 1;
        let answers = stream.far.answers;
        let mut octets = Vec::with_capacity(message.len() + 2);
        frame::write(&mut octets, |out| out.extend_from_slice(message));
        self.send_back(to, octets);
        if reset_after.is_some_and(|most| answers >= most) {
            self.end_far(to, Some(libc::ECONNRESET));
        } else if close_after.is_some_and(|most| answers >= most) {
            self.end_far(to, None);
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

    pub(super) fn idle_check(&mut self, to: Handle, heard_octets: u64) {
        let idle = self
            .sockets
            .stream(to)
            .is_some_and(|stream| !stream.far.closed && stream.far.heard_octets == heard_octets);
        if idle {
            self.end_far(to, None);
        }
    }

    fn watch_idle(&mut self, to: Handle) {
        let peer = self.peer_of(to);
        let (Some(idle), now) = (self.servers[peer].peer.idle_close, self.now) else {
            return;
        };
        if let Some(stream) = self.sockets.stream(to) {
            let heard_octets = stream.far.heard_octets;
            self.agenda
                .add(now + idle, Happening::IdleCheck { to, heard_octets });
        }
    }

    fn send_back(&mut self, to: Handle, octets: Vec<u8>) {
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

    /// The resolver ends a stream, in good order or not.
    fn end_far(&mut self, to: Handle, errno: Option<i32>) {
        let at = self.next_arrival_here(to);
        if let Some(stream) = self.sockets.stream(to) {
            stream.far.closed = true;
            stream.far.unread = Vec::new();
        }
        let happening = match errno {
            Some(errno) => Happening::StreamBroken { to, errno },
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

    /// When what leaves now arrives: not before what left before it.
    fn stream_arrival(&mut self, earliest: Time) -> Time {
        let mut at = self.now.plus_nanos(self.one_way_ns());
        if self.path.loss > 0.0 && self.rng.random_bool(self.path.loss) {
            at = at + RETRANSMISSION;
        }
        at.max(earliest)
    }
}
