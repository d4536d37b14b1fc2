//! One proxy.

use std::fmt;
use std::sync::Arc;

use canvass_model::{Host, Url};
use percent_encoding::percent_decode_str;

use crate::http::{Authorization, HttpSettings};

/// The port of a proxy whose URL has none, as in curl.
const PORT: u16 = 1080;
/// The longest user and the longest password, in octets (RFC 1929 §2).
const SOCKS_TEXT_MAX: usize = 255;

/// A proxy, by its URL.
pub struct Proxy {
    scheme: ProxyScheme,
    host: Host,
    port: u16,
    credentials: Option<ProxyCredentials>,
    authorization: Option<Authorization>,
    /// What the responses to `CONNECT` are read with.
    connect_settings: Arc<HttpSettings>,
    url: Url,
}

/// How a proxy is asked for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyScheme {
    /// `http://`: by `CONNECT`, or by requests in absolute form (RFC 9112 §3.2.2, §3.2.3).
    Http,
    /// `socks5://`: by SOCKS 5, with names that are looked up here.
    Socks5,
    /// `socks5h://`: by SOCKS 5, with names that the proxy looks up.
    Socks5h,
}

/// A user and a password for a proxy.
#[derive(Clone)]
pub(super) struct ProxyCredentials {
    pub(super) user: Box<[u8]>,
    pub(super) password: Box<[u8]>,
}

/// Why a text is not a proxy. Userinfo is not shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// It is not a URL.
    #[error("{0:?} is not the URL of a proxy: {1}")]
    Url(Box<str>, Box<str>),
    /// Its scheme is another one.
    #[error("proxies of scheme {0}:// are not supported, only http://, socks5:// and socks5h://")]
    Scheme(Box<str>),
    /// The proxy itself would need TLS.
    #[error(
        "a proxy that needs TLS itself (https://) is not supported, only http://, socks5:// and socks5h://"
    )]
    Tls,
    /// The user or the password is too long for SOCKS.
    #[error("the user or the password for {0:?} is empty or has more than 255 octets")]
    Credentials(Box<str>),
}

impl Proxy {
    /// Parses `[SCHEME://][USER:PASSWORD@]HOST[:PORT]`. The default scheme is `http`, the default
    /// port 1080, as in curl. A path is ignored.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("http", text));
        let shown: Box<str> = match rest.rsplit_once('@') {
            Some((_, host)) => format!("{scheme}://{host}").into(),
            None => text.into(),
        };
        let scheme = match &*scheme.to_ascii_lowercase() {
            "http" => ProxyScheme::Http,
            "socks5" => ProxyScheme::Socks5,
            "socks5h" => ProxyScheme::Socks5h,
            "https" => return Err(ProxyError::Tls),
            other => return Err(ProxyError::Scheme(other.into())),
        };
        let not_url = |reason: String| ProxyError::Url(shown.clone(), reason.into());
        // In a URL of http, port 80 could not be told from none.
        let url =
            Url::parse(&format!("proxy://{rest}")).map_err(|error| not_url(error.to_string()))?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let host = host
            .and_then(Host::parse)
            .ok_or_else(|| not_url("it has no valid host".to_owned()))?;
        let port = match url.port() {
            Some(0) => return Err(not_url("its port is 0".to_owned())),
            port => port.unwrap_or(PORT),
        };
        let credentials = ProxyCredentials::of_url(&url);
        if scheme != ProxyScheme::Http
            && let Some(credentials) = &credentials
            && !credentials.fits_socks()
        {
            return Err(ProxyError::Credentials(shown));
        }
        let url = format!("http://{host}:{port}/");
        Ok(Self {
            url: Url::parse(&url).map_err(|error| not_url(error.to_string()))?,
            scheme,
            host,
            port,
            authorization: credentials
                .as_ref()
                .map(|one| Authorization::basic(&one.user, &one.password)),
            credentials,
            connect_settings: Arc::new(HttpSettings {
                method: "CONNECT".into(),
                ..HttpSettings::default()
            }),
        })
    }

    /// How it is asked for a connection.
    pub fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    pub(crate) fn host(&self) -> &Host {
        &self.host
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The value of `Proxy-Authorization`.
    pub(crate) fn authorization(&self) -> Option<&Authorization> {
        self.authorization.as_ref()
    }

    pub(super) fn credentials(&self) -> Option<&ProxyCredentials> {
        self.credentials.as_ref()
    }

    pub(super) fn connect_settings(&self) -> &Arc<HttpSettings> {
        &self.connect_settings
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }
}

impl fmt::Display for Proxy {
    /// As `scheme://host:port`, without userinfo.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.scheme {
            ProxyScheme::Http => "http",
            ProxyScheme::Socks5 => "socks5",
            ProxyScheme::Socks5h => "socks5h",
        };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

impl fmt::Debug for Proxy {
    /// As it is displayed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl ProxyCredentials {
    fn of_url(url: &Url) -> Option<Self> {
        let (user, password) = (url.username(), url.password());
        (!user.is_empty() || password.is_some()).then(|| Self {
            user: percent_decode_str(user).collect(),
            password: percent_decode_str(password.unwrap_or_default()).collect(),
        })
    }

    fn fits_socks(&self) -> bool {
        [&self.user, &self.password]
            .iter()
            .all(|text| (1..=SOCKS_TEXT_MAX).contains(&text.len()))
    }
}

impl fmt::Debug for ProxyCredentials {
    /// Without user and password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyCredentials(***)")
    }
}
