//! Plans for one target at a time that a person asks about.

use std::num::NonZeroUsize;
use std::sync::Arc;

use canvass_model::{ModuleId, ProbeSpec};
use canvass_proto::talk::{GivenText, Script};
use canvass_proto::{ModuleKind, Timeouts};

use super::{Attempts, Plan};
use crate::modules::like;

impl Plan {
    /// The same plan for one target at a time, without retries of probes of hosts and with a trace of
    /// events in each outcome.
    #[must_use]
    pub fn single(self) -> Self {
        let mut plan = self.patient(NonZeroUsize::MIN, 0);
        plan.attempts = Attempts::default();
        plan.config.limits.trace = true;
        for module in &mut plan.config.probing.modules {
            Arc::make_mut(module).trace = true;
        }
        plan
    }

    /// Adds settings for probes of hosts, as [`Run::add_modules`](crate::Run::add_modules) does.
    pub fn add_modules(&mut self, more: impl IntoIterator<Item = (ModuleKind, Timeouts)>) {
        let modules = &mut self.config.probing.modules;
        let Some(first) = modules.first().cloned() else {
            return;
        };
        let more = more.into_iter().map(|more| like(&first, more));
        modules.extend(more.map(Arc::new));
    }

    /// The text that the script of this probe sends, if it has one.
    pub fn text(&self, spec: &ProbeSpec) -> Option<&str> {
        let module = self.config.probing.modules.get(module_of(spec)?)?;
        match &module.kind {
            ModuleKind::Tcp { script, .. } => script.as_ref()?.text(),
            ModuleKind::Udp { script, .. } => script.text(),
            ModuleKind::Http { .. } => None,
        }
    }

    /// The same plan with another text in the script of this probe, if it has one.
    #[must_use]
    pub fn with_text(mut self, spec: &ProbeSpec, text: GivenText) -> Self {
        let modules = &mut self.config.probing.modules;
        let module = module_of(spec).and_then(|module| modules.get_mut(module));
        let script: Option<&mut Arc<Script>> = match module.map(Arc::make_mut) {
            Some(module) => match &mut module.kind {
                ModuleKind::Tcp { script, .. } => script.as_mut(),
                ModuleKind::Udp { script, .. } => Some(script),
                ModuleKind::Http { .. } => None,
            },
            None => None,
        };
        if let Some(script) = script {
            *script = Arc::new(script.with_text(text));
        }
        self
    }
}

/// The place of the module of a probe of a host.
fn module_of(spec: &ProbeSpec) -> Option<usize> {
    match spec {
        ProbeSpec::Http { module, .. } | ProbeSpec::Tcp { module } | ProbeSpec::Udp { module } => {
            let ModuleId(module) = *module;
            Some(module.into())
        }
        ProbeSpec::Ptr { .. } | ProbeSpec::Dns { .. } => None,
    }
}
