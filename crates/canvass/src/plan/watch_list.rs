//! Where the targets of a sweep are from, and how they are read again.

use std::path::PathBuf;
use std::time::Duration;

use canvass_proto::{ModuleKind, Timeouts};
use canvass_run::Plan;
use canvass_sweep::WatchedTarget;
use canvass_sweep::config::{ConfiguredTargets, FileChanges, Maintenance, Reloaded};

use super::hosts::module_timeouts;
use super::list::{LeftOut, source};
use super::sweep::{Rounds, watched};
use crate::args::{CommonArgs, HostArgs, TimeoutArgs};
use crate::exit::Failure;

/// Where the targets of a sweep are from.
pub(crate) enum WatchList {
    /// A configuration.
    Configured(Box<Configured>),
    /// A list in a file, and perhaps arguments.
    Listed(Box<List>),
    /// What cannot be read again: standard input, or arguments alone.
    Fixed,
    /// There are no targets: there are probes on request only.
    None,
}

/// Targets that were read again.
pub(crate) struct Reread {
    pub targets: Vec<WatchedTarget>,
    /// What the sweep needs before it has these targets.
    pub modules: Vec<(ModuleKind, Timeouts)>,
}

/// A configuration.
pub(crate) struct Configured {
    pub(super) targets: ConfiguredTargets,
    pub(super) timeouts: ModuleTimeouts,
}

/// The flags that limit the time of modules.
pub(crate) struct ModuleTimeouts {
    flags: TimeoutArgs,
    common: CommonArgs,
}

impl ModuleTimeouts {
    pub(super) fn new(args: &HostArgs) -> Self {
        Self {
            flags: args.timeouts.clone(),
            common: args.common.clone(),
        }
    }

    /// The limits of a module, whose own limit for one target may be shorter.
    fn of(&self, module: &ModuleKind, deadline: Option<Duration>) -> Timeouts {
        let timeouts = module_timeouts(&self.flags, &self.common, module);
        deadline.map_or(timeouts, |deadline| timeouts.within(deadline))
    }
}

/// A list in a file.
pub(crate) struct List {
    plan: Plan,
    arguments: Vec<String>,
    args: CommonArgs,
    rounds: Rounds,
    changes: FileChanges,
}

impl List {
    /// The list of these arguments, which has been read, if it is in a file. `changes` has the file.
    pub(super) fn new(
        plan: Plan,
        arguments: Vec<String>,
        args: CommonArgs,
        rounds: Rounds,
        changes: FileChanges,
    ) -> Self {
        Self {
            plan,
            arguments,
            args,
            rounds,
            changes,
        }
    }

    fn read(&self) -> Result<Vec<WatchedTarget>, Failure> {
        let left_out = LeftOut::new(&self.args);
        let mut source = source(&self.plan, self.arguments.clone(), &self.args, &left_out)?;
        watched(&mut *source, &self.rounds)
    }
}

/// The file that a list is in.
pub(super) fn file(args: &CommonArgs) -> Option<PathBuf> {
    let path = args.input.as_deref().filter(|path| *path != "-");
    // Another kind of file gives its lines only once.
    path.map(PathBuf::from).filter(|path| path.is_file())
}

impl WatchList {
    /// Whether the targets can be read again.
    pub(crate) fn can_be_read_again(&self) -> bool {
        !matches!(self, Self::Fixed | Self::None)
    }

    /// Whether a file has changed since the targets were read, and is complete.
    pub(crate) fn has_changed(&mut self) -> bool {
        match self {
            Self::Configured(configured) => configured.targets.have_changed(),
            Self::Listed(list) => list.changes.poll(),
            Self::Fixed | Self::None => false,
        }
    }

    /// Reads the targets again. `None` if they cannot be.
    ///
    /// # Errors
    /// Something is wrong with them.
    pub(crate) fn read_again(&mut self) -> Result<Option<Reread>, Failure> {
        let reread = match self {
            Self::Configured(configured) => {
                let Reloaded { targets, modules } =
                    configured.targets.reload().map_err(Failure::usage)?;
                let with_timeouts = |(module, deadline)| {
                    let timeouts = configured.timeouts.of(&module, deadline);
                    (module, timeouts)
                };
                Reread {
                    targets,
                    modules: modules.into_iter().map(with_timeouts).collect(),
                }
            }
            Self::Listed(list) => Reread {
                targets: list.read()?,
                modules: Vec::new(),
            },
            Self::Fixed | Self::None => return Ok(None),
        };
        Ok(Some(reread))
    }

    /// The maintenance windows.
    pub(crate) fn maintenance(&self) -> Option<&Maintenance> {
        match self {
            Self::Configured(configured) => Some(configured.targets.maintenance()),
            Self::Listed(_) | Self::Fixed | Self::None => None,
        }
    }
}
