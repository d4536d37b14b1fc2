//! What of a campaign is out, and what has come back: the part of a submitter without threads or clock.

mod audit;
mod take_up;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use canvass_model::Job;

use crate::broker::{
    Broker, BrokerError, Budget, ChunkId, Delivery, DeliveryId, Generation, WorkerName,
};
use crate::campaign::CampaignPlan;
use crate::chunk::{self, ChunkHeader, ChunkJobs};

/// How often the submitter compares what is out with what the broker has.
const AUDIT_INTERVAL: Duration = Duration::from_secs(10);
/// The maximum size of results that are read at once, in octets.
const DELIVERIES_OCTETS_MAX: usize = 8 << 20;

/// Takes what comes back of a campaign.
pub(crate) trait Receiver {
    /// The result of a chunk, for the first time.
    ///
    /// # Errors
    /// The result is damaged: the chunk is published again.
    fn result(
        &mut self,
        header: ChunkHeader,
        worker: &WorkerName,
        octets: &[u8],
    ) -> Result<(), String>;

    /// A job that has lost its workers, and is not published again.
    fn quarantined(&mut self, job: Job);

    /// The number of outcomes received so far.
    fn received(&self) -> u64;

    /// Says what a person should know.
    fn note(&mut self, text: String);
}

/// What of a campaign is out, and what has come back.
pub(crate) struct Dispatch {
    plan: CampaignPlan,
    budget: Budget,
    generation: Option<Generation>,
    new_generation: Box<dyn FnMut() -> Generation + Send>,
    next: ChunkId,
    /// The chunks that are published, and whose result was not received.
    outstanding: BTreeMap<ChunkId, Packed>,
    outstanding_octets: usize,
    /// The chunks to publish, the first with its id once it was tried.
    waiting: VecDeque<Packed>,
    trying: Option<ChunkId>,
    cursor: Option<DeliveryId>,
    /// Deliveries that were taken, each with the number of outcomes received with it.
    taken: VecDeque<(DeliveryId, ChunkId, u64)>,
    instance: Option<String>,
    /// When the next generation may begin.
    begins_from: Duration,
    /// Something may be lost: compare.
    is_suspect: bool,
    audited: Duration,
}

/// A chunk as it is published.
struct Packed {
    header: ChunkHeader,
    octets: Vec<u8>,
}

impl Dispatch {
    /// The dispatch of a campaign that is not begun.
    pub(crate) fn new(
        plan: CampaignPlan,
        budget: Budget,
        new_generation: Box<dyn FnMut() -> Generation + Send>,
    ) -> Self {
        Self {
            plan,
            budget,
            generation: None,
            new_generation,
            next: ChunkId(0),
            outstanding: BTreeMap::new(),
            outstanding_octets: 0,
            waiting: VecDeque::new(),
            trying: None,
            cursor: None,
            taken: VecDeque::new(),
            instance: None,
            begins_from: Duration::ZERO,
            is_suspect: true,
            audited: Duration::ZERO,
        }
    }

    /// Adds jobs with consecutive numbers.
    pub(crate) fn add(&mut self, jobs: &[Job]) {
        let octets = chunk::encode(jobs);
        let header = chunk::decode_header(&octets).expect("it was encoded here");
        self.waiting.push_back(Packed { header, octets });
    }

    /// The number of chunks that are out or wait to be published.
    pub(crate) fn open(&self) -> usize {
        self.outstanding.len() + self.waiting.len()
    }

    /// The size of those chunks in octets.
    pub(crate) fn open_octets(&self) -> usize {
        let waiting = self.waiting.iter().map(|packed| packed.octets.len());
        self.outstanding_octets + waiting.sum::<usize>()
    }

    /// The number of outcomes that are out.
    pub(crate) fn open_outcomes(&self) -> u64 {
        let packed = self.outstanding.values().chain(&self.waiting);
        packed.map(|packed| packed.header.outcomes).sum()
    }

    /// Whether everything came back and was acknowledged.
    pub(crate) fn is_done(&self) -> bool {
        self.open() == 0 && self.taken.is_empty()
    }

    /// Does what is to do now: publishes, receives, and acknowledges what is durable, the first `durable`
    /// outcomes. Returns whether anything was received.
    ///
    /// # Errors
    /// The broker is away or unwilling: call it again later.
    pub(crate) fn step(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
        durable: u64,
        receiver: &mut dyn Receiver,
    ) -> Result<bool, BrokerError> {
        let ended = self.try_step(now, broker, durable, receiver);
        // After an error, the next step looks what there is.
        self.is_suspect |= ended.is_err();
        ended
    }

    fn try_step(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
        durable: u64,
        receiver: &mut dyn Receiver,
    ) -> Result<bool, BrokerError> {
        if self.is_suspect {
            self.look(now, broker, receiver)?;
        }
        let Some(generation) = self.begun(now, broker)? else {
            return Ok(false);
        };
        let received = self.receive(broker, generation, receiver)?;
        self.acknowledge(broker, generation, durable)?;
        self.publish(broker, generation)?;
        if now.saturating_sub(self.audited) >= AUDIT_INTERVAL {
            self.audit(now, broker, generation)?;
        }
        Ok(received)
    }

    /// Removes the campaign.
    pub(crate) fn remove(&mut self, broker: &mut dyn Broker) -> Result<(), BrokerError> {
        match self.generation {
            Some(generation) => broker.remove(generation),
            None => Ok(()),
        }
    }

    /// The last delivery that was received.
    pub(crate) fn cursor(&self) -> Option<&DeliveryId> {
        self.cursor.as_ref()
    }

    pub(crate) fn generation(&self) -> Option<Generation> {
        self.generation
    }

    /// The generation, which is begun if there is none. `None` while workers may use shares of the caps
    /// that were granted in the one before.
    fn begun(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
    ) -> Result<Option<Generation>, BrokerError> {
        if self.generation.is_some() || now < self.begins_from {
            return Ok(self.generation);
        }
        let generation = (self.new_generation)();
        broker.begin(generation, &self.plan.encode(), self.budget)?;
        self.generation = Some(generation);
        Ok(self.generation)
    }

    fn publish(
        &mut self,
        broker: &mut dyn Broker,
        generation: Generation,
    ) -> Result<(), BrokerError> {
        while let Some(packed) = self.waiting.front() {
            // The same id at each try, since the reply to an earlier one may be lost.
            let id = *self.trying.get_or_insert(self.next);
            broker.publish(generation, id, &packed.octets)?;
            self.trying = None;
            self.next = ChunkId(id.0 + 1);
            if let Some(packed) = self.waiting.pop_front() {
                self.add_outstanding(id, packed);
            }
        }
        Ok(())
    }

    fn receive(
        &mut self,
        broker: &mut dyn Broker,
        generation: Generation,
        receiver: &mut dyn Receiver,
    ) -> Result<bool, BrokerError> {
        let deliveries =
            broker.deliveries(generation, self.cursor.as_ref(), DELIVERIES_OCTETS_MAX)?;
        let has_any = !deliveries.is_empty();
        for (id, delivery) in deliveries {
            let chunk = delivery.chunk();
            match delivery {
                Delivery::Result { worker, result, .. } => {
                    self.take_result(chunk, &worker, &result, receiver);
                }
                Delivery::Poison { .. } => self.take_poison(chunk, receiver),
            }
            self.taken
                .push_back((id.clone(), chunk, receiver.received()));
            self.cursor = Some(id);
        }
        Ok(has_any)
    }

    /// Takes the result of a chunk, unless it was received before.
    fn take_result(
        &mut self,
        chunk: ChunkId,
        worker: &WorkerName,
        result: &[u8],
        receiver: &mut dyn Receiver,
    ) {
        let Some(packed) = self.remove_outstanding(chunk) else {
            return;
        };
        if let Err(error) = receiver.result(packed.header, worker, result) {
            receiver.note(format!(
                "a result of {} is of no use, and its chunk is published again: {error}",
                worker.0
            ));
            self.wait_again(packed);
        }
    }

    /// Splits a chunk whose workers are lost again and again. If it is one job, that is given up.
    fn take_poison(&mut self, chunk: ChunkId, receiver: &mut dyn Receiver) {
        let Some(packed) = self.remove_outstanding(chunk) else {
            return;
        };
        let Ok(jobs) = ChunkJobs::decode(&packed.octets) else {
            receiver.note(format!("chunk {} cannot be read again", chunk.0));
            return;
        };
        let mut jobs: Vec<Job> = jobs.collect();
        if jobs.len() > 1 {
            let later = jobs.split_off(jobs.len() / 2);
            self.add(&jobs);
            self.add(&later);
        } else {
            jobs.drain(..).for_each(|job| receiver.quarantined(job));
        }
    }

    fn acknowledge(
        &mut self,
        broker: &mut dyn Broker,
        generation: Generation,
        durable: u64,
    ) -> Result<(), BrokerError> {
        let count = self
            .taken
            .iter()
            .take_while(|(_, _, received)| *received <= durable)
            .count();
        if count == 0 {
            return Ok(());
        }
        let ids: Vec<DeliveryId> = self
            .taken
            .iter()
            .take(count)
            .map(|(id, ..)| id.clone())
            .collect();
        broker.acknowledge(generation, &ids)?;
        self.taken.drain(..count);
        Ok(())
    }

    fn wait_again(&mut self, packed: Packed) {
        // The chunk that is being tried stays the first.
        let place = usize::from(self.trying.is_some()).min(self.waiting.len());
        self.waiting.insert(place, packed);
    }

    fn add_outstanding(&mut self, id: ChunkId, packed: Packed) {
        self.outstanding_octets += packed.octets.len();
        if let Some(before) = self.outstanding.insert(id, packed) {
            self.outstanding_octets -= before.octets.len();
        }
    }

    fn remove_outstanding(&mut self, id: ChunkId) -> Option<Packed> {
        let packed = self.outstanding.remove(&id)?;
        self.outstanding_octets -= packed.octets.len();
        Some(packed)
    }
}
