//! A client for the tests of the lab.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use canvass_lab::{Lab, LabConfig, expected_names};
use hickory_proto::op::Message;

/// The timeout of reads, which is not reached when a test passes.
pub(crate) const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// A lab on all loopback addresses.
pub(crate) fn lab(impairments: &str) -> Lab {
    Lab::start(LabConfig {
        impairments: impairments.parse().unwrap(),
        ..LabConfig::default()
    })
    .unwrap()
}

/// Address `n` among those of 10/8 that have exactly one name.
pub(crate) fn address(n: u32) -> IpAddr {
    let in_block = n % 6;
    Ipv4Addr::from(0x0a00_0000 + n / 6 * 32 + in_block).into()
}

/// A query for the PTR records of an address.
pub(crate) fn query(id: u16, address: IpAddr) -> Vec<u8> {
    let mut wire = [0; 74];
    let length = canvass_model::reverse_name(address, &mut wire);
    let mut query = id.to_be_bytes().to_vec();
    query.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    query.extend(&wire[..length]);
    query.extend([0, 12, 0, 1]);
    query
}

/// Checks that a reply is the true answer for `address`, and returns its id.
pub(crate) fn check_answer(reply: &[u8], address: IpAddr) -> u16 {
    let message = Message::from_vec(reply).unwrap();
    let names: Vec<String> = message
        .answers
        .iter()
        .map(|record| record.data.to_string())
        .collect();
    assert_eq!(names, expected_names(address).names);
    message.metadata.id
}

/// A UDP socket.
pub(crate) fn udp() -> UdpSocket {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    socket.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    socket
}

/// Reads one datagram.
pub(crate) fn receive(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; 4096];
    let (bytes, from) = socket.recv_from(&mut buffer).unwrap();
    buffer.truncate(bytes);
    (buffer, from)
}

/// A TCP connection to the DNS server.
pub(crate) fn tcp(lab: &Lab) -> TcpStream {
    let stream = TcpStream::connect(lab.address()).unwrap();
    stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Writes queries in one write.
pub(crate) fn write_queries(stream: &mut TcpStream, queries: &[Vec<u8>]) {
    let mut batch = Vec::new();
    for query in queries {
        batch.extend((query.len() as u16).to_be_bytes());
        batch.extend(query);
    }
    stream.write_all(&batch).unwrap();
}

/// Reads one message from a stream. `None` at its end.
pub(crate) fn read_reply(stream: &mut impl Read) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => return None,
        result => result.unwrap(),
    }
    let mut reply = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut reply).unwrap();
    Some(reply)
}

/// Waits for a change that the lab's thread makes.
pub(crate) fn wait_until(changed: impl Fn() -> bool) {
    while !changed() {
        std::thread::yield_now();
    }
}
