//! The server for all services besides DNS: one thread that accepts, reads, and writes what is due.

mod connection;
mod tcp;
mod udp;

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::{Interest, Token, Waker};

use crate::bind::Sockets;
use crate::clock::Clock;
use crate::connection_table::ConnectionId;
use crate::event_loop::{EventLoop, FIRST_TOKEN};
use crate::listener::Listener;
use crate::report::{Metrics, ServiceCounter};
use crate::service::ServiceKind;
use crate::services::Services;
use crate::timer_queue::TimerQueue;
use tcp::{ServiceListener, TcpServer};
use udp::{DelayedDatagram, UdpServer};

/// Due timers served per turn.
const TIMERS_PER_TURN: usize = 1024;

/// A service and its sockets.
pub(crate) struct BoundService {
    pub(crate) kind: ServiceKind,
    pub(crate) sockets: Sockets,
    pub(crate) metrics: Arc<Metrics<ServiceCounter>>,
}

/// What every socket needs to be served.
struct Context {
    services: Services,
    clock: Clock,
    timers: TimerQueue<Timer>,
    /// By service.
    metrics: Vec<Arc<Metrics<ServiceCounter>>>,
}

/// What to do at a given time.
enum Timer {
    /// Serve a connection, if it is still open.
    Connection(ConnectionId),
    /// Try to accept connections again after there were no descriptors.
    Accept,
    /// Send an answer.
    Datagram(Box<DelayedDatagram>),
}

/// The event loop with everything that it serves.
pub(crate) struct ServiceServer {
    event_loop: EventLoop,
    context: Context,
    tcp: TcpServer,
    udp: UdpServer,
    first_listener: usize,
    first_connection: usize,
    /// Connections are refused as long as these exist.
    _reserved: Vec<socket2::Socket>,
}

impl ServiceServer {
    /// Takes over bound sockets. The waker, fired after `stop` is set, ends [`run`](Self::run).
    pub(crate) fn new(
        bound: Vec<BoundService>,
        services: Services,
        stop: Arc<AtomicBool>,
    ) -> io::Result<(Self, Waker)> {
        let (event_loop, waker) = EventLoop::new(stop)?;
        let (registry, clock) = (event_loop.registry(), event_loop.clock());
        let (mut listeners, mut udp) = (Vec::new(), UdpServer::default());
        let (mut metrics, mut reserved) = (Vec::new(), Vec::new());
        for (service, bound) in bound.into_iter().enumerate() {
            for socket in bound.sockets.udp {
                udp.add(socket, bound.kind, Arc::clone(&bound.metrics), clock)?;
            }
            for socket in bound.sockets.tcp {
                listeners.push(ServiceListener {
                    listener: Listener::new(socket)?,
                    kind: bound.kind,
                    service,
                });
            }
            reserved.extend(bound.sockets.reserved);
            metrics.push(bound.metrics);
        }
        let first_listener = FIRST_TOKEN + udp.len();
        let first_connection = first_listener + listeners.len();
        let mut tokens = (FIRST_TOKEN..first_connection).map(Token);
        for (source, token) in udp.sources().zip(tokens.by_ref()) {
            registry.register(source, token, Interest::READABLE)?;
        }
        for (listener, token) in listeners.iter_mut().zip(tokens) {
            registry.register(listener.listener.source(), token, Interest::READABLE)?;
        }
        let tcp = TcpServer::new(listeners, registry.try_clone()?, first_connection);
        let server = Self {
            context: Context {
                services,
                clock,
                timers: TimerQueue::new(),
                metrics,
            },
            tcp,
            udp,
            first_listener,
            first_connection,
            _reserved: reserved,
            event_loop,
        };
        Ok((server, waker))
    }

    /// Serves until it is stopped. Returns only errors of the poll and the timer.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut more = false;
        while !self.event_loop.is_stopped() {
            self.event_loop.wait(self.context.timers.next_due(), more)?;
            for event in self.event_loop.events() {
                let token = event.token().0;
                if token < self.first_listener {
                    self.udp.set_ready(token - FIRST_TOKEN);
                } else if token < self.first_connection {
                    self.tcp.set_acceptable(token - self.first_listener);
                } else {
                    self.tcp.handle_event(event);
                }
            }
            more = self.run_timers();
            more |= self.tcp.turn(&mut self.context);
            more |= self.udp.turn(&mut self.context);
        }
        Ok(())
    }

    /// Serves due timers, up to a limit. Returns whether there are more.
    fn run_timers(&mut self) -> bool {
        if self.context.timers.next_due().is_none() {
            return false;
        }
        let now = self.context.clock.now();
        for _ in 0..TIMERS_PER_TURN {
            match self.context.timers.pop_due(now) {
                None => return false,
                Some(Timer::Connection(id)) => self.tcp.wake(id),
                Some(Timer::Accept) => self.tcp.accept_again(),
                Some(Timer::Datagram(datagram)) => self.udp.send_delayed(&datagram),
            }
        }
        true
    }
}
