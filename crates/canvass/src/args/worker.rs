//! The flags of `canvass worker`.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use ipnet::IpNet;

use super::{RedisArgs, heading};
use crate::remote::{CampaignName, WorkerLabel};
use crate::units;

/// How results travel to the submitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ResultsArg {
    /// As they are
    Plain,
    /// Compressed
    Zstd,
}

#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// Probe only these addresses (may repeat)
    ///
    /// An address or a CIDR. It holds for every address that is connected to or sent to, also after a
    /// lookup or a redirect, and for resolvers. A target elsewhere fails, as does one that is a socket of
    /// this machine. Without this flag there is no limit.
    #[arg(long, value_name = "CIDR", value_parser = network, help_heading = heading::TARGETS)]
    pub allow: Vec<IpNet>,
    /// Take part in this campaign only
    #[arg(long, value_name = "NAME", help_heading = heading::TARGETS)]
    pub campaign: Option<CampaignName>,

    /// Read user and password from FILE, a line each
    ///
    /// Campaigns bring no credentials. Where one says that they are used (--basic, --credentials, a
    /// script that logs in), these are sent, or those of the environment's CANVASS_USER and
    /// CANVASS_PASSWORD. A campaign decides to which hosts: use --allow.
    #[arg(long, value_name = "FILE", help_heading = heading::QUESTION)]
    pub credentials: Option<PathBuf>,
    /// Present this client certificate (PEM)
    ///
    /// Where a campaign says that there is one (--cert). The chain may follow it in the same file.
    /// Requires --key.
    #[arg(long, value_name = "FILE", requires = "key", help_heading = heading::QUESTION)]
    pub cert: Option<PathBuf>,
    /// Use this private key for --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert", help_heading = heading::QUESTION)]
    pub key: Option<PathBuf>,

    /// Keep the lines of campaigns in DIR
    ///
    /// A campaign with --keep-parts leaves its lines here, in a directory that it names below DIR.
    /// Without this flag the worker takes no part in such a campaign.
    #[arg(long, value_name = "DIR", help_heading = heading::OUTPUT)]
    pub keep_parts: Option<PathBuf>,
    /// Print nothing but errors on standard error
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub quiet: bool,
    /// Print the plan of each campaign
    #[arg(short, long, conflicts_with = "quiet", help_heading = heading::OUTPUT)]
    pub verbose: bool,

    /// Ask this resolver instead (may repeat)
    ///
    /// In place of those of the campaign. ADDR, ADDR:PORT, `[ADDR]:PORT` or ADDR#PORT, or a file with one
    /// per line. A line that names its
    /// own resolver keeps it.
    #[arg(short, long, value_name = "ADDR[:PORT]|FILE", help_heading = heading::RESOLVERS)]
    pub resolver: Vec<String>,

    /// Send at most N queries or requests/s
    ///
    /// This and the caps below hold for this worker, beside its share of those of the campaign.
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = heading::LIMITS)]
    pub rate: Option<f64>,
    /// Send each resolver at most N queries/s
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = heading::LIMITS)]
    pub rate_per_resolver: Option<f64>,
    /// Send each host at most N requests/s
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = heading::LIMITS)]
    pub rate_per_host: Option<f64>,
    /// Keep at most N targets in flight
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = heading::LIMITS)]
    pub concurrency: Option<u32>,

    /// Run N event loops
    ///
    /// The default is one fewer than the number of processors, and at least 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = heading::ADVANCED)]
    pub threads: Option<u16>,

    #[command(flatten)]
    pub redis: RedisArgs,
    /// Set the name of this worker
    ///
    /// It is shown in lists, with the process and a random number behind it. The default is the name of
    /// the machine.
    #[arg(long, value_name = "NAME", help_heading = heading::WORKERS)]
    pub name: Option<WorkerLabel>,
    /// Exit when there was nothing to do for D
    ///
    /// With status 0. Without this flag a worker waits for the next campaign.
    #[arg(long, value_name = "D", value_parser = units::duration, help_heading = heading::WORKERS)]
    pub exit_when_idle: Option<Duration>,
    /// Send lines to Redis in this form
    ///
    /// zstd compresses them, to a tenth or less. plain takes less time of this worker, and more of Redis: for
    /// lines that hardly compress. Lines of --keep-parts stay here, compressed.
    #[arg(long, value_name = "plain|zstd", value_enum, default_value = "zstd", hide_possible_values = true,
          help_heading = heading::WORKERS)]
    pub results: ResultsArg,
}

/// Parses a CIDR, or an address.
fn network(text: &str) -> Result<IpNet, &'static str> {
    let address = || text.parse::<IpAddr>().map(IpNet::from);
    let network = text.parse::<IpNet>().or_else(|_| address());
    let network = network.map_err(|_| "expected a CIDR or an address, such as 192.0.2.0/24")?;
    match network.addr() == network.network() {
        true => Ok(network),
        false => Err("the host bits of a CIDR must be zero"),
    }
}
