//! The arguments of the commands that generate files about the command line.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    pub shell: Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The directory, which is created if it is not there
    #[arg(value_name = "DIR")]
    pub directory: PathBuf,
}
