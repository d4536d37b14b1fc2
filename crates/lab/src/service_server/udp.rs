//! The services over UDP.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;
use mio::net::UdpSocket;

use crate::clock::Clock;
use crate::packet_info::RawAddress;
use crate::report::{Metrics, ServiceCounter};
use crate::service::ServiceKind;
use crate::udp_endpoint::{SendRecord, UdpEndpoint};

use super::{Context, Timer};

/// The longest datagram there is.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Batches read from one socket per turn.
const BATCHES_PER_TURN: usize = 2;
/// Timers that may be pending before answers are dropped.
const TIMERS_MAX: usize = 1 << 20;
/// The broadcast address of the loopback network.
const BROADCAST: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 255, 255, 255));
/// The hosts that answer a broadcast.
const BROADCAST_HOSTS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)),
    IpAddr::V4(Ipv4Addr::new(127, 0, 0, 3)),
];

/// The services' side of UDP.
#[derive(Default)]
pub(super) struct UdpServer {
    sockets: Vec<ServiceSocket>,
    answer: Vec<u8>,
}

struct ServiceSocket {
    endpoint: UdpEndpoint<ServiceCounter>,
    kind: ServiceKind,
}

/// An answer that waits for its time.
pub(super) struct DelayedDatagram {
    socket: usize,
    server: IpAddr,
    client: RawAddress,
    received: Time,
    delay: Duration,
    copies: usize,
    answer: Box<[u8]>,
}

impl UdpServer {
    /// Takes over a bound socket.
    pub(super) fn add(
        &mut self,
        socket: std::net::UdpSocket,
        kind: ServiceKind,
        metrics: Arc<Metrics<ServiceCounter>>,
        clock: Clock,
    ) -> io::Result<()> {
        let endpoint = UdpEndpoint::new(socket, DATAGRAM_BYTES_MAX, metrics, clock)?;
        self.sockets.push(ServiceSocket { endpoint, kind });
        Ok(())
    }

    /// The number of sockets.
    pub(super) fn len(&self) -> usize {
        self.sockets.len()
    }

    /// The sockets, for registration.
    pub(super) fn sources(&mut self) -> impl Iterator<Item = &mut UdpSocket> {
        self.sockets
            .iter_mut()
            .map(|socket| socket.endpoint.source())
    }

    /// Notes that a socket has something to read.
    pub(super) fn set_ready(&mut self, socket: usize) {
        self.sockets[socket].endpoint.ready = true;
    }

    /// Answers the datagrams that have arrived, up to a limit. Returns whether there may be more.
    pub(super) fn turn(&mut self, context: &mut Context) -> bool {
        let mut more = false;
        for index in 0..self.sockets.len() {
            for _ in 0..BATCHES_PER_TURN {
                if !self.sockets[index].endpoint.ready {
                    break;
                }
                for datagram in 0..self.sockets[index].endpoint.receive() {
                    self.answer(context, index, datagram);
                }
                self.sockets[index].endpoint.flush();
            }
            more |= self.sockets[index].endpoint.ready;
        }
        more
    }

    /// Sends an answer that is due.
    pub(super) fn send_delayed(&mut self, datagram: &DelayedDatagram) {
        let endpoint = &mut self.sockets[datagram.socket].endpoint;
        let record = SendRecord {
            counter: ServiceCounter::Replies,
            delayed: Some((datagram.received, datagram.delay)),
        };
        for _ in 0..datagram.copies {
            endpoint.send(&datagram.answer, datagram.client, datagram.server, record);
        }
        endpoint.flush();
    }

    fn answer(&mut self, context: &mut Context, socket: usize, datagram: usize) {
        let endpoint = &self.sockets[socket].endpoint;
        let (_, _, server) = endpoint.datagram(datagram);
        endpoint.metrics.add(match server {
            Some(_) => ServiceCounter::Datagrams,
            None => ServiceCounter::NotLoopback,
        });
        match server {
            None => {}
            Some(BROADCAST) => {
                for host in BROADCAST_HOSTS {
                    self.answer_from(context, socket, datagram, host);
                }
            }
            Some(server) => self.answer_from(context, socket, datagram, server),
        }
    }

    fn answer_from(
        &mut self,
        context: &mut Context,
        index: usize,
        datagram: usize,
        server: IpAddr,
    ) {
        let ServiceSocket { endpoint, kind } = &mut self.sockets[index];
        let (datagram, bytes, _) = endpoint.datagram(datagram);
        let (client, now) = (datagram.client, context.clock.now());
        self.answer.clear();
        let plan = context
            .services
            .answer(now, *kind, server, bytes, &mut self.answer);
        let Some(plan) = plan else {
            return;
        };
        if plan.delay.is_zero() {
            let record = SendRecord {
                counter: ServiceCounter::Replies,
                delayed: None,
            };
            for _ in 0..plan.copies {
                endpoint.send(&self.answer, client, server, record);
            }
        } else if context.timers.len() >= TIMERS_MAX {
            endpoint.metrics.add(ServiceCounter::SendErrors);
        } else {
            let delayed = DelayedDatagram {
                socket: index,
                server,
                client,
                received: now,
                delay: plan.delay,
                copies: plan.copies,
                answer: self.answer.as_slice().into(),
            };
            context
                .timers
                .push(now + plan.delay, Timer::Datagram(Box::new(delayed)));
        }
    }
}
