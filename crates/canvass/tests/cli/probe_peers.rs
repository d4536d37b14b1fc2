//! Peers of probes over TCP and UDP, on plain sockets: each does one thing, well or badly.

use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::{self, AddressFamily, SocketType, sockopt};

use crate::common::PATIENCE;

/// How often a peer looks whether it is to end.
const LOOK: Duration = Duration::from_millis(20);
/// How long a connection is waited for that a full queue leaves out.
const QUEUE_LOOK: Duration = Duration::from_millis(50);
/// Connections after which any queue of one must be full.
const QUEUE_TRIES: usize = 8;

/// A peer whose connections a test handles itself, and that passes their results to the test. It ends
/// when this goes out of scope.
pub(crate) struct TcpPeer<T> {
    pub address: SocketAddr,
    results: Receiver<T>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl<T: Send + 'static> TcpPeer<T> {
    pub(crate) fn serve(talk: impl Fn(TcpStream) -> T + Send + 'static) -> Self {
        Self::serve_on(Ipv4Addr::LOCALHOST, talk)
    }

    /// The same on this address; `0.0.0.0` is every address of 127/8.
    pub(crate) fn serve_on(
        address: Ipv4Addr,
        talk: impl Fn(TcpStream) -> T + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind((address, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let (sender, results) = channel();
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                // The test may have learned what it wants from the first of several.
                let _ = sender.send(talk(stream));
            }
        });
        Self {
            address,
            results,
            stop,
            thread: Some(thread),
        }
    }

    /// The peer as a target.
    pub(crate) fn target(&self) -> String {
        self.address.to_string()
    }

    /// The result of its next connection.
    #[track_caller]
    pub(crate) fn result(&self) -> T {
        self.results
            .recv_timeout(PATIENCE)
            .expect("the peer was connected to")
    }
}

impl TcpPeer<Received> {
    /// A peer that sends `words` and receives until the end of the connection.
    pub(crate) fn saying(words: &'static [u8]) -> Self {
        Self::serve(move |mut stream| {
            // Fails if the probe has closed already; its octets are received all the same.
            let _ = stream.write_all(words);
            listen_to(&mut stream)
        })
    }
}

impl<T> Drop for TcpPeer<T> {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A connection wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What a peer received on a connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Received {
    pub bytes: Vec<u8>,
    /// The address of the client; `None` if the connection was reset already.
    pub from: Option<IpAddr>,
    /// Whether the connection was reset instead of closed.
    pub reset: bool,
}

/// Listens until the other side is done.
pub(crate) fn listen_to(stream: &mut TcpStream) -> Received {
    let from = stream.peer_addr().ok().map(|peer| peer.ip());
    let mut bytes = Vec::new();
    let ended = stream.read_to_end(&mut bytes);
    Received {
        bytes,
        from,
        reset: ended.is_err(),
    }
}

/// Listens to one line.
pub(crate) fn read_line(stream: &mut TcpStream) -> Vec<u8> {
    let mut line = Vec::new();
    let mut octet = [0];
    while !line.ends_with(b"\n") && matches!(stream.read(&mut octet), Ok(1)) {
        line.push(octet[0]);
    }
    line
}

/// Breaks a connection off.
pub(crate) fn reset(stream: TcpStream) {
    sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// A listener that accepts no more connections: its queue is full and is never emptied.
pub(crate) struct FullListener {
    pub address: SocketAddr,
    _listener: OwnedFd,
    _waiting: Vec<TcpStream>,
}

impl FullListener {
    pub(crate) fn start() -> Self {
        let listener = net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        net::bind(&listener, &SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
        net::listen(&listener, 0).unwrap();
        let address = SocketAddr::try_from(net::getsockname(&listener).unwrap()).unwrap();
        let connect = |_| TcpStream::connect_timeout(&address, QUEUE_LOOK).ok();
        let waiting: Vec<_> = (0..QUEUE_TRIES).map_while(connect).collect();
        assert!(waiting.len() < QUEUE_TRIES, "its queue does not fill up");
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }
}

/// A host that answers each datagram to its port on any address of 127/8, broadcasts included,
/// from an address of its own. It ends when this goes out of scope.
pub(crate) struct UdpHost {
    pub address: SocketAddr,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl UdpHost {
    /// A host at 127.0.0.`number`; on `port`, or on a free one where that is 0. Several may be on
    /// the same port.
    pub(crate) fn start(
        number: u8,
        port: u16,
        answer: impl Fn(&[u8], SocketAddr) -> Vec<u8> + Send + 'static,
    ) -> Self {
        let received = shared_socket(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        let port = received.local_addr().unwrap().port();
        let said = shared_socket(SocketAddr::from(([127, 0, 0, number], port)));
        let address = said.local_addr().unwrap();
        received.set_read_timeout(Some(LOOK)).unwrap();
        said.set_read_timeout(Some(LOOK)).unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut buffer = [0; 4096];
            while !stopped.load(Ordering::Relaxed) {
                // What is sent to its own address comes to the socket that is bound to that.
                for socket in [&received, &said] {
                    if let Ok((octets, from)) = socket.recv_from(&mut buffer) {
                        let _ = said.send_to(&answer(&buffer[..octets], from), from);
                    }
                }
            }
        });
        Self {
            address,
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for UdpHost {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn shared_socket(address: SocketAddr) -> UdpSocket {
    let socket = net::socket(AddressFamily::INET, SocketType::DGRAM, None).unwrap();
    sockopt::set_socket_reuseaddr(&socket, true).unwrap();
    net::bind(&socket, &address).unwrap();
    socket.into()
}
