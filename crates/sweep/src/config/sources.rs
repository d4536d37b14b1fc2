//! What modules of a plan are made of, to notice which of them have changed.

use std::collections::BTreeMap;

use super::modules::ModuleFiles;

/// The keys that are not part of a plan: they are judged afterwards.
const JUDGED_LATER: [&str; 7] = [
    "max_latency",
    "answers_contain",
    "answers_equal",
    "answers_min",
    "serial_min",
    "serial_not_behind",
    "serial_lag_max",
];

/// What a module of a plan is made of.
#[derive(Debug, PartialEq)]
pub(super) struct ModuleSource {
    keys: toml::Table,
    files: ModuleFiles,
}

/// What the modules of this text are made of, which name these files.
pub(super) fn sources(
    text: &str,
    mut files: BTreeMap<String, ModuleFiles>,
) -> BTreeMap<String, ModuleSource> {
    let mut file: toml::Table = text.parse().unwrap_or_default();
    let Some(toml::Value::Table(modules)) = file.remove("modules") else {
        return BTreeMap::new();
    };
    let source = |(name, module): (String, toml::Value)| {
        let toml::Value::Table(mut keys) = module else {
            return None;
        };
        keys.retain(|key, _| !JUDGED_LATER.iter().any(|later| *key == **later));
        let files = files.remove(&name).unwrap_or_default();
        Some((name, ModuleSource { keys, files }))
    };
    modules.into_iter().filter_map(source).collect()
}
