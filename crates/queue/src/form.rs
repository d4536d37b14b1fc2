//! What hosts become targets as: endpoints or pages, one for each port.

use canvass_model::{Host, HttpFallback, Target, Url, UrlTarget};

use crate::Ports;

/// The port of http.
const HTTP_PORT: u16 = 80;
/// The port of https.
const HTTPS_PORT: u16 = 443;

/// What a host becomes a target as, once or several times.
#[derive(Clone, Debug)]
pub(crate) enum Form {
    /// An endpoint for each of the ports.
    Endpoint(Ports),
    /// A page for each of the ports, or the one at the usual ports.
    Page(Box<Page>, Option<Ports>),
}

impl Form {
    /// How many targets each host becomes, at least 1.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Endpoint(ports) | Self::Page(_, Some(ports)) => ports.as_slice().len(),
            Self::Page(_, None) => 1,
        }
    }

    /// The target at place `column` of those that `host` becomes, which must be below the width.
    pub(crate) fn target(&self, host: &Host, column: usize) -> Target {
        match self {
            Self::Endpoint(ports) => Target::Endpoint {
                host: host.clone(),
                port: ports.as_slice()[column],
                given: None,
            },
            Self::Page(page, ports) => {
                let port = ports.as_ref().map(|ports| ports.as_slice()[column]);
                let (url, fallback) = page.at(host, port);
                let given = page.given(host, port);
                Target::Url(Box::new(UrlTarget {
                    url,
                    fallback,
                    given,
                }))
            }
        }
    }
}

/// A page of a host for which no scheme was written: what follows the host.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// With https and a host.
    url: Url,
    /// As it was written.
    path: Box<str>,
}

impl Page {
    /// The page at `path` (with `?` and `#` and what follows them) of `host`.
    pub(crate) fn new(host: &Host, path: &str) -> Result<Self, String> {
        match Url::parse(&format!("https://{host}{path}")) {
            Ok(url) => Ok(Self {
                url,
                path: path.into(),
            }),
            Err(error) => Err(format!("not a URL: {error}")),
        }
    }

    /// The page at `port` of `host`, or at the usual ports: https first, then http. A port that
    /// is one's own is not tried with the other.
    pub(crate) fn at(&self, host: &Host, port: Option<u16>) -> (Url, Option<HttpFallback>) {
        let mut url = self.url.clone();
        if let Host::Address(address) = host {
            url.set_ip_host(*address).expect(HAS_HOST);
        }
        let fallback = match port {
            None => Some(HTTP_PORT),
            Some(HTTP_PORT) => {
                url.set_scheme("http").expect(HAS_HOST);
                None
            }
            Some(HTTPS_PORT) => None,
            Some(port) => {
                url.set_port(Some(port)).expect(HAS_HOST);
                Some(port)
            }
        };
        (url, fallback.map(|port| HttpFallback { port }))
    }

    /// What the target is shown as, where its URL alone does not say it: that drops the port of
    /// its scheme, and the path is not shown of it.
    fn given(&self, host: &Host, port: Option<u16>) -> Option<Box<str>> {
        match port {
            Some(port) if !self.path.is_empty() || matches!(port, HTTP_PORT | HTTPS_PORT) => {
                Some(format!("{host}:{port}{}", self.path).into())
            }
            None if !self.path.is_empty() => Some(format!("{host}{}", self.path).into()),
            _ => None,
        }
    }
}

/// Why a URL of https takes any scheme of the web, port and address.
const HAS_HOST: &str = "a URL of https has a host";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;

    fn pages(host: &str, path: &str, ports: Option<&str>) -> Vec<String> {
        let ports = ports.map(|ports| Ports::parse(ports, Protocol::Tcp).unwrap());
        let host = Host::parse(host).unwrap();
        // The page of a block is made with another address than it is asked with.
        let made_with = match &host {
            Host::Address(_) => Host::parse("0.0.0.0").unwrap(),
            name => name.clone(),
        };
        let form = Form::Page(Box::new(Page::new(&made_with, path).unwrap()), ports);
        (0..form.width())
            .map(|column| match form.target(&host, column) {
                Target::Url(target) => format!(
                    "{} {:?} {}",
                    target.url,
                    target.fallback.map(|fallback| fallback.port),
                    target.given.as_deref().unwrap_or("-"),
                ),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn a_port_says_what_is_tried_on_it() {
        assert_eq!(
            pages("example.net", "", Some("80,443,8080")),
            [
                "http://example.net/ None example.net:80",
                "https://example.net/ None example.net:443",
                "https://example.net:8080/ Some(8080) -",
            ]
        );
        assert_eq!(
            pages("example.net", "", None),
            ["https://example.net/ Some(80) -"]
        );
    }

    #[test]
    fn addresses_take_the_place_of_the_host() {
        assert_eq!(
            pages("2001:db8::1", "/a?b#c", Some("80,8443")),
            [
                "http://[2001:db8::1]/a?b#c None [2001:db8::1]:80/a?b#c",
                "https://[2001:db8::1]:8443/a?b#c Some(8443) [2001:db8::1]:8443/a?b#c",
            ]
        );
        assert_eq!(
            pages("192.0.2.1", "?q", None),
            ["https://192.0.2.1/?q Some(80) 192.0.2.1?q"]
        );
    }
}
