//! The lab's sockets: one port for UDP and TCP and for both address families, and sockets connected
//! to another server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::net::{TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// The requested size of socket buffers, so that datagrams are not dropped here. The kernel grants
/// at most `net.core.rmem_max` and `wmem_max`.
const BUFFER_BYTES: usize = 4 << 20;
/// Connections that may wait to be accepted. The kernel grants at most `net.core.somaxconn`.
const BACKLOG: i32 = 65_535;
/// Free ports of one transport tried until one is free for the other transport as well.
const PORT_TRIES: usize = 100;

/// Sockets that share one port.
pub(crate) struct Sockets {
    pub(crate) udp: Vec<UdpSocket>,
    pub(crate) tcp: Vec<TcpListener>,
    /// Bound TCP sockets that do not listen: connections to them are refused.
    pub(crate) reserved: Vec<Socket>,
    /// The address of the first socket.
    pub(crate) address: SocketAddr,
}

/// What to do with the TCP port.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum TcpMode {
    Listen,
    /// Bind it without listening, so that connections are refused and nobody else can use it.
    Reserve,
    Unused,
}

/// Binds `listen`, and the address `also` with the same port. Finds a port that is free for all
/// sockets if that of `listen` is 0.
pub(crate) fn bind(
    listen: SocketAddr,
    also: Option<Ipv6Addr>,
    udp: bool,
    tcp: TcpMode,
) -> io::Result<Sockets> {
    let tries = if listen.port() == 0 { PORT_TRIES } else { 1 };
    let mut result = Err(io::ErrorKind::AddrInUse.into());
    for _ in 0..tries {
        result = bind_once(listen, also, udp, tcp);
        if !matches!(&result, Err(error) if error.kind() == io::ErrorKind::AddrInUse) {
            break;
        }
    }
    result
}

/// Opens UDP sockets that are connected to `server`.
pub(crate) fn connect_udp(server: SocketAddr, sockets: usize) -> io::Result<Vec<UdpSocket>> {
    let any: IpAddr = match server {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    (0..sockets)
        .map(|_| {
            let socket = bind_udp((any, 0).into())?;
            socket.connect(server)?;
            Ok(socket)
        })
        .collect::<io::Result<_>>()
        .map_err(|error| {
            io::Error::new(error.kind(), format!("cannot forward to {server}: {error}"))
        })
}

fn bind_once(
    listen: SocketAddr,
    also: Option<Ipv6Addr>,
    udp: bool,
    tcp: TcpMode,
) -> io::Result<Sockets> {
    let mut sockets = Sockets {
        udp: Vec::new(),
        tcp: Vec::new(),
        reserved: Vec::new(),
        address: listen,
    };
    for ip in [Some(listen.ip()), also.map(IpAddr::V6)]
        .into_iter()
        .flatten()
    {
        // The first socket may find a free port, which the others then use.
        let at = |sockets: &Sockets| SocketAddr::new(ip, sockets.address.port());
        if udp {
            let address = at(&sockets);
            let socket = bind_udp(address)?;
            sockets.address.set_port(socket.local_addr()?.port());
            sockets.udp.push(socket);
        }
        if tcp != TcpMode::Unused {
            let address = at(&sockets);
            let socket = bind_tcp(address)?;
            let bound = socket.local_addr()?.as_socket();
            sockets.address.set_port(bound.unwrap_or(address).port());
            if tcp == TcpMode::Listen {
                socket.listen(BACKLOG).map_err(with_address(address))?;
                sockets.tcp.push(socket.into());
            } else {
                sockets.reserved.push(socket);
            }
        }
    }
    Ok(sockets)
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = open(address, Type::DGRAM, Protocol::UDP)?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    socket
        .bind(&address.into())
        .map_err(with_address(address))?;
    Ok(socket.into())
}

fn bind_tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = open(address, Type::STREAM, Protocol::TCP)?;
    // Allows a restart while connections of the last process are still in TIME-WAIT.
    socket.set_reuse_address(true)?;
    socket
        .bind(&address.into())
        .map_err(with_address(address))?;
    Ok(socket)
}

fn open(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // IPv4 has its own socket, so that no socket sees IPv4-mapped addresses.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// Adds the address to an error's message.
fn with_address(address: SocketAddr) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
}
