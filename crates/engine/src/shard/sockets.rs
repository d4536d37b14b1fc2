//! Which socket belongs to whom, and what the system's errors mean.

use std::collections::VecDeque;
use std::io;

use canvass_model::{Cause, Errno, Time, Transport};
use canvass_proto::dns::MESSAGE_OCTETS_MAX;
use canvass_proto::{ConnectionId, LostCause, SystemFault, UpstreamId};

use crate::datagram_batch::DatagramBatch;
use crate::net::{Event, Net, SocketId};
use crate::slab::TaskKey;

/// Room for one read: the longest message and its length.
const BUFFER_OCTETS: usize = MESSAGE_OCTETS_MAX + 2;

/// What a socket belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Owner {
    Upstream(UpstreamId, Transport),
    Probe(TaskKey, ConnectionId),
}

/// A socket that is in use.
#[derive(Clone, Copy, Debug)]
struct Owned {
    owner: Owner,
    /// On the list of those with something to read.
    readable: bool,
    /// The peer has closed its side.
    closed: bool,
    /// It has datagrams, and no stream.
    receives_datagrams: bool,
}

/// The sockets in use, and those with something to read.
#[derive(Debug)]
pub(super) struct Sockets {
    /// By the number of the socket.
    owners: Vec<Option<Owned>>,
    readable: VecDeque<SocketId>,
    /// All sockets were empty at this time or later.
    drained: Time,
    events: Vec<Event>,
    /// What the kernel dropped on the sockets that are closed, for want of room in their buffers.
    kernel_drops: u64,
    buffer: Box<[u8]>,
    datagrams: DatagramBatch,
}

impl Sockets {
    pub(super) fn new() -> Self {
        Self {
            owners: Vec::new(),
            readable: VecDeque::new(),
            drained: Time::ZERO,
            events: Vec::new(),
            kernel_drops: 0,
            buffer: vec![0; BUFFER_OCTETS].into_boxed_slice(),
            datagrams: DatagramBatch::default(),
        }
    }

    pub(super) fn insert(&mut self, socket: SocketId, owner: Owner, receives_datagrams: bool) {
        let at = socket.0 as usize;
        if self.owners.len() <= at {
            self.owners.resize(at + 1, None);
        }
        self.owners[at] = Some(Owned {
            owner,
            readable: false,
            closed: false,
            receives_datagrams,
        });
    }

    pub(super) fn close<N: Net>(&mut self, net: &mut N, socket: SocketId) {
        let owned = self.owners[socket.0 as usize].take();
        if owned.is_some_and(|owned| owned.receives_datagrams) {
            self.kernel_drops += net.kernel_drops(socket);
        }
        net.close(socket);
    }

    /// How many datagrams the kernel dropped on the sockets that are closed.
    pub(super) fn kernel_drops(&self) -> u64 {
        self.kernel_drops
    }

    /// The upstream and the transport that a socket belongs to.
    pub(super) fn lane(&self, socket: SocketId) -> Option<(UpstreamId, Transport)> {
        match self.owners.get(socket.0 as usize)?.as_ref()?.owner {
            Owner::Upstream(upstream, transport) => Some((upstream, transport)),
            Owner::Probe(..) => None,
        }
    }

    /// Whether the peer has closed its side, or the socket is not in use.
    pub(super) fn is_closed(&self, socket: SocketId) -> bool {
        let owned = self.owners.get(socket.0 as usize).copied().flatten();
        owned.is_none_or(|owned| owned.closed)
    }

    /// Takes in an event, and returns to whom it belongs.
    pub(super) fn on_event(&mut self, event: &Event) -> Option<Owner> {
        let owned = self.owners.get_mut(event.socket.0 as usize)?.as_mut()?;
        if event.readable && !owned.readable {
            owned.readable = true;
            self.readable.push_back(event.socket);
        }
        owned.closed |= event.closed;
        Some(owned.owner)
    }

    pub(super) fn any_readable(&self) -> bool {
        !self.readable.is_empty()
    }

    /// The socket that is to be read next.
    pub(super) fn next_readable(&mut self) -> Option<(SocketId, Owner)> {
        while let Some(socket) = self.readable.pop_front() {
            // The number may be another socket's by now.
            if let Some(Some(owned)) = self.owners.get(socket.0 as usize)
                && owned.readable
            {
                return Some((socket, owned.owner));
            }
        }
        None
    }

    /// A socket was read; `drained` until there was nothing more.
    pub(super) fn on_read(&mut self, socket: SocketId, drained: bool) {
        if let Some(Some(owned)) = self.owners.get_mut(socket.0 as usize) {
            owned.readable = !drained;
            if !drained {
                self.readable.push_back(socket);
            }
        }
    }

    /// The sockets that had something to read at `since` or later have been read, if not
    /// [`Self::any_readable`].
    pub(super) fn on_all_read(&mut self, since: Time) {
        if !self.any_readable() {
            self.drained = since;
        }
    }

    /// Since when a datagram can be there that has just been read.
    pub(super) fn drained(&self) -> Time {
        self.drained
    }

    /// Lends the list of events, empty.
    pub(super) fn lend_events(&mut self) -> Vec<Event> {
        self.events.clear();
        std::mem::take(&mut self.events)
    }

    pub(super) fn give_events_back(&mut self, events: Vec<Event>) {
        self.events = events;
    }

    /// Lends the room for datagrams.
    pub(super) fn lend_datagrams(&mut self) -> DatagramBatch {
        std::mem::take(&mut self.datagrams)
    }

    pub(super) fn give_datagrams_back(&mut self, datagrams: DatagramBatch) {
        self.datagrams = datagrams;
    }

    /// Lends the buffer for reading; it is empty while it is lent to another.
    pub(super) fn lend_buffer(&mut self) -> Box<[u8]> {
        std::mem::take(&mut self.buffer)
    }

    pub(super) fn give_buffer_back(&mut self, buffer: Box<[u8]>) {
        if !buffer.is_empty() {
            self.buffer = buffer;
        }
    }
}

/// The cause that a system error stands for.
pub(super) fn lost_cause(error: &io::Error) -> LostCause {
    let cause = match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Cause::Reset,
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown => Cause::Unreachable,
        io::ErrorKind::TimedOut => Cause::Timeout,
        // A local address is in use for datagrams only when every port is.
        io::ErrorKind::AddrNotAvailable | io::ErrorKind::AddrInUse => Cause::Ports,
        _ => match error.raw_os_error() {
            Some(libc::EMFILE | libc::ENFILE) => Cause::Descriptors,
            _ => Cause::System,
        },
    };
    LostCause {
        cause,
        errno: error.raw_os_error().map(Errno),
    }
}

/// The same for a probe, with the system's message.
pub(super) fn system_fault(error: &io::Error) -> SystemFault {
    let LostCause { cause, errno } = match error.raw_os_error() {
        // A Unix socket that does not exist.
        Some(libc::ENOENT) => LostCause {
            cause: Cause::Unreachable,
            errno: Some(Errno(libc::ENOENT)),
        },
        _ => lost_cause(error),
    };
    let text = error.to_string();
    let message = text.split(" (os error").next().unwrap_or(&text);
    SystemFault {
        cause,
        errno,
        message: message.into(),
    }
}
