//! The flag for a second opinion at the end of a run.

use clap::Args;

use super::heading;

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct RecheckArgs {
    /// Ask failed targets again at the end
    ///
    /// Without this flag the line of a failed target is written at once. With it, failed targets are
    /// parked in a file, and once all others are done a random sample of them is asked again: slowly,
    /// one at a time for each resolver and each host, for a minute at most. Then their lines are
    /// written, each once. A target that answers has "recheck": true; the others have the line that
    /// they would have had. The summary says how many had failed only under load. SIGINT and SIGTERM
    /// end or skip the pass. A target that is not valid is not parked.
    #[arg(long, help_heading = heading::LIMITS)]
    pub recheck: bool,
}
