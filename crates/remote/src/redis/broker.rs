//! The operations.

use std::time::Duration;

use super::inspection::Information;
use super::reply::{claim, delivery, phase_name, phase_of, result_field, text};
use super::session::Session;
use super::{RedisServer, scripts};
use crate::{
    Broker, BrokerError, Budget, CampaignName, CampaignState, ChunkId, Claim, Claimed, Commit,
    Delivery, DeliveryId, Generation, LOSSES_MAX, Phase, Renewal, WORKERS_MAX, WorkerName,
    WorkerState,
};

/// How many chunks `published` reads at once.
const PUBLISHED_MAX: usize = 16;
/// The parts of a whole share in `renew.lua`.
const WHOLE: f64 = 1e9;
/// The entry before all entries of a stream.
const BEFORE_ALL: &str = "0-0";
/// The entry that comes next in a stream.
const FROM_NOW_ON: &str = "$";

/// A campaign on a Redis server, by a connection of its own.
///
/// It connects at the first operation, and at the next one after the connection broke. No operation is
/// tried again.
pub struct RedisBroker {
    session: Session,
    /// The last entry of `wake` when a claim was in vain.
    woken: Option<String>,
}

impl RedisBroker {
    pub(super) fn new(server: RedisServer, name: &CampaignName) -> Self {
        Self {
            session: Session::new(server, name),
            woken: None,
        }
    }
}

impl Broker for RedisBroker {
    fn begin(
        &mut self,
        generation: Generation,
        plan: &[u8],
        budget: Budget,
    ) -> Result<(), BrokerError> {
        self.session.register("SADD")?;
        self.session
            .run_with_plan(&scripts::BEGIN, generation, |script| {
                script
                    .arg(plan)
                    .arg(budget.octets)
                    .arg(budget.per_chunk)
                    .arg(budget.shares_max);
            })
    }

    fn campaign(&mut self) -> Result<Option<CampaignState>, BrokerError> {
        const FIELDS: [&str; 8] = [
            "generation",
            "phase",
            "next",
            "chunk_octets",
            "result_octets",
            "budget",
            "per_chunk",
            "shares_max",
        ];
        type Fields = [Option<String>; 8];
        let state = &self.session.keys.state;
        let fields: Fields = self
            .session
            .link
            .call(|connection| (redis::cmd("HMGET").arg(state).arg(&FIELDS)).query(connection))?;
        if fields[0].is_none() {
            return Ok(None);
        }
        let number = |at: usize| {
            let field = fields[at].as_ref();
            (field.and_then(|field| field.parse().ok()))
                .ok_or_else(|| self.session.unexpected(FIELDS[at]))
        };
        let phase = fields[1].as_deref().unwrap_or_default();
        Ok(Some(CampaignState {
            generation: Generation(number(0)?),
            phase: phase_of(phase).ok_or_else(|| self.session.unexpected(FIELDS[1]))?,
            next_chunk: ChunkId(number(2)?),
            chunk_octets: number(3)?,
            result_octets: number(4)?,
            budget: Budget {
                octets: number(5)?,
                per_chunk: number(6)?,
                shares_max: number(7)?,
            },
        }))
    }

    fn plan(&mut self, generation: Generation) -> Result<Vec<u8>, BrokerError> {
        let key = &self.session.keys.plan;
        let (found, plan): (Option<u64>, Option<Vec<u8>>) =
            self.session.link.call(|connection| {
                (redis::cmd("HMGET").arg(key).arg("generation").arg("plan")).query(connection)
            })?;
        if found != Some(generation.0) {
            return Err(BrokerError::Gone);
        }
        plan.ok_or(BrokerError::Gone)
    }

    fn set_phase(&mut self, generation: Generation, phase: Phase) -> Result<(), BrokerError> {
        self.session.run(&scripts::SET_PHASE, generation, |script| {
            script.arg(phase_name(phase));
        })
    }

    fn remove(&mut self, generation: Generation) -> Result<(), BrokerError> {
        let removed = self
            .session
            .run_with_plan(&scripts::REMOVE, generation, |_| ());
        // A name without a campaign is removed as well; that of another generation stays.
        if matches!(removed, Ok(()) | Err(BrokerError::Gone)) && self.campaign()?.is_none() {
            self.session.register("SREM")?;
        }
        removed
    }

    fn publish(
        &mut self,
        generation: Generation,
        id: ChunkId,
        payload: &[u8],
    ) -> Result<(), BrokerError> {
        self.session.run(&scripts::PUBLISH, generation, |script| {
            script.arg(id.0).arg(payload).arg(id.0 + 1);
        })
    }

    fn withdraw(&mut self, generation: Generation, id: ChunkId) -> Result<(), BrokerError> {
        self.session.run(&scripts::WITHDRAW, generation, |script| {
            script.arg(id.0);
        })
    }

    fn claim(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        steals: bool,
        lease: Duration,
    ) -> Result<Claimed, BrokerError> {
        let reply: Vec<Vec<u8>> = self.session.run(&scripts::CLAIM, generation, |script| {
            script.arg(&*worker.0).arg(u8::from(steals));
            script.arg(lease.as_millis() as u64).arg(LOSSES_MAX);
        })?;
        let claimed = match <[_; 4]>::try_from(reply) {
            Ok([_, chunk, epoch, payload]) => {
                claim(&chunk, &epoch).map(|claim| Claimed::Chunk { claim, payload })
            }
            Err(reply) => match reply.as_slice() {
                [reason, woken] => {
                    self.woken = text(woken.clone());
                    match reason.as_slice() {
                        b"nothing" => Some(Claimed::Nothing),
                        b"full" => Some(Claimed::Full),
                        b"cancelled" => Some(Claimed::Cancelled),
                        _ => None,
                    }
                }
                _ => None,
            },
        };
        claimed.ok_or_else(|| self.session.unexpected("a claim"))
    }

    fn heartbeat(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        held: &[Claim],
    ) -> Result<Vec<Claim>, BrokerError> {
        let lost: Vec<usize> = self
            .session
            .run(&scripts::HEARTBEAT, generation, |script| {
                script.arg(&*worker.0);
                for claim in held {
                    script.arg(claim.chunk.0).arg(claim.epoch);
                }
            })?;
        Ok(lost
            .into_iter()
            .filter_map(|at| held.get(at).copied())
            .collect())
    }

    fn held(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
    ) -> Result<Vec<(Claim, Vec<u8>)>, BrokerError> {
        let held: Vec<(u64, u64, Vec<u8>)> =
            self.session.run(&scripts::HELD, generation, |script| {
                script.arg(&*worker.0);
            })?;
        let claim = |chunk, epoch| Claim {
            chunk: ChunkId(chunk),
            epoch,
        };
        let held = held.into_iter();
        Ok(held
            .map(|(chunk, epoch, payload)| (claim(chunk, epoch), payload))
            .collect())
    }

    fn commit(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        claim: Claim,
        result: &[u8],
    ) -> Result<Commit, BrokerError> {
        let field = result_field(claim, worker);
        let reply: String =
            self.session
                .run_on_result(&field, result, &scripts::COMMIT, generation, |script| {
                    script.arg(&*worker.0).arg(claim.chunk.0).arg(claim.epoch);
                })?;
        match reply.as_str() {
            "stored" => Ok(Commit::Stored),
            "already_yours" => Ok(Commit::AlreadyYours),
            "not_yours" => Ok(Commit::NotYours),
            _ => Err(self.session.unexpected("a commit")),
        }
    }

    fn release(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        claim: Claim,
    ) -> Result<(), BrokerError> {
        self.session.run(&scripts::RELEASE, generation, |script| {
            script.arg(&*worker.0).arg(claim.chunk.0).arg(claim.epoch);
        })
    }

    fn deliveries(
        &mut self,
        generation: Generation,
        after: Option<&DeliveryId>,
        octets_max: usize,
    ) -> Result<Vec<(DeliveryId, Delivery)>, BrokerError> {
        let from = after.map_or("-".to_owned(), |after| format!("({}", after.0));
        let list: Vec<Vec<Vec<u8>>> =
            self.session
                .run(&scripts::DELIVERIES, generation, |script| {
                    script.arg(from).arg(octets_max);
                })?;
        let deliveries: Option<Vec<_>> = list.into_iter().map(delivery).collect();
        let mut deliveries = deliveries.ok_or_else(|| self.session.unexpected("a delivery"))?;
        self.session.read_results(&mut deliveries)?;
        Ok(deliveries)
    }

    fn acknowledge(
        &mut self,
        generation: Generation,
        deliveries: &[DeliveryId],
    ) -> Result<(), BrokerError> {
        self.session
            .run(&scripts::ACKNOWLEDGE, generation, |script| {
                for delivery in deliveries {
                    script.arg(&*delivery.0);
                }
            })
    }

    fn open_chunks(&mut self, generation: Generation) -> Result<Vec<ChunkId>, BrokerError> {
        let lists: [Vec<u64>; 2] = self
            .session
            .run(&scripts::OPEN_CHUNKS, generation, |_| ())?;
        let mut chunks: Vec<ChunkId> = lists.into_iter().flatten().map(ChunkId).collect();
        chunks.sort_unstable();
        Ok(chunks)
    }

    fn published(
        &mut self,
        generation: Generation,
    ) -> Result<Vec<(ChunkId, Vec<u8>)>, BrokerError> {
        let mut published: Vec<(ChunkId, Vec<u8>)> = Vec::new();
        loop {
            let last = published.last();
            let from = last.map_or("-".to_owned(), |(chunk, _)| format!("(1-{}", chunk.0));
            let list: Vec<(u64, Vec<u8>)> =
                self.session
                    .run(&scripts::PUBLISHED, generation, |script| {
                        script.arg(from).arg(PUBLISHED_MAX);
                    })?;
            let is_last = list.len() < PUBLISHED_MAX;
            published.extend(
                list.into_iter()
                    .map(|(chunk, payload)| (ChunkId(chunk), payload)),
            );
            if is_last {
                return Ok(published);
            }
        }
    }

    fn renew(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        report: &[u8],
        share_for: Duration,
    ) -> Result<Renewal, BrokerError> {
        let (parts, workers, phase): (u32, u64, String) =
            self.session.run(&scripts::RENEW, generation, |script| {
                script.arg(&*worker.0).arg(report);
                script.arg(share_for.as_millis() as u64).arg(WORKERS_MAX);
            })?;
        Ok(Renewal {
            share: f64::from(parts) / WHOLE,
            workers,
            phase: phase_of(&phase).ok_or_else(|| self.session.unexpected("a phase"))?,
        })
    }

    fn leave(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        report: &[u8],
    ) -> Result<(), BrokerError> {
        self.session.run(&scripts::LEAVE, generation, |script| {
            script.arg(&*worker.0).arg(report);
        })
    }

    fn workers(&mut self, generation: Generation) -> Result<Vec<WorkerState>, BrokerError> {
        let list: Vec<(String, bool, Vec<u8>)> =
            self.session.run(&scripts::WORKERS, generation, |_| ())?;
        let mut workers: Vec<WorkerState> = (list.into_iter())
            .map(|(name, is_alive, report)| WorkerState {
                name: WorkerName(name.into()),
                is_alive,
                report,
            })
            .collect();
        workers.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(workers)
    }

    fn wait_for_chunk(
        &mut self,
        generation: Generation,
        timeout: Duration,
    ) -> Result<(), BrokerError> {
        let wake = self.session.keys.wake.clone();
        let after = self.woken.clone().unwrap_or_else(|| FROM_NOW_ON.to_owned());
        self.session
            .wait_for_entry(generation, &wake, &after, timeout)
    }

    fn wait_for_delivery(
        &mut self,
        generation: Generation,
        after: Option<&DeliveryId>,
        timeout: Duration,
    ) -> Result<(), BrokerError> {
        let deliveries = self.session.keys.deliveries.clone();
        let after = after.map_or(BEFORE_ALL, |after| &after.0);
        self.session
            .wait_for_entry(generation, &deliveries, after, timeout)
    }

    fn instance(&mut self) -> Result<String, BrokerError> {
        let information = Information::read(&mut self.session.link, Some("server"))?;
        let instance = information.instance();
        instance
            .map(str::to_owned)
            .ok_or_else(|| self.session.unexpected("no run_id"))
    }
}
