//! The network of the simulated world.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use canvass_engine::{DatagramBatch, Event, Net, SocketId, SocketOptions};
use canvass_model::{Remote, Time};

use crate::world::World;

/// The world as the network of a shard.
#[derive(Clone, Debug)]
pub(crate) struct SimNet(pub Rc<RefCell<World>>);

impl Net for SimNet {
    fn now(&mut self) -> Time {
        self.0.borrow().now()
    }

    fn wait(&mut self, until: Time, events: &mut Vec<Event>) -> io::Result<()> {
        self.0.borrow_mut().wait(until, events)
    }

    fn rest(&mut self, span: Duration) {
        self.0.borrow_mut().rest(span);
    }

    fn open_datagram(
        &mut self,
        peer: SocketAddr,
        options: &SocketOptions,
    ) -> io::Result<(SocketId, usize)> {
        let octets = options.receive_buffer_octets.unwrap_or(usize::MAX);
        self.0.borrow_mut().open_datagram(peer, octets)
    }

    fn open_conversation(
        &mut self,
        peer: SocketAddr,
        many: bool,
        _options: &SocketOptions,
    ) -> io::Result<(SocketId, bool)> {
        self.0.borrow_mut().open_conversation(peer, many)
    }

    fn connect(&mut self, remote: &Remote, _options: &SocketOptions) -> io::Result<SocketId> {
        match remote {
            Remote::Inet(remote) => self.0.borrow_mut().connect(*remote),
            // The world has no file system.
            Remote::Unix(_) => Err(io::Error::from_raw_os_error(libc::ENOENT)),
        }
    }

    fn opened(&mut self, socket: SocketId) -> io::Result<()> {
        self.0.borrow_mut().opened(socket)
    }

    fn local_address(&self, _socket: SocketId) -> Option<SocketAddr> {
        // Sockets of the world have no addresses.
        None
    }

    fn shut_write(&mut self, socket: SocketId) -> io::Result<()> {
        self.0.borrow_mut().shut_write(socket)
    }

    fn send(&mut self, socket: SocketId, datagram: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().send(socket, datagram)
    }

    fn recv(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<usize> {
        let received = self.0.borrow_mut().recv(socket, buffer);
        received.map(|(octets, _)| octets)
    }

    fn recv_batch(&mut self, socket: SocketId, batch: &mut DatagramBatch) -> io::Result<bool> {
        let mut world = self.0.borrow_mut();
        batch.receive_one(|room| {
            let (octets, at) = world.recv(socket, room)?;
            Ok((octets, Some(at)))
        })?;
        Ok(true)
    }

    fn recv_from(
        &mut self,
        socket: SocketId,
        buffer: &mut [u8],
    ) -> io::Result<(usize, SocketAddr)> {
        self.0.borrow_mut().recv_from(socket, buffer)
    }

    fn write(&mut self, socket: SocketId, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().write(socket, bytes)
    }

    fn read(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(socket, buffer)
    }

    fn kernel_drops(&self, socket: SocketId) -> u64 {
        self.0.borrow_mut().kernel_drops(socket)
    }

    fn close(&mut self, socket: SocketId) {
        self.0.borrow_mut().close(socket);
    }
}
