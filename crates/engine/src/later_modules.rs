//! Modules that are added while shards run.

use std::sync::{Arc, PoisonError, RwLock};

use canvass_proto::Module;

/// Modules that are added while shards run, behind those of
/// [`Probing::modules`](crate::Probing::modules). All shards that have a clone of it see them. None is
/// ever removed, since a probe under way may refer to it.
#[derive(Clone, Debug, Default)]
pub struct LaterModules(Arc<RwLock<Vec<Arc<Module>>>>);

impl LaterModules {
    /// Adds modules. Jobs that refer to them may be given to a shard from then on.
    pub fn extend(&self, modules: impl IntoIterator<Item = Arc<Module>>) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.extend(modules);
    }

    /// The module at this place among them.
    pub(crate) fn at(&self, index: usize) -> Arc<Module> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&all[index])
    }
}
