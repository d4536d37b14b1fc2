//! The command line as typed. `plan` decides what it means.

mod alerts;
mod campaign;
mod check;
mod common;
mod compare;
mod examples;
mod expect;
mod exporter;
mod extras;
mod filter;
mod generate;
mod heading;
mod host;
mod http;
mod journal;
mod lab;
mod listen;
mod probe;
mod proxy;
mod question;
mod recheck;
mod report;
mod rotate;
mod run;
mod sweep;
mod talk;
#[cfg(test)]
mod tests;
mod tls;
mod worker;
mod workers;

use std::path::PathBuf;

use canvass_model::RecordType;
use clap::{ArgAction, Args, Parser, Subcommand};

pub(crate) use alerts::{AlertArgs, SilenceArgs, SweepCommand};
pub(crate) use campaign::{
    AttachArgs, CampaignArgs, CampaignCommand, CancelArgs, GatherArgs, ListCampaignsArgs,
};
pub(crate) use check::{CheckArgs, EndpointArgs};
pub(crate) use common::{CommonArgs, ProgressArg, TransportArg};
pub(crate) use compare::{AgainstArg, CompareArgs};
pub(crate) use expect::{
    ExpectArgs, ExpectLatencyArgs, ExpectRecordsArgs, ExpectSerialArgs, ExpectTlsArgs,
};
pub(crate) use exporter::{ExporterArgs, ProbeTargetsArg};
pub(crate) use extras::ExtrasArgs;
pub(crate) use filter::FilterArgs;
pub(crate) use generate::{CompletionsArgs, ManArgs};
pub(crate) use host::{HostArgs, PortsArgs, ReachArgs, ResolveArg, SocketArgs, TimeoutArgs};
pub(crate) use http::{BasicArgs, HttpArgs};
pub(crate) use journal::{JournalArgs, ShowJournalArgs, VerifyShardsArgs};
pub(crate) use lab::{ImpairmentArgs, LabArgs, ServeArg};
pub(crate) use listen::ListenArgs;
pub(crate) use probe::ProbeArgs;
pub(crate) use proxy::ProxyArgs;
pub(crate) use question::QuestionArgs;
pub(crate) use recheck::RecheckArgs;
pub(crate) use report::ReportArgs;
pub(crate) use rotate::RotateArgs;
pub(crate) use run::RunArgs;
pub(crate) use sweep::SweepArgs;
pub(crate) use talk::{TcpArgs, UdpArgs};
pub(crate) use tls::{RootsArg, TlsArgs, TlsVersionArg};
pub(crate) use worker::{ResultsArg, WorkerArgs};
pub(crate) use workers::{RedisArgs, WorkersArgs};

use crate::defaults;

/// Probe very many hosts over DNS, HTTP, TCP and UDP, and account for each.
///
/// Each target ends in exactly one line: answered, negative or failed, and why. canvass finds out
/// by itself how fast each resolver can be asked, and prints a summary at the end.
#[derive(Debug, Parser)]
#[command(
    name = "canvass",
    version = env!("CANVASS_VERSION"),
    max_term_width = 100,
    disable_help_flag = true,
    disable_version_flag = true,
    after_long_help = examples::CANVASS
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// Take defaults for flags from FILE
    ///
    /// Instead of canvass/config.toml in $XDG_CONFIG_HOME or ~/.config. Its keys are the long names of
    /// flags, for all commands that have them, and in a table such as `[ptr]` for one. Variables as
    /// CANVASS_OPT_RATE take precedence over it, and flags over both. -v shows what is taken.
    #[arg(id = defaults::CONFIG, long = defaults::CONFIG, global = true, value_name = "FILE",
          value_parser = clap::value_parser!(PathBuf), help_heading = heading::ADVANCED)]
    _config: Option<PathBuf>,
    /// Ignore the configuration and CANVASS_OPT_*
    #[arg(id = defaults::NO_CONFIG, long = defaults::NO_CONFIG, global = true, conflicts_with = defaults::CONFIG,
          help_heading = heading::ADVANCED)]
    _no_config: bool,
    /// Print help: -h a line per flag, --help the details
    #[arg(id = "help", short = 'h', long = "help", global = true, action = ArgAction::Help,
          help_heading = heading::HELP)]
    _help: Option<bool>,
    /// Print the version
    #[arg(id = "version", short = 'V', long = "version", action = ArgAction::Version,
          help_heading = heading::HELP)]
    _version: Option<bool>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Look up the names of addresses, CIDRs, ranges and .arpa names
    ///
    /// Asks for the PTR records of each address. Every target ends in one line.
    #[command(args_override_self = true, after_long_help = examples::PTR)]
    Ptr(PtrArgs),
    /// Look up records of any type for many names
    ///
    /// Asks for each type of each name. Every pair is a target with a line of its own.
    #[command(args_override_self = true, after_long_help = examples::DNS)]
    Dns(DnsArgs),
    /// Probe many HTTP and HTTPS URLs, each once or repeatedly
    ///
    /// Times each phase: the lookup, the connection, the TLS handshake, the first octet and the
    /// transfer. Any HTTP status counts as answered; a certificate that is not valid is a failure.
    #[command(args_override_self = true, after_long_help = examples::HTTP)]
    Http(HttpArgs),
    /// Check TCP ports, or run a send/expect script against them
    ///
    /// Without --talk a target is OPEN as soon as the connection is established. With --talk it is
    /// MATCHED when every step of the script succeeds.
    #[command(args_override_self = true, after_long_help = examples::TCP)]
    Tcp(TcpArgs),
    /// Send UDP datagrams and match the replies
    ///
    /// Runs a send/expect script, or sends one empty datagram and accepts any reply. Silence is a
    /// TIMEOUT: an open port and a dropped packet look the same.
    #[command(args_override_self = true, after_long_help = examples::UDP)]
    Udp(UdpArgs),
    /// Check a mixed list of endpoints, each by its scheme
    ///
    /// One list may have URLs, ports, TLS and mail servers, DNS questions and sockets. Every endpoint
    /// ends in one line. The exit status is 1 unless all of them are up and answer what was asked: a
    /// name without the record counts too.
    #[command(args_override_self = true, after_long_help = examples::CHECK)]
    Check(CheckArgs),
    /// Keep probing a list of endpoints, and report what changes
    ///
    /// Probes each endpoint on an interval, as canvass check does once, and writes a line when one
    /// goes down or comes up. With -o, every probe's line is written to a file.
    #[command(
        args_override_self = true,
        args_conflicts_with_subcommands = true,
        disable_help_subcommand = true,
        after_long_help = examples::SWEEP
    )]
    Sweep(Box<SweepArgs>),
    /// Probe what other machines submit through Redis
    ///
    /// Takes pieces of the lists of commands that run with --workers, one campaign at a time, the
    /// oldest first, until it is stopped. Whoever may write to that Redis decides what is probed:
    /// --allow limits it, and docs/SCALE.md says how to lock it down. SIGINT and SIGTERM let it
    /// finish what is under way and give back the rest; a second one ends it at once.
    #[command(args_override_self = true, after_long_help = examples::WORKER)]
    Worker(Box<WorkerArgs>),
    /// List, continue, cancel and gather runs on workers
    ///
    /// A campaign is a run with --workers. It outlives the command that submits it.
    #[command(
        args_override_self = true,
        disable_help_subcommand = true,
        after_long_help = examples::CAMPAIGN
    )]
    Campaign(CampaignArgs),
    /// Probe one target with a module of blackbox_exporter
    ///
    /// Prints the metrics that blackbox_exporter has for the same probe, in Prometheus's text format.
    /// Ends with 0 if probe_success is 1, and else with 1.
    #[command(args_override_self = true, after_long_help = examples::PROBE)]
    Probe(ProbeArgs),
    /// Compare lookups by canvass and by the system's resolver
    ///
    /// Runs the same lookups through both sides by turns, and reports the ratio of their
    /// throughput with a confidence interval, and where their answers differ.
    #[command(args_override_self = true, after_long_help = examples::COMPARE)]
    Compare(CompareArgs),
    /// Make an HTML page from the output of a run
    ///
    /// The page is one file without scripts. It lists what the given file does not tell.
    #[command(args_override_self = true, after_long_help = examples::REPORT)]
    Report(ReportArgs),
    /// Show the journal of a run
    ///
    /// What is done, the outputs with their lengths, what must be the same when the run is resumed, and
    /// whether it is running or finished.
    #[command(after_long_help = examples::JOURNAL)]
    Journal(ShowJournalArgs),
    /// Prove from their journals that shards cover a list
    ///
    /// Ends with 0 if the journals are those of all shards of one list, each once and finished, so that
    /// every target has been asked exactly once. Otherwise names what is missing, there twice, not
    /// finished or of another list, and ends with 1.
    #[command(after_long_help = examples::VERIFY_SHARDS)]
    VerifyShards(VerifyShardsArgs),
    /// Explain an error, a cause or a status, and where to look next
    ///
    /// Works without a network. docs/FAULTS.md has the same text.
    #[command(after_long_help = examples::EXPLAIN)]
    Explain(ExplainArgs),
    /// Measure how precise this machine's own measurements are
    ///
    /// Probes the lab with known delays, and reports the timing error, the highest rate at which
    /// every answer arrives, and the limits of the system. Ends with 1 if a bound is exceeded.
    #[command(after_long_help = examples::SELFTEST)]
    Selftest(SelftestArgs),
    /// Serve DNS, web, mail and more on loopback, with faults by flag
    ///
    /// Runs until it is interrupted, and then prints what it was asked. `--lab` on the other
    /// commands starts the same peers within the command itself.
    #[command(args_override_self = true, after_long_help = examples::LAB)]
    Lab(LabArgs),
    /// Print the completions of a shell
    ///
    /// For bash, elvish, fish, powershell and zsh, to be sourced or put where the shell looks for them.
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions(CompletionsArgs),
    /// Write manual pages, one for each command
    ///
    /// Pages of section 1, such as canvass-ptr.1. Those that are in the directory already are replaced.
    #[command(after_long_help = examples::MAN)]
    Man(ManArgs),
}

#[derive(Debug, Args)]
pub(crate) struct PtrArgs {
    /// Addresses, CIDRs, ranges and .arpa names
    ///
    /// For example 192.0.2.1, 2001:db8::/120, 192.0.2.1-192.0.2.9 or 1.2.0.192.in-addr.arpa. The
    /// host bits of a CIDR must be zero. @ADDR means -r ADDR. In a list, `TARGET @ADDR` names the
    /// resolver of a line. Without any, and without -i, targets are read from standard input.
    #[arg(value_name = "TARGET", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,
    /// Look each name up, and check that it has the address
    ///
    /// A target is confirmed if at least one of its names has the address, unconfirmed if none
    /// has, and unknown if the lookups failed.
    #[arg(long, help_heading = heading::QUESTION)]
    pub forward_confirm: bool,
    #[command(flatten)]
    pub question: QuestionArgs,
    #[command(flatten)]
    pub records: ExpectRecordsArgs,
    #[command(flatten)]
    pub latency: ExpectLatencyArgs,
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct DnsArgs {
    /// Names to look up
    ///
    /// Each is taken as a whole name: no search domain is added. Without -t, a type before or after
    /// the names is taken as one, as in dig (MX. is a name). @ADDR means -r ADDR. Without any, and
    /// without -i, names are read from standard input.
    #[arg(value_name = "NAME", display_order = 0, help_heading = heading::TARGETS)]
    pub targets: Vec<String>,
    /// Ask for these record types
    ///
    /// A type is a mnemonic (A, AAAA, MX, HTTPS, ...) or TYPEnnn with its number; the default is A.
    /// A line `NAME TYPE,... @ADDR` of the input names its own types and resolver; both may be
    /// missing. With PTR alone, targets may be addresses, CIDRs and ranges too.
    #[arg(
        short = 't',
        long = "type",
        value_name = "TYPE,...",
        value_delimiter = ',',
        help_heading = heading::QUESTION
    )]
    pub types: Vec<RecordType>,
    #[command(flatten)]
    pub question: QuestionArgs,
    #[command(flatten)]
    pub records: ExpectRecordsArgs,
    #[command(flatten)]
    pub serial: ExpectSerialArgs,
    #[command(flatten)]
    pub latency: ExpectLatencyArgs,
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(flatten)]
    pub run: RunArgs,
}

#[derive(Debug, Args)]
pub(crate) struct SelftestArgs {
    /// Run N event loops
    ///
    /// The default is one fewer than the number of processors, and at least 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256),
          help_heading = heading::ADVANCED)]
    pub threads: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// A system error by name or number, a cause, or a status
    ///
    /// For example ECONNREFUSED, 111, expired or UNMATCHED.
    #[arg(value_name = "ERROR", required = true)]
    pub errors: Vec<String>,
}
