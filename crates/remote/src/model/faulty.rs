//! Faults between a client and its broker, and of the broker itself.

use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::faults::{Fault, FaultRates};
use super::{ModelBroker, ModelServer};
use crate::{
    Broker, BrokerError, Budget, CampaignState, ChunkId, Claim, Claimed, Commit, Delivery,
    DeliveryId, Generation, Phase, Renewal, WorkerName, WorkerState,
};

/// Whether an operation is done when the broker has no memory left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Needs {
    Memory,
    Nothing,
}

/// A handle to a [`ModelServer`] with faults, the same ones for the same seed and the same operations.
#[derive(Debug)]
pub struct FaultyBroker {
    broker: ModelBroker,
    server: ModelServer,
    rates: FaultRates,
    rng: StdRng,
    away_until: Duration,
}

impl FaultyBroker {
    /// A handle of its own for one client.
    pub fn new(server: &ModelServer, rates: FaultRates, seed: u64) -> Self {
        server.keep_history(rates.failover_max);
        Self {
            broker: server.broker(),
            server: server.clone(),
            rates,
            rng: StdRng::seed_from_u64(seed),
            away_until: Duration::ZERO,
        }
    }

    /// Sets other rates, such as none to let a simulation come to its end.
    pub fn set_rates(&mut self, rates: FaultRates) {
        self.rates = rates;
        self.away_until = Duration::ZERO;
    }

    fn call<T>(
        &mut self,
        needs: Needs,
        operation: impl Fn(&mut ModelBroker) -> Result<T, BrokerError>,
    ) -> Result<T, BrokerError> {
        let away = |reason: &str| Err(BrokerError::Away(reason.to_owned()));
        if self.server.now() < self.away_until {
            return away("unreachable");
        }
        match self.rates.draw(&mut self.rng) {
            None => {}
            Some(Fault::RequestLost) => return away("request lost"),
            Some(Fault::ReplyLost) => {
                let _ = operation(&mut self.broker);
                return away("reply lost");
            }
            Some(Fault::Repeated) => {
                let _ = operation(&mut self.broker);
            }
            Some(Fault::Away) => {
                self.away_until = self.server.now() + self.rates.away_for;
                return away("unreachable");
            }
            Some(Fault::Unwilling) if needs == Needs::Memory => {
                return Err(BrokerError::Unwilling("out of memory".to_owned()));
            }
            Some(Fault::Unwilling) => {}
            Some(Fault::Restart) => {
                self.server.restart();
                return away("restarted");
            }
            Some(Fault::Failover) => {
                let lost = self.rng.random_range(0..=self.rates.failover_max);
                self.server.fail_over(lost);
                return away("failed over");
            }
            Some(Fault::Flush) => self.server.flush(),
        }
        operation(&mut self.broker)
    }
}

impl Broker for FaultyBroker {
    fn begin(
        &mut self,
        generation: Generation,
        plan: &[u8],
        budget: Budget,
    ) -> Result<(), BrokerError> {
        self.call(Needs::Memory, |broker| {
            broker.begin(generation, plan, budget)
        })
    }

    fn campaign(&mut self) -> Result<Option<CampaignState>, BrokerError> {
        self.call(Needs::Nothing, Broker::campaign)
    }

    fn plan(&mut self, generation: Generation) -> Result<Vec<u8>, BrokerError> {
        self.call(Needs::Nothing, |broker| broker.plan(generation))
    }

    fn set_phase(&mut self, generation: Generation, phase: Phase) -> Result<(), BrokerError> {
        self.call(Needs::Nothing, |broker| broker.set_phase(generation, phase))
    }

    fn remove(&mut self, generation: Generation) -> Result<(), BrokerError> {
        self.call(Needs::Nothing, |broker| broker.remove(generation))
    }

    fn publish(
        &mut self,
        generation: Generation,
        id: ChunkId,
        payload: &[u8],
    ) -> Result<(), BrokerError> {
        self.call(Needs::Memory, |broker| {
            broker.publish(generation, id, payload)
        })
    }

    fn withdraw(&mut self, generation: Generation, id: ChunkId) -> Result<(), BrokerError> {
        self.call(Needs::Nothing, |broker| broker.withdraw(generation, id))
    }

    fn claim(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        steals: bool,
        lease: Duration,
    ) -> Result<Claimed, BrokerError> {
        self.call(Needs::Memory, |broker| {
            broker.claim(generation, worker, steals, lease)
        })
    }

    fn heartbeat(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        held: &[Claim],
    ) -> Result<Vec<Claim>, BrokerError> {
        self.call(Needs::Nothing, |broker| {
            broker.heartbeat(generation, worker, held)
        })
    }

    fn held(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
    ) -> Result<Vec<(Claim, Vec<u8>)>, BrokerError> {
        self.call(Needs::Nothing, |broker| broker.held(generation, worker))
    }

    fn commit(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        claim: Claim,
        result: &[u8],
    ) -> Result<Commit, BrokerError> {
        self.call(Needs::Memory, |broker| {
            broker.commit(generation, worker, claim, result)
        })
    }

    fn release(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        claim: Claim,
    ) -> Result<(), BrokerError> {
        self.call(Needs::Nothing, |broker| {
            broker.release(generation, worker, claim)
        })
    }

    fn deliveries(
        &mut self,
        generation: Generation,
        after: Option<&DeliveryId>,
        octets_max: usize,
    ) -> Result<Vec<(DeliveryId, Delivery)>, BrokerError> {
        self.call(Needs::Nothing, |broker| {
            broker.deliveries(generation, after, octets_max)
        })
    }

    fn acknowledge(
        &mut self,
        generation: Generation,
        deliveries: &[DeliveryId],
    ) -> Result<(), BrokerError> {
        self.call(Needs::Nothing, |broker| {
            broker.acknowledge(generation, deliveries)
        })
    }

    fn open_chunks(&mut self, generation: Generation) -> Result<Vec<ChunkId>, BrokerError> {
        self.call(Needs::Nothing, |broker| broker.open_chunks(generation))
    }

    fn published(
        &mut self,
        generation: Generation,
    ) -> Result<Vec<(ChunkId, Vec<u8>)>, BrokerError> {
        self.call(Needs::Nothing, |broker| broker.published(generation))
    }

    fn renew(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        report: &[u8],
        share_for: Duration,
    ) -> Result<Renewal, BrokerError> {
        self.call(Needs::Nothing, |broker| {
            broker.renew(generation, worker, report, share_for)
        })
    }

    fn leave(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        report: &[u8],
    ) -> Result<(), BrokerError> {
        self.call(Needs::Nothing, |broker| {
            broker.leave(generation, worker, report)
        })
    }

    fn workers(&mut self, generation: Generation) -> Result<Vec<WorkerState>, BrokerError> {
        self.call(Needs::Nothing, |broker| broker.workers(generation))
    }

    fn wait_for_chunk(
        &mut self,
        generation: Generation,
        timeout: Duration,
    ) -> Result<(), BrokerError> {
        self.call(Needs::Nothing, |broker| {
            broker.wait_for_chunk(generation, timeout)
        })
    }

    fn wait_for_delivery(
        &mut self,
        generation: Generation,
        after: Option<&DeliveryId>,
        timeout: Duration,
    ) -> Result<(), BrokerError> {
        self.call(Needs::Nothing, |broker| {
            broker.wait_for_delivery(generation, after, timeout)
        })
    }

    fn instance(&mut self) -> Result<String, BrokerError> {
        self.call(Needs::Nothing, Broker::instance)
    }
}

#[cfg(test)]
mod tests;
