//! What chunks a worker holds: the part of a worker without threads or clock.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use super::contact::Contact;
use crate::broker::{
    Broker, BrokerError, ChunkId, Claim, Claimed, Commit, Generation, Phase, Renewal, WorkerName,
    WorkerState,
};
use crate::chunk::{ChunkHeader, ChunkJobs};

/// The number of renewals of a share while it is granted.
const SHARE_RENEWALS: u32 = 4;
/// The maximum number of chunks that a worker holds: some wait for their slowest targets.
const HELD_MAX: usize = 16;

/// How long what is granted to a worker lasts. All workers of a campaign should have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// How long a chunk belongs to a worker of which nothing is received.
    pub lease: Duration,
    /// How often a worker renews its leases.
    pub heartbeat: Duration,
    /// How long a share of the caps is granted.
    pub share: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(10),
            heartbeat: Duration::from_secs(2),
            share: Duration::from_secs(2),
        }
    }
}

/// Executes chunks.
pub(crate) trait Executor {
    /// Whether it could begin another chunk now.
    fn has_room(&self) -> bool;

    /// Whether any job with one of these numbers is under way.
    fn is_busy_with(&self, jobs: Range<u64>) -> bool;

    /// Begins a chunk, whose jobs must not be under way.
    fn begin(&mut self, jobs: ChunkJobs);

    /// Drops the result of a chunk that was begun, by its first number. Its jobs may go on.
    fn discard(&mut self, first: u64);

    /// The results of chunks that have ended since the last call, by their first numbers.
    fn finished(&mut self) -> Vec<(u64, Vec<u8>)>;

    /// Sets what part of the caps it may use. Returns whether that is enough to begin anything.
    fn set_share(&mut self, share: f64) -> bool;

    /// Learns of the other workers, whenever their number changes.
    fn meet(&mut self, workers: &[WorkerState]);

    /// What the submitter shall know of this worker, with the number of outcomes that it has committed.
    fn report(&mut self, committed: u64) -> Vec<u8>;
}

/// The chunks that a worker holds of one campaign.
pub(crate) struct Holder {
    generation: Generation,
    name: WorkerName,
    timing: Timing,
    held: BTreeMap<ChunkId, Held>,
    committed: u64,
    /// Whether claims of which no reply came may exist.
    is_suspect: bool,
    contact: Contact,
    beaten: Option<Duration>,
    renewed: Option<Duration>,
    /// The number of live workers when their reports were read last.
    met: Option<u64>,
    share_until: Duration,
    has_share: bool,
    is_draining: bool,
}

struct Held {
    claim: Claim,
    header: ChunkHeader,
    state: State,
}

enum State {
    Claimed(ChunkJobs),
    Running,
    Finished(Vec<u8>),
}

/// What a worker does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// There may be more to do at once.
    Busy,
    /// There is no chunk to claim.
    Idle,
    /// There is no room for another chunk.
    Full,
    /// The results of others must be received first.
    Waiting,
    /// The campaign was cancelled, or the worker has drained: it holds nothing any more.
    Ended,
}

impl Holder {
    pub(crate) fn new(
        generation: Generation,
        name: WorkerName,
        timing: Timing,
        contact: Contact,
    ) -> Self {
        Self {
            generation,
            name,
            timing,
            held: BTreeMap::new(),
            committed: 0,
            is_suspect: true,
            contact,
            beaten: None,
            renewed: None,
            met: None,
            share_until: Duration::ZERO,
            has_share: false,
            is_draining: false,
        }
    }

    pub(crate) fn generation(&self) -> Generation {
        self.generation
    }

    /// Claims no more chunks.
    pub(crate) fn drain(&mut self) {
        self.is_draining = true;
    }

    pub(crate) fn name(&self) -> &WorkerName {
        &self.name
    }

    /// The number of outcomes that it has committed.
    pub(crate) fn committed(&self) -> u64 {
        self.committed
    }

    /// The number of chunks that it holds.
    pub(crate) fn held(&self) -> usize {
        self.held.len()
    }

    /// Does what is to do now.
    ///
    /// # Errors
    /// The broker is away or unwilling: call it again later. If the campaign is gone, everything held was
    /// dropped.
    pub(crate) fn step(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
        executor: &mut dyn Executor,
    ) -> Result<Next, BrokerError> {
        if now >= self.share_until {
            // Others may have the share by now.
            self.has_share = executor.set_share(0.0);
        }
        for (first, result) in executor.finished() {
            let held = self
                .held
                .values_mut()
                .find(|held| held.header.first == first);
            if let Some(held) = held {
                held.state = State::Finished(result);
            }
        }
        let ended = self.try_step(now, broker, executor);
        match &ended {
            Ok(_) => self.contact.heard(now),
            Err(BrokerError::Gone) => {
                self.contact.heard(now);
                self.drop_all(executor);
            }
            Err(_) => {
                self.contact.lost();
                self.is_suspect = true;
            }
        }
        ended
    }

    fn try_step(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
        executor: &mut dyn Executor,
    ) -> Result<Next, BrokerError> {
        // Nobody could renew a lease while the broker did not run, and this worker may have been stopped.
        if self.is_suspect || self.contact.is_broken(now) {
            self.look(broker)?;
        }
        let phase = self.renew(now, broker, executor)?;
        if phase == Some(Phase::Cancelled) {
            self.give_back(broker, executor)?;
            return Ok(Next::Ended);
        }
        self.commit(broker)?;
        self.beat(now, broker, executor)?;
        self.begin(executor);
        self.claim(now, broker, executor)
    }

    /// Gives everything back, and drops it.
    pub(crate) fn give_back(
        &mut self,
        broker: &mut dyn Broker,
        executor: &mut dyn Executor,
    ) -> Result<(), BrokerError> {
        while let Some(entry) = self.held.first_entry() {
            broker.release(self.generation, &self.name, entry.get().claim)?;
            let held = entry.remove();
            executor.discard(held.header.first);
        }
        Ok(())
    }

    /// At first, and after a time without the broker: learns what it believes that this worker holds.
    fn look(&mut self, broker: &mut dyn Broker) -> Result<(), BrokerError> {
        for (claim, octets) in broker.held(self.generation, &self.name)? {
            if self
                .held
                .get(&claim.chunk)
                .is_none_or(|held| held.claim != claim)
            {
                self.hold(claim, &octets);
            }
        }
        self.is_suspect = false;
        Ok(())
    }

    /// Renews the share of the caps, and announces this worker. Returns the phase, if it is known anew.
    fn renew(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
        executor: &mut dyn Executor,
    ) -> Result<Option<Phase>, BrokerError> {
        let is_due = self.renewed.is_none_or(|renewed| {
            now.saturating_sub(renewed) >= self.timing.share / SHARE_RENEWALS
        });
        if !is_due {
            return Ok(None);
        }
        let report = executor.report(self.committed);
        let Renewal {
            share,
            phase,
            workers,
        } = broker.renew(self.generation, &self.name, &report, self.timing.share)?;
        if self.met != Some(workers) {
            executor.meet(&broker.workers(self.generation)?);
            self.met = Some(workers);
        }
        // Counted from before the request was sent, so that it ends here before it ends there.
        self.share_until = now + self.timing.share;
        self.renewed = Some(now);
        self.has_share = executor.set_share(share);
        Ok(Some(phase))
    }

    fn beat(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
        executor: &mut dyn Executor,
    ) -> Result<(), BrokerError> {
        let is_due = self
            .beaten
            .is_none_or(|beaten| now.saturating_sub(beaten) >= self.timing.heartbeat);
        if !is_due {
            return Ok(());
        }
        let claims: Vec<Claim> = self.held.values().map(|held| held.claim).collect();
        for lost in broker.heartbeat(self.generation, &self.name, &claims)? {
            self.drop_claim(lost, executor);
        }
        self.beaten = Some(now);
        Ok(())
    }

    fn commit(&mut self, broker: &mut dyn Broker) -> Result<(), BrokerError> {
        let finished: Vec<ChunkId> = self
            .held
            .iter()
            .filter(|(_, held)| matches!(held.state, State::Finished(_)))
            .map(|(id, _)| *id)
            .collect();
        for id in finished {
            let Some(Held {
                claim,
                header,
                state: State::Finished(result),
            }) = self.held.get(&id)
            else {
                continue;
            };
            match broker.commit(self.generation, &self.name, *claim, result)? {
                Commit::Stored | Commit::AlreadyYours => self.committed += header.outcomes,
                Commit::NotYours => {}
            }
            self.held.remove(&id);
        }
        Ok(())
    }

    /// Begins chunks that are claimed, while there is room. The jobs of a chunk that was dropped and comes
    /// again end first, so that each outcome belongs to one claim.
    fn begin(&mut self, executor: &mut dyn Executor) {
        for held in self.held.values_mut() {
            if !executor.has_room() {
                return;
            }
            if matches!(held.state, State::Claimed(_))
                && !executor.is_busy_with(held.header.range())
                && let State::Claimed(jobs) = std::mem::replace(&mut held.state, State::Running)
            {
                executor.begin(jobs);
            }
        }
    }

    fn claim(
        &mut self,
        now: Duration,
        broker: &mut dyn Broker,
        executor: &mut dyn Executor,
    ) -> Result<Next, BrokerError> {
        if self.is_draining {
            return Ok(match self.held.is_empty() {
                true => Next::Ended,
                false => Next::Full,
            });
        }
        let is_waiting = |held: &Held| matches!(held.state, State::Claimed(_));
        if !self.has_share
            || !executor.has_room()
            || self.held.len() >= HELD_MAX
            || self.held.values().any(is_waiting)
        {
            return Ok(Next::Full);
        }
        let steals = self.contact.has_lasted(now);
        match broker.claim(self.generation, &self.name, steals, self.timing.lease)? {
            Claimed::Chunk { claim, payload } => {
                self.hold(claim, &payload);
                self.begin(executor);
                Ok(Next::Busy)
            }
            Claimed::Nothing => Ok(Next::Idle),
            Claimed::Full => Ok(Next::Waiting),
            Claimed::Cancelled => {
                self.give_back(broker, executor)?;
                Ok(Next::Ended)
            }
        }
    }

    fn hold(&mut self, claim: Claim, payload: &[u8]) {
        // What cannot be read is left to its lease, and comes back to the submitter in the end.
        if let Ok(jobs) = ChunkJobs::decode(payload) {
            let held = Held {
                claim,
                header: jobs.header(),
                state: State::Claimed(jobs),
            };
            self.held.insert(claim.chunk, held);
        }
    }

    fn drop_claim(&mut self, claim: Claim, executor: &mut dyn Executor) {
        if let Some(held) = self.held.get(&claim.chunk)
            && held.claim == claim
        {
            executor.discard(held.header.first);
            self.held.remove(&claim.chunk);
        }
    }

    fn drop_all(&mut self, executor: &mut dyn Executor) {
        for held in std::mem::take(&mut self.held).into_values() {
            executor.discard(held.header.first);
        }
    }
}
