//! The flags of `canvass compare`.

use std::str::FromStr;
use std::time::Duration;

use clap::Args;

use super::{CommonArgs, heading};
use crate::units;

/// What canvass is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AgainstArg {
    /// libc's resolver.
    System,
    /// canvass itself, over UDP.
    Udp,
    /// canvass itself, over TCP.
    Tcp,
    /// canvass itself, with another resolver or those of a file.
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
pub(crate) struct CompareArgs {
    /// Addresses, CIDRs, ranges and names
    ///
    /// Addresses are looked up for their names, names for their A and AAAA records.
    #[arg(value_name = "TARGET", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,
    /// Compare with this side
    ///
    /// system is the system's resolver (libc), udp and tcp are canvass over that transport, and a
    /// resolver (ADDR, ADDR:PORT, `[ADDR]:PORT` or a file) is canvass with that resolver. Against tcp,
    /// the first side is udp unless --transport says otherwise.
    #[arg(
        long,
        value_name = "SIDE",
        default_value = "system",
        help_heading = heading::QUESTION
    )]
    pub against: AgainstArg,
    /// Call libc from K threads too
    ///
    /// libc is measured one call at a time first, and then from K threads. 1 omits the second.
    #[arg(long, value_name = "K", default_value = "32",
          value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = heading::QUESTION)]
    pub system_threads: u16,
    /// Compare libc and canvass with different resolvers
    ///
    /// libc asks the resolvers of /etc/resolv.conf. With --resolver canvass may ask others, and the
    /// ratio then depends on the resolvers more than on canvass and libc. Without this flag such a
    /// comparison is refused.
    #[arg(long, help_heading = heading::QUESTION)]
    pub different_resolvers: bool,
    /// Limit the other sides' time
    ///
    /// The time that the other sides may take together. They look up a random sample of the list
    /// that is as large as this allows.
    #[arg(long, value_name = "D", default_value = "30s", value_parser = units::duration, help_heading = heading::QUESTION)]
    pub budget: Duration,
    /// Draw samples from SEED
    ///
    /// The same seed draws the same samples. The default is a random seed.
    #[arg(long, value_name = "SEED", help_heading = heading::QUESTION)]
    pub seed: Option<u64>,
    #[command(flatten)]
    pub common: CommonArgs,
}
