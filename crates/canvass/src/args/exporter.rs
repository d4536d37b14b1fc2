//! The flags of probes on request.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::heading;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProbeTargetsArg {
    Any,
    Listed,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct ExporterArgs {
    /// Answer /probe by the modules in FILE
    ///
    /// On the address of --listen, as blackbox_exporter 0.28 does by its file, with the probers http,
    /// tcp and dns. The file is read again when it changes. Without endpoints, and without -i, nothing
    /// else is probed, and standard input is not read.
    #[arg(long, value_name = "FILE", conflicts_with = "once", help_heading = heading::OUTPUT)]
    pub modules: Option<PathBuf>,
    /// Let /probe take targets that are: any, listed
    ///
    /// With `listed`, a target of /probe must be the URL, the port or the DNS server of an endpoint of
    /// the sweep. The default is `any` if --listen has a loopback address, and else `listed`.
    #[arg(long, value_name = "WHICH", hide_possible_values = true, requires = "modules",
          help_heading = heading::OUTPUT)]
    pub probe_targets: Option<ProbeTargetsArg>,
}
