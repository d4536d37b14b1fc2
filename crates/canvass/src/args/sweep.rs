//! The flags of `canvass sweep`.

use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::{
    AlertArgs, EndpointArgs, ExporterArgs, FilterArgs, ListenArgs, RotateArgs, SweepCommand,
    heading,
};
use crate::units;

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// Endpoints as in canvass check, or CONFIG.toml
    ///
    /// The whole list is read before anything is sent, and a bad or repeated endpoint in it is an
    /// error. Without any, and without -i and --modules, endpoints are read from standard input. A name
    /// that ends in .toml is that of a configuration: modules, groups of targets and maintenance windows, for
    /// which the flags are the defaults (docs/SWEEP.md). A configuration and a list of -i are read
    /// again when they change and at SIGHUP, which does not end the sweep then.
    #[arg(value_name = "ENDPOINT|CONFIG", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,
    /// Probe each endpoint every D
    ///
    /// At fixed points in time, spread over D by the text of the endpoint: a restart or another list
    /// moves no endpoint. A probe that is still running when the next one is due is not joined by it.
    /// D is at least 1ms.
    #[arg(long, value_name = "D", default_value = "30s", value_parser = units::interval, help_heading = heading::QUESTION)]
    pub interval: Duration,
    /// Delay each round by up to D
    ///
    /// A round is then due up to D after its fixed point, drawn for each anew. Without it, endpoints are spread over the
    /// interval, but each is probed at the same distance. D is at most the interval. What is drawn is
    /// the same after a restart, and no round moves another.
    #[arg(long, value_name = "D", default_value = "0s", value_parser = units::duration, help_heading = heading::QUESTION)]
    pub jitter: Duration,
    /// Probe each endpoint once, and exit
    ///
    /// As canvass check does, after the same checks of the list.
    #[arg(long, help_heading = heading::QUESTION)]
    pub once: bool,
    /// Verify the list or CONFIG, and exit
    ///
    /// With --modules, that file too. Nothing is sent. The exit status is 2 if something is wrong.
    #[arg(long, conflicts_with = "once", help_heading = heading::QUESTION)]
    pub check: bool,
    /// Call it down after N bad rounds
    ///
    /// And a second opinion that is bad too: a probe apart from the others, which is tried up to three
    /// times. It is asked for one round before the last. What a resolver or this machine failed to do
    /// does not count.
    #[arg(long, value_name = "N", default_value = "3", help_heading = heading::QUESTION)]
    pub down_after: NonZeroU32,
    /// Call it up again after N good rounds
    #[arg(long, value_name = "N", default_value = "2", help_heading = heading::QUESTION)]
    pub up_after: NonZeroU32,
    // Its groups of flags come first in the help.
    #[command(flatten)]
    pub probing: EndpointArgs,
    /// Keep the states in FILE over a restart
    ///
    /// The file is replaced whole when a state has changed, before the change is reported.
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub state: Option<PathBuf>,
    #[command(flatten)]
    pub listen: ListenArgs,
    #[command(flatten)]
    pub exporter: ExporterArgs,
    #[command(flatten)]
    pub rotate: RotateArgs,
    #[command(flatten)]
    pub filter: FilterArgs,
    #[command(flatten)]
    pub alerts: AlertArgs,
    #[command(subcommand)]
    pub command: Option<SweepCommand>,
}
