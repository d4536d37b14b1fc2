//! From what was typed to what will be done.

use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;

use canvass_engine::{Config, JOBS_MAX};
use canvass_lab::{Lab, LabConfig};
use canvass_proto::{Limits, TransportPolicy};
use canvass_queue::{Exclusions, Source, TargetKind, TargetOptions};
use canvass_report::Format;

use crate::args::{CommonArgs, DnsArgs, ProgressArg, PtrArgs, TransportArg};
use crate::exit::Failure;
use crate::say::say;
use crate::{lab, resolvers};

/// What will be done.
pub struct Plan {
    pub source: Box<dyn Source>,
    /// How many targets there are, where that is known.
    pub total: Option<u64>,
    /// What each shard is told.
    pub config: Config,
    pub threads: usize,
    /// Targets a second by schedule.
    pub rate_per_second: Option<f64>,
    /// The embedded peers, while they are needed.
    pub lab: Option<Lab>,
    pub output: Option<PathBuf>,
    pub format: Format,
    pub hlog: Option<PathBuf>,
    pub hgrm: Option<PathBuf>,
    pub progress: bool,
    pub quiet: bool,
    pub fail_below_percent: f64,
}

/// The plan of `canvass ptr`.
pub fn ptr(args: PtrArgs) -> Result<Plan, Failure> {
    let kind = TargetKind::Ptr {
        forward_confirm: args.forward_confirm,
    };
    plan(kind, args.targets, args.common)
}

/// The plan of `canvass dns`.
pub fn dns(args: DnsArgs) -> Result<Plan, Failure> {
    plan(
        TargetKind::Dns { types: args.types },
        args.targets,
        args.common,
    )
}

fn plan(kind: TargetKind, targets: Vec<String>, args: CommonArgs) -> Result<Plan, Failure> {
    let source = source(kind, targets, &args)?;
    let total = source.remaining();
    let lab = match &args.lab {
        Some(impairments) => {
            let impairments = impairments.clone().unwrap_or_default();
            Some(lab::start(LabConfig {
                impairments,
                ..LabConfig::default()
            })?)
        }
        None => None,
    };
    let upstreams = match &lab {
        Some(lab) => vec![lab.address()],
        None => resolvers::read(&args.resolver)?,
    };
    let threads = args.threads.map_or_else(threads_default, usize::from);
    let jobs_max = args
        .concurrency
        .map_or(JOBS_MAX, |jobs| jobs as usize)
        .min(JOBS_MAX);
    // A cap for all is divided; a shard that may do nothing would be none.
    let threads = threads.min(jobs_max);
    let shares = threads as f64;
    let config = Config {
        limits: Limits {
            retries: args.retries,
            deadline: args.deadline,
            timeout: args.timeout,
            transport: match args.transport {
                TransportArg::Udp => TransportPolicy::Udp,
                TransportArg::Tcp => TransportPolicy::Tcp,
                TransportArg::Auto => TransportPolicy::Auto,
            },
            alternatives: upstreams.len() > 1,
        },
        rate_max_per_second: args.rate.map(|rate| rate / shares),
        rate_per_resolver_max_per_second: args.rate_per_resolver.map(|rate| rate / shares),
        jobs_max: jobs_max / threads,
        upstreams,
    };
    if args.verbose {
        say(format_args!(
            "asking {} over {threads} event loop(s)",
            name_resolvers(&config)
        ));
    }
    Ok(Plan {
        source,
        total,
        config,
        threads,
        rate_per_second: args.rate,
        lab,
        output: args.output,
        format: args.format,
        hlog: args.hlog,
        hgrm: args.hgrm,
        progress: match args.progress {
            ProgressArg::Auto => !args.quiet && std::io::stderr().is_terminal(),
            ProgressArg::Always => true,
            ProgressArg::Never => false,
        },
        quiet: args.quiet,
        fail_below_percent: args.fail_below,
    })
}

/// One processor is left to the feeder and the collector.
fn threads_default() -> usize {
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
        shard: args.shard.unwrap_or(canvass_queue::Shard::WHOLE),
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
