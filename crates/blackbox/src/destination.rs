//! What a target names.

use canvass_model::{Host, Url};

use crate::file::Modules;
use crate::{dns, http, tcp};

/// What a probe connects to first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// The URL of `prober: http`.
    Url(Url),
    /// The host and port of `prober: tcp`.
    Port(Host, u16),
    /// The name server of `prober: dns`.
    NameServer(Host, u16),
}

impl Modules {
    /// What a target of a module names. `None` if there is no such module, if it cannot be used, or if
    /// the target is not one of it.
    pub fn destination(&self, module: &str, target: &str) -> Option<Destination> {
        match self.module(module)?.prober.as_str() {
            "http" => http::target_url(target).ok().map(Destination::Url),
            "tcp" => tcp::split(target).map(|(host, port)| Destination::Port(host, port)),
            "dns" => dns::split(target).map(|(host, port)| Destination::NameServer(host, port)),
            _ => None,
        }
    }
}
