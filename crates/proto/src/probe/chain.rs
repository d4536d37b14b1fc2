//! Details of the hops of a redirect chain.

use canvass_model::{HopDetails, Time};

use super::Probe;
use super::finish::text;
use super::module::ModuleKind;
use super::protocol::Protocol;
use super::stage::Stage;
use super::tour::Journey;

impl Probe {
    /// The details of the present hop, which ends now, if they are asked for.
    pub(super) fn hop_details(&mut self, now: Time) -> Option<Box<HopDetails>> {
        if !self.details_hops() {
            return None;
        }
        self.tour.clock.settle(now);
        let phases = self.tour.clock.phases();
        let before = self.journey.phases_before.replace(Box::new(phases));
        let established = self.journey.stage.established()?;
        let Protocol::Http(response) = &established.protocol else {
            return None;
        };
        let head = response.head()?;
        Some(Box::new(HopDetails {
            version: Some(head.version().as_str()),
            content_length: head.content_length(),
            content_type: text(head, "content-type"),
            server: text(head, "server"),
            tls: self.tls_facts().map(Box::new),
            phases: phases.since(&before.as_deref().copied().unwrap_or_default()),
        }))
    }

    /// A further attempt. The first hop of its chain begins now.
    pub(super) fn fresh_journey(&self, stage: Stage) -> Journey {
        let phases = self.details_hops().then(|| self.tour.clock.phases());
        Journey {
            phases_before: phases.map(Box::new),
            ..Journey::new(stage)
        }
    }

    fn details_hops(&self) -> bool {
        match &self.job.module.kind {
            ModuleKind::Http { settings, .. } => settings.extras.chain,
            _ => false,
        }
    }
}
