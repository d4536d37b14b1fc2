//! Where the targets of a sweep are from, and how they are read again.

use std::path::PathBuf;
use std::sync::Arc;

use canvass_queue::Dedup;
use canvass_run::Plan;
use canvass_sweep::WatchedTarget;
use canvass_sweep::config::{ConfiguredTargets, FileChanges, Maintenance};

use super::source;
use super::sweep::{Rounds, watched};
use crate::args::CommonArgs;
use crate::exit::Failure;

/// Where the targets of a sweep are from.
pub(crate) enum WatchList {
    /// A configuration.
    Configured(Box<ConfiguredTargets>),
    /// A list in a file, and perhaps arguments.
    Listed(Box<List>),
    /// What cannot be read again: standard input, or arguments alone.
    Fixed,
    /// There are no targets: there are probes on request only.
    None,
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
        let dedup = self.args.dedup.map(|bytes| Arc::new(Dedup::new(bytes)));
        let mut source = source(&self.plan, self.arguments.clone(), &self.args, dedup)?;
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
            Self::Configured(targets) => targets.have_changed(),
            Self::Listed(list) => list.changes.poll(),
            Self::Fixed | Self::None => false,
        }
    }

    /// Reads the targets again. `None` if they cannot be.
    ///
    /// # Errors
    /// Something is wrong with them, or there are none any more.
    pub(crate) fn read_again(&mut self) -> Result<Option<Vec<WatchedTarget>>, Failure> {
        let targets = match self {
            Self::Configured(targets) => targets.reload().map_err(Failure::usage)?,
            Self::Listed(list) => list.read()?,
            Self::Fixed | Self::None => return Ok(None),
        };
        if targets.is_empty() {
            return Err(Failure::usage("the list is empty"));
        }
        Ok(Some(targets))
    }

    /// The maintenance windows.
    pub(crate) fn maintenance(&self) -> Option<&Maintenance> {
        match self {
            Self::Configured(targets) => Some(targets.maintenance()),
            Self::Listed(_) | Self::Fixed | Self::None => None,
        }
    }
}
