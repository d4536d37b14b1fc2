//! The configuration of a sweep: a file in TOML.
//!
//! [`Config::read`] checks the file and what it names, [`Config::plan`] makes modules of a plan of
//! it, and [`ConfiguredTargets`] reads the targets, now and again when something has changed. Every
//! error has the place of the value that is wrong.

mod changes;
mod error;
mod file;
mod groups;
mod maintenance;
mod modules;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use canvass_queue::{TargetKind, TargetOptions};
use canvass_run::EndpointModules;
use toml::Spanned;

pub use changes::FileChanges;
pub use error::ConfigError;
pub use maintenance::{Maintenance, OpenWindows};
pub use modules::ModuleDefaults;

use crate::{Thresholds, WatchedTarget};
use error::Document;
use file::File;
use groups::GroupReader;
use modules::{Module, ModuleFiles};

/// A configuration, checked but for its targets.
pub struct Config {
    document: Document,
    file: File,
    modules: BTreeMap<String, Module>,
    /// Where the modules are named.
    module_names: Vec<Spanned<String>>,
    maintenance: Maintenance,
    /// What a plan of the modules is made of.
    planned: (toml::Table, ModuleFiles),
    changes: FileChanges,
}

/// The interval and the thresholds of targets where a configuration says nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The time from one round to the next.
    pub interval: Duration,
    /// How many rounds in a row change a state.
    pub thresholds: Thresholds,
}

/// What modules became in a plan.
pub struct PlannedModules {
    /// The kind of targets of each module; of `""`, the kind of those without one.
    kinds: BTreeMap<String, TargetKind>,
    /// Modules of the plan, and the time for one target of them.
    pub deadlines: Vec<(Range<usize>, Duration)>,
}

impl Config {
    /// Reads and checks a file, and the files that its modules name.
    ///
    /// # Errors
    /// What is wrong with it first.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let mut changes = FileChanges::default();
        changes.add(path.into());
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigError::of_file(path, format!("cannot read it: {error}")))?;
        let document = Document {
            path: path.into(),
            text,
        };
        let mut file: File =
            toml::from_str(&document.text).map_err(|error| document.parse_error(&error))?;
        let mut files = ModuleFiles::new();
        let (mut modules, mut module_names) = (BTreeMap::new(), Vec::new());
        for (name, raw) in std::mem::take(&mut file.modules) {
            if name.as_ref().is_empty() {
                return Err(document.error(name.span(), "a module needs a name"));
            }
            let module = Module::read(&document, raw, &mut files)?;
            modules.insert(name.as_ref().clone(), module);
            module_names.push(name);
        }
        groups::check(&document, &file, &modules)?;
        let maintenance = Maintenance::of(&document, &file.maintenance)?;
        let lists = file.groups.iter().flat_map(|group| &group.files);
        let lists = lists.map(|list| document.beside(list.as_ref()));
        let read: Vec<PathBuf> = files.keys().cloned().chain(lists).collect();
        read.into_iter().for_each(|path| changes.add(path));
        Ok(Self {
            planned: (modules::planned(&document.text), files),
            document,
            file,
            modules,
            module_names,
            maintenance,
            changes,
        })
    }

    /// The maintenance windows.
    pub fn maintenance(&self) -> &Maintenance {
        &self.maintenance
    }

    /// Adds what probes targets of the modules to the modules of a plan, after those for targets
    /// without a module.
    ///
    /// # Errors
    /// A certificate cannot be used, or credentials are missing.
    pub fn plan(
        &self,
        defaults: &ModuleDefaults,
        modules: &mut EndpointModules,
    ) -> Result<PlannedModules, ConfigError> {
        let mut planned = PlannedModules {
            kinds: BTreeMap::from([(String::new(), modules.kind())]),
            deadlines: Vec::new(),
        };
        for name in &self.module_names {
            let module = &self.modules[name.as_ref()];
            let module = module.plan(&self.document, name, defaults, modules)?;
            planned.kinds.insert(name.as_ref().clone(), module.kind);
            planned.deadlines.extend(module.deadline);
        }
        Ok(planned)
    }

    /// Reads the targets. `options` are for all lists, but for the kind of their targets.
    fn targets(
        &self,
        kinds: &BTreeMap<String, TargetKind>,
        options: &TargetOptions,
        pace: Pace,
    ) -> Result<Vec<WatchedTarget>, ConfigError> {
        let reader = GroupReader {
            document: &self.document,
            file: &self.file,
            modules: &self.modules,
            kinds,
            options,
            pace,
        };
        let targets = reader.read()?;
        groups::check_windows(&self.document, &self.file, &targets)?;
        Ok(targets)
    }
}

/// The targets of a configuration, which can be read again.
pub struct ConfiguredTargets {
    config: Config,
    kinds: BTreeMap<String, TargetKind>,
    options: TargetOptions,
    pace: Pace,
}

impl ConfiguredTargets {
    /// Reads the targets of a configuration whose modules are in a plan. `options` are for all
    /// lists, but for the kind of their targets.
    ///
    /// # Errors
    /// A list or a target is wrong.
    pub fn read(
        config: Config,
        planned: PlannedModules,
        options: TargetOptions,
        pace: Pace,
    ) -> Result<(Self, Vec<WatchedTarget>), ConfigError> {
        let targets = config.targets(&planned.kinds, &options, pace)?;
        let this = Self {
            config,
            kinds: planned.kinds,
            options,
            pace,
        };
        Ok((this, targets))
    }

    /// Whether one of the files has changed, as [`FileChanges::poll`] says it.
    pub fn have_changed(&mut self) -> bool {
        self.config.changes.poll()
    }

    /// Reads the file and all that it names again.
    ///
    /// # Errors
    /// What is wrong, as at first; then all is as before. Modules are part of a plan that runs, so
    /// others than before are an error too, but for what is judged afterwards (`max_latency` and
    /// `answers_*`).
    pub fn reload(&mut self) -> Result<Vec<WatchedTarget>, ConfigError> {
        let config = Config::read(&self.config.document.path)?;
        if config.planned != self.config.planned {
            let message = "the modules have changed: restart to apply that";
            return Err(ConfigError::of_file(&config.document.path, message));
        }
        let targets = config.targets(&self.kinds, &self.options, self.pace)?;
        self.config = config;
        Ok(targets)
    }

    /// The maintenance windows.
    pub fn maintenance(&self) -> &Maintenance {
        self.config.maintenance()
    }

    /// The number of groups.
    pub fn groups(&self) -> usize {
        self.config.file.groups.len()
    }
}
