//! How often modules try, beyond what they say themselves.

use canvass_proto::{Module, ModuleKind};

/// How often the modules of a plan try. It also holds for modules that are added to its run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Attempts {
    /// The number of attempts after the first.
    pub retries: u32,
    /// A probe over datagrams sends again once.
    pub resends_datagrams: bool,
    /// Further attempts, each with the time of one.
    pub patience: u32,
}

impl Attempts {
    /// Sets the attempts of a module whose limits are those of one attempt.
    pub(crate) fn apply(self, module: &mut Module) {
        module.retries = self.retries;
        if self.resends_datagrams && matches!(module.kind, ModuleKind::Udp { window: None, .. }) {
            module.retries = module.retries.max(1);
            module.timeouts.first_byte /= 2;
        }
        if self.patience > 0 {
            module.retries = module.retries.max(self.patience);
            let deadline = module.timeouts.deadline;
            module.timeouts.deadline = deadline.saturating_mul(self.patience + 1);
        }
    }
}
