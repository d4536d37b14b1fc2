//! From what was typed to what will be done.

mod compare;
mod lookups;
mod probes;
mod talk;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use canvass_engine::{Config, JOBS_MAX, Probing};
use canvass_lab::Lab;
use canvass_proto::{Limits, TransportPolicy};
use canvass_queue::{Exclusions, Source, TargetKind, TargetOptions};
use canvass_report::{Columns, Epoch, Format};

use crate::args::{CommonArgs, ProgressArg, TransportArg};
use crate::exit::Failure;
use crate::files;
use crate::say::say;

pub use compare::{ComparePlan, Other, compare};
pub use lookups::{dns, ptr};
pub use probes::{http, tcp, udp};

/// The cap on the wait for one attempt of a question to a resolver.
const TIMEOUT: Duration = Duration::from_secs(2);
/// Further attempts for each question to a resolver.
const RETRIES: u32 = 7;

/// What will be done.
pub struct Plan {
    /// What the run does, in the word of its command.
    pub probe: &'static str,
    pub source: Box<dyn Source>,
    /// How many outcomes there will be, where that is known.
    pub total: Option<u64>,
    /// When the run began, by both clocks.
    pub start: Start,
    /// What each shard is told.
    pub config: Config,
    pub threads: usize,
    /// Targets a second by schedule.
    pub rate_per_second: Option<f64>,
    /// The system's resolver looks names up.
    pub system_resolver: bool,
    /// The embedded peers, while they are needed.
    pub lab: Option<Lab>,
    pub output: Option<PathBuf>,
    pub format: Format,
    /// What a row of CSV holds.
    pub columns: Columns,
    pub hlog: Option<PathBuf>,
    pub hgrm: Option<PathBuf>,
    pub html: Option<PathBuf>,
    /// Where bodies are kept.
    pub save: Option<PathBuf>,
    pub trace: bool,
    pub progress: bool,
    pub quiet: bool,
    pub fail_below_percent: f64,
}

/// When a run began, by both clocks.
#[derive(Clone, Copy)]
pub struct Start {
    pub began: Instant,
    pub epoch: Epoch,
}

impl Start {
    fn now() -> Self {
        Self {
            began: Instant::now(),
            epoch: Epoch {
                wall: SystemTime::now(),
            },
        }
    }
}

/// What the kinds of runs differ in.
struct Kind {
    targets: Vec<String>,
    kind: TargetKind,
    upstreams: Vec<std::net::SocketAddr>,
    lab: Option<Lab>,
    jobs_max: usize,
    probing: Probing,
    /// Sockets that probes may have open at once; `None` where there are none.
    sockets_max: Option<usize>,
    system_resolver: bool,
    /// The end of one lookup, be it of a target or of a host's name.
    lookup_deadline: Duration,
    save: Option<PathBuf>,
    start: Start,
}

fn plan(kind: Kind, args: CommonArgs) -> Result<Plan, Failure> {
    let outcomes = match &kind.kind {
        TargetKind::Http { requests, .. } => u64::from(requests.get()),
        _ => 1,
    };
    let (probe, columns) = match &kind.kind {
        TargetKind::Ptr { .. } => ("ptr", Columns::Dns),
        TargetKind::Dns { .. } => ("dns", Columns::Dns),
        TargetKind::Lookups => ("compare", Columns::Dns),
        TargetKind::Http { .. } => ("http", Columns::Http),
        TargetKind::Tcp { .. } => ("tcp", Columns::Talk),
        TargetKind::Udp { .. } => ("udp", Columns::Talk),
    };
    let source = source(kind.kind, kind.targets, &args)?;
    let total = source
        .remaining()
        .map(|targets| targets.saturating_mul(outcomes));
    let jobs_max = args
        .concurrency
        .map_or(kind.jobs_max, |jobs| jobs as usize)
        .min(JOBS_MAX)
        .min(kind.sockets_max.unwrap_or(JOBS_MAX));
    // A cap for all is divided; a shard that may do nothing would be none.
    let threads = loops(&args).min(jobs_max);
    let shares = threads as f64;
    let upstreams = kind.upstreams;
    let config = Config {
        limits: Limits {
            retries: args.retries.unwrap_or(RETRIES),
            deadline: kind.lookup_deadline,
            timeout: args.timeout.unwrap_or(TIMEOUT),
            transport: match args.transport {
                TransportArg::Udp => TransportPolicy::Udp,
                TransportArg::Tcp => TransportPolicy::Tcp,
                TransportArg::Auto => TransportPolicy::Auto,
            },
            alternatives: upstreams.len() > 1,
            trace: args.trace,
        },
        rate_max_per_second: args.rate.map(|rate| rate / shares),
        rate_per_resolver_max_per_second: args.rate_per_resolver.map(|rate| rate / shares),
        jobs_max: jobs_max / threads,
        probing: Probing {
            sockets_max: (kind.sockets_max.unwrap_or(0) / threads).max(1),
            ..kind.probing
        },
        upstreams,
    };
    if args.verbose {
        say(format_args!(
            "asking {} over {threads} event loop(s), at most {jobs_max} targets at once",
            name_resolvers(&config)
        ));
    }
    Ok(Plan {
        probe,
        source,
        total,
        start: kind.start,
        config,
        threads,
        rate_per_second: args.rate,
        system_resolver: kind.system_resolver,
        lab: kind.lab,
        output: files::unless_standard(args.output),
        format: args.format,
        columns,
        hlog: args.hlog,
        hgrm: args.hgrm,
        html: args.html,
        save: kind.save,
        trace: args.trace,
        progress: match args.progress {
            ProgressArg::Auto => !args.quiet && std::io::stderr().is_terminal(),
            ProgressArg::Always => true,
            ProgressArg::Never => false,
        },
        quiet: args.quiet,
        fail_below_percent: args.fail_below,
    })
}

/// How many event loops are asked for.
fn loops(args: &CommonArgs) -> usize {
    args.threads.map_or_else(loops_usual, usize::from)
}

/// How many event loops there are where nobody says: one processor is left to the feeder and the
/// collector.
pub fn loops_usual() -> usize {
    std::thread::available_parallelism()
        .map_or(1, |count| count.get() - 1)
        .max(1)
}

fn source(
    kind: TargetKind,
    targets: Vec<String>,
    args: &CommonArgs,
) -> Result<Box<dyn Source>, Failure> {
    let options = TargetOptions {
        exclude: Arc::new(Exclusions::read(&args.exclude).map_err(Failure::usage)?),
        shuffle: args.shuffle.map(|seed| seed.unwrap_or_else(rand::random)),
        partition: args.shard.unwrap_or(canvass_queue::Partition::WHOLE),
        limit: args.limit,
        strict: args.strict,
        ..TargetOptions::new(kind)
    };
    let input = match &args.input {
        Some(input) => Some(input.as_str()),
        None if targets.is_empty() => {
            if std::io::stdin().is_terminal() {
                return Err(Failure::usage(
                    "nothing to ask about: give targets, or a list with --input FILE (- is standard input)",
                ));
            }
            Some("-")
        }
        None => None,
    };
    let arguments = canvass_queue::arguments(targets, &options).map_err(Failure::usage)?;
    Ok(match input {
        Some(path) => {
            let listed = canvass_queue::open(path, &options).map_err(Failure::usage)?;
            Box::new(arguments.then(listed))
        }
        None => Box::new(arguments),
    })
}

fn name_resolvers(config: &Config) -> String {
    match &config.upstreams[..] {
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
        [] => "nobody".into(),
    }
}
