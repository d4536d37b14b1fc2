//! The targets of a configuration, which can be read again.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use canvass_proto::ModuleKind;
use canvass_queue::{TargetKind, TargetOptions};
use canvass_run::EndpointModules;

use super::{Config, ConfigError, Maintenance, ModuleDefaults, Pace, PlannedModules};
use crate::WatchedTarget;

/// The most modules that a run can have, since jobs refer to them by 16 bits.
const MODULES_MAX: usize = 1 << 16;

/// What targets have where a configuration says nothing else.
pub struct Usual {
    /// How they are probed, and what is expected of them.
    pub modules: ModuleDefaults,
    /// How their lists are read, but for the kind of targets.
    pub options: TargetOptions,
    /// How often they are probed.
    pub pace: Pace,
}

/// The targets of a configuration, which can be read again.
pub struct ConfiguredTargets {
    config: Config,
    kinds: BTreeMap<String, TargetKind>,
    /// How many modules the run has.
    modules: usize,
    usual: Usual,
}

/// A configuration that was read again.
pub struct Reloaded {
    /// Its targets.
    pub targets: Vec<WatchedTarget>,
    /// Modules that the run does not have yet, and that it needs before it has the targets, with the
    /// time for one target of each.
    pub modules: Vec<(ModuleKind, Option<Duration>)>,
}

impl ConfiguredTargets {
    /// Reads the targets of a configuration whose modules are in a plan.
    ///
    /// # Errors
    /// A list or a target is wrong.
    pub fn read(
        config: Config,
        planned: PlannedModules,
        usual: Usual,
    ) -> Result<(Self, Vec<WatchedTarget>), ConfigError> {
        let targets = config.targets(&planned.kinds, &usual)?;
        let this = Self {
            config,
            kinds: planned.kinds,
            modules: planned.count,
            usual,
        };
        Ok((this, targets))
    }

    /// Whether one of the files has changed, as [`FileChanges::poll`](super::FileChanges::poll) says
    /// it.
    pub fn have_changed(&mut self) -> bool {
        self.config.changes.poll()
    }

    /// Reads the file and all that it names again. Modules that are as before stay the same ones of
    /// the run; those that are new or have changed are added to it. What a run has is never removed,
    /// so that probes under way end with the settings that they began with.
    ///
    /// # Errors
    /// What is wrong, as at first; then all is as before.
    pub fn reload(&mut self) -> Result<Reloaded, ConfigError> {
        let config = Config::read(&self.config.document.path)?;
        let mut modules = EndpointModules::following(self.modules);
        let mut planned = PlannedModules {
            kinds: BTreeMap::from([(String::new(), self.kinds[""].clone())]),
            deadlines: Vec::new(),
            count: 0,
        };
        for name in &config.module_names {
            let key = name.as_ref();
            match self.kinds.get(key) {
                Some(kind) if config.sources.get(key) == self.config.sources.get(key) => {
                    planned.kinds.insert(key.clone(), kind.clone());
                }
                _ => config.plan_module(name, &self.usual.modules, &mut modules, &mut planned)?,
            }
        }
        let count = modules.count();
        if count > MODULES_MAX {
            let message = "too many modules have changed since the start: restart to apply that";
            return Err(ConfigError::of_file(&config.document.path, message));
        }
        let targets = config.targets(&planned.kinds, &self.usual)?;
        let numbered = (self.modules..).zip(modules.into_modules());
        let modules = numbered
            .map(|(number, kind)| (kind, deadline_of(number, &planned.deadlines)))
            .collect();
        self.config = config;
        self.kinds = planned.kinds;
        self.modules = count;
        Ok(Reloaded { targets, modules })
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

fn deadline_of(module: usize, deadlines: &[(Range<usize>, Duration)]) -> Option<Duration> {
    let found = deadlines
        .iter()
        .find(|(modules, _)| modules.contains(&module));
    found.map(|(_, deadline)| *deadline)
}
