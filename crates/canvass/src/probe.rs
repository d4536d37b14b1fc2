//! `canvass probe`: one probe with a module of blackbox_exporter, and its metrics.

use std::fs;

use canvass_blackbox::{Modules, ProbeRequest};

use crate::args::ProbeArgs;
use crate::exit::{Exit, Failure};
use crate::files;

/// Prints the metrics of one probe. Its exit status says whether it was a success.
pub(crate) fn probe(args: &ProbeArgs) -> Result<Exit, Failure> {
    let path = args.modules.display();
    let text = fs::read_to_string(&args.modules)
        .map_err(|error| Failure::usage(format!("cannot read {path}: {error}")))?;
    let modules =
        Modules::parse(&text).map_err(|error| Failure::usage(format!("{path}: {error}")))?;
    let response = canvass_blackbox::probe(
        &modules,
        &ProbeRequest {
            module: &args.module,
            target: &args.target,
            hostname: args.hostname.as_deref(),
            scrape_timeout: args.scrape_timeout,
            debug: args.debug,
        },
    )
    .map_err(Failure::usage)?;
    files::write_stdout(response.text.as_bytes())?;
    Ok(if response.success {
        Exit::Complete
    } else {
        Exit::TooManyFailed
    })
}
