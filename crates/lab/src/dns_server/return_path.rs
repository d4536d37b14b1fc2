//! Where the reply to a query goes.

use std::net::IpAddr;

use canvass_model::Transport;

use crate::connection_table::ConnectionId;
use crate::packet_info::RawAddress;

/// Where the reply to a query goes.
#[derive(Clone, Copy)]
pub(crate) enum ReturnPath {
    /// A datagram.
    Udp {
        /// The index of the socket.
        socket: usize,
        /// The address that was asked.
        server: IpAddr,
        client: RawAddress,
    },
    /// A TCP connection.
    Tcp(ConnectionId),
}

impl ReturnPath {
    /// The transport of the query and of its reply.
    pub(crate) fn transport(&self) -> Transport {
        match self {
            Self::Udp { .. } => Transport::Udp,
            Self::Tcp(_) => Transport::Tcp,
        }
    }
}
