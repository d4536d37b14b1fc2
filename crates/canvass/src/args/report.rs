//! The flags of `canvass report`.

use std::path::PathBuf;

use clap::Args;

#[derive(Debug, Args)]
pub struct ReportArgs {
    /// What a run has written: its ndjson lines (`-f ndjson`) or its interval log (`--hlog`); `-`
    /// is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Write the page to FILE instead of standard output
    #[arg(short, long, value_name = "FILE", visible_alias = "html")]
    pub output: Option<PathBuf>,
}
