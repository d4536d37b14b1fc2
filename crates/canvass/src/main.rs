//! The `canvass` command: arguments become a plan, and the plan is run.
//!
//! This is the only crate that knows all the others. It asks nothing itself: what it holds is
//! how the pieces are put together, and what a person sees of it.

mod args;
mod clocks;
mod command_line;
mod compare;
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

// Outcomes are made on one thread and dropped on another, which glibc's allocator pays for with
// a lock each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help goes to standard output and is no error; a closed pipe there is none either.
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
