//! The limits of this system.

use std::net::{Ipv4Addr, UdpSocket};

use canvass_engine::RECEIVE_BUFFER_OCTETS;
use canvass_report::SystemLimits;

use crate::descriptors;

/// The range of ephemeral ports of the system.
const LOCAL_PORTS: &str = "/proc/sys/net/ipv4/ip_local_port_range";

/// Reads the limits of this system for this many event loops.
pub(super) fn read(loops: usize) -> SystemLimits {
    SystemLimits {
        descriptors: descriptors::raise_limit(),
        sockets: descriptors::sockets_max(loops, 0, false) as u64,
        receive_buffer_octets: receive_buffer_octets()
            .map(|granted| (granted, RECEIVE_BUFFER_OCTETS)),
        local_ports: std::fs::read_to_string(LOCAL_PORTS)
            .ok()
            .and_then(|text| ports_in(&text)),
    }
}

fn receive_buffer_octets() -> Option<usize> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    rustix::net::sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER_OCTETS).ok()?;
    // The kernel doubles the requested size, for its bookkeeping (socket(7)).
    let granted = rustix::net::sockopt::socket_recv_buffer_size(&socket).ok()?;
    Some(granted / 2)
}

fn ports_in(text: &str) -> Option<u32> {
    let mut words = text.split_whitespace().map(str::parse::<u32>);
    let (first, last) = (words.next()?.ok()?, words.next()?.ok()?);
    Some(last.checked_sub(first)? + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_of_ports_counts_both_ends() {
        assert_eq!(ports_in("32768\t60999\n"), Some(28_232));
        assert_eq!(ports_in("5 4"), None);
        assert_eq!(ports_in(""), None);
    }
}
