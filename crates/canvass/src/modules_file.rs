//! The file of blackbox_exporter's modules.

use std::fs;
use std::path::{Path, PathBuf};

use canvass_blackbox::Modules;
use canvass_sweep::config::FileChanges;

use crate::exit::Failure;

/// A file of modules that is read again when it changes.
pub(crate) struct ModulesFile {
    path: PathBuf,
    changes: FileChanges,
}

impl ModulesFile {
    /// Reads a file, and watches it from now on.
    ///
    /// # Errors
    /// It cannot be read, or something is wrong with it.
    pub(crate) fn open(path: PathBuf) -> Result<(Self, Modules), Failure> {
        let mut changes = FileChanges::default();
        changes.add(path.clone());
        let modules = read(&path)?;
        Ok((Self { path, changes }, modules))
    }

    /// Whether it has changed since it was read, and is complete.
    pub(crate) fn has_changed(&mut self) -> bool {
        self.changes.poll()
    }

    /// Reads it again.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub(crate) fn read(&self) -> Result<Modules, Failure> {
        read(&self.path)
    }
}

/// Reads a file of modules.
///
/// # Errors
/// It cannot be read, or something is wrong with it.
pub(crate) fn read(path: &Path) -> Result<Modules, Failure> {
    let shown = path.display();
    let text = fs::read_to_string(path)
        .map_err(|error| Failure::usage(format!("cannot read {shown}: {error}")))?;
    Modules::parse(&text).map_err(|error| Failure::usage(format!("{shown}: {error}")))
}
