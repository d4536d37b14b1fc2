//! The flags of a run with a journal, and of what reads journals.

use std::path::PathBuf;

use clap::Args;

use super::{WorkersArgs, heading};

#[derive(Clone, Debug, Args)]
pub(crate) struct JournalArgs {
    /// Record in FILE what is done
    ///
    /// After any end of the run, also by SIGKILL or a power failure, --resume FILE goes on from there:
    /// no target is lost, and no line is written twice. -o must be a regular file. FILE is replaced
    /// several times per second, after the outputs have been synchronised; FILE.previous is the one
    /// before. A FILE of a run that is not finished is refused.
    #[arg(long, value_name = "FILE", conflicts_with = "resume", help_heading = heading::OUTPUT)]
    pub journal: Option<PathBuf>,
    /// Go on from the journal FILE, and keep it
    ///
    /// With the same command line otherwise. Resolvers, rates, time limits, --retries, --threads and
    /// what is said on standard error may differ; anything else that differs is refused and named, as
    /// is another list. Outputs are cut back to what the journal has, and continued. A run that is
    /// finished ends again as it ended.
    #[arg(long, value_name = "FILE", help_heading = heading::OUTPUT)]
    pub resume: Option<PathBuf>,
    #[command(flatten)]
    pub workers: WorkersArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ShowJournalArgs {
    /// The journal, as --journal names it
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyShardsArgs {
    /// The journals of all shards of a list
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
}
