//! Datagrams and their ways.

use std::io;
use std::time::Duration;

use canvass_engine::SocketId;
use canvass_model::Transport;
use rand::RngExt;

use super::World;
use super::agenda::Happening;
use super::sockets::{DatagramSocket, Handle, Kind};
use crate::scenario::Reach;

/// What a datagram takes of a receive buffer beyond its octets, and how they are rounded: as the
/// kernel counts them.
const DATAGRAM_HEAD_OCTETS: usize = 768;

impl World {
    pub fn open_datagram(
        &mut self,
        peer: usize,
        receive_buffer_octets: usize,
    ) -> io::Result<(SocketId, usize)> {
        self.check_descriptors()?;
        self.check_route(peer)?;
        let granted = receive_buffer_octets.min(self.host.receive_buffer_octets);
        let handle = self.sockets.open(
            peer,
            Kind::Datagram(DatagramSocket {
                inbox_octets_max: granted,
                ..DatagramSocket::default()
            }),
        );
        // A fresh datagram socket can be written to, and a poll says so.
        self.sockets.edge(handle, false, true);
        self.note("open datagram", handle, &[]);
        Ok((handle.id, granted))
    }

    pub fn send(&mut self, id: SocketId, datagram: &[u8]) -> io::Result<()> {
        let handle = self.use_socket(id, "send")?;
        let no_room = self.host.no_room > 0.0 && self.rng.random_bool(self.host.no_room);
        if no_room {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let peer = self.peer_of(handle);
        self.note("send", handle, datagram);
        self.watch
            .on_query(self.now, peer, Transport::Udp, Some(id), datagram);
        let octets = datagram.to_vec();
        for at in self.arrivals() {
            self.agenda.add(
                at,
                Happening::DatagramAtPeer {
                    from: handle,
                    octets: octets.clone(),
                },
            );
        }
        Ok(())
    }

    pub fn recv(&mut self, id: SocketId, buffer: &mut [u8]) -> io::Result<usize> {
        let handle = self.use_socket(id, "recv")?;
        let datagram = self.sockets.datagram(handle).and_then(|socket| {
            let datagram = socket.inbox.pop_front()?;
            socket.inbox_octets -= datagram.len() + DATAGRAM_HEAD_OCTETS;
            Some(datagram)
        });
        let Some(datagram) = datagram else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let octets = datagram.len().min(buffer.len());
        buffer[..octets].copy_from_slice(&datagram[..octets]);
        self.note("recv", handle, &datagram);
        self.watch.on_datagram_read(id, &datagram);
        Ok(octets)
    }

    pub(super) fn datagram_at_peer(&mut self, from: Handle, query: &[u8]) {
        let Some(socket) = self.sockets.by_handle(from) else {
            return;
        };
        let peer = socket.peer;
        match self.servers[peer].peer.reach {
            Reach::Open => {}
            Reach::Closed => {
                let at = self.now.plus_nanos(self.one_way_ns());
                self.agenda.add(at, Happening::Refusal { to: from });
                return;
            }
            Reach::Unroutable | Reach::Blackhole => return,
        }
        let now = self.now;
        for (delay, message) in self.servers[peer].answer(now, Transport::Udp, query) {
            for at in self.arrivals() {
                self.agenda.add(
                    at + delay,
                    Happening::DatagramHere {
                        to: from,
                        octets: message.clone(),
                    },
                );
            }
        }
    }

    pub(super) fn datagram_here(&mut self, to: Handle, datagram: Vec<u8>) {
        let Some(socket) = self.sockets.datagram(to) else {
            return;
        };
        let octets = datagram.len() + DATAGRAM_HEAD_OCTETS;
        if socket.inbox_octets + octets > socket.inbox_octets_max {
            socket.drops += 1;
            self.note("drop", to, &datagram);
            return;
        }
        socket.inbox_octets += octets;
        socket.inbox.push_back(datagram);
        self.sockets.edge(to, true, false);
    }

    /// When what leaves now arrives: never, once or twice.
    fn arrivals(&mut self) -> impl Iterator<Item = canvass_model::Time> + use<> {
        let lost = self.path.loss > 0.0 && self.rng.random_bool(self.path.loss);
        let twice = self.path.duplicate > 0.0 && self.rng.random_bool(self.path.duplicate);
        let first = (!lost).then(|| self.now.plus_nanos(self.one_way_ns()));
        let second = (!lost && twice).then(|| self.now.plus_nanos(self.one_way_ns()));
        first.into_iter().chain(second)
    }

    /// How long one packet takes.
    pub(super) fn one_way_ns(&mut self) -> u64 {
        self.path.delay_ns + self.rng.random_range(0..=self.path.jitter_ns)
    }

    pub fn kernel_drops(&mut self, id: SocketId) -> u64 {
        match self.sockets.by_id(id) {
            Some((handle, _)) => self.sockets.datagram(handle).map_or(0, |one| one.drops),
            None => 0,
        }
    }
}

/// How long a lost packet of a stream delays those behind it (RFC 6298 §2.4 has no less than a
/// second, Linux a fifth of one).
pub(super) const RETRANSMISSION: Duration = Duration::from_millis(200);
