//! Socket options that users can set.

use std::net::SocketAddr;

/// The receive buffer requested for a socket that sends queries, in octets.
pub const RECEIVE_BUFFER_OCTETS: usize = 4 << 20;

/// The options of a socket. What is not set is left to the system.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SocketOptions {
    /// The local address, with port 0.
    pub bind: Option<SocketAddr>,
    /// The time to live, or hop limit (RFC 8200 §3).
    pub ttl: Option<u32>,
    /// The receive buffer, in octets.
    pub receive_buffer_octets: Option<usize>,
    /// The send buffer, in octets.
    pub send_buffer_octets: Option<usize>,
    /// Whether small writes are sent at once (`TCP_NODELAY`).
    pub nodelay: bool,
    /// Whether the system tests whether the peer is still there (`SO_KEEPALIVE`).
    pub keepalive: bool,
    /// Whether a close drops what was not delivered and resets the connection (`SO_LINGER` 0).
    pub linger_zero: bool,
}

impl SocketOptions {
    /// For datagram sockets of queries, which are sent from `source`.
    pub(crate) fn query_datagrams(source: Option<SocketAddr>) -> Self {
        Self {
            bind: source,
            receive_buffer_octets: Some(RECEIVE_BUFFER_OCTETS),
            ..Self::default()
        }
    }

    /// For streams of queries, which are sent from `source`. Their writes are already collected
    /// here.
    pub(crate) fn query_streams(source: Option<SocketAddr>) -> Self {
        Self {
            bind: source,
            nodelay: true,
            ..Self::default()
        }
    }
}
