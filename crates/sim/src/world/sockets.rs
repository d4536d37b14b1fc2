//! The sockets of the world, by the numbers a system would give them.

use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;

use canvass_engine::{Event, SocketId};
use canvass_model::Time;

use super::host_end::HostEnd;

/// A socket that was open at some time: its number may have been given again since.
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
    /// What the system has to say at the next call.
    pub error: Option<i32>,
    readable: bool,
    writable: bool,
}

/// Where a socket leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Far {
    /// A resolver, by its place in the scenario.
    Resolver(usize),
    /// A host; `site` is who serves that port, by its place in the scenario.
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

/// What the system holds for a datagram socket.
#[derive(Debug, Default)]
pub(super) struct DatagramSocket {
    pub inbox: VecDeque<(SocketAddr, Vec<u8>)>,
    pub inbox_octets: usize,
    pub inbox_octets_max: usize,
    pub drops: u64,
    /// It hears every host.
    pub many: bool,
}

/// What both systems hold for a stream.
#[derive(Debug, Default)]
pub(super) struct StreamSocket {
    pub open: bool,
    /// Octets on their way to the other side.
    pub underway_octets: usize,
    pub blocked: bool,
    /// When the latest octets in each direction arrive: none overtake.
    pub arrival_there: Time,
    pub arrival_here: Time,
    pub inbox: VecDeque<u8>,
    /// The other side's end has been seen.
    pub ended: bool,
    /// The other side, where it is a resolver.
    pub resolver: ResolverEnd,
    /// The other side, where it is a host.
    pub host: Option<Box<HostEnd>>,
}

/// What a resolver holds for a stream.
#[derive(Debug, Default)]
pub(super) struct ResolverEnd {
    pub unread: Vec<u8>,
    pub heard_octets: u64,
    /// Answers whose time has not come.
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
    /// Sockets with an edge that was not told yet.
    edges: VecDeque<Handle>,
}

impl Sockets {
    pub fn open_count(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub fn open(&mut self, far: Far, kind: Kind) -> Handle {
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

    /// Where it led to, if it was open.
    pub fn close(&mut self, id: SocketId) -> Option<Far> {
        let socket = self.slots.get_mut(id.0 as usize)?.take()?;
        self.free.insert(id.0);
        Some(socket.far)
    }

    pub fn by_id(&mut self, id: SocketId) -> Option<(Handle, &mut Socket)> {
        let socket = self.slots.get_mut(id.0 as usize)?.as_mut()?;
        let handle = Handle {
            id,
            serial: socket.serial,
        };
        Some((handle, socket))
    }

    /// The socket, if it is still the same one.
    pub fn by_handle(&mut self, handle: Handle) -> Option<&mut Socket> {
        self.slots
            .get_mut(handle.id.0 as usize)?
            .as_mut()
            .filter(|socket| socket.serial == handle.serial)
    }

    pub fn datagram(&mut self, handle: Handle) -> Option<&mut DatagramSocket> {
        match &mut self.by_handle(handle)?.kind {
            Kind::Datagram(datagram) => Some(datagram),
            Kind::Stream(_) => None,
        }
    }

    pub fn stream(&mut self, handle: Handle) -> Option<&mut StreamSocket> {
        match &mut self.by_handle(handle)?.kind {
            Kind::Stream(stream) => Some(stream),
            Kind::Datagram(_) => None,
        }
    }

    /// Something came: an edge, whether or not what came before was read.
    pub fn edge(&mut self, handle: Handle, readable: bool, writable: bool) {
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

    pub fn has_edges(&self) -> bool {
        !self.edges.is_empty()
    }

    /// Tells the edges there are, at most so many.
    pub fn take_edges(&mut self, most: usize, events: &mut Vec<Event>) {
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
