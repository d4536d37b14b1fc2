//! The flags of `canvass report`.

use std::path::PathBuf;

use clap::Args;

use super::heading;

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// The output of a run; - is standard input
    ///
    /// Its ndjson lines (`-f ndjson`) or its interval log (`--hlog`), plain or compressed with gzip
    /// or zstd. Text and csv do not hold enough for a page.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write the page to FILE
    #[arg(short, long, value_name = "FILE", visible_alias = "html", help_heading = heading::OUTPUT)]
    pub output: Option<PathBuf>,
}
