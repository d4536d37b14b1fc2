//! The DNS server: one thread that reads queries, answers them, and sends delayed replies when
//! they are due.

mod connection;
mod query_handler;
mod return_path;
mod tcp;
mod udp;

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use mio::{Interest, Token, Waker};

use crate::datagram_batch::QUERY_BYTES_MAX;
use crate::event_loop::{EventLoop, FIRST_TOKEN};
use crate::forwarder::{self, Forwarder, Target};
use crate::report::{DnsCounter, Metrics};
use crate::responder::Responder;
use crate::udp_endpoint::UdpEndpoint;
use query_handler::QueryHandler;
pub(crate) use query_handler::{DelayedReply, ReplySchedule};
pub(crate) use return_path::ReturnPath;
use tcp::TcpServer;
use udp::DnsSocket;

/// Replies sent per turn.
const DUE_PER_TURN: usize = 1024;

/// Sockets and listeners per server: one for each address family.
const SOCKETS_MAX: usize = 2;
const FIRST_UDP: usize = FIRST_TOKEN;
const FIRST_LISTENER: usize = FIRST_UDP + SOCKETS_MAX;
const FIRST_FORWARD: usize = FIRST_LISTENER + SOCKETS_MAX;
const FIRST_CONNECTION: usize = FIRST_FORWARD + forwarder::TOKENS;

/// The event loop with everything that it serves.
pub(crate) struct DnsServer {
    event_loop: EventLoop,
    handler: QueryHandler,
    udp: Vec<DnsSocket>,
    tcp: TcpServer,
}

impl DnsServer {
    /// Takes over bound sockets. The waker, fired after `stop` is set, ends [`run`](Self::run).
    pub(crate) fn new(
        udp: Vec<UdpSocket>,
        tcp: Vec<TcpListener>,
        responder: Responder,
        forward: Option<Target>,
        metrics: Arc<Metrics<DnsCounter>>,
        stop: Arc<AtomicBool>,
    ) -> io::Result<(Self, Waker)> {
        let (event_loop, waker) = EventLoop::new(stop)?;
        let (registry, clock) = (event_loop.registry(), event_loop.clock());
        let mut sockets = Vec::new();
        for (index, socket) in udp.into_iter().enumerate() {
            let mut endpoint =
                UdpEndpoint::new(socket, QUERY_BYTES_MAX, Arc::clone(&metrics), clock)?;
            let token = Token(FIRST_UDP + index);
            registry.register(endpoint.source(), token, Interest::READABLE)?;
            sockets.push(DnsSocket { endpoint, index });
        }
        let tcp = TcpServer::new(tcp, registry.try_clone()?, FIRST_LISTENER, FIRST_CONNECTION)?;
        let forwarder = forward
            .map(|target| Forwarder::new(target, registry.try_clone()?, FIRST_FORWARD))
            .transpose()?;
        let server = Self {
            handler: QueryHandler::new(responder, clock, metrics, forwarder),
            udp: sockets,
            tcp,
            event_loop,
        };
        Ok((server, waker))
    }

    /// Serves until it is stopped. Returns only errors of the poll and the timer.
    pub(crate) fn run(&mut self) -> io::Result<()> {
        let mut more = false;
        while !self.event_loop.is_stopped() {
            self.event_loop.wait(self.handler.next_due(), more)?;
            for event in self.event_loop.events() {
                match event.token().0 {
                    token @ FIRST_UDP..FIRST_LISTENER => {
                        self.udp[token - FIRST_UDP].endpoint.ready = true;
                    }
                    FIRST_FORWARD..FIRST_CONNECTION => {
                        if let Some(forwarder) = &mut self.handler.forwarder {
                            forwarder.handle_event(event);
                        }
                    }
                    _ => self.tcp.handle_event(event, &mut self.handler),
                }
            }
            more = false;
            for socket in &mut self.udp {
                socket.turn(&mut self.handler);
                more |= socket.endpoint.ready;
            }
            self.tcp.turn(&mut self.handler);
            more |= self.handler.turn_forwarder();
            for abandoned in self.handler.abandoned.drain(..) {
                self.tcp.abandon(abandoned);
            }
            more |= self.send_due();
            more |= self.tcp.has_work();
        }
        if let Some(forwarder) = &self.handler.forwarder {
            forwarder.count_open(&self.handler.metrics);
        }
        Ok(())
    }

    /// Sends replies that are due, up to a limit. Returns whether there are more.
    fn send_due(&mut self) -> bool {
        if self.handler.delayed.next_due().is_none() {
            return false;
        }
        let now = self.handler.clock.now();
        let mut more = true;
        for _ in 0..DUE_PER_TURN {
            let Some(reply) = self.handler.delayed.pop_due(now) else {
                more = false;
                break;
            };
            match reply.return_path {
                ReturnPath::Udp {
                    socket,
                    server,
                    client,
                } => self.udp[socket].send_delayed(&reply, server, client),
                ReturnPath::Tcp(id) => self.tcp.add_delayed(&self.handler, id, &reply),
            }
        }
        for socket in &mut self.udp {
            socket.endpoint.flush();
        }
        self.tcp.send_delayed(&mut self.handler);
        more
    }
}
