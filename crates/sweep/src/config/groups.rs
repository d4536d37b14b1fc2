//! Groups: their targets, inline and in files.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use canvass_model::{Job, Target, suggestion};
use canvass_queue::{Source, TargetKind, TargetOptions};
use canvass_report::target_name;
use toml::Spanned;

use super::error::{ConfigError, Document, Place};
use super::file::{File, Group};
use super::modules::Module;
use super::{Usual, modules};
use crate::{TargetAssertions, Thresholds, WatchedTarget};

/// Jobs read from a list at a time.
const JOBS_READ: usize = 4_096;

/// How targets of groups are read.
pub(super) struct GroupReader<'a> {
    pub(super) document: &'a Document,
    pub(super) file: &'a File,
    pub(super) modules: &'a BTreeMap<String, Module>,
    /// The kind of targets of each module, and of none.
    pub(super) kinds: &'a BTreeMap<String, TargetKind>,
    pub(super) usual: &'a Usual,
}

/// What all targets of a group have.
struct GroupSettings {
    assertions: Option<Arc<TargetAssertions>>,
    jitter: Duration,
}

/// Where a target is from.
#[derive(Clone)]
enum Origin<'a> {
    Inline(&'a Spanned<String>),
    List { path: PathBuf, line: Option<u64> },
}

impl GroupReader<'_> {
    /// The targets of all groups.
    pub(super) fn read(&self) -> Result<Vec<WatchedTarget>, ConfigError> {
        let mut targets = Vec::new();
        let mut origins: HashMap<Arc<str>, (usize, Origin<'_>)> = HashMap::new();
        for group in &self.file.groups {
            let of_group = GroupSettings {
                assertions: self.assertions(group),
                jitter: self.jitter(group)?,
            };
            for (job, origin) in self.jobs(group)? {
                let target = self.target(group, &of_group, job, &origin)?;
                if let Some((_, earlier)) = origins.get(&target.key) {
                    let earlier = self.place(earlier);
                    let message = format!("{:?} is watched already: {earlier}", target.key);
                    return Err(self.error(&origin, message));
                }
                origins.insert(Arc::clone(&target.key), (targets.len(), origin));
                targets.push(target);
            }
        }
        if targets.is_empty() {
            let message = "there is no target to watch: [[groups]] with targets or files";
            return Err(ConfigError::of_file(&self.document.path, message));
        }
        for group in &self.file.groups {
            if let Some(gateway) = &group.depends_on {
                self.check_gateway(gateway, &targets, &origins)?;
            }
            let module = group
                .module
                .as_ref()
                .map(|name| &self.modules[name.as_ref()]);
            if let Some(primary) = module.and_then(Module::primary) {
                self.check_primary(primary, &targets, &origins)?;
            }
        }
        Ok(targets)
    }

    /// What is expected of the targets of a group.
    fn assertions(&self, group: &Group) -> Option<Arc<TargetAssertions>> {
        let usual = &self.usual.modules.assertions;
        let module = group
            .module
            .as_ref()
            .map(|name| &self.modules[name.as_ref()]);
        let assertions = match module {
            Some(module) => module.assertions(usual),
            None => TargetAssertions {
                outcome: usual.clone(),
                primary: None,
            },
        };
        assertions.if_any()
    }

    /// The jitter of a group, which is at most its interval.
    fn jitter(&self, group: &Group) -> Result<Duration, ConfigError> {
        let interval = self.interval(group);
        let Some(jitter) = group.jitter.as_ref().or(self.file.jitter.as_ref()) else {
            return Ok(self.usual.pace.jitter.min(interval));
        };
        let time = jitter.as_ref().0.0;
        if time > interval {
            let name = group.name.as_ref();
            let message = format!("longer than the interval of the group {name:?}, {interval:?}");
            return Err(self.document.error(jitter.span(), message));
        }
        Ok(time)
    }

    fn interval(&self, group: &Group) -> Duration {
        let interval = group.interval.as_ref().or(self.file.interval.as_ref());
        interval.map_or(self.usual.pace.interval, |time| time.0.0)
    }

    fn jobs<'a>(&self, group: &'a Group) -> Result<Vec<(Job, Origin<'a>)>, ConfigError> {
        let module = group.module.as_ref().map_or("", |name| name.as_ref());
        let options = TargetOptions {
            kind: self.kinds[module].clone(),
            ..self.usual.options.clone()
        };
        let mut jobs = Vec::new();
        for text in &group.targets {
            let source = canvass_queue::arguments([text.as_ref().clone()], &options);
            let read = source.and_then(read_all);
            let read = read.map_err(|error| self.document.error(text.span(), error))?;
            jobs.extend(read.into_iter().map(|job| (job, Origin::Inline(text))));
        }
        for file in &group.files {
            let path = self.document.beside(file.as_ref());
            let name = path.to_string_lossy();
            let read = canvass_queue::open(&name, &options).and_then(read_all);
            let read = read.map_err(|error| self.document.error(file.span(), error))?;
            jobs.extend(read.into_iter().map(|job| {
                let (path, line) = (path.clone(), job.line.map(u64::from));
                (job, Origin::List { path, line })
            }));
        }
        Ok(jobs)
    }

    fn target(
        &self,
        group: &Group,
        of_group: &GroupSettings,
        job: Job,
        origin: &Origin<'_>,
    ) -> Result<WatchedTarget, ConfigError> {
        if let Target::Invalid { given, reason } = &job.target {
            return Err(self.error(origin, format!("{given:?}: {reason}")));
        }
        let key: Arc<str> = target_name(&job.target).into();
        let module = group.module.as_ref().map(|name| name.as_ref().as_str());
        let settings = module.and_then(|name| self.modules.get(name));
        let refusal = settings.and_then(|module| module.refuses(&key, job.spec));
        if let (Some(name), Some(refusal)) = (module, refusal) {
            return Err(self.error(origin, format!("{key:?}: module {name:?} {refusal}")));
        }
        let depends_on = group.depends_on.as_ref().map(|gateway| gateway.as_ref());
        let depends_on = depends_on.filter(|gateway| ***gateway != *key);
        let (file, pace) = (self.file, &self.usual.pace);
        Ok(WatchedTarget {
            group: group.name.as_ref().as_str().into(),
            module: module.map(Into::into),
            target: job.target,
            spec: job.spec,
            resolver: job.resolver,
            line: job.line,
            interval: self.interval(group),
            jitter: of_group.jitter,
            thresholds: Thresholds {
                down: (group.down_after.or(file.down_after)).unwrap_or(pace.thresholds.down),
                up: (group.up_after.or(file.up_after)).unwrap_or(pace.thresholds.up),
            },
            depends_on: depends_on.map(|gateway| gateway.as_str().into()),
            in_maintenance: false,
            labels: labels(group),
            assertions: of_group.assertions.clone(),
            key,
        })
    }

    /// Checks that a gateway is a target, and does not depend on itself.
    fn check_gateway(
        &self,
        gateway: &Spanned<String>,
        targets: &[WatchedTarget],
        origins: &HashMap<Arc<str>, (usize, Origin<'_>)>,
    ) -> Result<(), ConfigError> {
        let find = |key: &str| origins.get(key).map(|(index, _)| &targets[*index]);
        let name: &String = gateway.as_ref();
        let Some(mut target) = find(name) else {
            let hint = suggestion(name, origins.keys().map(|key| &**key));
            let message = format!("{name:?} is no target of this file{hint}");
            return Err(self.document.error(gateway.span(), message));
        };
        // A chain without a cycle has no target twice, and only gateways but for its first.
        for _ in 0..=self.file.groups.len() {
            match target.depends_on.as_deref().and_then(find) {
                Some(next) => target = next,
                None => return Ok(()),
            }
        }
        let message = format!("{name:?} depends on itself by way of {:?}", target.key);
        Err(self.document.error(gateway.span(), message))
    }

    /// Checks that the target whose serial others must not be behind is there, and has one.
    fn check_primary(
        &self,
        primary: &Spanned<String>,
        targets: &[WatchedTarget],
        origins: &HashMap<Arc<str>, (usize, Origin<'_>)>,
    ) -> Result<(), ConfigError> {
        let name: &String = primary.as_ref();
        let message = match origins.get(&**name) {
            Some((index, _)) if modules::asks_for_soa(targets[*index].spec) => return Ok(()),
            Some(_) => format!("{name:?} is no question of SOA (dns://ADDR/ZONE?type=SOA)"),
            None => {
                let hint = suggestion(name, origins.keys().map(|key| &**key));
                format!("{name:?} is no target of this file{hint}")
            }
        };
        Err(self.document.error(primary.span(), message))
    }

    fn place<'a>(&'a self, origin: &'a Origin<'_>) -> Place<'a> {
        match origin {
            Origin::Inline(text) => self.document.place(&text.span()),
            Origin::List { path, line } => Place {
                path,
                line: *line,
                column: None,
            },
        }
    }

    fn error(&self, origin: &Origin<'_>, message: String) -> ConfigError {
        let Place { path, line, column } = self.place(origin);
        ConfigError {
            path: Path::to_path_buf(path),
            line,
            column,
            message,
        }
    }
}

/// Checks the names of groups, and the names that they use.
pub(super) fn check(
    document: &Document,
    file: &File,
    modules: &BTreeMap<String, Module>,
) -> Result<(), ConfigError> {
    let mut names: BTreeMap<&str, Range<usize>> = BTreeMap::new();
    for group in &file.groups {
        let name = group.name.as_ref().as_str();
        if let Some(earlier) = names.insert(name, group.name.span()) {
            let earlier = document.place(&earlier);
            let message = format!("there is a group {name:?} already: {earlier}");
            return Err(document.error(group.name.span(), message));
        }
        if let Some(module) = &group.module
            && !modules.contains_key(module.as_ref())
        {
            let hint = suggestion(module.as_ref(), modules.keys().map(String::as_str));
            let message = format!("there is no module {:?}{hint}", module.as_ref());
            return Err(document.error(module.span(), message));
        }
    }
    let used = file
        .maintenance
        .iter()
        .flat_map(|window| &window.as_ref().groups);
    for group in used {
        if !names.contains_key(group.as_ref().as_str()) {
            let hint = suggestion(group.as_ref(), names.keys().copied());
            let message = format!("there is no group {:?}{hint}", group.as_ref());
            return Err(document.error(group.span(), message));
        }
    }
    Ok(())
}

/// Checks that targets in maintenance windows are there.
pub(super) fn check_windows(
    document: &Document,
    file: &File,
    targets: &[WatchedTarget],
) -> Result<(), ConfigError> {
    let used = file
        .maintenance
        .iter()
        .flat_map(|window| &window.as_ref().targets);
    for key in used {
        let name = key.as_ref().as_str();
        if !targets.iter().any(|target| *target.key == *name) {
            let hint = suggestion(name, targets.iter().map(|target| &*target.key));
            let message = format!("{name:?} is no target of this file{hint}");
            return Err(document.error(key.span(), message));
        }
    }
    Ok(())
}

fn labels(group: &Group) -> Option<Arc<BTreeMap<Box<str>, Box<str>>>> {
    let labels = group.labels.iter();
    let labels = labels.map(|(name, value)| (name.0.0.clone(), value.as_str().into()));
    (!group.labels.is_empty()).then(|| Arc::new(labels.collect()))
}

fn read_all(mut source: impl Source) -> Result<Vec<Job>, canvass_queue::SourceError> {
    let mut jobs = Vec::new();
    while source.next(JOBS_READ, &mut jobs)? {}
    Ok(jobs)
}
