//! Where a probe goes.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::Path;

use canvass_model::{Host, HttpFallback, Job, Target, Url};

use super::module::{Module, ModuleKind, Pin, PinHost};
use crate::http::Request;

/// Where a probe goes.
#[derive(Clone, Debug)]
pub(super) struct Destination {
    /// Who is asked: for caps per host, for the name to verify.
    pub(super) host: Host,
    pub(super) port: u16,
    /// Who is connected to: the same, but for pins.
    pub(super) connect_host: Host,
    pub(super) connect_port: u16,
    /// The socket in the file system it is connected to instead.
    pub(super) unix: Option<Box<Path>>,
    /// TLS comes first.
    pub(super) tls: bool,
}

type First = (Destination, Option<Request>, Option<HttpFallback>);

/// Where a job goes first, or why it goes nowhere.
pub(super) fn of_job(job: &Job, module: &Module) -> Result<First, Box<str>> {
    match (&module.kind, &job.target) {
        (_, Target::Invalid { reason, .. }) => Err(reason.clone()),
        (ModuleKind::Http { settings, .. }, Target::Url(target)) => {
            let request = Request::new(settings, &target.url);
            Ok((
                Destination::of_url(request.url(), module)?,
                Some(request),
                target.fallback,
            ))
        }
        (ModuleKind::Http { settings, .. }, Target::Unix { path, .. }) => {
            let url = Url::parse("http://localhost/").expect("a URL that is known");
            let request = Request::new(settings, &url);
            let mut destination = Destination::of_url(request.url(), module)?;
            destination.unix = Some(path.clone());
            Ok((destination, Some(request), None))
        }
        (ModuleKind::Tcp { tls_from_start, .. }, Target::Endpoint { host, port, .. }) => Ok((
            Destination::new(host.clone(), *port, *tls_from_start, module),
            None,
            None,
        )),
        (ModuleKind::Tcp { tls_from_start, .. }, Target::Unix { path, .. }) => {
            let localhost = Host::Name("localhost".into());
            let mut destination = Destination::new(localhost, 0, *tls_from_start, module);
            destination.unix = Some(path.clone());
            Ok((destination, None, None))
        }
        (ModuleKind::Udp { .. }, Target::Endpoint { host, port, .. }) => Ok((
            Destination::new(host.clone(), *port, false, module),
            None,
            None,
        )),
        _ => Err("this kind of probe has no use for this kind of target".into()),
    }
}

impl Destination {
    /// The server of a URL.
    pub(super) fn of_url(url: &Url, module: &Module) -> Result<Self, Box<str>> {
        let host = Host::of_url(url).ok_or("the URL names no host")?;
        let port = url
            .port_or_known_default()
            .ok_or("the URL names no port, and its scheme has none")?;
        Ok(Self::new(host, port, url.scheme() == "https", module))
    }

    fn new(host: Host, port: u16, tls: bool, module: &Module) -> Self {
        let pin = module.reach.pins.iter().find(|pin| pin.suits(&host, port));
        let connect_host = pin.and_then(|pin| pin.to_host.clone());
        let connect_port = pin.and_then(|pin| pin.to_port);
        Self {
            connect_host: connect_host.unwrap_or_else(|| host.clone()),
            connect_port: connect_port.unwrap_or(port),
            unix: module.reach.unix_socket.clone(),
            host,
            port,
            tls,
        }
    }

    /// Whether the connection to this can serve the other as well.
    pub(super) fn is_same_server(&self, other: &Self) -> bool {
        self.host == other.host && self.port == other.port && self.tls == other.tls
    }

    /// The addresses of this machine, where the name stands for it (RFC 6761 §6.3): no lookup
    /// is made for it.
    pub(super) fn loopback(&self) -> Option<[std::net::IpAddr; 2]> {
        let Host::Name(name) = &self.connect_host else {
            return None;
        };
        let name = name.strip_suffix('.').unwrap_or(name);
        (name == "localhost" || name.ends_with(".localhost"))
            .then_some([Ipv6Addr::LOCALHOST.into(), Ipv4Addr::LOCALHOST.into()])
    }
}

impl Pin {
    fn suits(&self, host: &Host, port: u16) -> bool {
        let suits = match &self.whose {
            PinHost::Any => true,
            PinHost::Elsewhere => !matches!(host, Host::Address(address) if address.is_loopback()),
            PinHost::Under(parent) => match host {
                Host::Name(name) => name
                    .strip_suffix(&**parent)
                    .is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
                Host::Address(_) => false,
            },
            PinHost::Is(wanted) => wanted == host,
        };
        suits && self.port.is_none_or(|wanted| wanted == port)
    }
}
