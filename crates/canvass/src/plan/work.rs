//! The plan of a command line without its targets and outputs.

use std::time::Duration;

use canvass_report::{Columns, Format, LineFilter};
use canvass_run::Plan;

use super::check::check_parts;
use super::http::http_parts;
use super::lookups::{dns_parts, ptr_parts};
use super::site::Site;
use super::talk::{tcp_parts, udp_parts};
use super::{built, event_loops};
use crate::args::Command;
use crate::descriptors;
use crate::exit::Failure;

/// How targets are probed, and how their lines are written.
pub(crate) struct Work {
    pub plan: Plan,
    pub format: Format,
    pub columns: Columns,
    /// Which outcomes have a line; all of them without it.
    pub filter: Option<LineFilter>,
    /// The most time that one target may take.
    pub deadline: Duration,
}

/// The plan of a command with a list.
///
/// # Errors
/// The arguments cannot be used, or the command has no list.
pub(crate) fn work(command: Command, site: Site<'_>) -> Result<Work, Failure> {
    let filter = match &command {
        Command::Ptr(args) => &args.run.filter,
        Command::Dns(args) => &args.run.filter,
        Command::Http(args) => &args.run.filter,
        Command::Tcp(args) => &args.run.filter,
        Command::Udp(args) => &args.run.filter,
        Command::Check(args) => &args.run.filter,
        _ => return Err(Failure::usage("the command has no list")),
    };
    let filter = filter.clone().filter();
    let (parts, common) = match command {
        Command::Ptr(args) => ptr_parts(args, site)?,
        Command::Dns(args) => dns_parts(args, site)?,
        Command::Http(args) => {
            let common = args.host.common.clone();
            (http_parts(args, site)?, common)
        }
        Command::Tcp(args) => {
            let common = args.host.common.clone();
            (tcp_parts(args, site)?, common)
        }
        Command::Udp(args) => {
            let common = args.host.common.clone();
            (udp_parts(args, site)?, common)
        }
        Command::Check(args) => {
            let common = args.probing.host.common.clone();
            (check_parts(args, site)?, common)
        }
        _ => return Err(Failure::usage("the command has no list")),
    };
    descriptors::check(event_loops(&common))?;
    Ok(Work {
        plan: built(parts.builder, parts.assertions, &common)?,
        format: common.format,
        columns: parts.columns,
        filter,
        deadline: common.deadline,
    })
}
