//! The `canvass` command: turns arguments into a plan, and runs it.
//!
//! This is the only crate that depends on all the others. It sends nothing itself: it connects the
//! parts, and contains what belongs to the process and its user: arguments, messages, signals,
//! limits, the exit status.

mod args;
mod ascii;
mod changes;
mod command_line;
mod compare;
mod compressed;
mod cpu_time;
mod credentials;
mod decompressed;
mod descriptors;
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
mod report;
mod resolvers;
mod rotated;
mod rotation;
mod run;
mod same_file;
mod screen;
mod selftest;
mod service;
mod signals;
mod silence;
mod sweep;
mod terminal;
mod units;
mod upkeep;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches};

use args::{Cli, Command, SweepArgs, SweepCommand};
use exit::{Exit, Failure};
use journal::GivenFlags;
use signals::StopSignals;

// Outcomes are allocated on one thread and freed on another, which costs a lock each time in glibc's
// allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let parsed = Cli::command().try_get_matches().and_then(|matches| {
        let cli = Cli::from_arg_matches(&matches)?;
        Ok((cli.command, GivenFlags::of(&matches)))
    });
    let (command, given) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help is printed to standard output and is not an error; neither is a closed pipe there.
            let _ = error.print();
            return Exit::from_clap(&error).into();
        }
    };
    match execute(command, given) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            message::message(format_args!("canvass: {failure}"));
            failure.exit().into()
        }
    }
}

fn execute(command: Command, given: GivenFlags) -> Result<Exit, Failure> {
    let signals = StopSignals::catch()?;
    match command {
        Command::Ptr(args) => run::run(plan::ptr(args, given)?, &signals),
        Command::Dns(args) => run::run(plan::dns(args, given)?, &signals),
        Command::Http(args) => run::run(plan::http(args, given)?, &signals),
        Command::Tcp(args) => run::run(plan::tcp(args, given)?, &signals),
        Command::Udp(args) => run::run(plan::udp(args, given)?, &signals),
        Command::Check(args) => run::run(plan::check(args, given)?, &signals),
        Command::Sweep(args) => match *args {
            SweepArgs {
                command: Some(SweepCommand::Silence(args)),
                ..
            } => silence::silence(args),
            args => sweep::run(plan::sweep(args)?, &signals),
        },
        Command::Probe(args) => probe::probe(&args),
        Command::Compare(args) => compare::run(plan::compare(args)?, &signals),
        Command::Report(args) => report::report(&args),
        Command::Journal(args) => journal::journal(&args),
        Command::VerifyShards(args) => journal::verify_shards(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Selftest(args) => selftest::run(&args),
        Command::Lab(args) => lab::serve(&args, &signals),
    }
}
