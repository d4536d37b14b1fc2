//! The flags of the way to a server.

use canvass_proto::tunnel::ProxyProtocol;
use clap::Args;

use super::heading;

/// The proxies that lead to servers, and what servers are told about the way.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::ADVANCED)]
pub(crate) struct ProxyArgs {
    /// Connect through this proxy
    ///
    /// http://, socks5:// (names are looked up here) or socks5h:// (the proxy looks them up), with
    /// `[USER:PASSWORD@]HOST[:PORT]` after it. The defaults are http and port 1080, as in curl. An http
    /// proxy gets CONNECT, except for URLs of http, which it is asked for itself. Not for unix:PATH.
    #[arg(short = 'x', long, value_name = "URL",
          conflicts_with_all = ["proxy_from_environment", "all_addresses"])]
    pub proxy: Option<String>,
    /// Use the proxies that the environment names
    ///
    /// http_proxy, https_proxy, all_proxy and no_proxy, as in curl: the last three may be in upper
    /// case. Without this flag they have no effect.
    #[arg(long, conflicts_with = "all_addresses")]
    pub proxy_from_environment: bool,
    /// Send a PROXY header on each connection
    ///
    /// The header of HAProxy's PROXY protocol, v1 (text) or v2 (binary), names both ends of the
    /// connection. It is sent first, before TLS. Through a proxy, it says that they are unknown.
    #[arg(long, value_name = "v1|v2", value_parser = proxy_protocol)]
    pub proxy_protocol: Option<ProxyProtocol>,
}

fn proxy_protocol(text: &str) -> Result<ProxyProtocol, &'static str> {
    text.parse()
}
