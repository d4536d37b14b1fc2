//! The plan of probes on request.

use std::net::SocketAddr;

use canvass_blackbox::Modules;
use canvass_serve::{Exporter, ProbeTargets};

use crate::args::{ExporterArgs, ProbeTargetsArg, SweepArgs};
use crate::exit::Failure;
use crate::modules_file::ModulesFile;
use crate::same_file::NamedFiles;

/// What is probed on request, and the file that it is from.
pub(crate) struct PlannedExporter {
    pub file: ModulesFile,
    pub exporter: Exporter,
    /// The number of modules.
    pub count: usize,
}

/// What the arguments say of probes on request, if anything.
pub(super) fn exporter(
    args: &SweepArgs,
    files: &mut NamedFiles,
) -> Result<Option<PlannedExporter>, Failure> {
    let ExporterArgs {
        modules: Some(path),
        probe_targets,
    } = &args.exporter
    else {
        return Ok(None);
    };
    if args.listen.listen.is_none() && !args.check {
        return Err(Failure::usage(
            "--modules is for /probe: give it an address with --listen",
        ));
    }
    files.reads("--modules", path);
    let (file, modules) = ModulesFile::open(path.clone())?;
    Ok(Some(PlannedExporter {
        file,
        count: count(&modules),
        exporter: Exporter::new(modules, targets(*probe_targets, args.listen.listen)),
    }))
}

/// The number of modules.
pub(crate) fn count(modules: &Modules) -> usize {
    modules.names().count()
}

/// Any target, unless somebody else could have this machine probe it.
fn targets(given: Option<ProbeTargetsArg>, listen: Option<SocketAddr>) -> ProbeTargets {
    let is_local = listen.is_none_or(|address| address.ip().is_loopback());
    match given {
        Some(ProbeTargetsArg::Any) => ProbeTargets::Any,
        Some(ProbeTargetsArg::Listed) => ProbeTargets::Listed,
        None if is_local => ProbeTargets::Any,
        None => ProbeTargets::Listed,
    }
}
