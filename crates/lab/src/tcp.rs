//! The lab over TCP: the listeners, and thousands of connections in slots.

use std::collections::VecDeque;
use std::io;
use std::time::Duration;

use canvass_model::Time;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Interest, Registry, Token};

use crate::connection::{Connection, Step};
use crate::destination::Destination;
use crate::exchange::Core;
use crate::forward::GivenUp;
use crate::framing::READ_BYTES;
use crate::report::Count;
use crate::schedule::Held;

/// Connections that are open at once; more wait to be accepted.
const CONNECTIONS_MAX: usize = 65_536;
/// Connections served before others get their turn.
const STEPS_PER_TURN: usize = 64;
/// Octets of replies written before others get their turn: replies that are due must not wait
/// for many.
const REPLY_BYTES_PER_TURN: usize = 128 << 10;

/// All there is of TCP.
pub(crate) struct TcpSide {
    listeners: Vec<Listener>,
    registry: Registry,
    listener_first: usize,
    connection_first: usize,
    slots: Vec<Option<Connection>>,
    free: Vec<usize>,
    next_generation: u32,
    /// Connections that have something to do.
    queue: VecDeque<usize>,
    /// Replies that their connections have taken and are about to send.
    taken: Vec<Taken>,
    buffer: Box<[u8]>,
    replies: Vec<u8>,
}

struct Taken {
    slot: usize,
    received: Time,
    asked: Duration,
}

struct Listener {
    socket: TcpListener,
    only_loopback: bool,
    /// There may be more to accept.
    ready: bool,
}

impl TcpSide {
    /// Serves on bound listeners. Their tokens begin at `listener_first`, those of connections
    /// at `connection_first`.
    pub fn new(
        sockets: Vec<std::net::TcpListener>,
        registry: Registry,
        listener_first: usize,
        connection_first: usize,
    ) -> io::Result<Self> {
        let mut listeners = Vec::new();
        for (index, socket) in sockets.into_iter().enumerate() {
            socket.set_nonblocking(true)?;
            let only_loopback = socket.local_addr()?.ip().is_unspecified();
            let mut socket = TcpListener::from_std(socket);
            registry.register(
                &mut socket,
                Token(listener_first + index),
                Interest::READABLE,
            )?;
            listeners.push(Listener {
                socket,
                only_loopback,
                ready: false,
            });
        }
        Ok(Self {
            listeners,
            registry,
            listener_first,
            connection_first,
            slots: Vec::new(),
            free: Vec::new(),
            next_generation: 0,
            queue: VecDeque::new(),
            taken: Vec::new(),
            buffer: vec![0; READ_BYTES].into(),
            replies: Vec::new(),
        })
    }

    /// Takes an event of a listener or a connection down.
    pub fn note(&mut self, event: &Event, core: &mut Core) {
        let Token(token) = event.token();
        let Some(slot) = token.checked_sub(self.connection_first) else {
            self.listeners[token - self.listener_first].ready = true;
            self.accept(core);
            return;
        };
        // An event may be about a connection that has gone since.
        if let Some(connection) = self.slots[slot].as_mut() {
            let hung_up = event.is_read_closed() || event.is_error();
            if event.is_readable() || hung_up {
                connection.note_readable(hung_up);
            }
            enqueue(&mut self.queue, connection, slot);
        }
    }

    /// Whether connections have something to do.
    pub fn has_work(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Serves connections, up to a bound.
    pub fn turn(&mut self, core: &mut Core) {
        let mut reply_bytes = 0;
        for _ in 0..STEPS_PER_TURN.min(self.queue.len()) {
            if reply_bytes >= REPLY_BYTES_PER_TURN {
                break;
            }
            let Some(slot) = self.queue.pop_front() else {
                break;
            };
            let Some(connection) = self.slots[slot].as_mut() else {
                continue;
            };
            connection.queued = false;
            match connection.step(core, &mut self.buffer, &mut self.replies) {
                Step::More => enqueue(&mut self.queue, connection, slot),
                Step::Rest => {}
                Step::Gone => self.close(slot, core),
            }
            reply_bytes += self.replies.len();
        }
    }

    /// Hands a reply whose time has come to its connection.
    pub fn take_held(
        &mut self,
        core: &Core,
        slot: usize,
        generation: u32,
        held: &Held<Destination>,
    ) {
        let Some(connection) = of_generation(&mut self.slots, slot, generation) else {
            core.meter.add(Count::SendErrors);
            return;
        };
        connection.take_held(core, held);
        self.taken.push(Taken {
            slot,
            received: held.received,
            asked: held.asked,
        });
        // There may be a query that had to wait for this reply.
        enqueue(&mut self.queue, connection, slot);
    }

    /// Tells a connection that some of its replies will not come.
    pub fn give_up(&mut self, given_up: GivenUp) {
        let GivenUp {
            slot,
            generation,
            replies,
        } = given_up;
        if let Some(connection) = of_generation(&mut self.slots, slot, generation) {
            connection.give_up(replies);
            // It may have been kept open for them, or from its next query.
            enqueue(&mut self.queue, connection, slot);
        }
    }

    /// Sends what was taken since the last time, one write a connection.
    pub fn send_taken(&mut self, core: &mut Core) {
        let mut taken = std::mem::take(&mut self.taken);
        for &Taken { slot, .. } in &taken {
            if let Some(connection) = self.slots[slot].as_mut()
                && connection.send_unsent(core).is_err()
            {
                self.close(slot, core);
            }
        }
        if !taken.is_empty() {
            let now = core.clock.now();
            for Taken {
                received, asked, ..
            } in taken.drain(..)
            {
                core.meter.add_delay(now.since(received), asked);
            }
        }
        self.taken = taken;
    }

    fn accept(&mut self, core: &mut Core) {
        for index in 0..self.listeners.len() {
            while self.listeners[index].ready
                && self.slots.len() - self.free.len() < CONNECTIONS_MAX
            {
                match self.listeners[index].socket.accept() {
                    Ok((stream, _)) => self.open(stream, index, core),
                    Err(error) => match error.kind() {
                        io::ErrorKind::WouldBlock => self.listeners[index].ready = false,
                        io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => {}
                        // No descriptors, most likely: the listener stays ready, and is tried
                        // again when a connection has closed or another one comes.
                        _ => {
                            core.meter.add(Count::AcceptErrors);
                            return;
                        }
                    },
                }
            }
        }
    }

    fn open(&mut self, mut stream: TcpStream, listener: usize, core: &Core) {
        let Ok(server) = stream.local_addr().map(|address| address.ip()) else {
            return core.meter.add(Count::AcceptErrors);
        };
        if self.listeners[listener].only_loopback && !server.is_loopback() {
            return core.meter.add(Count::Foreign);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        // Held replies must leave when they are due, whatever was sent before them.
        let ready = stream.set_nodelay(true).and_then(|()| {
            let token = Token(self.connection_first + slot);
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.registry.register(&mut stream, token, interest)
        });
        if ready.is_err() {
            self.free.push(slot);
            return core.meter.add(Count::AcceptErrors);
        }
        self.next_generation = self.next_generation.wrapping_add(1);
        self.slots[slot] = Some(Connection::new(stream, server, slot, self.next_generation));
        core.meter.add(Count::Connections);
    }

    fn close(&mut self, slot: usize, core: &mut Core) {
        if let Some(mut connection) = self.slots[slot].take() {
            // Closing the descriptor would do the same; an error means that it is done.
            let _ = self.registry.deregister(connection.stream());
            drop(connection);
            self.free.push(slot);
            self.accept(core);
        }
    }
}

fn of_generation(
    slots: &mut [Option<Connection>],
    slot: usize,
    generation: u32,
) -> Option<&mut Connection> {
    slots[slot]
        .as_mut()
        .filter(|connection| connection.generation() == generation)
}

fn enqueue(queue: &mut VecDeque<usize>, connection: &mut Connection, slot: usize) {
    if !connection.queued {
        connection.queued = true;
        queue.push_back(slot);
    }
}
