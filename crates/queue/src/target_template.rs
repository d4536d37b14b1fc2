//! Turns hosts into targets: endpoints or URLs, one per port.

use canvass_model::{Host, HttpFallback, Target, Url, UrlTarget};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use crate::Ports;

/// The port of http.
const HTTP_PORT: u16 = 80;
/// The port of https.
const HTTPS_PORT: u16 = 443;

/// How a host becomes one or several targets.
#[derive(Clone, Debug)]
pub(crate) enum TargetTemplate {
    /// An endpoint per port.
    Endpoint(Ports),
    /// A URL per port, or one with the default ports.
    Page(Box<Page>, Option<Ports>),
}

impl TargetTemplate {
    /// The number of targets per host, at least 1.
    pub(crate) fn width(&self) -> usize {
        match self {
            Self::Endpoint(ports) | Self::Page(_, Some(ports)) => ports.as_slice().len(),
            Self::Page(_, None) => 1,
        }
    }

    /// The same with these columns only, which must be in ascending order. `None` if there are none.
    pub(crate) fn columns(&self, columns: &[usize]) -> Option<Self> {
        if columns.len() == self.width() {
            return Some(self.clone());
        }
        let select =
            |ports: &Ports| ports.select(columns.iter().map(|column| ports.as_slice()[*column]));
        Some(match self {
            Self::Endpoint(ports) => Self::Endpoint(select(ports)?),
            Self::Page(page, Some(ports)) => Self::Page(page.clone(), Some(select(ports)?)),
            Self::Page(_, None) => return None,
        })
    }

    /// Target `column` of `host`, which must be less than the width.
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
                    raw_path: page.raw_path.clone(),
                    scoped: host.scoped().cloned().map(Box::new),
                    fallback,
                    given,
                }))
            }
        }
    }
}

/// A URL without scheme and host.
#[derive(Clone, Debug)]
pub(crate) struct Page {
    /// With the scheme https and some host.
    url: Url,
    /// The path as given, with query and fragment.
    path: Box<str>,
    /// The path to send, if it is not that of the URL.
    pub(crate) raw_path: Option<Box<str>>,
}

impl Page {
    /// A URL with `path`, including query and fragment. `host` must be a host to use it with, or
    /// any address for use with addresses. With `path_as_is`, dot segments of the path are kept.
    pub(crate) fn new(host: &Host, path: &str, path_as_is: bool) -> Result<Self, String> {
        match Url::parse(&format!("https://{}{path}", host.without_scope())) {
            Ok(url) => Ok(Self {
                raw_path: path_as_is.then(|| raw_path(path, &url)).flatten(),
                url,
                path: path.into(),
            }),
            Err(error) => Err(format!("not a URL: {error}")),
        }
    }

    /// The URL for a port of `host` or for the default ports, with https first and http as a
    /// fallback. Ports 80 and 443 are only tried with their own scheme.
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

    /// The text of the target, if it cannot be derived from the URL, which lacks the default port
    /// and whose path is not displayed.
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

/// What the path of a URL is percent-encoded for (the path percent-encode set of the URL standard).
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// The path at the start of `text`, which follows the authority of `url`, with its dot segments.
/// `None` if it is that of the URL.
pub(crate) fn raw_path(text: &str, url: &Url) -> Option<Box<str>> {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    let path = utf8_percent_encode(&text[..end], PATH).to_string();
    (path.starts_with('/') && path != url.path()).then(|| path.into())
}

/// Why setting scheme, port and address cannot fail.
const HAS_HOST: &str = "a URL of https has a host";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Protocol;

    fn urls(host: &str, path: &str, ports: Option<&str>) -> Vec<String> {
        let ports = ports.map(|ports| Ports::parse(ports, Protocol::Tcp).unwrap());
        let host = Host::parse(host).unwrap();
        // The URL for addresses is made with any address.
        let made_with = match &host {
            Host::Address(_) => Host::parse("0.0.0.0").unwrap(),
            name => name.clone(),
        };
        let template =
            TargetTemplate::Page(Box::new(Page::new(&made_with, path, false).unwrap()), ports);
        (0..template.width())
            .map(|column| match template.target(&host, column) {
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
    fn the_port_determines_the_schemes() {
        assert_eq!(
            urls("example.net", "", Some("80,443,8080")),
            [
                "http://example.net/ None example.net:80",
                "https://example.net/ None example.net:443",
                "https://example.net:8080/ Some(8080) -",
            ]
        );
        assert_eq!(
            urls("example.net", "", None),
            ["https://example.net/ Some(80) -"]
        );
    }

    #[test]
    fn dot_segments_are_kept() {
        for (path, raw) in [
            ("/a/../b", Some("/a/../b")),
            ("/./a?b/../c#d", Some("/./a")),
            ("/%2e%2E/a", Some("/%2e%2E/a")),
            ("/..\\a", Some("/..\\a")),
            ("/\u{e9}/..", Some("/%C3%A9/..")),
            ("/a/b", None),
            ("/\u{e9}", None),
            ("", None),
            ("?../a", None),
        ] {
            let url = Url::parse(&format!("http://example.net{path}")).unwrap();
            assert_eq!(raw_path(path, &url).as_deref(), raw, "{path}");
        }
    }

    #[test]
    fn addresses_take_the_place_of_the_host() {
        assert_eq!(
            urls("2001:db8::1", "/a?b#c", Some("80,8443")),
            [
                "http://[2001:db8::1]/a?b#c None [2001:db8::1]:80/a?b#c",
                "https://[2001:db8::1]:8443/a?b#c Some(8443) [2001:db8::1]:8443/a?b#c",
            ]
        );
        assert_eq!(
            urls("192.0.2.1", "?q", None),
            ["https://192.0.2.1/?q Some(80) 192.0.2.1?q"]
        );
    }
}
