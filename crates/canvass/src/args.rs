//! The command line as it is typed. What it means is `plan`'s to say.

use std::path::PathBuf;
use std::time::Duration;

use canvass_lab::KEYS;
use canvass_model::RecordType;
use canvass_report::Format;
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::units;

/// Asks very many hosts a question and accounts for every answer.
#[derive(Debug, Parser)]
#[command(name = "canvass", version, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Bulk reverse DNS of addresses, CIDRs, ranges and .arpa names
    #[command(args_override_self = true)]
    Ptr(PtrArgs),
    /// The records of any type of many names
    #[command(args_override_self = true)]
    Dns(DnsArgs),
    /// Loopback DNS peers on their own, with what goes wrong by flag
    #[command(args_override_self = true)]
    Lab(LabArgs),
}

#[derive(Debug, Args)]
pub struct PtrArgs {
    /// Addresses, CIDRs, ranges (192.0.2.1-192.0.2.9) and .arpa names
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Look each name up and say whether the address comes back
    #[arg(long)]
    pub forward_confirm: bool,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Debug, Args)]
pub struct DnsArgs {
    /// Names to look up
    #[arg(value_name = "NAME")]
    pub targets: Vec<String>,
    /// Record types: a mnemonic or TYPEnnn. A line `name TYPE` in the input names its own
    #[arg(
        short = 't',
        long = "type",
        value_name = "TYPE,...",
        value_delimiter = ',',
        default_value = "A"
    )]
    pub types: Vec<RecordType>,
    #[command(flatten)]
    pub common: CommonArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TransportArg {
    Udp,
    Tcp,
    Auto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProgressArg {
    Auto,
    Always,
    Never,
}

/// Flags that mean the same everywhere.
#[derive(Debug, Args)]
pub struct CommonArgs {
    /// Read targets from FILE, one a line, `#` comments; `-` is standard input
    #[arg(short, long, value_name = "FILE", help_heading = "Targets")]
    pub input: Option<String>,
    /// Leave these addresses out: an address, a CIDR, a range, or a file of them (may repeat)
    #[arg(long, value_name = "CIDR|FILE", help_heading = "Targets")]
    pub exclude: Vec<String>,
    /// Ask in an order that SEED decides (drawn at random without one)
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true, help_heading = "Targets")]
    pub shuffle: Option<Option<u64>>,
    /// Ask only part I of N of the targets
    #[arg(long, value_name = "I/N", help_heading = "Targets")]
    pub shard: Option<canvass_queue::Shard>,
    /// Stop after N targets (counted after exclusion)
    #[arg(long, value_name = "N", help_heading = "Targets")]
    pub limit: Option<u64>,
    /// Stop at the first bad line
    #[arg(long, help_heading = "Targets")]
    pub strict: bool,

    /// Write lines to FILE instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// text, ndjson or csv: one line for each target
    #[arg(short, long, default_value = "text", help_heading = "Output")]
    pub format: Format,
    /// Write an HdrHistogram interval log (ns), a tag for each probe and phase
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub hlog: Option<PathBuf>,
    /// Write percentile tables (ns): service time to FILE, response time beside it
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub hgrm: Option<PathBuf>,
    /// Whether to show a progress line on standard error
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        value_name = "WHEN",
        help_heading = "Output"
    )]
    pub progress: ProgressArg,
    /// Say nothing on standard error but errors
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
    /// Say what will be done before doing it
    #[arg(short, long, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: bool,

    /// A resolver, or a file of them (may repeat) [default: those of /etc/resolv.conf]
    #[arg(
        short,
        long,
        value_name = "ADDR[:PORT]|FILE",
        help_heading = "Resolvers"
    )]
    pub resolver: Vec<String>,
    /// Ask the embedded lab on loopback; what goes wrong there as in `canvass lab`, for example
    /// --lab=delay=20ms,loss=10%
    #[arg(long, value_name = "KEY=VALUE,...", num_args = 0..=1, require_equals = true,
          conflicts_with = "resolver", help_heading = "Resolvers")]
    pub lab: Option<Option<canvass_lab::Impairments>>,
    /// How queries travel; auto goes from UDP to TCP when an answer is truncated
    #[arg(long, value_enum, default_value = "auto", help_heading = "Resolvers")]
    pub transport: TransportArg,

    /// The most queries a second
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = "Limits")]
    pub rate: Option<f64>,
    /// The most queries a second to one resolver
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = "Limits")]
    pub rate_per_resolver: Option<f64>,
    /// The most targets under way at once
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    pub concurrency: Option<u32>,
    /// Further attempts for each question
    #[arg(long, value_name = "N", default_value_t = 7, help_heading = "Limits")]
    pub retries: u32,
    /// The end of one target, whatever happens
    #[arg(long, value_name = "D", default_value = "10s", value_parser = units::duration, help_heading = "Limits")]
    pub deadline: Duration,
    /// The cap on the wait for one attempt, which adapts to the resolver
    #[arg(long, value_name = "D", default_value = "2s", value_parser = units::duration, help_heading = "Limits")]
    pub timeout: Duration,
    /// How much must be answered or negative for exit status 0, in percent
    #[arg(long, value_name = "PCT", default_value = "100", value_parser = units::percent, help_heading = "Limits")]
    pub fail_below: f64,
    /// Event loops [default: one less than there are processors, at least 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Limits")]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
pub struct LabArgs {
    /// Where to listen; 0.0.0.0 is every address of 127/8
    #[arg(long, value_name = "ADDR:PORT", default_value = "0.0.0.0:5300")]
    pub listen: std::net::SocketAddr,
    /// Listen on ::1 too
    #[arg(long)]
    pub ipv6: bool,
    #[command(flatten)]
    pub impairments: ImpairmentArgs,
}

/// One flag for each impairment the lab knows.
#[derive(Debug, Default)]
pub struct ImpairmentArgs {
    pub given: Vec<(&'static str, String)>,
}

impl Args for ImpairmentArgs {
    fn augment_args(command: clap::Command) -> clap::Command {
        KEYS.iter()
            .fold(command, |command, (key, value_name, help)| {
                let arg = clap::Arg::new(*key)
                    .long(*key)
                    .help(*help)
                    .help_heading("What goes wrong");
                command.arg(if value_name.is_empty() {
                    arg.action(ArgAction::SetTrue)
                } else {
                    arg.value_name(*value_name).action(ArgAction::Append)
                })
            })
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        Self::augment_args(command)
    }
}

impl clap::FromArgMatches for ImpairmentArgs {
    fn from_arg_matches(matches: &clap::ArgMatches) -> Result<Self, clap::Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &clap::ArgMatches) -> Result<(), clap::Error> {
        for (key, value_name, _) in KEYS {
            if value_name.is_empty() {
                if matches.get_flag(key) {
                    self.given.push((key, String::new()));
                }
            } else if let Some(values) = matches.get_many::<String>(key) {
                self.given.extend(values.map(|value| (*key, value.clone())));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }
}
