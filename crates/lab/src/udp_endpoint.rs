//! A UDP socket that answers from the address that was asked.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use canvass_model::Time;
use mio::net::UdpSocket;

use crate::clock::Clock;
use crate::datagram_batch::{ReceiveBatch, ReceivedDatagram, SendBatch};
use crate::packet_info::{RawAddress, enable_packet_info};
use crate::report::{Counter, Metrics};

/// A socket on one address or on all loopback addresses, which counts what it sends.
pub(crate) struct UdpEndpoint<C> {
    socket: UdpSocket,
    /// The address it listens on; `None` for all loopback addresses.
    address: Option<IpAddr>,
    /// There may be more to read.
    pub(crate) ready: bool,
    received: ReceiveBatch,
    outgoing: SendBatch<SendRecord<C>>,
    pub(crate) metrics: Arc<Metrics<C>>,
    clock: Clock,
}

/// What is recorded once a datagram has been sent.
#[derive(Clone, Copy)]
pub(crate) struct SendRecord<C> {
    pub(crate) counter: C,
    /// If the reply was delayed: when its query was read, and the planned delay.
    pub(crate) delayed: Option<(Time, Duration)>,
}

impl<C: Counter> UdpEndpoint<C> {
    /// Takes over a bound socket. Longer datagrams than `datagram_bytes_max` are cut.
    pub(crate) fn new(
        socket: std::net::UdpSocket,
        datagram_bytes_max: usize,
        metrics: Arc<Metrics<C>>,
        clock: Clock,
    ) -> io::Result<Self> {
        let listen = socket.local_addr()?;
        let every_loopback = listen.ip().is_unspecified();
        if every_loopback {
            enable_packet_info(socket.as_fd(), listen.is_ipv6())?;
        }
        socket.set_nonblocking(true)?;
        Ok(Self {
            socket: UdpSocket::from_std(socket),
            address: (!every_loopback).then(|| listen.ip()),
            ready: false,
            received: ReceiveBatch::new(datagram_bytes_max),
            outgoing: SendBatch::new(),
            metrics,
            clock,
        })
    }

    /// The socket, for registration.
    pub(crate) fn source(&mut self) -> &mut UdpSocket {
        &mut self.socket
    }

    /// Reads a batch of datagrams and returns their number. Clears `ready` once the socket is
    /// empty.
    pub(crate) fn receive(&mut self) -> usize {
        self.received.receive(self.socket.as_fd(), &mut self.ready)
    }

    /// One of the datagrams of the last batch, its octets, and the address it was sent to; `None`
    /// for an address outside loopback.
    pub(crate) fn datagram(&self, index: usize) -> (ReceivedDatagram, &[u8], Option<IpAddr>) {
        let (datagram, bytes) = self.received.datagram(index);
        let loopback = datagram.server.filter(IpAddr::is_loopback);
        (datagram, bytes, self.address.or(loopback))
    }

    /// Queues a datagram that leaves from the address `server`, at the latest with
    /// [`flush`](Self::flush).
    pub(crate) fn send(
        &mut self,
        message: &[u8],
        client: RawAddress,
        server: IpAddr,
        record: SendRecord<C>,
    ) {
        if self.outgoing.is_full() {
            self.flush();
        }
        let from = self.address.is_none().then_some(server);
        self.outgoing.push(message, client, from, record);
    }

    /// Sends what is queued.
    pub(crate) fn flush(&mut self) {
        let (metrics, clock) = (&self.metrics, self.clock);
        self.outgoing.send(self.socket.as_fd(), |record, sent| {
            if !sent {
                return metrics.add(C::SEND_ERRORS);
            }
            metrics.add(record.counter);
            if let Some((received, delay)) = record.delayed {
                metrics.add_delay(clock.now().since(received), delay);
            }
        });
    }
}
