//! How a submitter takes up the campaign of an earlier one.

use std::ops::Range;

use super::{DELIVERIES_OCTETS_MAX, Dispatch, Packed, Receiver};
use crate::broker::{Broker, BrokerError, CampaignState, Delivery, Phase};
use crate::campaign::CampaignPlan;
use crate::chunk;

impl Dispatch {
    /// Takes up the campaign of an earlier submitter, if there is one: receives what came back, and returns
    /// the jobs that are out or were received here, which must not be added again. `is_done` says of a job
    /// whether an earlier submitter has made its outcomes durable. Must come before the first
    /// [`step`](Self::step).
    pub(crate) fn take_up(
        &mut self,
        broker: &mut dyn Broker,
        is_done: &dyn Fn(u64) -> bool,
        receiver: &mut dyn Receiver,
    ) -> Result<Vec<Range<u64>>, BrokerError> {
        let Some(state) = self.campaign(broker)? else {
            return Ok(Vec::new());
        };
        let generation = state.generation;
        // Published chunks are read before deliveries: a chunk that is committed in between is in both.
        for (id, octets) in broker.published(generation)? {
            if let Ok(header) = chunk::decode_header(&octets)
                && !is_done(header.first)
            {
                self.add_outstanding(id, Packed { header, octets });
            }
        }
        let mut out: Vec<_> = self
            .outstanding
            .values()
            .map(|one| one.header.range())
            .collect();
        loop {
            let deliveries =
                broker.deliveries(generation, self.cursor.as_ref(), DELIVERIES_OCTETS_MAX)?;
            let Some((last, _)) = deliveries.last() else {
                break;
            };
            self.cursor = Some(last.clone());
            for (id, delivery) in deliveries {
                let chunk = delivery.chunk();
                match delivery {
                    Delivery::Result { worker, result, .. } => {
                        if self.outstanding.contains_key(&chunk) {
                            self.take_result(chunk, &worker, &result, receiver);
                        } else if let Ok(header) = chunk::decode_header(&result)
                            && !is_done(header.first)
                            && receiver.result(header, &worker, &result).is_ok()
                        {
                            out.push(header.range());
                        }
                    }
                    // Its jobs are added again.
                    Delivery::Poison { .. } => {}
                }
                self.taken.push_back((id, chunk, receiver.received()));
            }
        }
        if state.phase == Phase::Cancelled {
            // Whoever takes it up again wants it to go on.
            broker.set_phase(generation, Phase::Running)?;
        }
        self.generation = Some(generation);
        self.next = state.next_chunk;
        out.sort_unstable_by_key(|range| range.start);
        Ok(out)
    }

    /// Whether the campaign in the broker is another one's; `None` if there is none.
    pub(super) fn campaign(
        &self,
        broker: &mut dyn Broker,
    ) -> Result<Option<CampaignState>, BrokerError> {
        let Some(state) = broker.campaign()? else {
            return Ok(None);
        };
        let plan = CampaignPlan::decode(&broker.plan(state.generation)?);
        if plan.is_ok_and(|plan| plan.identity == self.plan.identity) {
            Ok(Some(state))
        } else {
            Err(BrokerError::Refused(
                "there is another campaign of this name".into(),
            ))
        }
    }
}
