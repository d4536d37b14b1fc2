//! The sockets of probes, and what happens on them.

use std::io;
use std::time::Duration;

use canvass_model::{Cause, Time};
use canvass_proto::{ConnectionId, SocketRequest, SystemFault};

use crate::net::{Net, SocketId};
use crate::shard::sockets::system_fault;
use crate::shard::transmit::SendTurn;
use crate::shard::{Owner, Shard};
use crate::slab::TaskKey;

/// How long to wait when the system has no descriptor or no local port left.
const SHORTAGE_WAIT: Duration = Duration::from_millis(10);
/// Sockets opened in one go: each takes tens of microseconds.
const OPENED_PER_GO_MAX: usize = 128;
/// Datagrams taken from one socket in one go.
const DATAGRAMS_MAX: usize = 64;

impl<N: Net> Shard<N> {
    /// Opens the sockets that are wanted, while there are descriptors for them.
    pub(super) fn open_connections(&mut self, turn: &mut SendTurn) {
        if self.probes.shortage_end > turn.now {
            return self.resume_by(self.probes.shortage_end);
        }
        for opened in 0.. {
            if self.probes.sockets_open >= self.probes.sockets_max {
                self.hinder_all(&SystemFault {
                    cause: Cause::Descriptors,
                    errno: None,
                    message: "all sockets that may be open at once are".into(),
                });
                return;
            }
            if opened >= OPENED_PER_GO_MAX {
                return self.resume_by(turn.now);
            }
            let Some((key, connection)) = self.probes.connects.pop_front() else {
                return;
            };
            let Some(slot) = self.probes.slots.by_key(key) else {
                continue;
            };
            let Some(door) = slot.probe.socket_request(connection) else {
                continue;
            };
            // Opening takes its time, and is not to be counted to the next.
            turn.now = self.net.now();
            match self.open_door(&door) {
                Ok((socket, many)) => self.opened(turn.now, key, connection, socket, &door, many),
                Err(error) => {
                    let fault = system_fault(&error);
                    if fault.is_shortage() {
                        self.report.losses.local_send_errors += 1;
                        self.probes.report.waited_for_descriptor += 1;
                        // To the back: a port may be free for another peer.
                        self.probes.connects.push_back((key, connection));
                        if fault.cause == Cause::Descriptors {
                            self.hinder_all(&fault);
                        } else if let Some(slot) = self.probes.slots.by_key(key) {
                            slot.probe.hindered(fault);
                        }
                        self.probes.shortage_end = turn.now + SHORTAGE_WAIT;
                        return self.resume_by(self.probes.shortage_end);
                    }
                    if let Some(slot) = self.probes.slots.by_key(key) {
                        slot.probe.failed(turn.now, connection, fault);
                    }
                }
            }
            self.drive_probe(turn.now, key);
        }
    }

    /// Tells those who wait for a socket what holds all of them up: few wait, since no other probe
    /// begins meanwhile.
    fn hinder_all(&mut self, fault: &SystemFault) {
        for (key, _) in &self.probes.connects {
            if let Some(slot) = self.probes.slots.by_key(*key) {
                slot.probe.hindered(fault.clone());
            }
        }
    }

    fn open_door(&mut self, door: &SocketRequest) -> io::Result<(SocketId, bool)> {
        let options = &self.config.probing.socket_options;
        match door {
            SocketRequest::Stream(remote) => Ok((self.net.connect(remote, options)?, false)),
            SocketRequest::Datagram { peer, many } => {
                self.net.open_conversation(*peer, *many, options)
            }
        }
    }

    fn opened(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
        socket: SocketId,
        door: &SocketRequest,
        many: bool,
    ) {
        self.own(socket, Owner::Probe(key, connection));
        self.probes.sockets_open += 1;
        self.probes.report.opened += 1;
        let open = self.probes.sockets_open as u64;
        self.probes.report.open_max = self.probes.report.open_max.max(open);
        if let Some(slot) = self.probes.slots.by_key(key) {
            slot.sockets.push((connection, socket));
            match door {
                SocketRequest::Stream(_) => slot.probe.opening(now, connection),
                SocketRequest::Datagram { .. } => slot.probe.bound(now, connection, many),
            }
        }
    }

    /// A socket of a probe can be written to: it is open, or has room again.
    pub(in crate::shard) fn probe_writable(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
        socket: SocketId,
    ) {
        let Some(slot) = self.probes.slots.by_key(key) else {
            return;
        };
        if slot.probe.is_opening(connection) {
            match self.net.opened(socket) {
                Ok(()) => slot.probe.connected(now, connection),
                // Only a connection that was open can be reset: before that, it is refused.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    slot.probe.connected(now, connection);
                    slot.probe.failed(now, connection, system_fault(&error));
                }
                Err(error) => slot.probe.failed(now, connection, system_fault(&error)),
            }
        } else {
            self.write_probe(now, key, connection);
        }
        self.drive_probe(now, key);
    }

    /// Writes what a probe has to say, until the system has no room.
    pub(super) fn write_probe(&mut self, now: Time, key: TaskKey, connection: ConnectionId) {
        let Some(socket) = self.probes.socket_of(key, connection) else {
            return;
        };
        while let Some(slot) = self.probes.slots.by_key(key) {
            let Some(bytes) = slot.probe.outgoing(connection) else {
                return;
            };
            let written = if slot.probe.speaks_datagrams() {
                self.net.send(socket, bytes).map(|()| bytes.len())
            } else {
                self.net.write(socket, bytes)
            };
            match written {
                Ok(octets) => slot.probe.wrote(now, connection, octets),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // A peer that would hear no more may have said why.
                    let mut buffer = std::mem::take(&mut self.buffer);
                    let mut dry = buffer.is_empty();
                    let mut now = now;
                    while !dry {
                        dry = self.read_probe_once(&mut now, key, connection, socket, &mut buffer);
                    }
                    if !buffer.is_empty() {
                        self.buffer = buffer;
                    }
                    if let Some(slot) = self.probes.slots.by_key(key) {
                        slot.probe.failed(now, connection, system_fault(&error));
                    }
                    return;
                }
            }
        }
    }

    /// Reads once from a socket of a probe; returns whether it would block, or is gone.
    pub(in crate::shard) fn read_probe(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> bool {
        let mut now = now;
        let dry = self.read_probe_once(&mut now, key, connection, socket, buffer);
        self.drive_probe(now, key);
        dry || self.probes.socket_of(key, connection) != Some(socket)
    }

    fn read_probe_once(
        &mut self,
        now: &mut Time,
        key: TaskKey,
        connection: ConnectionId,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> bool {
        let closed = self.owned(socket).is_none_or(|owned| owned.closed);
        let Some(slot) = self.probes.slots.by_key(key) else {
            return true;
        };
        if slot.probe.speaks_datagrams() {
            return self.take_datagrams(*now, key, connection, socket, buffer);
        }
        let read = self.net.read(socket, buffer);
        // As it is read, and not as it was when others were.
        *now = self.net.now();
        match read {
            Ok(0) => {
                slot.probe.ended(*now, connection);
                true
            }
            Ok(octets) => {
                slot.probe.received(*now, connection, &buffer[..octets]);
                // What fills no buffer was all there is, but for an end that came with it.
                octets < buffer.len() && !closed
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => false,
            Err(error) => {
                slot.probe.failed(*now, connection, system_fault(&error));
                true
            }
        }
    }

    fn take_datagrams(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> bool {
        for _ in 0..DATAGRAMS_MAX {
            // What it heard may have ended it, or had it begin anew on another socket.
            if self.probes.socket_of(key, connection) != Some(socket) {
                return true;
            }
            let Some(slot) = self.probes.slots.by_key(key) else {
                return true;
            };
            let taken = if slot.probe.hears_many() {
                let taken = self.net.recv_from(socket, buffer);
                taken.map(|(octets, from)| (octets, Some(from)))
            } else {
                self.net.recv(socket, buffer).map(|octets| (octets, None))
            };
            match taken {
                Ok((octets, Some(from))) => {
                    slot.probe
                        .received_from(now, connection, from, &buffer[..octets]);
                }
                Ok((octets, None)) => slot.probe.received(now, connection, &buffer[..octets]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    slot.probe.failed(now, connection, system_fault(&error));
                    return true;
                }
            }
            self.drive_probe(now, key);
        }
        false
    }

    pub(super) fn close_probe_socket(&mut self, key: TaskKey, connection: ConnectionId) {
        let Some(slot) = self.probes.slots.by_key(key) else {
            return;
        };
        let mut sockets = slot.sockets.iter();
        if let Some(at) = sockets.position(|(whose, _)| *whose == connection) {
            let (_, socket) = slot.sockets.remove(at);
            self.close_socket(socket);
        }
    }

    pub(super) fn close_socket(&mut self, socket: SocketId) {
        self.forget(socket);
        self.probes.sockets_open -= 1;
        if !self.probes.connects.is_empty() {
            self.resume_by(Time::ZERO);
        }
    }
}
