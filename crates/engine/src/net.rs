//! The only access to the operating system and the clock.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Remote, Time};

use crate::datagram_batch::DatagramBatch;
use crate::socket_options::SocketOptions;

/// A socket, by the number its [`Net`] assigned to it. Numbers are small and are reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SocketId(pub u32);

/// A change of a socket's readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// The socket.
    pub socket: SocketId,
    /// There may be something to read.
    pub readable: bool,
    /// There may be room to write.
    pub writable: bool,
    /// The peer has closed its side, or the socket has an error. Reading goes on until it returns
    /// that.
    pub closed: bool,
}

/// The system as a shard uses it.
///
/// Readiness is edge-triggered: an event is reported once, and the socket must then be used until
/// it returns [`io::ErrorKind::WouldBlock`]. Only [`Self::wait`] and [`Self::rest`] block.
pub trait Net {
    /// The current time.
    fn now(&mut self) -> Time;

    /// Waits for events until `until` at the latest. It may return earlier without any.
    ///
    /// # Errors
    /// When the system cannot wait, which ends the run.
    fn wait(&mut self, until: Time, events: &mut Vec<Event>) -> io::Result<()>;

    /// Sleeps for `span`, whatever happens meanwhile.
    fn rest(&mut self, span: Duration);

    /// Opens a datagram socket on a random port, connected to `peer`, so that it receives from
    /// nobody else. Returns the size of its receive buffer, in octets.
    ///
    /// # Errors
    /// When no descriptor is left, or there is no route to `peer`.
    fn open_datagram(
        &mut self,
        peer: SocketAddr,
        options: &SocketOptions,
    ) -> io::Result<(SocketId, usize)>;

    /// Opens a datagram socket for a conversation with `peer`: connected to it, or, with `many`,
    /// one that receives from every host. If `peer` turns out to be a broadcast address, it is the
    /// latter too. Returns which it is.
    ///
    /// # Errors
    /// As [`Self::open_datagram`].
    fn open_conversation(
        &mut self,
        peer: SocketAddr,
        many: bool,
        options: &SocketOptions,
    ) -> io::Result<(SocketId, bool)>;

    /// Begins to connect a stream to `remote`. It is writable once it is open. A failure to connect
    /// is returned by [`Self::opened`], or by the first read or write.
    ///
    /// # Errors
    /// When no descriptor or local port is left, or there is no route to `remote`.
    fn connect(&mut self, remote: &Remote, options: &SocketOptions) -> io::Result<SocketId>;

    /// Whether a stream that has become writable is open.
    ///
    /// # Errors
    /// Why it is not.
    fn opened(&mut self, socket: SocketId) -> io::Result<()>;

    /// The local address of an open stream; `None` for a Unix socket.
    fn local_address(&self, socket: SocketId) -> Option<SocketAddr>;

    /// Closes the writing side of a stream.
    ///
    /// # Errors
    /// The system's own.
    fn shut_write(&mut self, socket: SocketId) -> io::Result<()>;

    /// Sends one datagram whole, to the peer the socket was opened for.
    ///
    /// # Errors
    /// The system's own. An error that the peer's system sent back for an earlier datagram is
    /// returned once, here or by [`Self::recv`].
    fn send(&mut self, socket: SocketId, datagram: &[u8]) -> io::Result<()>;

    /// Receives one datagram.
    ///
    /// # Errors
    /// `WouldBlock` when there is none, and as [`Self::send`].
    fn recv(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<usize>;

    /// Receives one datagram or more. Returns whether there may be others: if not, the next one
    /// causes an event. The times of arrival are by a clock that can be set meanwhile.
    ///
    /// # Errors
    /// As [`Self::recv`].
    fn recv_batch(&mut self, socket: SocketId, batch: &mut DatagramBatch) -> io::Result<bool>;

    /// Receives one datagram, and returns its sender.
    ///
    /// # Errors
    /// As [`Self::recv`].
    fn recv_from(&mut self, socket: SocketId, buffer: &mut [u8])
    -> io::Result<(usize, SocketAddr)>;

    /// Writes to a stream as much as fits.
    ///
    /// # Errors
    /// `WouldBlock` when nothing fits or the stream is not open yet, and the system's own.
    fn write(&mut self, socket: SocketId, bytes: &[u8]) -> io::Result<usize>;

    /// Reads from a stream; 0 at its end.
    ///
    /// # Errors
    /// `WouldBlock` when nothing is there, and the system's own.
    fn read(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<usize>;

    /// How many datagrams the system dropped since this socket's buffer was full.
    fn kernel_drops(&self, socket: SocketId) -> u64;

    /// Closes a socket. Its number may be assigned again from now on.
    fn close(&mut self, socket: SocketId);
}
