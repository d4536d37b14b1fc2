//! How a submitter finds what the broker has lost.

use std::collections::HashSet;
use std::time::Duration;

use super::{Dispatch, Receiver};
use crate::broker::{Broker, BrokerError, ChunkId, Generation};
use crate::worker::Timing;

impl Dispatch {
    /// Whether the broker still has this campaign, and what is missing of it.
    pub(super) fn look(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
        receiver: &mut dyn Receiver,
    ) -> Result<(), BrokerError> {
        let instance = broker.instance()?;
        if self
            .instance
            .as_ref()
            .is_some_and(|before| *before != instance)
        {
            receiver.note("it was restarted or failed over; comparing what it has".into());
            // It may have lost the last deliveries, and give others their places. Those that were taken
            // are read again.
            self.cursor = None;
            self.taken.clear();
        }
        self.instance = Some(instance);
        let state = self.campaign(broker)?;
        match (self.generation, state) {
            (Some(generation), Some(state)) if state.generation == generation => {
                self.next = self.next.max(state.next_chunk);
                self.audit(now, broker, generation)?;
            }
            (Some(_), _) => {
                receiver.note("it has lost the campaign, which is published again".into());
                self.rebuild(now);
            }
            (None, _) => {}
        }
        self.is_suspect = false;
        Ok(())
    }

    /// Everything that is out must be published again.
    pub(super) fn rebuild(&mut self, now: Duration) {
        self.generation = None;
        self.begins_from = now + Timing::default().share;
        self.cursor = None;
        self.trying = None;
        self.taken.clear();
        self.next = ChunkId(0);
        let lost = std::mem::take(&mut self.outstanding);
        self.outstanding_octets = 0;
        for packed in lost.into_values().rev() {
            self.wait_again(packed);
        }
    }

    /// Publishes again what the broker has lost, and takes back what was received already.
    pub(super) fn audit(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
        generation: Generation,
    ) -> Result<(), BrokerError> {
        let open: HashSet<ChunkId> = broker.open_chunks(generation)?.into_iter().collect();
        let taken: HashSet<ChunkId> = self.taken.iter().map(|(_, chunk, _)| *chunk).collect();
        for id in &open {
            let is_known =
                self.outstanding.contains_key(id) || taken.contains(id) || self.trying == Some(*id);
            if !is_known {
                broker.withdraw(generation, *id)?;
            }
        }
        let lost: Vec<ChunkId> = self
            .outstanding
            .keys()
            .filter(|id| !open.contains(id))
            .copied()
            .collect();
        for id in lost.into_iter().rev() {
            if let Some(packed) = self.remove_outstanding(id) {
                self.wait_again(packed);
            }
        }
        // What the broker has forgotten to have delivered need not be acknowledged.
        self.taken.retain(|(_, chunk, _)| open.contains(chunk));
        self.audited = now;
        Ok(())
    }
}
