//! The server that a probe connects to, and what it requests there.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::Arc;

use canvass_model::{Host, HttpFallback, Job, Target, Url};

use super::module::{Module, ModuleKind, Pin, PinHost};
use super::tunnelling::Via;
use crate::http::Request;
use crate::tunnel::{Endpoint, Proxy, ProxyScheme, Traffic};

/// The server that a probe connects to.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    /// The host named in the target. Used for limits per host and certificate verification.
    pub(super) host: Host,
    pub(super) port: u16,
    /// The host to connect to: the same, unless a pin or a proxy leads elsewhere.
    pub(super) connect_host: Host,
    pub(super) connect_port: u16,
    /// The Unix socket to connect to instead.
    pub(super) unix: Option<Box<Path>>,
    /// TLS starts with the connection.
    pub(super) tls: bool,
    /// The proxy that is connected to, if one is used.
    pub(super) via: Option<Box<Via>>,
}

/// The server that a probe connects to, and what it requests there.
pub(super) struct Course {
    pub(super) destination: Destination,
    /// What an HTTP server is asked for.
    pub(super) request: Option<Request>,
    /// What is tried if https fails.
    pub(super) fallback: Option<HttpFallback>,
}

impl Course {
    /// The course of a job, or why its target is invalid.
    pub(super) fn of_job(job: &Job, module: &Module) -> Result<Self, Box<str>> {
        let destination = |host: &Host, port, tls, traffic| Self {
            destination: Destination::new(host.clone(), port, tls, traffic, module),
            request: None,
            fallback: None,
        };
        match (&module.kind, &job.target) {
            (_, Target::Invalid { reason, .. }) => Err(reason.clone()),
            (ModuleKind::Http { settings, .. }, Target::Url(target)) => Ok(Self {
                fallback: target.fallback,
                ..Self::of_request(Request::of_target(settings, target), module)?
            }
            .keep_scope(job.target.host().as_ref())),
            (ModuleKind::Http { settings, .. }, Target::Unix { path, .. }) => {
                let url = Url::parse("http://localhost/").expect("it is a valid URL");
                let course = Self::of_request(Request::new(settings, &url), module)?;
                Ok(course.over_unix(path))
            }
            (ModuleKind::Tcp { tls_from_start, .. }, Target::Endpoint { host, port, .. }) => {
                Ok(destination(host, *port, *tls_from_start, Traffic::Stream))
            }
            (ModuleKind::Tcp { tls_from_start, .. }, Target::Unix { path, .. }) => {
                let localhost = Host::Name("localhost".into());
                Ok(destination(&localhost, 0, *tls_from_start, Traffic::Stream).over_unix(path))
            }
            (ModuleKind::Udp { .. }, Target::Endpoint { host, port, .. }) => {
                Ok(destination(host, *port, false, Traffic::Datagrams))
            }
            _ => Err("this kind of probe has no use for this kind of target".into()),
        }
    }

    /// The course of a request.
    pub(super) fn of_request(request: Request, module: &Module) -> Result<Self, Box<str>> {
        Ok(Self {
            destination: Destination::of_url(request.url(), module)?,
            request: Some(request),
            fallback: None,
        })
    }

    /// Gives the destination the scope of `host`, if it has the same address: URLs have none.
    pub(super) fn keep_scope(mut self, host: Option<&Host>) -> Self {
        let destination = &mut self.destination;
        if let Some(scoped @ Host::Scoped(_)) = host
            && destination.host == scoped.without_scope()
        {
            if destination.connect_host == destination.host {
                destination.connect_host.clone_from(scoped);
            }
            destination.host.clone_from(scoped);
        }
        self
    }

    fn over_unix(mut self, path: &Path) -> Self {
        self.destination.unix = Some(path.into());
        self.destination.via = None;
        self
    }

    /// The URL of the request.
    pub(super) fn url(&self) -> Box<str> {
        let url = self.request.as_ref().map(Request::shown_url);
        url.unwrap_or_default()
    }
}

impl Destination {
    /// The server of a URL.
    fn of_url(url: &Url, module: &Module) -> Result<Self, Box<str>> {
        let host = Host::of_url(url).ok_or("the URL names no host")?;
        let port = url
            .port_or_known_default()
            .ok_or("the URL names no port, and its scheme has none")?;
        let tls = url.scheme() == "https";
        let traffic = if tls { Traffic::Https } else { Traffic::Http };
        Ok(Self::new(host, port, tls, traffic, module))
    }

    fn new(host: Host, port: u16, tls: bool, traffic: Traffic, module: &Module) -> Self {
        let pin = module.reach.pins.iter().find(|pin| pin.suits(&host, port));
        let connect_host = pin.and_then(|pin| pin.to_host.clone());
        let connect_port = pin.and_then(|pin| pin.to_port);
        let destination = Self {
            connect_host: connect_host.unwrap_or_else(|| host.clone()),
            connect_port: connect_port.unwrap_or(port),
            unix: module.reach.unix_socket.clone(),
            host,
            port,
            tls,
            via: None,
        };
        let proxies = module.reach.proxies.as_deref();
        match proxies.and_then(|proxies| proxies.select(traffic, &destination.host)) {
            Some(proxy) => destination.through(proxy, traffic, pin.is_some()),
            None => destination,
        }
    }

    /// The same through a proxy. It connects to where this side would have connected to, so that a
    /// request to another host than that of its URL needs a tunnel.
    fn through(mut self, proxy: &Arc<Proxy>, traffic: Traffic, is_pinned: bool) -> Self {
        let forwards =
            proxy.scheme() == ProxyScheme::Http && traffic == Traffic::Http && !is_pinned;
        let host = std::mem::replace(&mut self.connect_host, proxy.host().clone());
        let port = std::mem::replace(&mut self.connect_port, proxy.port());
        self.via = Some(Box::new(Via {
            proxy: Arc::clone(proxy),
            tunnel_to: (!forwards).then_some(Endpoint { host, port }),
        }));
        self
    }

    /// The proxy that gets requests in absolute form.
    pub(super) fn forwarding_proxy(&self) -> Option<&Proxy> {
        let via = self.via.as_deref()?;
        via.tunnel_to.is_none().then_some(&via.proxy)
    }

    /// Whether a connection to this one can serve the other as well.
    pub(super) fn is_same_server(&self, other: &Self) -> bool {
        self.host == other.host && self.port == other.port && self.tls == other.tls
    }
}

/// The loopback addresses, if a name stands for this machine: it is not looked up then (RFC 6761
/// §6.3).
pub(super) fn loopback(name: &str) -> Option<[IpAddr; 2]> {
    let name = name.strip_suffix('.').unwrap_or(name);
    (name == "localhost" || name.ends_with(".localhost"))
        .then_some([Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()])
}

impl Pin {
    fn suits(&self, host: &Host, port: u16) -> bool {
        let suits = match &self.whose {
            PinHost::Any => true,
            PinHost::Elsewhere => !host.address().is_some_and(|address| address.is_loopback()),
            PinHost::Under(parent) => match host {
                Host::Name(name) => name
                    .strip_suffix(&**parent)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
                Host::Address(_) | Host::Scoped(_) => false,
            },
            PinHost::Is(wanted) => wanted == host,
        };
        suits && self.port.is_none_or(|wanted| wanted == port)
    }
}
