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
mod reload;
mod sources;
#[cfg(test)]
mod tests;
mod values;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use canvass_queue::TargetKind;
use canvass_run::EndpointModules;
use toml::Spanned;

pub use changes::FileChanges;
pub use error::ConfigError;
pub use maintenance::{Maintenance, OpenWindows};
pub use modules::ModuleDefaults;
pub use reload::{ConfiguredTargets, Reloaded, Usual};

use crate::{Thresholds, WatchedTarget};
use error::Document;
use file::File;
use groups::GroupReader;
use modules::{Module, ModuleFiles};
use sources::{ModuleSource, sources};

/// A configuration, checked but for its targets.
pub struct Config {
    document: Document,
    file: File,
    modules: BTreeMap<String, Module>,
    /// Where the modules are named.
    module_names: Vec<Spanned<String>>,
    maintenance: Maintenance,
    /// What each module of a plan is made of.
    sources: BTreeMap<String, ModuleSource>,
    changes: FileChanges,
}

/// The interval and the thresholds of targets where a configuration says nothing else.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The time from one round to the next.
    pub interval: Duration,
    /// The longest time by which a round is later than its fixed point.
    pub jitter: Duration,
    /// How many rounds in a row change a state.
    pub thresholds: Thresholds,
}

/// What modules became in a plan.
pub struct PlannedModules {
    /// The kind of targets of each module; of `""`, the kind of those without one.
    kinds: BTreeMap<String, TargetKind>,
    /// Modules of the plan, and the time for one target of them.
    pub deadlines: Vec<(Range<usize>, Duration)>,
    /// How many modules the plan has.
    count: usize,
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
        let mut files = BTreeMap::new();
        let (mut modules, mut module_names) = (BTreeMap::new(), Vec::new());
        for (name, raw) in std::mem::take(&mut file.modules) {
            if name.as_ref().is_empty() {
                return Err(document.error(name.span(), "a module needs a name"));
            }
            let mut of_module = ModuleFiles::new();
            let module = Module::read(&document, raw, &mut of_module)?;
            modules.insert(name.as_ref().clone(), module);
            files.insert(name.as_ref().clone(), of_module);
            module_names.push(name);
        }
        groups::check(&document, &file, &modules)?;
        let maintenance = Maintenance::of(&document, &file.maintenance)?;
        let lists = file.groups.iter().flat_map(|group| &group.files);
        let lists = lists.map(|list| document.beside(list.as_ref()));
        let of_modules = files.values().flat_map(BTreeMap::keys).cloned();
        let read: Vec<PathBuf> = of_modules.chain(lists).collect();
        read.into_iter().for_each(|path| changes.add(path));
        Ok(Self {
            sources: sources(&document.text, files),
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
            count: 0,
        };
        for name in &self.module_names {
            self.plan_module(name, defaults, modules, &mut planned)?;
        }
        planned.count = modules.count();
        Ok(planned)
    }

    fn plan_module(
        &self,
        name: &Spanned<String>,
        defaults: &ModuleDefaults,
        modules: &mut EndpointModules,
        planned: &mut PlannedModules,
    ) -> Result<(), ConfigError> {
        let module = &self.modules[name.as_ref()];
        let module = module.plan(&self.document, name, defaults, modules)?;
        planned.kinds.insert(name.as_ref().clone(), module.kind);
        planned.deadlines.extend(module.deadline);
        Ok(())
    }

    /// Reads the targets.
    fn targets(
        &self,
        kinds: &BTreeMap<String, TargetKind>,
        usual: &Usual,
    ) -> Result<Vec<WatchedTarget>, ConfigError> {
        let reader = GroupReader {
            document: &self.document,
            file: &self.file,
            modules: &self.modules,
            kinds,
            usual,
        };
        let targets = reader.read()?;
        groups::check_windows(&self.document, &self.file, &targets)?;
        Ok(targets)
    }
}
