//! Which connections go through which proxy.

use std::sync::Arc;

use canvass_model::Host;
use ipnet::IpNet;

use super::Proxy;

/// The proxies of a run.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// The proxy for http.
    pub http: Option<Arc<Proxy>>,
    /// The proxy for https.
    pub https: Option<Arc<Proxy>>,
    /// The proxy for streams that are not HTTP.
    pub stream: Option<Arc<Proxy>>,
    /// The hosts that are connected to directly.
    pub bypass: Bypass,
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// http.
    Http,
    /// https.
    Https,
    /// Another stream.
    Stream,
    /// Datagrams, which no proxy carries.
    Datagrams,
}

/// Hosts that are connected to without a proxy, as curl reads `no_proxy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bypass {
    every_host: bool,
    /// In lower case, without dots at the ends.
    domains: Vec<Box<str>>,
    networks: Vec<IpNet>,
}

/// An entry of a list of hosts without a proxy that is neither a host nor a network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither a domain nor an address nor a CIDR")]
pub struct BypassError(Box<str>);

impl Proxies {
    /// One proxy for everything.
    pub fn all(proxy: Proxy) -> Self {
        let proxy = Some(Arc::new(proxy));
        Self {
            http: proxy.clone(),
            https: proxy.clone(),
            stream: proxy,
            bypass: Bypass::default(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.http.is_none() && self.https.is_none() && self.stream.is_none()
    }

    /// The proxy for a host, if it is not connected to directly.
    pub(crate) fn select(&self, traffic: Traffic, host: &Host) -> Option<&Arc<Proxy>> {
        let proxy = match traffic {
            Traffic::Http => &self.http,
            Traffic::Https => &self.https,
            Traffic::Stream => &self.stream,
            Traffic::Datagrams => return None,
        };
        proxy.as_ref().filter(|_| !self.bypass.holds(host))
    }
}

impl Bypass {
    /// Parses a list of domains, addresses and CIDRs, with commas or blanks between them. A domain
    /// includes all names under it; `*` is every host.
    ///
    /// # Errors
    /// An entry that is none of these.
    pub fn parse(text: &str) -> Result<Self, BypassError> {
        let mut bypass = Self::default();
        let entries = text.split(|char: char| char == ',' || char.is_whitespace());
        for entry in entries.filter(|entry| !entry.is_empty()) {
            if entry == "*" {
                bypass.every_host = true;
            } else if let Ok(network) = entry.parse::<IpNet>() {
                bypass.networks.push(network);
            } else {
                let host = Host::parse(entry.trim_matches('.'));
                match host.ok_or_else(|| BypassError(entry.into()))? {
                    Host::Name(name) => bypass.domains.push(name),
                    host => bypass.networks.extend(host.address().map(IpNet::from)),
                }
            }
        }
        Ok(bypass)
    }

    fn holds(&self, host: &Host) -> bool {
        self.every_host
            || match host {
                Host::Name(name) => {
                    let name = name.strip_suffix('.').unwrap_or(name);
                    self.domains.iter().any(|domain| {
                        name.strip_suffix(&**domain)
                            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
                    })
                }
                host => host.address().is_some_and(|address| {
                    let mut networks = self.networks.iter();
                    networks.any(|network| network.contains(&address))
                }),
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bypass_is_read_as_by_curl() {
        for (list, host, holds) in [
            ("", "a.test", false),
            ("*", "a.test", true),
            ("a.test", "a.test", true),
            ("a.test", "A.test.", true),
            ("a.test", "b.a.test", true),
            ("a.test", "ba.test", false),
            (".a.test", "a.test", true),
            ("x.test a.test,y.test", "a.test", true),
            ("a.test.", "b.a.test", true),
            ("192.0.2.0/24", "192.0.2.7", true),
            ("192.0.2.0/24", "192.0.3.7", false),
            ("192.0.2.7", "192.0.2.7", true),
            ("192.0.2.7", "192.0.2.70", false),
            ("2001:db8::/32", "2001:db8::1", true),
            ("[2001:db8::1]", "2001:db8::1", true),
        ] {
            let bypass = Bypass::parse(list).unwrap();
            let host = Host::parse(host).unwrap();
            assert_eq!(bypass.holds(&host), holds, "{list:?} {host}");
        }
        assert_eq!(Bypass::parse("a.test,b/c"), Err(BypassError("b/c".into())));
    }

    #[test]
    fn each_kind_of_traffic_has_its_proxy() {
        let proxy = |text: &str| Some(Arc::new(Proxy::parse(text).unwrap()));
        let proxies = Proxies {
            http: proxy("one.test"),
            https: proxy("two.test"),
            stream: None,
            bypass: Bypass::parse("near.test").unwrap(),
        };
        let of = |traffic, host: &str| {
            let proxy = proxies.select(traffic, &Host::parse(host).unwrap());
            proxy.map(|proxy| proxy.host().to_string())
        };
        assert_eq!(of(Traffic::Http, "a.test").as_deref(), Some("one.test"));
        assert_eq!(of(Traffic::Https, "a.test").as_deref(), Some("two.test"));
        assert_eq!(of(Traffic::Stream, "a.test"), None);
        assert_eq!(of(Traffic::Http, "near.test"), None);
    }
}
