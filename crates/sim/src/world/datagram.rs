//! UDP.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use canvass_engine::SocketId;
use canvass_model::{Time, Transport};
use rand::RngExt;

use super::World;
use super::agenda::Happening;
use super::sockets::{DatagramSocket, Far, Handle, Kind, ReceivedDatagram};
use crate::scenario::Reach;

/// What a datagram takes of a receive buffer beyond its octets, and how they are rounded: as the
/// kernel counts them.
const DATAGRAM_HEAD_OCTETS: usize = 768;

impl World {
    pub(crate) fn open_datagram(
        &mut self,
        remote: SocketAddr,
        receive_buffer_octets: usize,
    ) -> io::Result<(SocketId, usize)> {
        self.check_descriptors()?;
        let far = self.far_at(remote);
        if self.reach_of(far) == Reach::Unroutable {
            return Err(io::Error::from_raw_os_error(libc::ENETUNREACH));
        }
        let granted = receive_buffer_octets.min(self.host.receive_buffer_octets);
        let handle = self.sockets.open(
            far,
            Kind::Datagram(DatagramSocket {
                inbox_octets_max: granted,
                ..DatagramSocket::default()
            }),
        );
        // A new UDP socket is writable.
        self.sockets.edge(handle, false, true);
        self.on_socket_to(far);
        self.note("open datagram", handle, &[]);
        Ok((handle.id, granted))
    }

    pub(crate) fn open_conversation(
        &mut self,
        remote: SocketAddr,
        many: bool,
    ) -> io::Result<(SocketId, bool)> {
        let (id, _) = self.open_datagram(remote, self.host.receive_buffer_octets)?;
        if let Some((handle, _)) = self.sockets.by_id(id)
            && let Some(socket) = self.sockets.datagram(handle)
        {
            socket.many = many;
        }
        Ok((id, many))
    }

    pub(crate) fn send(&mut self, id: SocketId, datagram: &[u8]) -> io::Result<()> {
        let handle = self.use_socket(id, "send")?;
        self.check_refusal()?;
        let no_room = self.host.no_room > 0.0 && self.rng.random_bool(self.host.no_room);
        if no_room {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.note("send", handle, datagram);
        if let Some(peer) = self.resolver_of(handle) {
            self.watch
                .on_query(self.now, peer, Transport::Udp, Some(id), datagram);
        }
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

    pub(crate) fn recv(&mut self, id: SocketId, buffer: &mut [u8]) -> io::Result<(usize, Time)> {
        let (octets, received) = self.take_datagram(id, buffer)?;
        Ok((octets, received.at))
    }

    pub(crate) fn recv_from(
        &mut self,
        id: SocketId,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr)> {
        let (octets, received) = self.take_datagram(id, buffer)?;
        Ok((octets, received.from))
    }

    fn take_datagram(
        &mut self,
        id: SocketId,
        buffer: &mut [u8],
    ) -> io::Result<(usize, ReceivedDatagram)> {
        let handle = self.use_socket(id, "recv")?;
        let taken = self.sockets.datagram(handle).and_then(|socket| {
            let received = socket.inbox.pop_front()?;
            socket.inbox_octets -= received.octets.len() + DATAGRAM_HEAD_OCTETS;
            Some(received)
        });
        let Some(received) = taken else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let octets = received.octets.len().min(buffer.len());
        buffer[..octets].copy_from_slice(&received.octets[..octets]);
        self.note("recv", handle, &received.octets);
        if self.resolver_of(handle).is_some() {
            self.watch.on_datagram_read(id, &received.octets);
        }
        Ok((octets, received))
    }

    pub(super) fn datagram_at_peer(&mut self, from: Handle, query: &[u8]) {
        let Some(socket) = self.sockets.by_handle(from) else {
            return;
        };
        let peer = match socket.far {
            Far::Resolver(peer) => peer,
            Far::Host { remote, site } => return self.datagram_at_host(from, remote, site, query),
        };
        if !self.hears_datagrams(from, self.servers[peer].peer.reach) {
            return;
        }
        let now = self.now;
        let resolver = self.servers[peer].peer.address;
        for (delay, message) in self.servers[peer].answer(now, Transport::Udp, query) {
            for at in self.arrivals() {
                self.agenda.add(
                    at + delay,
                    Happening::DatagramHere {
                        to: from,
                        from: resolver,
                        octets: message.clone(),
                    },
                );
            }
        }
    }

    /// Whether a datagram is received where it arrives. If not, this side may get an ICMP error.
    pub(super) fn hears_datagrams(&mut self, to: Handle, reach: Reach) -> bool {
        let errno = match reach {
            Reach::Open => return true,
            Reach::Unroutable | Reach::Blackhole => return false,
            Reach::Closed => libc::ECONNREFUSED,
            Reach::Down => libc::EHOSTUNREACH,
        };
        // ICMP errors are reported to connected sockets only.
        if self.sockets.datagram(to).is_some_and(|socket| !socket.many) {
            let at = self.now.plus_nanos(self.one_way_ns());
            self.agenda.add(at, Happening::Broken { to, errno });
        }
        false
    }

    pub(super) fn datagram_here(&mut self, to: Handle, from: SocketAddr, datagram: Vec<u8>) {
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
        socket.inbox.push_back(ReceivedDatagram {
            from,
            at: self.now,
            octets: datagram,
        });
        self.sockets.edge(to, true, false);
    }

    /// The arrival times of a datagram that is sent now: none, one or two.
    pub(super) fn arrivals(&mut self) -> impl Iterator<Item = Time> + use<> {
        let lost = self.path.loss > 0.0 && self.rng.random_bool(self.path.loss);
        let twice = self.path.duplicate > 0.0 && self.rng.random_bool(self.path.duplicate);
        let first = (!lost).then(|| self.now.plus_nanos(self.one_way_ns()));
        let second = (!lost && twice).then(|| self.now.plus_nanos(self.one_way_ns()));
        first.into_iter().chain(second)
    }

    /// The delay of a packet.
    pub(super) fn one_way_ns(&mut self) -> u64 {
        self.path.delay_ns + self.rng.random_range(0..=self.path.jitter_ns)
    }

    pub(crate) fn kernel_drops(&mut self, id: SocketId) -> u64 {
        match self.sockets.by_id(id) {
            Some((handle, _)) => self.sockets.datagram(handle).map_or(0, |one| one.drops),
            None => 0,
        }
    }
}

/// How long a lost packet of a stream delays those behind it (RFC 6298 §2.4 has no less than a
/// second, Linux a fifth of one).
pub(super) const RETRANSMISSION: Duration = Duration::from_millis(200);
