//! The flags of `canvass compare`.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::CommonArgs;
use crate::units;

/// Whom canvass is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgainstArg {
    /// libc's resolver.
    System,
    /// canvass itself, over UDP.
    Udp,
    /// canvass itself, over TCP.
    Tcp,
    /// canvass itself, asking another resolver, or those of a file.
    Resolver(String),
}

impl FromStr for AgainstArg {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "system" => Self::System,
            "udp" => Self::Udp,
            "tcp" => Self::Tcp,
            resolver => Self::Resolver(resolver.to_owned()),
        })
    }
}

#[derive(Debug, Args)]
pub struct CompareArgs {
    /// Addresses, CIDRs and ranges, whose names are asked for, and names, whose addresses are
    #[arg(value_name = "TARGET")]
    pub targets: Vec<String>,
    /// Whom to compare with: the system's resolver (libc), another resolver, or the same one over
    /// udp or tcp
    #[arg(
        long,
        value_name = "system|udp|tcp|RESOLVER",
        default_value = "system",
        help_heading = "Comparison"
    )]
    pub against: AgainstArg,
    /// After one call at a time, call the system's resolver from so many threads; 1 leaves that out
    #[arg(long, value_name = "K", default_value = "32",
          value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Comparison")]
    pub system_threads: u16,
    /// How long the other side may take in all: it is asked for a random sample of the list
    #[arg(long, value_name = "D", default_value = "30s", value_parser = units::duration, help_heading = "Comparison")]
    pub budget: Duration,
    /// What the samples are drawn from [default: drawn at random]
    #[arg(long, value_name = "SEED", help_heading = "Comparison")]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub common: CommonArgs,
}
