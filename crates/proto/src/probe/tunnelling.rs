//! What happens on a stream between its opening and the protocol: a tunnel through a proxy, the
//! header of the PROXY protocol, TLS.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use canvass_model::{Cause, Host, Remote, Time};

use super::candidates::Candidates;
use super::destination::Destination;
use super::established::Established;
use super::failure::Ended;
use super::protocol::Protocol;
use super::stage::Stage;
use super::{Output, Probe};
use crate::output::ConnectionId;
use crate::tunnel::{Endpoint, Proxy, ProxyScheme, Tunnel, TunnelFault, TunnelProgress};

/// The proxy that leads to a server.
#[derive(Clone, Debug)]
pub(super) struct Via {
    pub(super) proxy: Arc<Proxy>,
    /// Where a tunnel leads to; `None` if requests are sent to the proxy in absolute form.
    pub(super) tunnel_to: Option<Endpoint>,
}

/// The addresses of a server behind a proxy.
pub(super) struct TunnelAddresses {
    /// The one that the proxy is asked to connect to.
    present: IpAddr,
    /// Those that are still to be tried.
    rest: Candidates,
}

impl Via {
    /// The name that is looked up here, though the proxy connects to it.
    fn own_lookup(&self) -> Option<&Host> {
        let host = &self.tunnel_to.as_ref()?.host;
        let looks_up = self.proxy.scheme() == ProxyScheme::Socks5;
        (looks_up && matches!(host, Host::Name(_))).then_some(host)
    }
}

impl Probe {
    /// The host whose addresses are needed next: that of the server where a proxy is given an
    /// address, and then that of the peer.
    pub(super) fn sought_host(&self) -> &Host {
        let Destination {
            via, connect_host, ..
        } = &self.course().destination;
        via.as_deref()
            .filter(|_| self.journey.tunnel_addresses.is_none())
            .and_then(Via::own_lookup)
            .unwrap_or(connect_host)
    }

    /// Whether [`Self::sought_host`] is that of a server behind a proxy.
    pub(super) fn seeks_tunnel_addresses(&self) -> bool {
        let via = self.course().destination.via.as_deref();
        self.journey.tunnel_addresses.is_none() && via.and_then(Via::own_lookup).is_some()
    }

    /// The addresses of [`Self::sought_host`] are known. Returns whether they are those of a server
    /// behind a proxy.
    pub(super) fn takes_tunnel_addresses(&mut self) -> bool {
        if !self.seeks_tunnel_addresses() {
            return false;
        }
        let mut rest = std::mem::take(self.candidates());
        let present = rest.next();
        self.journey.tunnel_addresses =
            present.map(|present| Box::new(TunnelAddresses { present, rest }));
        present.is_some()
    }

    /// Whether the local address of a stream has to be reported by [`Self::local_address`] before
    /// [`Self::connected`].
    pub fn needs_local_address(&self) -> bool {
        self.job.module.reach.proxy_protocol.is_some()
    }

    /// The local address of the stream that opens.
    pub fn local_address(&mut self, address: SocketAddr) {
        self.tour.peer.local = Some(address);
    }

    /// A stream or a datagram socket is open.
    pub(super) fn start(&mut self, now: Time, established: Established) {
        let via = self.course().destination.via.as_deref();
        let tunnel = via.and_then(|via| Some((Arc::clone(&via.proxy), via.tunnel_to.clone()?)));
        match tunnel {
            Some((proxy, endpoint)) => self.start_tunnel(now, established, &proxy, endpoint),
            None => self.start_after_proxy(now, established),
        }
    }

    fn start_tunnel(
        &mut self,
        now: Time,
        mut established: Established,
        proxy: &Proxy,
        mut endpoint: Endpoint,
    ) {
        if let Some(addresses) = &self.journey.tunnel_addresses {
            endpoint.host = Host::Address(addresses.present);
        }
        self.note(now, "tunnel", None, || endpoint.to_string());
        let mut first = Vec::new();
        let tunnel = Tunnel::begin(proxy, endpoint, &mut first);
        established.connection.send(|out| out.append(&mut first));
        established.protocol = Protocol::Tunnel(Box::new(tunnel));
        self.output(Output::Write(established.id));
        // The time limit of the connection includes the tunnel.
        self.enter_stage(Stage::Tunnelling(established), self.journey.stage_end);
    }

    /// Octets were received from the proxy.
    pub(super) fn tunnel_received(&mut self, now: Time, connection: ConnectionId, octets: &[u8]) {
        let Some(established) = self.journey.stage.established_as(connection) else {
            return;
        };
        let Protocol::Tunnel(tunnel) = &mut established.protocol else {
            return;
        };
        let mut reply = Vec::new();
        let progress = tunnel.received(octets, &mut reply);
        if !reply.is_empty() {
            established.connection.send(|out| out.append(&mut reply));
            self.output(Output::Write(connection));
        }
        match progress {
            Ok(TunnelProgress::Pending) => {}
            Ok(TunnelProgress::Open(taken)) => {
                self.note(now, "tunnelled", None, String::new);
                if let Some(mut established) = self.journey.stage.take_established() {
                    established.protocol = Protocol::None;
                    self.start_after_proxy(now, established);
                }
                // A server that sends first may have done so already.
                if taken < octets.len() {
                    self.deliver(now, connection, &octets[taken..]);
                }
            }
            Err(fault) => self.tunnel_failed(now, fault),
        }
    }

    /// The proxy did not open the tunnel. Tries the next address of the server, if there is one.
    pub(super) fn tunnel_failed(&mut self, now: Time, fault: TunnelFault) {
        if matches!(
            fault.cause,
            Cause::Refused | Cause::Unreachable | Cause::Proxy
        ) && let Some(addresses) = &mut self.journey.tunnel_addresses
            && let Some(next) = addresses.rest.next()
        {
            addresses.present = next;
            self.close_stage(now);
            return self.look_up_sought(now);
        }
        let failure = self.failure(fault.cause, fault.message);
        self.conclude(now, Ended::Failed(failure));
    }

    /// The octets that are exchanged are the server's from now on.
    fn start_after_proxy(&mut self, now: Time, mut established: Established) {
        if let Some(version) = self.job.module.reach.proxy_protocol
            && established.datagrams.is_none()
        {
            let via = &self.course().destination.via;
            let addresses = match (self.tour.peer.local, &established.remote) {
                // Behind a proxy, neither is an address of the connection to the server.
                (Some(local), Remote::Inet(remote)) if via.is_none() => Some((local, *remote)),
                _ => None,
            };
            established
                .connection
                .send(|out| version.write(addresses, out));
        }
        if self.course().destination.tls {
            self.start_tls(now, established);
        } else {
            self.start_protocol(now, established);
        }
    }

    /// The failure of an attempt whose tunnel did not open in time.
    pub(super) fn tunnel_timeout(&self, established: &Established) -> String {
        let who = self.peer_name(&established.remote);
        let endpoint = self.course().destination.via.as_deref();
        match endpoint.and_then(|via| via.tunnel_to.as_ref()) {
            Some(endpoint) => format!("{who} did not connect to {endpoint} in time"),
            None => format!("{who} did not answer in time"),
        }
    }

    /// A peer as messages name it: so that a proxy is not taken for the server.
    pub(super) fn peer_name(&self, remote: &impl std::fmt::Display) -> String {
        match self.course().destination.via {
            Some(_) => format!("the proxy {remote}"),
            None => remote.to_string(),
        }
    }
}
