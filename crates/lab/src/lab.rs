//! Starting and stopping the lab.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime};

use mio::Waker;

use crate::bind::{Sockets, bind, bind_service, connect_udp};
use crate::datagram;
use crate::forward::{SOCKETS, Target};
use crate::host::{Host, Hosted};
use crate::impairment::Impairments;
use crate::report::{LabReport, Meter, ServiceMeter};
use crate::script::Script;
use crate::server::Server;
use crate::service::ServiceKind;
use crate::services::Services;

/// Where the lab listens, and what it does wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabConfig {
    /// The address of its DNS, and the port for UDP and TCP alike; port 0 finds one that is free for both.
    /// An unspecified address (`0.0.0.0`, `::`) means every loopback address and no other: what
    /// comes to another one is ignored.
    pub listen: SocketAddr,
    /// An IPv6 address to serve on as well, on the same port; `listen` must then be IPv4, and so
    /// must the services' addresses.
    pub also_ipv6: Option<Ipv6Addr>,
    /// Where its DNS passes queries on to, over the transport that they came by, instead of
    /// answering from its own zone. The answers are held back, lost and spoilt as the zone's
    /// would be; a delay counts from when the query came, not from when the answer did.
    pub forward: Option<SocketAddr>,
    /// What it serves besides DNS.
    pub services: Vec<ServiceConfig>,
    /// What it does wrong.
    pub impairments: Impairments,
}

/// A service besides DNS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceConfig {
    /// What it speaks.
    pub kind: ServiceKind,
    /// The address and the port; port 0 finds a free one. An unspecified address means every
    /// loopback address and no other.
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
    /// Whether the DNS would pass queries on to itself. Not known before it listens if it is to
    /// find a free port.
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
    /// Every address of 127/8, a free port, no service besides DNS, no impairment.
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

/// A running lab. DNS is served on one thread of its own, all other services on another, until
/// [`stop`](Self::stop) or drop.
#[derive(Debug)]
pub struct Lab {
    address: SocketAddr,
    meter: Arc<Meter>,
    services: Vec<RunningService>,
    ca_pem: Option<String>,
    client_pem: Option<String>,
    /// The sockets of its DNS, to ask the kernel what it dropped.
    udp: Vec<UdpSocket>,
    stop: Arc<AtomicBool>,
    threads: Vec<LabThread>,
}

#[derive(Debug)]
struct RunningService {
    kind: ServiceKind,
    address: SocketAddr,
    meter: Arc<ServiceMeter>,
}

#[derive(Debug)]
struct LabThread {
    waker: Waker,
    handle: JoinHandle<io::Result<()>>,
}

impl Lab {
    /// Starts to serve. When this returns, queries are answered and connections accepted.
    ///
    /// # Errors
    /// An address cannot be listened on or forwarded to, the DNS would forward to itself, the
    /// system lacks descriptors or threads, or the certificates for TLS could not be made.
    pub fn start(mut config: LabConfig) -> io::Result<Self> {
        let Sockets { udp, tcp, address } = bind(
            config.listen,
            config.also_ipv6,
            !config.impairments.tcp_refuse,
        )?;
        config.listen = address;
        let target = config.target()?;
        let asking = target.iter().flat_map(|target| &target.sockets);
        let watched = udp
            .iter()
            .chain(asking)
            .map(UdpSocket::try_clone)
            .collect::<io::Result<_>>()?;
        let LabConfig {
            also_ipv6,
            services,
            impairments,
            ..
        } = config;
        let meter = Arc::new(Meter::new());
        let stop = Arc::new(AtomicBool::new(false));
        let mut lab = Self {
            address,
            meter: Arc::clone(&meter),
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
            Server::new(udp, tcp, Script::new(impairments), target, meter, stop)?;
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
        let mut hosted = Vec::new();
        for &ServiceConfig { kind, listen } in configs {
            let udp = kind.has_datagrams();
            let sockets = bind_service(listen, also_ipv6, udp, impairments.tcp_refuse)?;
            let meter = Arc::new(ServiceMeter::new());
            self.services.push(RunningService {
                kind,
                address: sockets.address,
                meter: Arc::clone(&meter),
            });
            hosted.push(Hosted {
                kind,
                sockets,
                meter,
            });
        }
        let (mut host, waker) = Host::new(hosted, services, Arc::clone(&self.stop))?;
        self.spawn("lab-services", waker, move || host.run())
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

    /// Where to send queries. When the lab serves every loopback address this is 127.0.0.1 or
    /// ::1, and any other one will do with the same port.
    pub fn address(&self) -> SocketAddr {
        reachable(self.address)
    }

    /// Where the first service of a kind is, said as [`address`](Self::address) is; `None` where
    /// there is no such service.
    pub fn service_address(&self, kind: ServiceKind) -> Option<SocketAddr> {
        let mut services = self.service_addresses();
        services.find(|(other, _)| *other == kind).map(|(_, at)| at)
    }

    /// Every service and where it is, in the order they were asked for.
    pub fn service_addresses(&self) -> impl Iterator<Item = (ServiceKind, SocketAddr)> {
        self.services
            .iter()
            .map(|service| (service.kind, reachable(service.address)))
    }

    /// The certificate of the authority that signs for the TLS services, in PEM; `None` where no
    /// service has TLS.
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca_pem.as_deref()
    }

    /// A client certificate of that authority and its private key, in PEM.
    pub fn client_pem(&self) -> Option<&str> {
        self.client_pem.as_deref()
    }

    /// What it did so far.
    pub fn report(&self) -> LabReport {
        // A socket that cannot be asked has nothing to say.
        let drops = self
            .udp
            .iter()
            .map(|socket| datagram::kernel_drops(socket.as_fd()).unwrap_or(0))
            .sum();
        let mut report = self.meter.report(drops);
        report.services = self
            .services
            .iter()
            .map(|service| {
                service
                    .meter
                    .report(service.kind, reachable(service.address))
            })
            .collect();
        report
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
        self.stop.store(true, Ordering::Release);
        let mut result = Ok(());
        for LabThread { waker, handle } in self.threads.drain(..) {
            // A thread that cannot be woken is not waited for.
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

/// An address that reaches a socket on every loopback address.
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
        // There is nobody left to tell.
        let _ = self.end();
    }
}
