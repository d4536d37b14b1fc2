//! The flags that every command with a list of targets has.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use canvass_queue::{Delimiter, OutputPart};
use canvass_report::Format;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::heading;
use super::lab::parse_impairments;
use crate::units;

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TransportArg {
    Udp,
    Tcp,
    Auto,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProgressArg {
    Auto,
    Always,
    Never,
}

/// The flags that every command with a list of targets has.
#[derive(Clone, Debug, Args)]
pub(crate) struct CommonArgs {
    /// Read targets from FILE, one per line; - is stdin
    ///
    /// `#` begins a comment, and empty lines are skipped. The list is read as a stream, so it may
    /// be longer than memory; gzip and zstd are recognised. A bad line gets an output line with
    /// status INVALID.
    #[arg(short, long, value_name = "FILE", help_heading = heading::TARGETS)]
    pub input: Option<String>,
    /// Take the target from field N of each line
    ///
    /// Fields count from 1 and are separated by blanks, as in awk. A line with fewer fields gets an
    /// output line with status INVALID. Arguments have no fields.
    #[arg(long, value_name = "N", help_heading = heading::TARGETS)]
    pub field: Option<NonZeroUsize>,
    /// Set the character between fields
    ///
    /// With , or ; the list is CSV: a field may be in quotes, and may then contain the character, a
    /// doubled quote and line ends (RFC 4180). \t is a tab.
    #[arg(long, value_name = "C", requires = "field", help_heading = heading::TARGETS)]
    pub delimiter: Option<Delimiter>,
    /// Take targets from the output of canvass: PART
    ///
    /// The list is what an earlier canvass has written, as text or ndjson, line by line. PART is names:
    /// what ptr has found, what the NS, MX, SRV, PTR, CNAME and HTTPS records of dns lead to, and each name
    /// for which dns has found an address. Or addresses: those that ptr has found a name for, those that
    /// dns has found, and those of the peers of other probes (ndjson only). Or targets: that of each line,
    /// whatever its outcome. A line may have several. One that has none, as that of a failed lookup, is
    /// skipped, and the summary has their number. A name that is not that of a host is INVALID.
    #[arg(long, value_name = "PART", conflicts_with = "field", hide_possible_values = true,
          value_parser = part_parser(), help_heading = heading::TARGETS)]
    pub from: Option<OutputPart>,
    /// Skip the first N lines of the list
    ///
    /// For a header. Without this flag a header gets an output line with status INVALID.
    #[arg(long, value_name = "N", default_value = "0", hide_default_value = true, help_heading = heading::TARGETS)]
    pub skip_lines: u64,
    /// Skip these addresses (may repeat)
    ///
    /// An address, a CIDR, a range `first-last`, or a file with one of these per line. A bad line
    /// in such a file ends the run before anything is asked.
    #[arg(long, value_name = "CIDR|FILE", help_heading = heading::TARGETS)]
    pub exclude: Vec<String>,
    /// Ask a repeated target once
    ///
    /// Targets are equal if the same is asked: addresses by value, names without case and final dot,
    /// with their type and resolver, URLs in normal form. SIZE is the most memory for this, by
    /// default 512M, enough for 8 million names or 13 million scattered addresses; a CIDR takes as
    /// much as an address. When it is used up, later targets are not remembered, and the summary
    /// says so.
    #[arg(long, value_name = "SIZE", num_args = 0..=1, require_equals = true,
          default_missing_value = "512M", value_parser = units::size, help_heading = heading::TARGETS)]
    pub dedup: Option<u64>,
    /// Ask in random order; the same SEED, the same order
    ///
    /// Without SEED the order differs from run to run. A list that is read as a stream is
    /// shuffled within a window.
    #[arg(long, value_name = "SEED", num_args = 0..=1, require_equals = true, help_heading = heading::TARGETS)]
    pub shuffle: Option<Option<u64>>,
    /// Take only part I of N, such as 1/4
    ///
    /// Every Nth target after exclusion. With the same list and the same exclusions, the N parts
    /// cover each target exactly once.
    #[arg(long, value_name = "I/N", help_heading = heading::TARGETS)]
    pub shard: Option<canvass_queue::Partition>,
    /// Stop after N targets
    ///
    /// Excluded targets and those of other parts are not counted.
    #[arg(long, value_name = "N", help_heading = heading::TARGETS)]
    pub limit: Option<u64>,
    /// Stop at the first bad line
    ///
    /// The exit status is then 2. Lines that were written before remain. Without this flag a bad
    /// line is reported as a failed target, and the run goes on.
    #[arg(long, help_heading = heading::TARGETS)]
    pub strict: bool,

    /// Write lines to FILE instead of standard output
    ///
    /// A FILE whose name ends in .gz or .zst is written compressed. A file that is also read, or that
    /// another flag names as output, is refused.
    #[arg(short, long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub output: Option<PathBuf>,
    /// Write text, ndjson or csv
    ///
    /// ndjson and csv have every field, one line per target; docs/FORMATS.md describes them.
    #[arg(short, long, value_name = "FORMAT", default_value = "text", hide_possible_values = true,
          value_parser = format_parser(), help_heading = heading::OUTPUT)]
    pub format: Format,
    /// Write an HdrHistogram interval log
    ///
    /// Latencies in nanoseconds, with a tag for each probe and phase.
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub hlog: Option<PathBuf>,
    /// Write HdrHistogram percentile tables
    ///
    /// Service time goes to FILE, response time to a second file beside it. Values are in
    /// nanoseconds.
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub hgrm: Option<PathBuf>,
    /// Write a page about the run, for a browser
    ///
    /// One HTML file without scripts: the balance, the targets that failed and why, latencies,
    /// throughput over time and warnings.
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub html: Option<PathBuf>,
    /// Show progress on standard error
    ///
    /// auto shows it where standard error is a terminal; always and never are the other values. Where
    /// no line can be drawn, always writes one every ten seconds.
    #[arg(
        long,
        value_enum,
        default_value = "auto",
        hide_possible_values = true,
        value_name = "WHEN",
        help_heading = heading::OUTPUT
    )]
    pub progress: ProgressArg,
    /// Print nothing but errors on standard error
    #[arg(short, long, help_heading = heading::OUTPUT)]
    pub quiet: bool,
    /// Print the events of each target on standard error
    ///
    /// One event per line, with the time since the first event, the time since the previous one,
    /// and the number of octets.
    #[arg(long, help_heading = heading::OUTPUT)]
    pub trace: bool,
    /// Print the plan, and the whole summary
    ///
    /// The plan is printed before the run. Without this flag the summary of fewer than 20 targets has a
    /// few lines, and tables leave out the columns for which the terminal has no room.
    #[arg(short, long, conflicts_with = "quiet", help_heading = heading::OUTPUT)]
    pub verbose: bool,

    /// Ask this resolver (may repeat)
    ///
    /// ADDR, ADDR:PORT, `[ADDR]:PORT` or ADDR#PORT, or a file with one per line or in the form of
    /// resolv.conf. A link-local address has its interface: fe80::1%eth0. The default is the
    /// resolvers of /etc/resolv.conf.
    #[arg(
        short,
        long,
        value_name = "ADDR[:PORT]|FILE",
        help_heading = heading::RESOLVERS
    )]
    pub resolver: Vec<String>,
    /// Ask the embedded lab on loopback
    ///
    /// Starts DNS, web, mail and other peers on loopback and leads everything there, so that
    /// nothing leaves this machine. Faults are named as in `canvass lab`, for example
    /// --lab=delay=20ms,loss=10%.
    #[arg(long, value_name = "KEY=VALUE,...", num_args = 0..=1, require_equals = true,
          value_parser = parse_impairments, conflicts_with = "resolver", help_heading = heading::RESOLVERS)]
    pub lab: Option<Option<canvass_lab::Impairments>>,
    /// Choose the transport
    ///
    /// auto sends queries over UDP and repeats them over TCP if an answer is truncated. After 2,000
    /// questions to a resolver it also tries one TCP connection, and uses what answers more for
    /// less CPU; the summary says which. udp never uses TCP. tcp uses nothing else.
    #[arg(long, value_enum, default_value = "auto", hide_possible_values = true,
          value_name = "udp|tcp|auto", help_heading = heading::RESOLVERS)]
    pub transport: TransportArg,

    /// Send at most N queries or requests/s
    ///
    /// No 100 ms have more than a tenth of N, rounded down, and one (above 10,000 the one is 0.2 %).
    /// Retries count. With a rate, targets are due on a fixed schedule, and response times count
    /// from when a target was due. The schedule begins when the windows of the resolvers first
    /// allow N, after one second at the latest.
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = heading::LIMITS)]
    pub rate: Option<f64>,
    /// Send each resolver at most N queries/s
    ///
    /// canvass looks for the rate that a resolver can bear. This is a cap on what it finds.
    #[arg(long, value_name = "N", value_parser = units::rate, help_heading = heading::LIMITS)]
    pub rate_per_resolver: Option<f64>,
    /// Keep at most N targets in flight
    ///
    /// The default is 512 for http, tcp, udp and check. For lookups there is none: the window of each
    /// resolver is the limit.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = heading::LIMITS)]
    pub concurrency: Option<u32>,
    /// Try up to N more times
    ///
    /// The default is 7 for each DNS question, and 0 for http, tcp and udp, which retry after a
    /// timeout, a refused or reset connection and an incomplete answer.
    #[arg(long, value_name = "N", help_heading = heading::LIMITS)]
    pub retries: Option<u32>,
    /// Limit the total time of a target
    ///
    /// The total time limit for one target, including lookups, retries and redirects; with
    /// --repeat for each request. D is a number and a unit: 500ms, 2s, 1m.
    #[arg(long, value_name = "D", default_value = "10s", value_parser = units::duration, help_heading = heading::LIMITS)]
    pub deadline: Duration,
    /// Limit the wait for one attempt
    ///
    /// The wait for an answer adapts to the resolver; this is its upper limit, by default 2s. For
    /// http, tcp and udp it is the limit of each phase that has no flag of its own.
    #[arg(long, value_name = "D", value_parser = units::duration, help_heading = heading::LIMITS)]
    pub timeout: Option<Duration>,
    /// Exit with 0 if PCT % are good
    ///
    /// The exit status is 1 if fewer than PCT percent of the targets are good: answered, or for ptr
    /// and dns also negative (not for check).
    #[arg(long, value_name = "PCT", default_value = "100", value_parser = units::percent, help_heading = heading::LIMITS)]
    pub fail_below: f64,
    /// Run N event loops
    ///
    /// The default is one fewer than the number of processors, and at least 1.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), help_heading = heading::ADVANCED)]
    pub threads: Option<u16>,
}

/// Reads a part of output, and lists all of them where a word is none.
fn part_parser() -> impl TypedValueParser<Value = OutputPart> {
    PossibleValuesParser::new(OutputPart::ALL.map(OutputPart::as_str)).try_map(|word| word.parse())
}

/// Reads a format, and lists all of them where a word is none.
fn format_parser() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new([Format::Text, Format::Ndjson, Format::Csv].map(Format::as_str))
        .try_map(|word| word.parse())
}
