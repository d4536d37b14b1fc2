//! A listening TCP socket.

use std::io;
use std::net::IpAddr;

use mio::net::{TcpListener, TcpStream};

/// A listener on one address or on all loopback addresses.
pub(crate) struct Listener {
    socket: TcpListener,
    only_loopback: bool,
    /// There may be connections to accept.
    pub(crate) ready: bool,
}

/// The result of accepting a connection.
pub(crate) enum Accepted {
    /// A connection, and the address it was made to.
    Connection(TcpStream, IpAddr),
    /// A connection to an address outside loopback, which is closed.
    NotLoopback,
    /// There is no connection to accept.
    Nothing,
    /// Accepting failed, most likely because there are no descriptors left. The connection stays in
    /// the backlog, and the listener stays ready.
    Failed,
}

impl Listener {
    /// Takes over a bound socket.
    pub(crate) fn new(socket: std::net::TcpListener) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // Connections inherit it: delayed replies and single octets must leave at once.
        socket2::SockRef::from(&socket).set_tcp_nodelay(true)?;
        let only_loopback = socket.local_addr()?.ip().is_unspecified();
        Ok(Self {
            socket: TcpListener::from_std(socket),
            only_loopback,
            ready: false,
        })
    }

    /// The socket, for registration.
    pub(crate) fn source(&mut self) -> &mut TcpListener {
        &mut self.socket
    }

    /// Accepts a connection. Clears `ready` if there is none.
    pub(crate) fn accept(&mut self) -> Accepted {
        loop {
            let accepted = self
                .socket
                .accept()
                .and_then(|(stream, _)| Ok((stream.local_addr()?.ip(), stream)));
            return match accepted {
                Ok((server, _)) if self.only_loopback && !server.is_loopback() => {
                    Accepted::NotLoopback
                }
                Ok((server, stream)) => Accepted::Connection(stream, server),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => {
                        self.ready = false;
                        Accepted::Nothing
                    }
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::Interrupted => continue,
                    _ => Accepted::Failed,
                },
            };
        }
    }
}
