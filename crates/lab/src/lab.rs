//! Starting and stopping the lab.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use mio::Waker;

use crate::bind::{Sockets, TcpMode, bind, connect_udp};
use crate::dns_server::DnsServer;
use crate::forwarder::{SOCKETS, Target};
use crate::impairment::Impairments;
use crate::packet_info;
use crate::report::{DnsCounter, LabReport, Metrics, ServiceCounter, ServiceReport};
use crate::responder::Responder;
use crate::service::ServiceKind;
use crate::service_server::{BoundService, ServiceServer};
use crate::services::Services;

/// Where the lab listens, what it serves and how it is impaired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabConfig {
    /// The address of the DNS server, over UDP and TCP. Port 0 finds a port that is free for both.
    /// An unspecified address (`0.0.0.0`, `::`) means all loopback addresses; what is sent to
    /// another address is ignored.
    pub listen: SocketAddr,
    /// An IPv6 address to serve on as well, with the same ports. `listen` and the addresses of the
    /// services must then be IPv4.
    pub also_ipv6: Option<Ipv6Addr>,
    /// A server to forward DNS queries to, over the transport they were received by, instead of
    /// answering them from the zone. Its answers are impaired as those of the zone would be. A
    /// delay counts from when the query was received, not from when the answer was.
    pub forward: Option<SocketAddr>,
    /// The services besides DNS.
    pub services: Vec<ServiceConfig>,
    /// The impairments of all of them.
    pub impairments: Impairments,
}

/// A service besides DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceConfig {
    /// The protocol.
    pub kind: ServiceKind,
    /// The address and port. Port 0 finds a free port; an unspecified address means all loopback
    /// addresses.
    pub listen: SocketAddr,
}

impl ServiceConfig {
    /// A service on every address of 127/8.
    pub const fn on_port(kind: ServiceKind, port: u16) -> Self {
        Self {
            kind,
            listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port),
        }
    }
}

impl LabConfig {
    /// Whether the DNS server would forward queries to itself. Not known before it listens if its
    /// port is 0.
    pub fn forwards_to_itself(&self) -> bool {
        self.forward.is_some_and(|server| {
            let (listen, asked) = (self.listen.ip(), server.ip());
            let is_this_machine = asked.is_loopback() || asked.is_unspecified();
            let is_served = if listen.is_unspecified() {
                listen.is_ipv4() == asked.is_ipv4() && is_this_machine
            } else {
                listen == asked
            };
            let is_also_served = self.also_ipv6.is_some_and(|ip| IpAddr::V6(ip) == asked);
            server.port() == self.listen.port() && (is_served || is_also_served)
        })
    }

    fn target(&self) -> io::Result<Option<Target>> {
        let Some(address) = self.forward else {
            return Ok(None);
        };
        if self.forwards_to_itself() {
            let message = format!("cannot forward to {address}: that is the lab itself");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let sockets = connect_udp(address, SOCKETS)?;
        Ok(Some(Target { address, sockets }))
    }
}

impl Default for LabConfig {
    /// All addresses of 127/8, a free port, no service besides DNS, no impairment.
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::UNSPECIFIED, 0).into(),
            also_ipv6: None,
            forward: None,
            services: Vec::new(),
            impairments: Impairments::default(),
        }
    }
}

/// A running lab. One thread serves DNS and another one all other services, until
/// [`stop`](Self::stop) or drop.
#[derive(Debug)]
pub struct Lab {
    address: SocketAddr,
    metrics: Arc<Metrics<DnsCounter>>,
    services: Vec<RunningService>,
    ca_pem: Option<String>,
    client_pem: Option<String>,
    /// The UDP sockets of the DNS server, to read what the kernel dropped.
    udp: Vec<UdpSocket>,
    stop: Arc<AtomicBool>,
    threads: Vec<LabThread>,
}

#[derive(Debug)]
struct RunningService {
    kind: ServiceKind,
    address: SocketAddr,
    metrics: Arc<Metrics<ServiceCounter>>,
}

#[derive(Debug)]
struct LabThread {
    waker: Waker,
    handle: JoinHandle<io::Result<()>>,
}

impl Lab {
    /// Starts the lab. When this returns, queries are answered and connections accepted.
    ///
    /// # Errors
    /// An address cannot be bound or connected to, the DNS server would forward to itself, the
    /// system is out of descriptors or threads, or the TLS certificates could not be made.
    pub fn start(mut config: LabConfig) -> io::Result<Self> {
        let tcp_mode = if config.impairments.tcp_refuse {
            TcpMode::Unused
        } else {
            TcpMode::Listen
        };
        let Sockets {
            udp, tcp, address, ..
        } = bind(config.listen, config.also_ipv6, true, tcp_mode)?;
        config.listen = address;
        let target = config.target()?;
        let forwarding = target.iter().flat_map(|target| &target.sockets);
        let watched = udp
            .iter()
            .chain(forwarding)
            .map(UdpSocket::try_clone)
            .collect::<io::Result<_>>()?;
        let LabConfig {
            also_ipv6,
            services,
            impairments,
            ..
        } = config;
        let metrics = Arc::new(Metrics::new());
        let stop = Arc::new(AtomicBool::new(false));
        let mut lab = Self {
            address,
            metrics: Arc::clone(&metrics),
            services: Vec::new(),
            ca_pem: None,
            client_pem: None,
            udp: watched,
            stop: Arc::clone(&stop),
            threads: Vec::new(),
        };
        if !services.is_empty() {
            lab.start_services(&services, also_ipv6, &impairments)?;
        }
        let (mut server, waker) =
            DnsServer::new(udp, tcp, Responder::new(impairments), target, metrics, stop)?;
        lab.spawn("lab", waker, move || server.run())?;
        Ok(lab)
    }

    fn start_services(
        &mut self,
        configs: &[ServiceConfig],
        also_ipv6: Option<Ipv6Addr>,
        impairments: &Impairments,
    ) -> io::Result<()> {
        let kinds: Vec<ServiceKind> = configs.iter().map(|config| config.kind).collect();
        let unix = SystemTime::UNIX_EPOCH.elapsed().unwrap_or(Duration::ZERO);
        let services =
            Services::new(&kinds, impairments.clone(), unix).map_err(io::Error::other)?;
        self.ca_pem = services.ca_pem();
        self.client_pem = services.client_pem();
        let mut bound = Vec::new();
        for &ServiceConfig { kind, listen } in configs {
            let tcp_mode = if impairments.tcp_refuse {
                TcpMode::Reserve
            } else {
                TcpMode::Listen
            };
            let sockets = bind(listen, also_ipv6, kind.has_datagrams(), tcp_mode)?;
            let metrics = Arc::new(Metrics::new());
            self.services.push(RunningService {
                kind,
                address: sockets.address,
                metrics: Arc::clone(&metrics),
            });
            bound.push(BoundService {
                kind,
                sockets,
                metrics,
            });
        }
        let (mut server, waker) = ServiceServer::new(bound, services, Arc::clone(&self.stop))?;
        self.spawn("lab-services", waker, move || server.run())
    }

    fn spawn(
        &mut self,
        name: &str,
        waker: Waker,
        run: impl FnOnce() -> io::Result<()> + Send + 'static,
    ) -> io::Result<()> {
        let handle = std::thread::Builder::new().name(name.into()).spawn(run)?;
        self.threads.push(LabThread { waker, handle });
        Ok(())
    }

    /// The address to send queries to. This is 127.0.0.1 or ::1 if the lab serves all loopback
    /// addresses; the others have the same port.
    pub fn address(&self) -> SocketAddr {
        reachable(self.address)
    }

    /// The address of the first service of a kind, in the sense of [`address`](Self::address).
    /// `None` if there is no such service.
    pub fn service_address(&self, kind: ServiceKind) -> Option<SocketAddr> {
        let mut services = self.service_addresses();
        services.find(|(other, _)| *other == kind).map(|(_, at)| at)
    }

    /// The services and their addresses, in the order of the configuration.
    pub fn service_addresses(&self) -> impl Iterator<Item = (ServiceKind, SocketAddr)> {
        self.services
            .iter()
            .map(|service| (service.kind, reachable(service.address)))
    }

    /// The certificate of the authority that signs for the TLS services, in PEM. `None` if no
    /// service has TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// A client certificate signed by that authority and its private key, in PEM.
    pub fn client_pem(&self) -> Option<&str> {
        self.client_pem.as_deref()
    }

    /// The counters and delays so far.
    pub fn report(&self) -> LabReport {
        // An error means that the counter is not available.
        let drops = self
            .udp
            .iter()
            .map(|socket| packet_info::kernel_drops(socket.as_fd()).unwrap_or(0))
            .sum();
        let services = self
            .services
            .iter()
            .map(|service| {
                let address = reachable(service.address);
                ServiceReport::new(service.kind, address, &service.metrics)
            })
            .collect();
        LabReport::new(&self.metrics, drops, services)
    }

    /// Stops the lab and returns its report. Delayed replies that are not due are not sent.
    ///
    /// # Errors
    /// A thread could not be woken, or had ended with an error of its poll.
    pub fn stop(mut self) -> io::Result<LabReport> {
        self.end()?;
        Ok(self.report())
    }

    fn end(&mut self) -> io::Result<()> {
        self.stop.store(true, Ordering::Release);
        let mut result = Ok(());
        for LabThread { waker, handle } in self.threads.drain(..) {
            // A thread that cannot be woken would never end.
            let ended = waker.wake().and_then(|()| {
                handle
                    .join()
                    .unwrap_or_else(|_| Err(io::Error::other("a thread of the lab panicked")))
            });
            result = result.and(ended);
        }
        result
    }
}

/// An address at which a socket on all loopback addresses can be reached.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

impl Drop for Lab {
    fn drop(&mut self) {
        // A destructor cannot return the error.
        let _ = self.end();
    }
}
