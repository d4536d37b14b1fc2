//! The operations of a handle.

use std::time::Duration;

use super::ModelServer;
use super::campaign::Campaign;
use super::server::Contents;
use crate::{
    Broker, BrokerError, Budget, CampaignState, ChunkId, Claim, Claimed, Commit, Delivery,
    DeliveryId, Generation, Phase, Renewal, WorkerName, WorkerState,
};

/// A handle to a [`ModelServer`]. It never waits: the caller's clock has to run.
#[derive(Clone, Debug)]
pub struct ModelBroker {
    server: ModelServer,
}

impl ModelBroker {
    pub(super) fn new(server: ModelServer) -> Self {
        Self { server }
    }

    /// Looks at the campaign of this generation, or changes it, at the time of the server.
    fn at<T>(
        &mut self,
        generation: Generation,
        operation: impl FnOnce(&mut Campaign, Duration) -> T,
    ) -> Result<T, BrokerError> {
        let mut contents = self.server.lock();
        contents.note();
        let Contents { campaign, now, .. } = &mut *contents;
        match campaign {
            Some(campaign) if campaign.generation == generation => Ok(operation(campaign, *now)),
            _ => Err(BrokerError::Gone),
        }
    }
}

impl Broker for ModelBroker {
    fn begin(
        &mut self,
        generation: Generation,
        plan: &[u8],
        budget: Budget,
    ) -> Result<(), BrokerError> {
        let mut contents = self.server.lock();
        contents.note();
        let campaign = contents.campaign.as_ref();
        if campaign.is_none_or(|campaign| campaign.generation != generation) {
            contents.campaign = Some(Campaign::new(generation, plan, budget));
        }
        Ok(())
    }

    fn campaign(&mut self) -> Result<Option<CampaignState>, BrokerError> {
        Ok(self.server.lock().campaign.as_ref().map(Campaign::state))
    }

    fn plan(&mut self, generation: Generation) -> Result<Vec<u8>, BrokerError> {
        self.at(generation, |campaign, _| campaign.plan.to_vec())
    }

    fn set_phase(&mut self, generation: Generation, phase: Phase) -> Result<(), BrokerError> {
        self.at(generation, |campaign, _| campaign.phase = phase)
    }

    fn remove(&mut self, generation: Generation) -> Result<(), BrokerError> {
        self.at(generation, |_, _| ())?;
        self.server.flush();
        Ok(())
    }

    fn publish(
        &mut self,
        generation: Generation,
        id: ChunkId,
        payload: &[u8],
    ) -> Result<(), BrokerError> {
        self.at(generation, |campaign, _| campaign.publish(id, payload))
    }

    fn withdraw(&mut self, generation: Generation, id: ChunkId) -> Result<(), BrokerError> {
        self.at(generation, |campaign, _| campaign.withdraw(id))
    }

    fn claim(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        steals: bool,
        lease: Duration,
    ) -> Result<Claimed, BrokerError> {
        self.at(generation, |campaign, now| {
            campaign.claim(worker, steals, lease, now)
        })
    }

    fn heartbeat(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        held: &[Claim],
    ) -> Result<Vec<Claim>, BrokerError> {
        self.at(generation, |campaign, now| {
            campaign.heartbeat(worker, held, now)
        })
    }

    fn held(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
    ) -> Result<Vec<(Claim, Vec<u8>)>, BrokerError> {
        self.at(generation, |campaign, _| campaign.held(worker))
    }

    fn commit(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        claim: Claim,
        result: &[u8],
    ) -> Result<Commit, BrokerError> {
        self.at(generation, |campaign, _| {
            campaign.commit(worker, claim, result)
        })
    }

    fn release(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        claim: Claim,
    ) -> Result<(), BrokerError> {
        self.at(generation, |campaign, _| campaign.release(worker, claim))
    }

    fn deliveries(
        &mut self,
        generation: Generation,
        after: Option<&DeliveryId>,
        octets_max: usize,
    ) -> Result<Vec<(DeliveryId, Delivery)>, BrokerError> {
        self.at(generation, |campaign, _| {
            campaign.deliveries(after, octets_max)
        })
    }

    fn acknowledge(
        &mut self,
        generation: Generation,
        deliveries: &[DeliveryId],
    ) -> Result<(), BrokerError> {
        self.at(generation, |campaign, _| campaign.acknowledge(deliveries))
    }

    fn open_chunks(&mut self, generation: Generation) -> Result<Vec<ChunkId>, BrokerError> {
        self.at(generation, |campaign, _| campaign.open_chunks())
    }

    fn published(
        &mut self,
        generation: Generation,
    ) -> Result<Vec<(ChunkId, Vec<u8>)>, BrokerError> {
        self.at(generation, |campaign, _| campaign.published())
    }

    fn renew(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        report: &[u8],
        share_for: Duration,
    ) -> Result<Renewal, BrokerError> {
        self.at(generation, |campaign, now| {
            let (share, workers) = {
                let shares_max = campaign.shares_max();
                campaign
                    .shares
                    .renew(worker, report, now, share_for, shares_max)
            };
            Renewal {
                share,
                workers,
                phase: campaign.phase,
            }
        })
    }

    fn leave(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        report: &[u8],
    ) -> Result<(), BrokerError> {
        self.at(generation, |campaign, now| {
            campaign.shares.leave(worker, report, now)
        })
    }

    fn workers(&mut self, generation: Generation) -> Result<Vec<WorkerState>, BrokerError> {
        self.at(generation, |campaign, now| campaign.shares.workers(now))
    }

    fn wait_for_chunk(
        &mut self,
        generation: Generation,
        _timeout: Duration,
    ) -> Result<(), BrokerError> {
        self.at(generation, |_, _| ())
    }

    fn wait_for_delivery(
        &mut self,
        generation: Generation,
        _after: Option<&DeliveryId>,
        _timeout: Duration,
    ) -> Result<(), BrokerError> {
        self.at(generation, |_, _| ())
    }

    fn instance(&mut self) -> Result<String, BrokerError> {
        Ok(self.server.lock().instance.to_string())
    }
}
