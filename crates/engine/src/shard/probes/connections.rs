//! The sockets of probes: opens them, reads and writes.

use std::io;

use canvass_model::{Cause, Time};
use canvass_proto::{ConnectionId, SocketRequest, SystemFault};

use super::refusals::Call;
use crate::net::{Net, SocketId};
use crate::shard::Shard;
use crate::shard::sockets::{Owner, system_fault};
use crate::shard::transmit::SendTurn;
use crate::slab::TaskKey;

/// Sockets opened at a time: each takes tens of microseconds.
const OPENED_PER_GO_MAX: usize = 128;
/// Datagrams received from one socket at a time.
const DATAGRAMS_MAX: usize = 64;

impl<N: Net> Shard<N> {
    /// Opens the sockets that probes wait for, while there are descriptors for them.
    pub(super) fn open_connections(&mut self, turn: &mut SendTurn) {
        if let Some(end) = self.probes.budget.shortage(turn.now) {
            return self.sender.resume_by(end);
        }
        for opened in 0.. {
            if self.probes.budget.is_spent() {
                return self.block_waiting(&SystemFault {
                    cause: Cause::Descriptors,
                    errno: None,
                    message: "all sockets that may be open at once are".into(),
                });
            }
            if opened >= OPENED_PER_GO_MAX {
                return self.sender.resume_by(turn.now);
            }
            let Some((key, connection)) = self.probes.budget.next() else {
                return;
            };
            let Some(task) = self.tasks.probe(key) else {
                continue;
            };
            let Some(request) = task.probe.socket_request(connection) else {
                continue;
            };
            // Opening takes time, which must not count for the next.
            turn.now = self.net.now();
            match self.open_socket(&request) {
                Ok((socket, many)) => {
                    self.opened(turn.now, key, connection, socket, &request, many);
                }
                Err(fault) => {
                    if fault.is_shortage() {
                        return self.wait_out_shortage(turn.now, key, connection, fault);
                    }
                    if self.repeat_later(turn.now, key, connection, Call::Open, &fault) {
                        continue;
                    }
                    if let Some(task) = self.tasks.probe(key) {
                        task.probe.failed(turn.now, connection, fault);
                    }
                }
            }
            self.drive(turn.now, key);
        }
    }

    /// The system has no socket left: no connection is opened for a while.
    fn wait_out_shortage(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
        fault: SystemFault,
    ) {
        self.count_local_fault(fault.lost_cause());
        let end = self.probes.budget.on_shortage(now, key, connection);
        if fault.cause == Cause::Descriptors {
            self.block_waiting(&fault);
        } else if let Some(task) = self.tasks.probe(key) {
            task.probe.blocked(fault);
        }
        self.sender.resume_by(end);
    }

    /// Reports to all probes that wait for a socket what blocks them. They are few, since no other
    /// probe begins meanwhile.
    fn block_waiting(&mut self, fault: &SystemFault) {
        for key in self.probes.budget.waiting() {
            if let Some(task) = self.tasks.probe(key) {
                task.probe.blocked(fault.clone());
            }
        }
    }

    fn open_socket(&mut self, request: &SocketRequest) -> Result<(SocketId, bool), SystemFault> {
        self.config.allowed.check_request(request)?;
        let options = &self.config.probing.socket_options;
        let opened = match request {
            SocketRequest::Stream(remote) => {
                let stream = self.net.connect(remote, options);
                stream.map(|socket| (socket, false))
            }
            SocketRequest::Datagram { peer, many } => {
                self.net.open_conversation(*peer, *many, options)
            }
        };
        opened.map_err(|error| system_fault(&error))
    }

    fn opened(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
        socket: SocketId,
        request: &SocketRequest,
        many: bool,
    ) {
        let receives_datagrams = matches!(request, SocketRequest::Datagram { .. });
        let owner = Owner::Probe(key, connection);
        self.sockets.insert(socket, owner, receives_datagrams);
        self.probes.budget.on_opened();
        if let Some(task) = self.tasks.probe(key) {
            task.sockets.push((connection, socket));
            match request {
                SocketRequest::Stream(_) => task.probe.opening(now, connection),
                SocketRequest::Datagram { .. } => task.probe.bound(now, connection, many),
            }
        }
    }

    /// A socket of a probe is writable: it is open, or has room again.
    pub(in crate::shard) fn probe_writable(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
        socket: SocketId,
    ) {
        let Some(task) = self.tasks.probe(key) else {
            return;
        };
        if task.probe.is_opening(connection) {
            // A socket with an error has been reported as closed too.
            let opened = if self.sockets.is_closed(socket) {
                self.net.opened(socket)
            } else {
                Ok(())
            };
            match opened {
                Ok(()) => {
                    if task.probe.needs_local_address()
                        && let Some(address) = self.net.local_address(socket)
                    {
                        task.probe.local_address(address);
                    }
                    task.probe.connected(now, connection);
                }
                // Only an open connection can be reset; one that is not open yet is refused.
                Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                    task.probe.connected(now, connection);
                    task.probe.failed(now, connection, system_fault(&error));
                }
                Err(error) => task.probe.failed(now, connection, system_fault(&error)),
            }
        } else {
            self.write_probe(now, key, connection);
        }
        self.drive(now, key);
    }

    /// Writes what a probe has to send, until the system has no room.
    pub(in crate::shard) fn write_probe(
        &mut self,
        now: Time,
        key: TaskKey,
        connection: ConnectionId,
    ) {
        let Some(socket) = self.probe_socket(key, connection) else {
            return;
        };
        while let Some(task) = self.tasks.probe(key) {
            let Some(bytes) = task.probe.outgoing(connection) else {
                return;
            };
            let written = if task.probe.uses_datagrams() {
                self.net.send(socket, bytes).map(|()| bytes.len())
            } else {
                self.net.write(socket, bytes)
            };
            match written {
                Ok(octets) => {
                    task.refusals = 0;
                    task.probe.wrote(now, connection, octets);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error)
                    if self.repeat_later(
                        now,
                        key,
                        connection,
                        Call::Write,
                        &system_fault(&error),
                    ) =>
                {
                    return;
                }
                Err(error) => {
                    // A peer that receives no more may have sent the reason.
                    let mut buffer = self.sockets.lend_buffer();
                    let mut drained = buffer.is_empty();
                    let mut now = now;
                    while !drained {
                        drained =
                            self.read_probe_once(&mut now, key, connection, socket, &mut buffer);
                    }
                    self.sockets.give_buffer_back(buffer);
                    if let Some(task) = self.tasks.probe(key) {
                        task.probe.failed(now, connection, system_fault(&error));
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
        let drained = self.read_probe_once(&mut now, key, connection, socket, buffer);
        self.drive(now, key);
        drained || self.probe_socket(key, connection) != Some(socket)
    }

    fn read_probe_once(
        &mut self,
        now: &mut Time,
        key: TaskKey,
        connection: ConnectionId,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> bool {
        let closed = self.sockets.is_closed(socket);
        let Some(task) = self.tasks.probe(key) else {
            return true;
        };
        if task.probe.uses_datagrams() {
            return self.take_datagrams(now, key, connection, socket, buffer);
        }
        let read = self.net.read(socket, buffer);
        // The time of this read, not that of earlier ones.
        *now = self.net.now();
        match read {
            Ok(0) => {
                task.probe.ended(*now, connection);
                true
            }
            Ok(octets) => {
                task.probe.received(*now, connection, &buffer[..octets]);
                // A read that does not fill the buffer took all there was, except for an end of
                // stream received with it.
                octets < buffer.len() && !closed
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => false,
            Err(error) => {
                task.probe.failed(*now, connection, system_fault(&error));
                true
            }
        }
    }

    fn take_datagrams(
        &mut self,
        now: &mut Time,
        key: TaskKey,
        connection: ConnectionId,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> bool {
        for _ in 0..DATAGRAMS_MAX {
            // The last datagram may have ended it, or made it start again on another socket.
            if self.probe_socket(key, connection) != Some(socket) {
                return true;
            }
            let Some(task) = self.tasks.probe(key) else {
                return true;
            };
            let taken = if task.probe.receives_from_any() {
                let taken = self.net.recv_from(socket, buffer);
                taken.map(|(octets, from)| (octets, Some(from)))
            } else {
                self.net.recv(socket, buffer).map(|octets| (octets, None))
            };
            // As with queries: the time of this datagram, not that of earlier ones.
            *now = self.net.now();
            let now = *now;
            match taken {
                Ok((octets, Some(from))) => {
                    task.probe
                        .received_from(now, connection, from, &buffer[..octets]);
                }
                Ok((octets, None)) => task.probe.received(now, connection, &buffer[..octets]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    task.probe.failed(now, connection, system_fault(&error));
                    return true;
                }
            }
            self.drive(now, key);
        }
        false
    }

    fn probe_socket(&mut self, key: TaskKey, connection: ConnectionId) -> Option<SocketId> {
        self.tasks.probe(key)?.socket(connection)
    }

    /// Closes the writing side of a connection. Reading tells whether the peer is gone.
    pub(in crate::shard) fn shut_probe(&mut self, key: TaskKey, connection: ConnectionId) {
        if let Some(socket) = self.probe_socket(key, connection) {
            let _ = self.net.shut_write(socket);
        }
    }

    pub(in crate::shard) fn close_probe_socket(&mut self, key: TaskKey, connection: ConnectionId) {
        if let Some(task) = self.tasks.probe(key)
            && let Some(socket) = task.take_socket(connection)
        {
            self.close_socket(socket);
        }
    }

    pub(super) fn close_socket(&mut self, socket: SocketId) {
        self.sockets.close(&mut self.net, socket);
        self.probes.budget.on_closed();
        if self.probes.budget.is_awaited() {
            self.sender.resume_by(Time::ZERO);
        }
    }
}
