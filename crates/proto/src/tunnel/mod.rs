//! What comes before a protocol on a connection: a proxy that leads to the server, and the header of
//! the PROXY protocol.
//!
//! A [`Tunnel`] has no socket. Its owner sends what it writes, hands it what was received until it is
//! open, and gives the octets after that to the protocol.

mod http_connect;
mod proxies;
mod proxy;
mod proxy_protocol;
mod socks5;
#[cfg(test)]
mod tests;

use canvass_model::{Cause, Host};

pub use proxies::{Bypass, BypassError, Proxies, Traffic};
pub use proxy::{Proxy, ProxyError, ProxyScheme};
pub use proxy_protocol::ProxyProtocol;

use http_connect::HttpConnect;
use socks5::Socks5;

/// The host and port that a proxy is asked to connect to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The host.
    pub host: Host,
    /// The port.
    pub port: u16,
}

/// The handshake with a proxy. The result does not depend on how the octets are divided.
#[derive(Debug)]
pub struct Tunnel {
    proxy: String,
    endpoint: Endpoint,
    handshake: Handshake,
}

#[derive(Debug)]
enum Handshake {
    Http(Box<HttpConnect>),
    Socks5(Socks5),
}

/// How far the handshake is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelProgress {
    /// More octets are needed.
    Pending,
    /// The tunnel is open. It took this number of the octets; the others are the server's.
    Open(usize),
}

/// Why a proxy did not open a tunnel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TunnelFault {
    /// Its kind.
    pub cause: Cause,
    /// A message for people, which names the proxy.
    pub message: Box<str>,
}

/// Why a handshake failed, without the name of the proxy.
type Refusal = (Cause, String);

impl Tunnel {
    /// Begins the handshake: appends to `out` what is sent first.
    pub fn begin(proxy: &Proxy, endpoint: Endpoint, out: &mut Vec<u8>) -> Self {
        let handshake = match proxy.scheme() {
            ProxyScheme::Http => {
                Handshake::Http(Box::new(HttpConnect::begin(proxy, &endpoint, out)))
            }
            ProxyScheme::Socks5 | ProxyScheme::Socks5h => {
                Handshake::Socks5(Socks5::begin(proxy.credentials(), out))
            }
        };
        Self {
            proxy: proxy.to_string(),
            endpoint,
            handshake,
        }
    }

    /// Takes octets that the proxy sent, and appends to `out` what is to be sent in return.
    ///
    /// # Errors
    /// Why the proxy does not open the tunnel.
    pub fn received(
        &mut self,
        octets: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<TunnelProgress, TunnelFault> {
        let result = match &mut self.handshake {
            Handshake::Http(http) => http.received(octets),
            Handshake::Socks5(socks) => socks.received(octets, &self.endpoint, out),
        };
        result.map_err(|refusal| self.fault(refusal))
    }

    /// The proxy closed the connection: why that is a fault.
    pub fn ended(&self) -> TunnelFault {
        let has_received = match &self.handshake {
            Handshake::Http(http) => http.has_received(),
            Handshake::Socks5(socks) => socks.has_received(),
        };
        self.fault(if has_received {
            let what = "closed the connection in the middle of its answer";
            (Cause::Truncated, what.to_owned())
        } else {
            let what = "closed the connection without an answer";
            (Cause::Closed, what.to_owned())
        })
    }

    fn fault(&self, (cause, what): Refusal) -> TunnelFault {
        let Self {
            proxy, endpoint, ..
        } = self;
        TunnelFault {
            cause,
            message: format!("the proxy {proxy}, asked to connect to {endpoint}, {what}").into(),
        }
    }
}

impl std::fmt::Display for Endpoint {
    /// As `host:port`, with IPv6 addresses in brackets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}
