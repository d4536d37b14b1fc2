//! Flags that mean the same everywhere.

use std::path::PathBuf;
use std::time::Duration;

use canvass_report::Format;
use clap::{Args, ValueEnum};

use crate::units;

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
    /// Write a page that shows the run: one file, for a browser
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
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
    /// Show what happened to each target when, on standard error
    #[arg(long, help_heading = "Output")]
    pub trace: bool,
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

    /// The most queries, or requests, a second
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = "Limits")]
    pub rate: Option<f64>,
    /// The most queries a second to one resolver
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = "Limits")]
    pub rate_per_resolver: Option<f64>,
    /// The most targets under way at once [default for http, tcp and udp: 512]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Limits")]
    pub concurrency: Option<u32>,
    /// Further attempts [default: 7 for each question; none for http, tcp and udp]
    #[arg(long, value_name = "N", help_heading = "Limits")]
    pub retries: Option<u32>,
    /// The end of one target, whatever happens
    #[arg(long, value_name = "D", default_value = "10s", value_parser = units::duration, help_heading = "Limits")]
    pub deadline: Duration,
    /// The cap on the wait for one attempt, which adapts to the resolver [default: 2s]; for http,
    /// tcp and udp the cap on each phase that has no flag of its own
    #[arg(long, value_name = "D", value_parser = units::duration, help_heading = "Limits")]
    pub timeout: Option<Duration>,
    /// How much must be answered or negative for exit status 0, in percent
    #[arg(long, value_name = "PCT", default_value = "100", value_parser = units::percent, help_heading = "Limits")]
    pub fail_below: f64,
    /// Event loops [default: one less than there are processors, at least 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = "Limits")]
    pub threads: Option<u16>,
}
