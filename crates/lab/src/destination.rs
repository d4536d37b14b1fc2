//! Where a reply goes, which is where its query came from.

use std::net::IpAddr;

use canvass_model::Transport;

use crate::datagram::Peer;

/// Where a reply goes.
#[derive(Clone, Copy)]
pub(crate) enum Destination {
    /// Out of a UDP socket.
    Udp {
        /// Which one.
        endpoint: usize,
        /// The address that was asked.
        server: IpAddr,
        /// Who asked.
        peer: Peer,
    },
    /// Down a TCP connection.
    Tcp {
        /// Its slot.
        slot: usize,
        /// Which of the slot's connections.
        generation: u32,
    },
}

impl Destination {
    /// How it was asked, which is how it is answered.
    pub fn transport(&self) -> Transport {
        match self {
            Self::Udp { .. } => Transport::Udp,
            Self::Tcp { .. } => Transport::Tcp,
        }
    }
}
