//! A bare UDP server, to compare the lab with.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use serde_json::Value;

use crate::udp::is_timeout;
use crate::usage::{Cost, Stopwatch};

/// The server ends when no datagram has arrived for this time.
const SILENCE: Duration = Duration::from_secs(1);
/// The longest datagram that is returned completely.
const DATAGRAM_BYTES_MAX: usize = 2048;

/// Serves on `listen`, and returns the cost from the first datagram to the last one.
///
/// # Errors
/// The address cannot be bound, or the socket fails.
pub(crate) fn run(listen: SocketAddr) -> io::Result<Value> {
    serve(&UdpSocket::bind(listen)?)
}

fn serve(socket: &UdpSocket) -> io::Result<Value> {
    let mut datagram = [0; DATAGRAM_BYTES_MAX];
    socket.set_read_timeout(None)?;
    let (mut length, mut peer) = socket.recv_from(&mut datagram)?;
    socket.set_read_timeout(Some(SILENCE))?;
    let stopwatch = Stopwatch::start();
    let mut exchanges = 0;
    loop {
        socket.send_to(&datagram[..length], peer)?;
        exchanges += 1;
        (length, peer) = match socket.recv_from(&mut datagram) {
            Ok(received) => received,
            Err(error) if is_timeout(&error) => break,
            Err(error) => return Err(error),
        };
    }
    let cost = stopwatch.stop();
    let busy = Cost {
        wall: cost.wall.saturating_sub(SILENCE),
        ..cost
    };
    Ok(busy.to_json(exchanges, 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::udp;

    #[test]
    fn it_serves_the_udp_floor_and_ends() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let server = std::thread::spawn(move || serve(&socket).unwrap());
        udp::run(address, 500, 16).unwrap();
        assert_eq!(server.join().unwrap()["queries"], 500);
    }
}
