//! The door the shard sees.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use canvass_engine::{Event, Net, SocketId};
use canvass_model::Time;

use crate::world::World;

/// The world as a shard sees it.
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
        receive_buffer_octets: usize,
    ) -> io::Result<(SocketId, usize)> {
        let mut world = self.0.borrow_mut();
        let peer = world.peer_at(peer);
        world.open_datagram(peer, receive_buffer_octets)
    }

    fn connect(&mut self, peer: SocketAddr) -> io::Result<SocketId> {
        let mut world = self.0.borrow_mut();
        let peer = world.peer_at(peer);
        world.connect(peer)
    }

    fn send(&mut self, socket: SocketId, datagram: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().send(socket, datagram)
    }

    fn recv(&mut self, socket: SocketId, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().recv(socket, buffer)
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
