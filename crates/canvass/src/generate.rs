//! `canvass completions` and `canvass man`: what follows from the definition of the command line.

use std::fs;

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs, ManArgs};
use crate::exit::{Exit, Failure};
use crate::files;

/// Writes the completions of a shell to standard output.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    let mut cli = Cli::command();
    let name = cli.get_name().to_owned();
    clap_complete::generate(args.shell, &mut cli, name, &mut script);
    files::write_stdout(&script)?;
    Ok(Exit::Complete)
}

/// Writes a manual page for each command, in place of those that are there.
pub(crate) fn man(args: &ManArgs) -> Result<Exit, Failure> {
    let directory = &args.directory;
    fs::create_dir_all(directory)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), directory))
        .map_err(|error| {
            let directory = directory.display();
            Failure::stopped(format!("cannot write manual pages to {directory}: {error}"))
        })?;
    Ok(Exit::Complete)
}
