//! DNS over UDP.

use crate::packet_info::RawAddress;
use crate::report::DnsCounter;
use crate::udp_endpoint::{SendRecord, UdpEndpoint};

use std::net::IpAddr;

use super::query_handler::{DelayedReply, QueryHandler};
use super::return_path::ReturnPath;

/// Batches read from one socket per turn. A batch takes some 100 us, and replies that are due must
/// not wait for many.
const BATCHES_PER_TURN: usize = 2;

/// One UDP socket of the DNS server.
pub(crate) struct DnsSocket {
    pub(super) endpoint: UdpEndpoint<DnsCounter>,
    /// Its place among the server's sockets.
    pub(super) index: usize,
}

impl DnsSocket {
    /// Answers the queries that have arrived, up to a limit.
    pub(super) fn turn(&mut self, handler: &mut QueryHandler) {
        for _ in 0..BATCHES_PER_TURN {
            if !self.endpoint.ready {
                return;
            }
            for index in 0..self.endpoint.receive() {
                self.answer(handler, index);
            }
            self.endpoint.flush();
        }
    }

    /// Queues a reply that is due.
    pub(super) fn send_delayed(
        &mut self,
        reply: &DelayedReply,
        server: IpAddr,
        client: RawAddress,
    ) {
        let record = SendRecord {
            counter: reply.counter,
            delayed: Some((reply.received, reply.delay)),
        };
        self.endpoint.send(&reply.message, client, server, record);
    }

    fn answer(&mut self, handler: &mut QueryHandler, index: usize) {
        let (datagram, query, server) = self.endpoint.datagram(index);
        let Some(server) = server else {
            return handler.metrics.add(DnsCounter::NotLoopback);
        };
        handler.metrics.add(DnsCounter::QueriesUdp);
        if datagram.cut {
            return handler.metrics.add(DnsCounter::Malformed);
        }
        let client = datagram.client;
        let return_path = ReturnPath::Udp {
            socket: self.index,
            server,
            client,
        };
        handler.answer(handler.time_of_arrival(), server, query, return_path);
        for (counter, reply) in handler.immediate_replies() {
            let record = SendRecord {
                counter,
                delayed: None,
            };
            self.endpoint.send(reply, client, server, record);
        }
    }
}
