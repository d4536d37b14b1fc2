//! What a broker has of a campaign.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::shares::Shares;
use crate::{
    Budget, CampaignState, ChunkId, Claim, Claimed, Commit, Delivery, DeliveryId, Generation,
    LOSSES_MAX, Phase, WorkerName,
};

/// The state of a campaign. Payloads and results are shared among copies.
#[derive(Clone, Debug)]
pub(super) struct Campaign {
    pub(super) generation: Generation,
    pub(super) phase: Phase,
    pub(super) plan: Arc<[u8]>,
    pub(super) shares: Shares,
    budget: Budget,
    /// Another process took over since the last attempt to steal.
    was_taken_over: bool,
    next_chunk: ChunkId,
    next_delivery: u64,
    /// Those that are not committed.
    chunks: BTreeMap<ChunkId, Chunk>,
    /// Those that are not acknowledged.
    deliveries: BTreeMap<u64, ChunkId>,
    committed: BTreeMap<ChunkId, Committed>,
}

#[derive(Clone, Debug)]
struct Chunk {
    payload: Arc<[u8]>,
    /// 0 before the first claim.
    epoch: u64,
    losses: u64,
    owner: Owner,
}

#[derive(Clone, Debug)]
enum Owner {
    /// Nobody ever.
    None,
    /// Nobody, since it was given back.
    Released,
    /// A worker, and when it claimed it or sent a heartbeat.
    Worker(WorkerName, Duration),
}

/// A chunk with a delivery.
#[derive(Clone, Debug)]
struct Committed {
    delivery: u64,
    /// `None` if it is poison.
    result: Option<(Claim, WorkerName, Arc<[u8]>)>,
}

impl Committed {
    fn octets(&self) -> u64 {
        (self.result.as_ref()).map_or(0, |(_, _, result)| result.len() as u64)
    }
}

impl Campaign {
    pub(super) fn new(generation: Generation, plan: &[u8], budget: Budget) -> Self {
        Self {
            generation,
            phase: Phase::Running,
            plan: plan.into(),
            shares: Shares::default(),
            budget,
            was_taken_over: false,
            next_chunk: ChunkId(0),
            next_delivery: 0,
            chunks: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            committed: BTreeMap::new(),
        }
    }

    /// The most workers that have a share of the caps.
    pub(super) fn shares_max(&self) -> u64 {
        self.budget.shares_max
    }

    pub(super) fn state(&self) -> CampaignState {
        CampaignState {
            generation: self.generation,
            phase: self.phase,
            next_chunk: self.next_chunk,
            chunk_octets: (self.chunks.values())
                .map(|chunk| chunk.payload.len() as u64)
                .sum(),
            result_octets: self.committed.values().map(Committed::octets).sum(),
            budget: self.budget,
        }
    }

    /// Notes that another process took over, perhaps with an older state.
    pub(super) fn take_over(&mut self) {
        self.was_taken_over = true;
        self.shares.take_over();
    }

    pub(super) fn publish(&mut self, id: ChunkId, payload: &[u8]) {
        if id < self.next_chunk {
            return;
        }
        self.next_chunk = ChunkId(id.0 + 1);
        let chunk = Chunk {
            payload: payload.into(),
            epoch: 0,
            losses: 0,
            owner: Owner::None,
        };
        self.chunks.insert(id, chunk);
    }

    pub(super) fn withdraw(&mut self, id: ChunkId) {
        self.chunks.remove(&id);
        if let Some(committed) = self.committed.remove(&id) {
            self.deliveries.remove(&committed.delivery);
        }
    }

    pub(super) fn claim(
        &mut self,
        worker: &WorkerName,
        steals: bool,
        lease: Duration,
        now: Duration,
    ) -> Claimed {
        if self.phase == Phase::Cancelled {
            return Claimed::Cancelled;
        }
        let first = |is_meant: fn(&Owner) -> bool| {
            let mut chunks = self.chunks.iter();
            chunks
                .find(|(_, chunk)| is_meant(&chunk.owner))
                .map(|(id, _)| *id)
        };
        if let Some(id) = first(|owner| matches!(owner, Owner::Released)) {
            return self.give(id, worker, now);
        }
        let new = first(|owner| matches!(owner, Owner::None));
        let is_full = new.is_some() && self.is_full();
        if let Some(id) = new.filter(|_| !is_full) {
            return self.give(id, worker, now);
        }
        if steals && self.was_taken_over {
            self.was_taken_over = false;
            self.renew_leases(now);
        }
        while let Some(id) = self.expired(lease, now).filter(|_| steals) {
            let Some(chunk) = self.chunks.get_mut(&id) else {
                break;
            };
            chunk.losses += 1;
            if chunk.losses < LOSSES_MAX {
                return self.give(id, worker, now);
            }
            self.deliver(id, None);
        }
        if is_full {
            Claimed::Full
        } else {
            Claimed::Nothing
        }
    }

    pub(super) fn heartbeat(
        &mut self,
        worker: &WorkerName,
        held: &[Claim],
        now: Duration,
    ) -> Vec<Claim> {
        let mut lost = Vec::new();
        for claim in held {
            match self.owned(worker, *claim) {
                Some(chunk) => chunk.owner = Owner::Worker(worker.clone(), now),
                None => lost.push(*claim),
            }
        }
        lost
    }

    pub(super) fn held(&self, worker: &WorkerName) -> Vec<(Claim, Vec<u8>)> {
        let owned = self.chunks.iter().filter(
            |(_, chunk)| matches!(&chunk.owner, Owner::Worker(owner, _) if owner == worker),
        );
        owned
            .map(|(id, chunk)| (claim(*id, chunk), chunk.payload.to_vec()))
            .collect()
    }

    pub(super) fn commit(&mut self, worker: &WorkerName, claim: Claim, result: &[u8]) -> Commit {
        if let Some(committed) = self.committed.get(&claim.chunk) {
            return match &committed.result {
                Some((by, owner, _)) if *by == claim && owner == worker => Commit::AlreadyYours,
                _ => Commit::NotYours,
            };
        }
        if self.owned(worker, claim).is_none() {
            return Commit::NotYours;
        }
        self.deliver(claim.chunk, Some((claim, worker.clone(), result.into())));
        Commit::Stored
    }

    pub(super) fn release(&mut self, worker: &WorkerName, claim: Claim) {
        if let Some(chunk) = self.owned(worker, claim) {
            chunk.owner = Owner::Released;
        }
    }

    pub(super) fn deliveries(
        &self,
        after: Option<&DeliveryId>,
        octets_max: usize,
    ) -> Vec<(DeliveryId, Delivery)> {
        let from = after.map_or(0, |after| number(after).map_or(0, |number| number + 1));
        let mut octets = 0;
        let mut list = Vec::new();
        for (number, chunk) in self.deliveries.range(from..) {
            let committed = &self.committed[chunk];
            octets += committed.octets();
            if !list.is_empty() && octets > octets_max as u64 {
                break;
            }
            let delivery = match &committed.result {
                Some((claim, worker, result)) => Delivery::Result {
                    claim: *claim,
                    worker: worker.clone(),
                    result: result.to_vec(),
                },
                None => Delivery::Poison { chunk: *chunk },
            };
            list.push((DeliveryId(number.to_string().into()), delivery));
        }
        list
    }

    pub(super) fn acknowledge(&mut self, deliveries: &[DeliveryId]) {
        for number in deliveries.iter().filter_map(number) {
            if let Some(chunk) = self.deliveries.remove(&number) {
                self.committed.remove(&chunk);
            }
        }
    }

    pub(super) fn open_chunks(&self) -> Vec<ChunkId> {
        let mut open: Vec<ChunkId> = self
            .chunks
            .keys()
            .chain(self.committed.keys())
            .copied()
            .collect();
        open.sort_unstable();
        open
    }

    pub(super) fn published(&self) -> Vec<(ChunkId, Vec<u8>)> {
        let chunks = self.chunks.iter();
        chunks
            .map(|(id, chunk)| (*id, chunk.payload.to_vec()))
            .collect()
    }

    /// Whether another claim would exceed the budget. Never while nothing could lower what is in use.
    fn is_full(&self) -> bool {
        let state = self.state();
        let in_work = self.chunks.values().filter(|chunk| chunk.epoch > 0).count() as u64;
        let expected = self.budget.per_chunk * (in_work + 1);
        (state.result_octets > 0 || in_work > 0)
            && state.result_octets + state.chunk_octets + expected > self.budget.octets
    }

    /// Nobody could while another process took over.
    fn renew_leases(&mut self, now: Duration) {
        for chunk in self.chunks.values_mut() {
            if let Owner::Worker(_, since) = &mut chunk.owner {
                *since = now;
            }
        }
    }

    /// The first chunk whose owner's lease is over.
    fn expired(&self, lease: Duration, now: Duration) -> Option<ChunkId> {
        let is_expired = |chunk: &Chunk| match &chunk.owner {
            Owner::Worker(_, since) => now.saturating_sub(*since) >= lease,
            Owner::None | Owner::Released => false,
        };
        let mut chunks = self.chunks.iter();
        chunks
            .find(|(_, chunk)| is_expired(chunk))
            .map(|(id, _)| *id)
    }

    fn give(&mut self, id: ChunkId, worker: &WorkerName, now: Duration) -> Claimed {
        let Some(chunk) = self.chunks.get_mut(&id) else {
            return Claimed::Nothing;
        };
        chunk.epoch += 1;
        chunk.owner = Owner::Worker(worker.clone(), now);
        Claimed::Chunk {
            claim: claim(id, chunk),
            payload: chunk.payload.to_vec(),
        }
    }

    /// The chunk, if this worker owns it by this claim.
    fn owned(&mut self, worker: &WorkerName, claim: Claim) -> Option<&mut Chunk> {
        let chunk = self.chunks.get_mut(&claim.chunk)?;
        let is_owner = matches!(&chunk.owner, Owner::Worker(owner, _) if owner == worker);
        (is_owner && chunk.epoch == claim.epoch).then_some(chunk)
    }

    fn deliver(&mut self, id: ChunkId, result: Option<(Claim, WorkerName, Arc<[u8]>)>) {
        let delivery = self.next_delivery;
        self.next_delivery += 1;
        self.chunks.remove(&id);
        self.deliveries.insert(delivery, id);
        self.committed.insert(id, Committed { delivery, result });
    }
}

fn claim(chunk: ChunkId, at: &Chunk) -> Claim {
    Claim {
        chunk,
        epoch: at.epoch,
    }
}

fn number(delivery: &DeliveryId) -> Option<u64> {
    delivery.0.parse().ok()
}
