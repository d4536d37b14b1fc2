//! Starting and stopping the lab.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use mio::Waker;

use crate::bind::{Sockets, bind};
use crate::datagram;
use crate::impairment::Impairments;
use crate::report::{LabReport, Meter};
use crate::script::Script;
use crate::server::Server;

/// Where the lab listens, and what it does wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabConfig {
    /// The address, and the port for UDP and TCP alike; port 0 finds one that is free for both.
    /// An unspecified address (`0.0.0.0`, `::`) means every loopback address and no other: what
    /// comes to another one is ignored.
    pub listen: SocketAddr,
    /// An IPv6 address to serve on as well, on the same port; `listen` must then be IPv4.
    pub also_ipv6: Option<Ipv6Addr>,
    /// What it does wrong.
    pub impairments: Impairments,
}

impl Default for LabConfig {
    /// Every address of 127/8, a free port, no impairment.
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::UNSPECIFIED, 0).into(),
            also_ipv6: None,
            impairments: Impairments::default(),
        }
    }
}

/// A running lab. It serves on one thread of its own until [`stop`](Self::stop) or drop.
#[derive(Debug)]
pub struct Lab {
    address: SocketAddr,
    meter: Arc<Meter>,
    stop: Arc<AtomicBool>,
    waker: Waker,
    /// The server's sockets, to ask the kernel what it dropped.
    udp: Vec<UdpSocket>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Lab {
    /// Starts to serve. When this returns, queries are answered.
    ///
    /// # Errors
    /// The address cannot be listened on, or the system lacks descriptors or threads.
    pub fn start(config: LabConfig) -> io::Result<Self> {
        let LabConfig {
            listen,
            also_ipv6,
            impairments,
        } = config;
        let Sockets { udp, tcp, address } = bind(listen, also_ipv6, !impairments.tcp_refuse)?;
        let watched = udp
            .iter()
            .map(UdpSocket::try_clone)
            .collect::<io::Result<_>>()?;
        let meter = Arc::new(Meter::new());
        let stop = Arc::new(AtomicBool::new(false));
        let (mut server, waker) = Server::new(
            udp,
            tcp,
            Script::new(impairments),
            Arc::clone(&meter),
            Arc::clone(&stop),
        )?;
        let thread = std::thread::Builder::new()
            .name("lab".into())
            .spawn(move || server.run())?;
        Ok(Self {
            address,
            meter,
            stop,
            waker,
            udp: watched,
            thread: Some(thread),
        })
    }

    /// Where to send queries. When the lab serves every loopback address this is 127.0.0.1 or
    /// ::1, and any other one will do with the same port.
    pub fn address(&self) -> SocketAddr {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address {
                SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        address
    }

    /// What it did so far.
    pub fn report(&self) -> LabReport {
        // A socket that cannot be asked has nothing to say.
        let drops = self
            .udp
            .iter()
            .map(|socket| datagram::kernel_drops(socket.as_fd()).unwrap_or(0))
            .sum();
        self.meter.report(drops)
    }

    /// Ends it, and says what it did. Replies that wait for their time are not sent.
    ///
    /// # Errors
    /// The lab could not be woken, or had ended by itself with an error of its poll.
    pub fn stop(mut self) -> io::Result<LabReport> {
        self.end()?;
        Ok(self.report())
    }

    fn end(&mut self) -> io::Result<()> {
        let Some(thread) = self.thread.take() else {
            return Ok(());
        };
        self.stop.store(true, Ordering::Release);
        self.waker.wake()?;
        thread
            .join()
            .unwrap_or_else(|_| Err(io::Error::other("the lab's thread panicked")))
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // There is nobody left to tell.
        let _ = self.end();
    }
}
