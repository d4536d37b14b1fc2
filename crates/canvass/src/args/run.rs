//! The flags of commands that ask each target of a list.

use clap::Args;

use super::{FilterArgs, JournalArgs, RecheckArgs, heading};

#[derive(Clone, Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Print what would be asked, and ask nothing
    ///
    /// The plan, the number of targets and the first of them go to standard output. The list is read, but
    /// nothing is sent, and no output or journal is opened, created or cut. The exit status is 2 if
    /// something is wrong with the command line or the list cannot be read, and else 0.
    #[arg(long, help_heading = heading::OUTPUT)]
    pub dry_run: bool,
    #[command(flatten)]
    pub journal: JournalArgs,
    #[command(flatten)]
    pub recheck: RecheckArgs,
}
