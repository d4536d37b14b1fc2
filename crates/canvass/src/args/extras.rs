//! What a line of `canvass http` shows on request.

use clap::Args;

use super::heading;

/// What is collected of a response on request.
#[derive(Debug, Args)]
#[command(next_help_heading = heading::OUTPUT)]
pub(crate) struct ExtrasArgs {
    /// Show all headers of the response
    #[arg(long)]
    pub headers: bool,
    /// Show the title of the page
    ///
    /// The title of an HTML page is looked for in the first 256 KiB of the decoded body.
    #[arg(long)]
    pub title: bool,
    /// Show the SHA-256 of the decoded body
    #[arg(long)]
    pub body_sha256: bool,
    /// Show the hash of the site's icon
    ///
    /// A second request, for /favicon.ico, is made after each response, over the same connection
    /// if the server keeps it. Its result and its time do not change those of the line. The hash is
    /// that of Shodan and httpx.
    #[arg(long, conflicts_with = "all_addresses")]
    pub favicon: bool,
    /// Show each redirect in detail
    ///
    /// Adds headers, TLS connection and phases to each redirect that --follow follows.
    #[arg(long)]
    pub chain: bool,
}
