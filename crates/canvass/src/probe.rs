//! `canvass probe`: one probe with a module of blackbox_exporter, and its metrics.

use std::time::Instant;

use canvass_blackbox::ProbeRequest;
use crossbeam_channel::never;

use crate::args::ProbeArgs;
use crate::exit::{Exit, Failure};
use crate::files;
use crate::modules_file;

/// Prints the metrics of one probe. Its exit status says whether it was a success.
pub(crate) fn probe(args: &ProbeArgs) -> Result<Exit, Failure> {
    let modules = modules_file::read(&args.modules)?;
    let request = ProbeRequest {
        asked: Instant::now(),
        module: &args.module,
        target: &args.target,
        hostname: args.hostname.as_deref(),
        scrape_timeout: args.scrape_timeout,
        debug: args.debug,
    };
    let response = canvass_blackbox::probe(&modules, &request, &never()).map_err(Failure::usage)?;
    let text = response.debug.unwrap_or_else(|| response.metrics.text());
    files::write_stdout(text.as_bytes())?;
    Ok(if response.success {
        Exit::Complete
    } else {
        Exit::TooManyFailed
    })
}
