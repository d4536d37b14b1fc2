//! A resolver of the world: the lab's script, and where it stands.

use std::time::Duration;

use canvass_lab::Script;
use canvass_model::{Time, Transport};

use crate::scenario::Peer;

/// A resolver under way.
#[derive(Debug)]
pub(crate) struct Server {
    pub peer: Peer,
    script: Script,
}

impl Server {
    pub fn new(peer: Peer) -> Self {
        Self {
            script: Script::new(peer.impairments.clone()),
            peer,
        }
    }

    /// What it sends back to one query, and how much later.
    pub fn answer(
        &mut self,
        now: Time,
        transport: Transport,
        query: &[u8],
    ) -> Vec<(Duration, Vec<u8>)> {
        let plan = self
            .script
            .plan(now, self.peer.address.ip(), transport, query);
        plan.deliveries
            .iter()
            .filter_map(|delivery| {
                let mut message = Vec::new();
                self.script
                    .render(query, transport, delivery.kind, &mut message)?;
                Some((delivery.delay, message))
            })
            .collect()
    }
}
