//! The lab's sockets: one port for UDP and TCP, and for both families; and those that are
//! connected to another server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::net::{TcpListener, UdpSocket};

use socket2::{Domain, Protocol, Socket, Type};

/// What a socket's buffers are asked to hold, so that the lab is not what drops first; the
/// kernel gives at most `net.core.rmem_max` and `wmem_max`.
const BUFFER_BYTES: usize = 4 << 20;
/// Connections that may wait to be accepted; the kernel gives at most `net.core.somaxconn`.
const BACKLOG: i32 = 65_535;
/// Free UDP ports tried before one is found that TCP has free as well.
const PORT_TRIES: usize = 100;

/// The sockets of one lab, all on one port.
pub(crate) struct Sockets {
    pub udp: Vec<UdpSocket>,
    pub tcp: Vec<TcpListener>,
    /// Where the first of them listens.
    pub address: SocketAddr,
}

/// The sockets of one service.
pub(crate) struct ServiceSockets {
    pub tcp: Vec<TcpListener>,
    pub udp: Vec<UdpSocket>,
    /// They keep the port from others, and refuse connections.
    pub reserved: Vec<Socket>,
    /// Where the first of them listens.
    pub address: SocketAddr,
}

/// Binds `listen`, and `also` on the same port, for UDP and, where asked, TCP. With port 0 it
/// finds one that is free for all.
pub(crate) fn bind(listen: SocketAddr, also: Option<Ipv6Addr>, tcp: bool) -> io::Result<Sockets> {
    let tries = if listen.port() == 0 { PORT_TRIES } else { 1 };
    let mut last_error = None;
    for _ in 0..tries {
        match bind_once(listen, also, tcp) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last_error = Some(error),
            other => return other,
        }
    }
    Err(last_error.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// Binds one service's port: TCP, and UDP where `udp`; the same on `also`. Where `refuse`, the
/// port is taken and nothing listens on it.
pub(crate) fn bind_service(
    listen: SocketAddr,
    also: Option<Ipv6Addr>,
    udp: bool,
    refuse: bool,
) -> io::Result<ServiceSockets> {
    let tries = if listen.port() == 0 { PORT_TRIES } else { 1 };
    let mut last_error = None;
    for _ in 0..tries {
        match bind_service_once(listen, also, udp, refuse) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => last_error = Some(error),
            other => return other,
        }
    }
    Err(last_error.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// Opens so many UDP sockets that send to `server` and hear from it alone.
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

fn bind_service_once(
    listen: SocketAddr,
    also: Option<Ipv6Addr>,
    udp: bool,
    refuse: bool,
) -> io::Result<ServiceSockets> {
    let first = bind_tcp(listen)?;
    let address = first
        .local_addr()?
        .as_socket()
        .ok_or(io::ErrorKind::AddrNotAvailable)?;
    let second = also.map(|ip| SocketAddr::new(IpAddr::V6(ip), address.port()));
    let mut sockets = ServiceSockets {
        tcp: Vec::new(),
        udp: Vec::new(),
        reserved: Vec::new(),
        address,
    };
    let mut bound = vec![(first, address)];
    if let Some(second) = second {
        bound.push((bind_tcp(second)?, second));
    }
    for (socket, address) in bound {
        if udp {
            sockets.udp.push(bind_udp(address)?);
        }
        if refuse {
            sockets.reserved.push(socket);
        } else {
            socket.listen(BACKLOG).map_err(naming(address))?;
            sockets.tcp.push(socket.into());
        }
    }
    Ok(sockets)
}

fn bind_once(listen: SocketAddr, also: Option<Ipv6Addr>, tcp: bool) -> io::Result<Sockets> {
    let first = bind_udp(listen)?;
    let address = first.local_addr()?;
    let mut sockets = Sockets {
        udp: vec![first],
        tcp: Vec::new(),
        address,
    };
    let second = also.map(|ip| SocketAddr::new(IpAddr::V6(ip), address.port()));
    if let Some(second) = second {
        sockets.udp.push(bind_udp(second)?);
    }
    if tcp {
        for address in [Some(address), second].into_iter().flatten() {
            sockets.tcp.push(listen_tcp(address)?);
        }
    }
    Ok(sockets)
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = open(address, Type::DGRAM, Protocol::UDP)?;
    socket.set_recv_buffer_size(BUFFER_BYTES)?;
    socket.set_send_buffer_size(BUFFER_BYTES)?;
    socket.bind(&address.into()).map_err(naming(address))?;
    Ok(socket.into())
}

fn bind_tcp(address: SocketAddr) -> io::Result<Socket> {
    let socket = open(address, Type::STREAM, Protocol::TCP)?;
    // A lab that is started again must not wait for the last one's connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.bind(&address.into()).map_err(naming(address))?;
    Ok(socket)
}

fn listen_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = bind_tcp(address)?;
    socket.listen(BACKLOG).map_err(naming(address))?;
    Ok(socket.into())
}

fn open(address: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), kind, Some(protocol))?;
    if address.is_ipv6() {
        // The families have a socket each, so that each sees addresses of its own kind.
        socket.set_only_v6(true)?;
    }
    Ok(socket)
}

/// Puts the address into an error's message.
fn naming(address: SocketAddr) -> impl Fn(io::Error) -> io::Error {
    move |error| io::Error::new(error.kind(), format!("cannot listen on {address}: {error}"))
}
