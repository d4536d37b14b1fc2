//! Peers that misbehave, on plain sockets, and the messages they send.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How often a peer checks whether to end.
const LOOK: Duration = Duration::from_millis(20);
/// Free UDP ports tried before one is found that TCP has free as well.
const PORT_TRIES: usize = 100;

/// The name `a.test.` in wire form.
pub(crate) const NAME: &[u8] = b"\x01a\x04test\0";
/// The type PTR.
pub(crate) const PTR: u16 = 12;

/// One peer on 127.0.0.1. It ends when this goes out of scope.
pub(crate) struct Peer {
    pub address: SocketAddr,
    queries: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Peer {
    /// A peer that answers each datagram with what `answer` gives; nothing listens on TCP.
    pub(crate) fn udp(answer: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> Self {
        let (udp, _) = sockets();
        Self::serve(udp, None, answer, |_| {})
    }

    /// A peer on the same port of both; `talk` has each TCP connection to itself.
    pub(crate) fn both(
        answer: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
        talk: impl Fn(TcpStream) + Send + 'static,
    ) -> Self {
        let (udp, tcp) = sockets();
        Self::serve(udp, Some(tcp), answer, talk)
    }

    /// A peer that never answers.
    pub(crate) fn silent() -> Self {
        Self::udp(|_| Vec::new())
    }

    /// A peer that answers every query with a name.
    pub(crate) fn honest() -> Self {
        Self::udp(|query| vec![reply(query, 0, &[(PTR, NAME)])])
    }

    fn serve(
        udp: UdpSocket,
        tcp: Option<TcpListener>,
        mut answer: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static,
        talk: impl Fn(TcpStream) + Send + 'static,
    ) -> Self {
        let address = udp.local_addr().unwrap();
        let stop = Arc::new(AtomicBool::new(false));
        let queries = Arc::new(AtomicU64::new(0));
        let mut threads = Vec::new();
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&queries));
        threads.push(thread::spawn(move || {
            udp.set_read_timeout(Some(LOOK)).unwrap();
            let mut buffer = [0; 4096];
            while !stopped.load(Ordering::Relaxed) {
                // A wait that ended with nothing, or the echo of a closed port.
                let Ok((octets, from)) = udp.recv_from(&mut buffer) else {
                    continue;
                };
                let replies = answer(&buffer[..octets]);
                // Before the client can end because of a reply.
                count.fetch_add(1, Ordering::Relaxed);
                for reply in replies {
                    let _ = udp.send_to(&reply, from);
                }
            }
        }));
        if let Some(tcp) = tcp {
            let stopped = Arc::clone(&stop);
            threads.push(thread::spawn(move || {
                while let Ok((stream, _)) = tcp.accept() {
                    if stopped.load(Ordering::Relaxed) {
                        return;
                    }
                    talk(stream);
                }
            }));
        }
        Self {
            address,
            queries,
            stop,
            threads,
        }
    }

    /// The peer's address as `--resolver` takes it.
    pub(crate) fn resolver(&self) -> String {
        self.address.to_string()
    }

    /// Datagrams that came so far.
    pub(crate) fn queries(&self) -> u64 {
        self.queries.load(Ordering::Relaxed)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A connection wakes the thread that accepts.
        let _ = TcpStream::connect(self.address);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A UDP and a TCP socket on one free port of 127.0.0.1.
fn sockets() -> (UdpSocket, TcpListener) {
    for _ in 0..PORT_TRIES {
        let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()) {
            return (udp, tcp);
        }
    }
    panic!("no port is free for both UDP and TCP");
}

/// A port of 127.0.0.1 on which no process listens.
pub(crate) fn closed_port() -> SocketAddr {
    sockets().0.local_addr().unwrap()
}

/// A reply that repeats the question, with this code and these records (type and data) of the
/// name asked for.
pub(crate) fn reply(query: &[u8], code: u8, records: &[(u16, &[u8])]) -> Vec<u8> {
    let mut reply = query[..question_end(query)].to_vec();
    reply[2] = 0x81;
    reply[3] = 0x80 | code;
    reply[4..12].copy_from_slice(&[0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
    for (record_type, data) in records {
        reply.extend_from_slice(&[0xc0, 12]);
        reply.extend_from_slice(&record_type.to_be_bytes());
        reply.extend_from_slice(&[0, 1, 0, 0, 1, 0x90]);
        reply.extend_from_slice(&(data.len() as u16).to_be_bytes());
        reply.extend_from_slice(data);
    }
    reply
}

/// A reply that says that it did not fit.
pub(crate) fn truncated(query: &[u8]) -> Vec<u8> {
    let mut reply = reply(query, 0, &[]);
    reply[2] |= 0x02;
    reply
}

/// Whether the query has an OPT record.
pub(crate) fn has_edns(query: &[u8]) -> bool {
    query[11] == 1
}

/// One query from a stream, without its length.
pub(crate) fn read_query(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length).ok()?;
    let mut query = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut query).ok()?;
    Some(query)
}

/// Writes a message behind its length.
pub(crate) fn write_framed(stream: &mut TcpStream, message: &[u8]) -> std::io::Result<()> {
    let mut framed = (message.len() as u16).to_be_bytes().to_vec();
    framed.extend_from_slice(message);
    stream.write_all(&framed)
}

fn question_end(query: &[u8]) -> usize {
    let mut at = 12;
    while query[at] != 0 {
        at += 1 + usize::from(query[at]);
    }
    at + 5
}
