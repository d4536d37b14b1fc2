//! The `canvass` command: turns arguments into a plan, and runs it.
//!
//! This is the only crate that depends on all the others. It sends nothing itself: it connects the
//! parts, and contains what belongs to the process and its user: arguments, messages, signals,
//! limits, the exit status.

mod args;
mod command_line;
mod compare;
mod cpu_time;
mod credentials;
mod descriptors;
mod exit;
mod explain;
mod files;
mod lab;
mod message;
mod outputs;
mod plan;
mod progress;
mod report;
mod resolvers;
mod run;
mod selftest;
mod signals;
mod terminal;
mod units;

use std::process::ExitCode;

use clap::Parser;

use args::{Cli, Command};
use exit::Exit;

// Outcomes are allocated on one thread and freed on another, which costs a lock each time in glibc's
// allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help is printed to standard output and is not an error; neither is a closed pipe there.
            let _ = error.print();
            return Exit::from_clap(&error).into();
        }
    };
    let ended = match cli.command {
        Command::Ptr(args) => plan::ptr(args).and_then(run::run),
        Command::Dns(args) => plan::dns(args).and_then(run::run),
        Command::Http(args) => plan::http(args).and_then(run::run),
        Command::Tcp(args) => plan::tcp(args).and_then(run::run),
        Command::Udp(args) => plan::udp(args).and_then(run::run),
        Command::Compare(args) => plan::compare(args).and_then(compare::run),
        Command::Report(args) => report::report(&args),
        Command::Explain(args) => explain::explain(&args),
        Command::Selftest(args) => selftest::run(&args),
        Command::Lab(args) => lab::serve(&args),
    };
    match ended {
        Ok(exit) => exit.into(),
        Err(failure) => {
            message::message(format_args!("canvass: {failure}"));
            failure.exit().into()
        }
    }
}
