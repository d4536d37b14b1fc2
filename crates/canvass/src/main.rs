//! The `canvass` command: turns arguments into a plan, and runs it.
//!
//! This is the only crate that depends on all the others. It sends nothing itself: it connects the
//! parts, and contains what belongs to the process and its user: arguments, messages, signals,
//! limits, the exit status.

mod args;
mod changes;
mod command_line;
mod compare;
mod compressed;
mod cpu_time;
mod credentials;
mod decompressed;
mod descriptors;
mod execution;
mod exit;
mod explain;
mod files;
mod granted;
mod journal;
mod lab;
mod lines;
mod listen;
mod message;
mod modules_file;
mod outputs;
mod parked;
mod plan;
mod probe;
mod progress;
mod remote;
mod report;
mod resolvers;
mod rotated;
mod rotation;
mod run;
mod same_file;
mod selftest;
mod service;
mod signals;
mod silence;
mod sweep;
mod terminal;
mod units;
mod upkeep;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{CampaignCommand, Cli, Command, SweepArgs, SweepCommand};
use exit::{Exit, Failure};
use journal::GivenFlags;
use signals::StopSignals;

// Outcomes are allocated on one thread and freed on another, which costs a lock each time in glibc's
// allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let (command, given) = match parse(std::env::args_os()) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help is printed to standard output and is not an error; neither is a closed pipe there.
            let _ = error.print();
            return Exit::from_clap(&error).into();
        }
    };
    let ended = StopSignals::catch().and_then(|signals| execute(command, given, &signals));
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            message::message(format_args!("canvass: {failure}"));
            failure.exit().into()
        }
    }
}

fn parse(words: impl IntoIterator<Item = OsString>) -> Result<(Command, GivenFlags), clap::Error> {
    let matches = Cli::command().try_get_matches_from(words)?;
    let cli = Cli::from_arg_matches(&matches)?;
    Ok((cli.command, GivenFlags::of(&matches)))
}

fn execute(command: Command, given: GivenFlags, signals: &StopSignals) -> Result<Exit, Failure> {
    match command {
        Command::Ptr(args) => run::run(plan::ptr(args, given)?, signals),
        Command::Dns(args) => run::run(plan::dns(args, given)?, signals),
        Command::Http(args) => run::run(plan::http(args, given)?, signals),
        Command::Tcp(args) => run::run(plan::tcp(args, given)?, signals),
        Command::Udp(args) => run::run(plan::udp(args, given)?, signals),
        Command::Check(args) => run::run(plan::check(args, given)?, signals),
        Command::Sweep(args) => match *args {
            SweepArgs {
                command: Some(SweepCommand::Silence(args)),
                ..
            } => silence::silence(args),
            args => sweep::run(plan::sweep(args)?, signals),
        },
        Command::Worker(args) => remote::work(&args, signals),
        Command::Campaign(args) => match args.command {
            CampaignCommand::List(args) => remote::list(&args),
            CampaignCommand::Cancel(args) => remote::cancel(&args),
            CampaignCommand::Gather(args) => remote::gather(&args),
            CampaignCommand::Attach(args) => {
                let words = remote::attached(&args)?.into_iter().map(OsString::from);
                let (command, given) = parse(words).map_err(Failure::usage)?;
                execute(command, given, signals)
            }
        },
        Command::Probe(args) => probe::probe(&args),
        Command::Compare(args) => compare::run(plan::compare(args)?, signals),
        Command::Report(args) => report::report(&args),
        Command::Journal(args) => journal::journal(&args),
        Command::VerifyShards(args) => journal::verify_shards(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Selftest(args) => selftest::run(&args),
        Command::Lab(args) => lab::serve(&args, signals),
    }
}
