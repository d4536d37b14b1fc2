//! The services over TCP: the listeners and their connections.

use std::net::IpAddr;
use std::time::Duration;

use mio::Registry;
use mio::event::Event;
use mio::net::TcpStream;

use crate::connection_table::{ConnectionId, ConnectionTable, Progress};
use crate::listener::{Accepted, Listener};
use crate::report::ServiceCounter;
use crate::service::ServiceKind;

use super::connection::{Buffers, Connection};
use super::{Context, Timer};

/// Open connections; further ones wait to be accepted.
const CONNECTIONS_MAX: usize = 262_144;
/// Connections accepted per listener and turn.
const ACCEPTS_PER_TURN: usize = 64;
/// Connections served per turn.
const CONNECTIONS_PER_TURN: usize = 256;
/// The wait before connections are accepted again after there were no descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);

/// The services' side of TCP.
pub(super) struct TcpServer {
    listeners: Vec<ServiceListener>,
    registry: Registry,
    connections: ConnectionTable<Connection>,
    /// There were no descriptors. No connection is accepted until one has closed or some time has
    /// passed.
    exhausted: bool,
    buffers: Buffers,
}

/// A listener of a service.
pub(super) struct ServiceListener {
    pub(super) listener: Listener,
    pub(super) kind: ServiceKind,
    /// The index of the service.
    pub(super) service: usize,
}

impl TcpServer {
    /// Takes over listeners. The tokens of connections begin at `first_connection`.
    pub(super) fn new(
        listeners: Vec<ServiceListener>,
        registry: Registry,
        first_connection: usize,
    ) -> Self {
        Self {
            listeners,
            registry,
            connections: ConnectionTable::new(first_connection),
            exhausted: false,
            buffers: Buffers::new(),
        }
    }

    /// Notes that a listener has connections.
    pub(super) fn set_acceptable(&mut self, listener: usize) {
        self.listeners[listener].listener.ready = true;
    }

    /// Marks a connection to be served.
    pub(super) fn handle_event(&mut self, event: &Event) {
        self.connections
            .handle_event(event, Connection::set_readable);
    }

    /// Marks a connection to be served because its timer is due.
    pub(super) fn wake(&mut self, id: ConnectionId) {
        self.connections.enqueue(id);
    }

    /// Allows connections to be accepted: there may be descriptors again.
    pub(super) fn accept_again(&mut self) {
        self.exhausted = false;
    }

    /// Accepts and serves connections, up to a limit. Returns whether there is more to do.
    pub(super) fn turn(&mut self, context: &mut Context) -> bool {
        for index in 0..self.listeners.len() {
            self.accept(index, context);
        }
        for _ in 0..CONNECTIONS_PER_TURN.min(self.connections.queued()) {
            let Some((id, connection)) = self.connections.next_queued() else {
                break;
            };
            match connection.serve(context, &mut self.buffers) {
                Progress::More => self.connections.enqueue(id),
                Progress::Idle => self.register(id),
                Progress::Closed => self.close(id),
            }
        }
        let acceptable = self.may_accept() && self.listeners.iter().any(|it| it.listener.ready);
        acceptable || self.connections.queued() > 0
    }

    fn may_accept(&self) -> bool {
        !self.exhausted && self.connections.len() < CONNECTIONS_MAX
    }

    fn accept(&mut self, index: usize, context: &mut Context) {
        for _ in 0..ACCEPTS_PER_TURN {
            if !self.listeners[index].listener.ready || !self.may_accept() {
                return;
            }
            let ServiceListener {
                listener,
                kind,
                service,
            } = &mut self.listeners[index];
            let (kind, service) = (*kind, *service);
            let metrics = &context.metrics[service];
            match listener.accept() {
                Accepted::Connection(stream, server) => {
                    metrics.add(ServiceCounter::Connections);
                    self.open(stream, server, kind, service, context);
                }
                Accepted::NotLoopback => metrics.add(ServiceCounter::NotLoopback),
                Accepted::Nothing => {}
                Accepted::Failed => {
                    metrics.add(ServiceCounter::AcceptErrors);
                    self.exhausted = true;
                    let again = context.clock.now() + ACCEPT_AGAIN;
                    context.timers.push(again, Timer::Accept);
                }
            }
        }
    }

    fn open(
        &mut self,
        stream: TcpStream,
        server: IpAddr,
        kind: ServiceKind,
        service: usize,
        context: &mut Context,
    ) {
        let session = context.services.open(context.clock.now(), kind, server);
        let id = self
            .connections
            .insert(|id| Connection::new(stream, session, service, id));
        self.connections.enqueue(id);
    }

    /// Registers a connection that has become idle. Many connections close before that.
    fn register(&mut self, id: ConnectionId) {
        let token = self.connections.token(id);
        if let Some(connection) = self.connections.get_mut(id)
            && connection.register(&self.registry, token).is_err()
        {
            self.close(id);
        }
    }

    fn close(&mut self, id: ConnectionId) {
        // Dropping the connection closes its descriptor, which also takes it out of the poll.
        self.connections.remove(id);
        self.exhausted = false;
    }
}
