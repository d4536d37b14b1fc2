//! The sockets of the world by descriptor.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

use canvass_engine::{Event, SocketId};
use canvass_model::Time;

use super::host_end::HostEnd;

/// Identifies a socket, also after its descriptor was reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Handle {
    pub id: SocketId,
    serial: u64,
}

/// One open socket.
#[derive(Debug)]
pub(super) struct Socket {
    serial: u64,
    pub far: Far,
    pub kind: Kind,
    /// The pending error.
    pub error: Option<i32>,
    readable: bool,
    writable: bool,
}

/// The remote end of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Far {
    /// A resolver, by its index in the scenario.
    Resolver(usize),
    /// A host. `site` is the index of its site in the scenario.
    Host {
        remote: SocketAddr,
        site: Option<usize>,
    },
}

#[derive(Debug)]
pub(super) enum Kind {
    Datagram(DatagramSocket),
    Stream(Box<StreamSocket>),
}

/// A datagram that was not read yet.
#[derive(Debug)]
pub(super) struct ReceivedDatagram {
    pub from: SocketAddr,
    /// When it arrived.
    pub at: Time,
    pub octets: Vec<u8>,
}

/// A UDP socket.
#[derive(Debug, Default)]
pub(super) struct DatagramSocket {
    pub inbox: VecDeque<ReceivedDatagram>,
    pub inbox_octets: usize,
    pub inbox_octets_max: usize,
    pub drops: u64,
    /// It receives from every host.
    pub many: bool,
}

/// A TCP socket with both ends.
#[derive(Debug, Default)]
pub(super) struct StreamSocket {
    pub open: bool,
    /// Octets in transit to the remote end.
    pub underway_octets: usize,
    pub blocked: bool,
    /// The arrival times of the last octets in each direction, for order.
    pub arrival_there: Time,
    pub arrival_here: Time,
    pub inbox: VecDeque<u8>,
    /// The end of stream of the remote end was read.
    pub ended: bool,
    /// The remote end, if it is a resolver.
    pub resolver: ResolverEnd,
    /// The remote end, if it is a host.
    pub host: Option<Box<HostEnd>>,
}

/// A resolver's side of a connection.
#[derive(Debug, Default)]
pub(super) struct ResolverEnd {
    pub unread: Vec<u8>,
    pub received_octets: u64,
    /// Answers that are not due.
    pub held: u32,
    pub answers: u32,
    pub closed: bool,
}

/// All open sockets.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    slots: Vec<Option<Socket>>,
    free: BTreeSet<u32>,
    serial: u64,
    /// Sockets with events that were not returned yet.
    edges: VecDeque<Handle>,
}

impl Sockets {
    pub(super) fn open_count(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn open(&mut self, far: Far, kind: Kind) -> Handle {
        self.serial += 1;
        let index = self.free.pop_first().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        self.slots[index as usize] = Some(Socket {
            serial: self.serial,
            far,
            kind,
            error: None,
            readable: false,
            writable: false,
        });
        Handle {
            id: SocketId(index),
            serial: self.serial,
        }
    }

    /// Closes a socket. Returns its remote end, if it was open.
    pub(super) fn close(&mut self, id: SocketId) -> Option<Far> {
        let socket = self.slots.get_mut(id.0 as usize)?.take()?;
        self.free.insert(id.0);
        Some(socket.far)
    }

    pub(super) fn by_id(&mut self, id: SocketId) -> Option<(Handle, &mut Socket)> {
        let socket = self.slots.get_mut(id.0 as usize)?.as_mut()?;
        let handle = Handle {
            id,
            serial: socket.serial,
        };
        Some((handle, socket))
    }

    /// The socket, if it is still open.
    pub(super) fn by_handle(&mut self, handle: Handle) -> Option<&mut Socket> {
        self.slots
            .get_mut(handle.id.0 as usize)?
            .as_mut()
            .filter(|socket| socket.serial == handle.serial)
    }

    pub(super) fn datagram(&mut self, handle: Handle) -> Option<&mut DatagramSocket> {
        match &mut self.by_handle(handle)?.kind {
            Kind::Datagram(datagram) => Some(datagram),
            Kind::Stream(_) => None,
        }
    }

    pub(super) fn stream(&mut self, handle: Handle) -> Option<&mut StreamSocket> {
        match &mut self.by_handle(handle)?.kind {
            Kind::Stream(stream) => Some(stream),
            Kind::Datagram(_) => None,
        }
    }

    /// Adds an edge-triggered event.
    pub(super) fn edge(&mut self, handle: Handle, readable: bool, writable: bool) {
        let Some(socket) = self.by_handle(handle) else {
            return;
        };
        let first = !socket.readable && !socket.writable;
        socket.readable |= readable;
        socket.writable |= writable;
        if first {
            self.edges.push_back(handle);
        }
    }

    pub(super) fn has_edges(&self) -> bool {
        !self.edges.is_empty()
    }

    /// Returns at most `most` events.
    pub(super) fn take_edges(&mut self, most: usize, events: &mut Vec<Event>) {
        for _ in 0..most {
            let Some(handle) = self.edges.pop_front() else {
                return;
            };
            if let Some(socket) = self.by_handle(handle) {
                let ended = matches!(&socket.kind, Kind::Stream(stream) if stream.ended);
                events.push(Event {
                    socket: handle.id,
                    closed: ended || socket.error.is_some(),
                    readable: std::mem::take(&mut socket.readable),
                    writable: std::mem::take(&mut socket.writable),
                });
            }
        }
    }
}
