//! A resolver of the world: the lab's responder, and its address.

use std::time::Duration;

use canvass_lab::Responder;
use canvass_model::{Time, Transport};

use crate::scenario::Peer;

/// A resolver of a run.
#[derive(Debug)]
pub(crate) struct Server {
    pub peer: Peer,
    responder: Responder,
}

impl Server {
    pub(crate) fn new(peer: Peer) -> Self {
        Self {
            responder: Responder::new(peer.impairments.clone()),
            peer,
        }
    }

    /// The replies to a query and their delays.
    /// Appends a reply as it is sent on a stream.
    pub(crate) fn frame(&self, reply: &[u8], out: &mut Vec<u8>) {
        self.responder.frame(reply, out);
    }

    pub(crate) fn answer(
        &mut self,
        now: Time,
        transport: Transport,
        query: &[u8],
    ) -> Vec<(Duration, Vec<u8>)> {
        let plan = self
            .responder
            .plan(now, self.peer.address.ip(), transport, query);
        plan.replies
            .iter()
            .filter_map(|reply| {
                let mut message = Vec::new();
                self.responder
                    .render(query, transport, reply.kind, &mut message)?;
                Some((reply.delay, message))
            })
            .collect()
    }
}
