//! The flags of the listener.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::heading;

#[derive(Clone, Debug, Args)]
pub(crate) struct ListenArgs {
    /// Serve metrics and a page on this address
    ///
    /// /metrics and /metrics/targets are for Prometheus, / is for a person, who can probe a target and
    /// silence it. Port 0 is a free port. Everyone who can reach the address is let in, so use one of
    /// loopback, or --web-config for passwords and TLS.
    #[arg(long, value_name = "ADDR:PORT", conflicts_with = "once", help_heading = heading::OUTPUT)]
    pub listen: Option<SocketAddr>,
    /// Ask for passwords and speak TLS as in FILE
    ///
    /// The web configuration of Prometheus' exporters (--web.config.file): certificates, users with
    /// hashes of bcrypt, headers, a limit on requests. It is read again when it changes, as are the
    /// certificates in it; while something in it is wrong, it stays as it was.
    #[arg(long, value_name = "FILE", requires = "listen", help_heading = heading::OUTPUT)]
    pub web_config: Option<PathBuf>,
    /// Serve requests for this host name too
    ///
    /// A request must be for an address, for localhost or for one of these names, so that a web page
    /// elsewhere cannot read the listener under a name of its own. Repeat the flag for several.
    #[arg(long, value_name = "NAME", requires = "listen", help_heading = heading::OUTPUT)]
    pub listen_host: Vec<String>,
}
