//! The flags of the listener.

use std::net::SocketAddr;

use clap::Args;

use super::heading;

#[derive(Clone, Debug, Args)]
pub(crate) struct ListenArgs {
    /// Serve metrics and a page on this address
    ///
    /// /metrics and /metrics/targets are for Prometheus, / is for a person. Port 0 is a free port. There
    /// is neither a password nor TLS, so use a loopback address, or put a proxy in front of it.
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "once", help_heading = heading::OUTPUT)]
    pub listen: Option<SocketAddr>,
    /// Serve requests for this host name too
    ///
    /// A request must be for an address, for localhost or for one of these names, so that a web page
    /// elsewhere cannot read the listener under a name of its own. Repeat the flag for several.
    #[arg(long, value_name = "NAME", requires = "listen", help_heading = heading::OUTPUT)]
    pub listen_host: Vec<String>,
}
