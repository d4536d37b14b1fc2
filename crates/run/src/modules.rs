//! Modules that are added to a run under way.

use std::sync::Arc;

use canvass_engine::LaterModules;
use canvass_proto::{Module, ModuleKind, Timeouts};

use crate::Plan;
use crate::plan::Attempts;

/// The modules of a run under way, to which more can be added.
pub(crate) struct RunModules {
    later: LaterModules,
    /// Has what all modules of a run have in common. `None` in a run without any.
    first: Option<Arc<Module>>,
    attempts: Attempts,
}

impl RunModules {
    pub(crate) fn of(plan: &Plan) -> Self {
        Self {
            later: LaterModules::default(),
            first: plan.config.probing.modules.first().cloned(),
            attempts: plan.attempts,
        }
    }

    /// Those that are added, for the event loops.
    pub(crate) fn later(&self) -> LaterModules {
        self.later.clone()
    }

    pub(crate) fn add(&self, modules: impl IntoIterator<Item = (ModuleKind, Timeouts)>) {
        let Some(first) = &self.first else { return };
        let module = |more| {
            let mut module = like(first, more);
            self.attempts.apply(&mut module);
            Arc::new(module)
        };
        self.later.extend(modules.into_iter().map(module));
    }
}

/// A module of another kind and with other limits, which has all else in common with `first`.
pub(crate) fn like(first: &Module, (kind, timeouts): (ModuleKind, Timeouts)) -> Module {
    Module {
        kind,
        timeouts,
        ..first.clone()
    }
}
