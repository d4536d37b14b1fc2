//! The only door to the operating system and the clock.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Remote, Time};

use crate::socket_options::SocketOptions;

/// A socket, by the number its [`Net`] gave it. Numbers are small and used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketId(pub u32);

/// A socket has something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Which socket.
    pub socket: SocketId,
    /// There may be something to read.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
    /// The peer has closed its side, or the socket has an error: reading goes on until it says
    /// so.
    pub closed: bool,
}

/// The system as a shard sees it.
///
/// Readiness is edge-triggered: an event is given once, and the socket is then to be used until
/// it says [`io::ErrorKind::WouldBlock`]. Nothing here ever blocks but [`Self::wait`].
pub trait Net {
    /// The time now.
    fn now(&mut self) -> Time;

    /// Waits for events until `until` at the latest; it may come back sooner, with none.
    ///
    /// # Errors
    /// When the system cannot wait, which ends the run.
    fn wait(&mut self, until: Time, events: &mut Vec<Event>) -> io::Result<()>;

    /// Sleeps for `span`, whatever happens meanwhile.
    fn rest(&mut self, span: Duration);

    /// Opens a datagram socket on a port that cannot be guessed, connected to `peer`, so that
    /// it hears nobody else. Asks for a receive buffer of `receive_buffer_octets`, and returns
    /// how much was granted.
    ///
    /// # Errors
    /// When no descriptor is left, or there is no way to `peer`.
    fn open_datagram(
        &mut self,
        peer: SocketAddr,
        receive_buffer_octets: usize,
    ) -> io::Result<(SocketId, usize)>;

    /// Opens a datagram socket for a conversation with `peer`: connected to it, or, with `many`,
    /// one that hears every host. Where `peer` turns out to stand for many hosts it is the
    /// latter as well; returns which it is.
    ///
    /// # Errors
    /// As [`Self::open_datagram`].
    fn open_conversation(
        &mut self,
        peer: SocketAddr,
        many: bool,
        options: &SocketOptions,
    ) -> io::Result<(SocketId, bool)>;

    /// Begins to open a stream to `remote`. It is writable once it is open; a failure to connect
    /// may come from [`Self::opened`], or from the first read or write as well.
    ///
    /// # Errors
    /// When no descriptor or local port is left, or there is no way to `remote`.
    fn connect(&mut self, remote: &Remote, options: &SocketOptions) -> io::Result<SocketId>;

    /// Whether a stream that has become writable is open.
    ///
    /// # Errors
    /// Why it is not.
    fn opened(&mut self, socket: SocketId) -> io::Result<()>;

    /// Closes the writing side of a stream.
    ///
    /// # Errors
    /// The system's own.
    fn shut_write(&mut self, socket: SocketId) -> io::Result<()>;

    /// Sends one datagram whole, to the peer the socket was opened for.
    ///
    /// # Errors
    /// The system's own; an error that the peer's system sent back for an earlier datagram comes
    /// here or from [`Self::recv`], once.
    fn send(&mut self, socket: SocketId, datagram: &[u8]) -> io::Result<()>;

    /// Takes one datagram.
    ///
    /// # Errors
    /// `WouldBlock` when there is none, and as [`Self::send`].
    fn recv(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<usize>;

    /// Takes one datagram, and says from whom.
    ///
    /// # Errors
    /// As [`Self::recv`].
    fn recv_from(&mut self, socket: SocketId, buffer: &mut [u8])
    -> io::Result<(usize, SocketAddr)>;

    /// Writes to a stream what fits.
    ///
    /// # Errors
    /// `WouldBlock` when nothing does or the stream is not open yet, and the system's own.
    fn write(&mut self, socket: SocketId, bytes: &[u8]) -> io::Result<usize>;

    /// Reads from a stream; 0 at its end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there, and the system's own.
    fn read(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<usize>;

    /// How many datagrams the system dropped since this socket's buffer was full.
    fn kernel_drops(&self, socket: SocketId) -> u64;

    /// Closes a socket. Its number may be given again from now on.
    fn close(&mut self, socket: SocketId);
}
