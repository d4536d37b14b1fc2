//! The command line as it is typed. What it means is `plan`'s to say.

mod common;
mod compare;
mod lab;
mod probes;
mod report;

use canvass_model::RecordType;
use clap::{Args, Parser, Subcommand};

pub use common::{CommonArgs, ProgressArg, TransportArg};
pub use compare::{AgainstArg, CompareArgs};
pub use lab::{ImpairmentArgs, LabArgs, Served};
pub use probes::{
    HostArgs, HttpArgs, ReachArgs, ResolveArg, RootsArg, SocketArgs, TcpArgs, TimeoutArgs, TlsArgs,
    TlsVersionArg, UdpArgs,
};
pub use report::ReportArgs;

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
    /// HTTP(S) probes of many URLs, each once or several times over one connection
    #[command(args_override_self = true)]
    Http(HttpArgs),
    /// Whether ports are open, or what is said there: a send/expect script
    #[command(args_override_self = true)]
    Tcp(TcpArgs),
    /// What is answered to datagrams: a send/expect script
    #[command(args_override_self = true)]
    Udp(UdpArgs),
    /// The same lookups through canvass and through the system's resolver, side by side
    #[command(args_override_self = true)]
    Compare(CompareArgs),
    /// A page about a run, made from the lines or the interval log that it wrote
    #[command(args_override_self = true)]
    Report(ReportArgs),
    /// What an error or a cause means, and where to look next
    Explain(ExplainArgs),
    /// What this machine can be trusted to measure
    Selftest(SelftestArgs),
    /// Loopback peers on their own, with what goes wrong by flag
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

#[derive(Debug, Args)]
pub struct SelftestArgs {
    /// Event loops [default: one less than there are processors, at least 1]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// A system error by name or number (ECONNREFUSED, 111), a cause, or a status
    #[arg(value_name = "ERROR", required = true)]
    pub errors: Vec<String>,
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
