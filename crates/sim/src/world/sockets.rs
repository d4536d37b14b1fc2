//! The sockets of the world, by the numbers a system would give them.

use std::collections::{BTreeSet, VecDeque};

use canvass_engine::{Event, SocketId};
use canvass_model::Time;

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
    /// Which resolver it leads to.
    pub peer: usize,
    pub kind: Kind,
    /// What the system has to say at the next call.
    pub error: Option<i32>,
    readable: bool,
    writable: bool,
}

#[derive(Debug)]
pub(super) enum Kind {
    Datagram(DatagramSocket),
    Stream(Box<StreamSocket>),
}

/// What the system holds for a datagram socket.
#[derive(Debug, Default)]
pub(super) struct DatagramSocket {
    pub inbox: VecDeque<Vec<u8>>,
    pub inbox_octets: usize,
    pub inbox_octets_max: usize,
    pub drops: u64,
}

/// What both systems hold for a stream.
#[derive(Debug, Default)]
pub(super) struct StreamSocket {
    pub open: bool,
    /// Octets on their way to the resolver.
    pub underway_octets: usize,
    pub blocked: bool,
    /// When the latest octets in each direction arrive: none overtake.
    pub arrival_there: Time,
    pub arrival_here: Time,
    pub inbox: VecDeque<u8>,
    /// The resolver's end has been seen.
    pub ended: bool,
    /// The resolver's side.
    pub far: FarEnd,
}

/// What a resolver holds for a stream.
#[derive(Debug, Default)]
pub(super) struct FarEnd {
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

    pub fn open(&mut self, peer: usize, kind: Kind) -> Handle {
        self.serial += 1;
        let index = self.free.pop_first().unwrap_or_else(|| {
            self.slots.push(None);
            (self.slots.len() - 1) as u32
        });
        self.slots[index as usize] = Some(Socket {
            serial: self.serial,
            peer,
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

    /// Whether it was open.
    pub fn close(&mut self, id: SocketId) -> bool {
        let was_open = self
            .slots
            .get_mut(id.0 as usize)
            .is_some_and(|slot| slot.take().is_some());
        was_open && self.free.insert(id.0)
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
                events.push(Event {
                    socket: handle.id,
                    readable: std::mem::take(&mut socket.readable),
                    writable: std::mem::take(&mut socket.writable),
                });
            }
        }
    }
}
