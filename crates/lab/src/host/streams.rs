//! The services over TCP: the listeners, and thousands of connections in slots.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Registry, Token};
use socket2::SockRef;

use crate::report::ServiceCount;
use crate::service::{ServiceKind, Tally};

use super::peer::{Peer, READ_BYTES, Scratch, Step};
use super::wakes::Wake;
use super::{Core, is_served};

/// Connections that are open at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 262_144;
/// Connections accepted before those that are open get their turn.
const ACCEPTS_PER_TURN: usize = 64;
/// Connections served before others get their turn.
const STEPS_PER_TURN: usize = 256;
/// When descriptors are looked for again after there were none.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

/// All there is of TCP.
pub(super) struct StreamSide {
    listeners: Vec<Listener>,
    registry: Registry,
    connection_first: usize,
    slots: Vec<Option<Peer>>,
    free: Vec<usize>,
    next_generation: u32,
    /// Connections that have something to do.
    queue: VecDeque<usize>,
    /// No connection is accepted until one has closed or some time has passed.
    exhausted: bool,
    scratch: Scratch,
}

/// One listening socket.
pub(super) struct Listener {
    socket: TcpListener,
    kind: ServiceKind,
    service: usize,
    only_loopback: bool,
    /// There may be more to accept.
    ready: bool,
}

impl Listener {
    /// Serves on a bound socket.
    pub fn new(
        socket: std::net::TcpListener,
        kind: ServiceKind,
        service: usize,
    ) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // Connections inherit it: one octet now and then must leave at once.
        SockRef::from(&socket).set_tcp_nodelay(true)?;
        let only_loopback = socket.local_addr()?.ip().is_unspecified();
        Ok(Self {
            socket: TcpListener::from_std(socket),
            kind,
            service,
            only_loopback,
            ready: false,
        })
    }

    /// The socket, for registration.
    pub fn source(&mut self) -> &mut TcpListener {
        &mut self.socket
    }
}

impl StreamSide {
    /// Serves on listeners. The tokens of connections begin at `connection_first`.
    pub fn new(listeners: Vec<Listener>, registry: Registry, connection_first: usize) -> Self {
        Self {
            listeners,
            registry,
            connection_first,
            slots: Vec::new(),
            free: Vec::new(),
            next_generation: 0,
            queue: VecDeque::new(),
            exhausted: false,
            scratch: Scratch {
                read: vec![0; READ_BYTES].into(),
                out: Vec::new(),
                tally: Tally::default(),
            },
        }
    }

    /// How many listeners there are.
    pub fn listeners(&self) -> usize {
        self.listeners.len()
    }

    /// The poll says that a listener has connections.
    pub fn note_listener(&mut self, listener: usize) {
        self.listeners[listener].ready = true;
    }

    /// The poll says something of a connection.
    pub fn note(&mut self, slot: usize, event: &Event) {
        // It may be about a connection that has gone since.
        if let Some(peer) = self.slots.get_mut(slot).and_then(Option::as_mut) {
            let hung_up = event.is_read_closed() || event.is_error();
            if event.is_readable() || hung_up {
                peer.note_readable(hung_up);
            }
            enqueue(&mut self.queue, peer, slot);
        }
    }

    /// A connection's time has come, if it is still this one.
    pub fn wake(&mut self, slot: usize, generation: u32) {
        if let Some(peer) = self.slots[slot].as_mut()
            && peer.generation == generation
        {
            enqueue(&mut self.queue, peer, slot);
        }
    }

    /// There may be descriptors again.
    pub fn accept_again(&mut self) {
        self.exhausted = false;
    }

    /// Accepts and serves connections, up to a bound. Returns whether there is more to do.
    pub fn turn(&mut self, core: &mut Core) -> bool {
        for index in 0..self.listeners.len() {
            self.accept(index, core);
        }
        for _ in 0..STEPS_PER_TURN.min(self.queue.len()) {
            let Some(slot) = self.queue.pop_front() else {
                break;
            };
            let Some(peer) = self.slots[slot].as_mut() else {
                continue;
            };
            peer.queued = false;
            match peer.step(core, &mut self.scratch) {
                Step::More => enqueue(&mut self.queue, peer, slot),
                Step::Rest => {
                    let token = Token(self.connection_first + slot);
                    if peer.register(&self.registry, token).is_err() {
                        self.close(slot);
                    }
                }
                Step::Gone => self.close(slot),
            }
        }
        let acceptable = self.may_accept() && self.listeners.iter().any(|listener| listener.ready);
        acceptable || !self.queue.is_empty()
    }

    fn may_accept(&self) -> bool {
        !self.exhausted && self.slots.len() - self.free.len() < CONNECTIONS_MAX
    }

    fn accept(&mut self, index: usize, core: &mut Core) {
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.listeners[index].ready || !self.may_accept() {
                return;
            }
            match self.listeners[index].socket.accept() {
                Ok((stream, _)) => self.open(stream, index, core),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => self.listeners[index].ready = false,
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                    // No descriptors, most likely. Those that come wait in the backlog.
                    _ => {
                        core.meters[self.listeners[index].service].add(ServiceCount::AcceptErrors);
                        self.exhausted = true;
                        let again = core.clock.now() + ACCEPT_AGAIN;
                        core.wakes.push(again, Wake::Accept);
                    }
                },
            }
        }
    }

    fn open(&mut self, stream: TcpStream, listener: usize, core: &mut Core) {
        let Listener {
            kind,
            service,
            only_loopback,
            ..
        } = self.listeners[listener];
        let meter = &core.meters[service];
        let Ok(server) = stream.local_addr().map(|address| address.ip()) else {
            return meter.add(ServiceCount::AcceptErrors);
        };
        if !is_served(only_loopback, server) {
            return meter.add(ServiceCount::Foreign);
        }
        meter.add(ServiceCount::Connections);
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        self.next_generation = self.next_generation.wrapping_add(1);
        let conversation = core.services.open(core.clock.now(), kind, server);
        let peer = Peer::new(stream, conversation, service, slot, self.next_generation);
        let peer = self.slots[slot].insert(peer);
        enqueue(&mut self.queue, peer, slot);
    }

    fn close(&mut self, slot: usize) {
        // The poll forgets a descriptor that is closed.
        self.slots[slot] = None;
        self.free.push(slot);
        self.exhausted = false;
    }
}

fn enqueue(queue: &mut VecDeque<usize>, peer: &mut Peer, slot: usize) {
    if !peer.queued {
        peer.queued = true;
        queue.push_back(slot);
    }
}
