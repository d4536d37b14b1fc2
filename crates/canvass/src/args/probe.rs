//! The flags of `canvass probe`.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::heading;
use crate::units;

#[derive(Debug, Args)]
pub(crate) struct ProbeArgs {
    /// The target, as the prober of the module reads it
    ///
    /// A URL for http (http:// is the default), HOST:PORT for tcp, and a DNS server with an optional
    /// port for dns. Names are looked up with the system's resolver.
    #[arg(value_name = "TARGET", display_order = 0, help_heading = heading::TARGETS)]
    pub target: String,
    /// Read blackbox_exporter's modules from FILE
    ///
    /// The file is read as by blackbox_exporter 0.28, with the probers http, tcp and dns. A module that
    /// needs more is an error when it is used. docs/SWEEP.md lists what differs.
    #[arg(long, value_name = "FILE", required = true, help_heading = heading::QUESTION)]
    pub modules: PathBuf,
    /// Probe with the module NAME
    #[arg(long, value_name = "NAME", default_value = canvass_blackbox::DEFAULT_MODULE, help_heading = heading::QUESTION)]
    pub module: String,
    /// Send NAME as the host, instead of the target's
    ///
    /// In the header Host, and in TLS. As the parameter `hostname` of blackbox_exporter.
    #[arg(long, value_name = "NAME", help_heading = heading::QUESTION)]
    pub hostname: Option<String>,
    /// Show what happened and the module besides the metrics
    ///
    /// In the three sections of blackbox_exporter's `debug=true`. Secrets of the module are not shown.
    #[arg(long, help_heading = heading::OUTPUT)]
    pub debug: bool,
    /// Stop half a second before the scraper's limit D
    ///
    /// As with the header X-Prometheus-Scrape-Timeout-Seconds. The timeout of the module still holds.
    #[arg(long, value_name = "D", value_parser = units::duration, help_heading = heading::LIMITS)]
    pub scrape_timeout: Option<Duration>,
}
