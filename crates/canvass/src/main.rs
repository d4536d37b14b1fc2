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
mod defaults;
mod descriptors;
mod execution;
mod exit;
mod explain;
mod files;
mod generate;
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
mod screen;
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

use canvass_model::suggestion;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgMatches, CommandFactory, FromArgMatches};

use args::{CampaignCommand, Cli, Command, SweepArgs, SweepCommand};
use exit::{Exit, Failure};
use journal::GivenFlags;
use signals::StopSignals;

// Outcomes are allocated on one thread and freed on another, which costs a lock each time in glibc's
// allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The allocator asks for huge pages, and a huge page stays in memory while a single object in it
    // lives, so each burst would leave memory behind. A kernel that refuses the call has no huge pages.
    let _ = rustix::thread::disable_transparent_huge_pages(true);
    let with_defaults = match defaults::add_to(std::env::args_os().collect()) {
        Ok(with_defaults) => with_defaults,
        Err(failure) => return end(&failure),
    };
    let parsed = Cli::command().try_get_matches_from(&with_defaults.words);
    let parsed = parsed.and_then(|matches| {
        let (command, given) = read(&matches)?;
        Ok((command, given, with_defaults.message(&matches)))
    });
    let (command, given, defaults) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => {
            // Help is printed to standard output and is not an error; neither is a closed pipe there.
            let error = with_commands(error, &with_defaults.words);
            let _ = error.print();
            return Exit::from_clap(&error).into();
        }
    };
    if let Some(defaults) = defaults {
        message::message(defaults);
    }
    let ended = StopSignals::catch().and_then(|signals| execute(command, given, &signals));
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => end(&failure),
    }
}

/// The command of a command line, and its flags.
fn read(matches: &ArgMatches) -> Result<(Command, GivenFlags), clap::Error> {
    let cli = Cli::from_arg_matches(matches)?;
    Ok((cli.command, GivenFlags::of(matches)))
}

fn end(failure: &Failure) -> ExitCode {
    message::message(format_args!("canvass: {failure}"));
    failure.exit().into()
}

/// Adds the nearest command and the list of all of them to the error about a word that is none.
fn with_commands(mut error: clap::Error, words: &[OsString]) -> clap::Error {
    let unknown = match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        _ => None,
    };
    if let (Some(unknown), ErrorKind::InvalidSubcommand) = (unknown, error.kind()) {
        let cli = Cli::command();
        // That of `canvass campaign`, if the word is one after that.
        let group = words.iter().find_map(|word| cli.find_subcommand(word));
        let group = group
            .filter(|group| group.has_subcommands())
            .unwrap_or(&cli);
        let names: Vec<&str> = group
            .get_subcommands()
            .map(clap::Command::get_name)
            .collect();
        let list = format!(
            "the commands are {}{}",
            names.join(", "),
            suggestion(&unknown, names.iter().copied()),
        );
        error.remove(ContextKind::SuggestedSubcommand);
        let list = ContextValue::StyledStrs(vec![list.into()]);
        error.insert(ContextKind::Suggested, list);
    }
    error
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
                let words = remote::attached(&args)?;
                let parsed = Cli::command().try_get_matches_from(words);
                let (command, given) = parsed
                    .and_then(|matches| read(&matches))
                    .map_err(Failure::usage)?;
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
        Command::Completions(args) => generate::completions(&args),
        Command::Man(args) => generate::man(&args),
    }
}
