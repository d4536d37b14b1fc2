//! What a campaign needs of the engine that carries it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Carries the chunks of one campaign from a submitter to workers, and their results back.
///
/// A broker is a dispatcher that may lose things: the submitter's journal is the truth, and everything here
/// can be rebuilt from it. Every operation takes effect whole or not at all. When one returns an error, it
/// is not known whether it took effect, and it may be called again: it says so if it did.
///
/// A *generation* is a random number that a submitter draws when it begins the campaign, and again when the
/// broker has lost it. Operations with another generation change nothing and return
/// [`Gone`](BrokerError::Gone).
///
/// An operation of which it is not known whether it took effect may take effect later than one that was
/// called after it on another connection.
///
/// A *lease* is the time since the owner of a chunk last claimed it or sent a heartbeat, by the broker's
/// clock. No other clock counts. When another process of the broker took over, which
/// [`instance`](Self::instance) shows, all leases begin anew at the next attempt to steal.
pub trait Broker: Send {
    /// Begins the campaign, in place of whatever there is of it: removes its chunks, results and claims.
    /// Does nothing if it is there in this generation.
    ///
    /// Shares of the caps that were granted in another generation may be in use until they expire. Who begins
    /// a campaign in place of one that was lost has to wait for that.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn begin(
        &mut self,
        generation: Generation,
        plan: &[u8],
        budget: Budget,
    ) -> Result<(), BrokerError>;

    /// The campaign as it is; `None` if there is none.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn campaign(&mut self) -> Result<Option<CampaignState>, BrokerError>;

    /// The plan of the campaign.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn plan(&mut self, generation: Generation) -> Result<Vec<u8>, BrokerError>;

    /// Sets what workers shall do.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn set_phase(&mut self, generation: Generation, phase: Phase) -> Result<(), BrokerError>;

    /// Removes the campaign. Called again, it returns [`Gone`](BrokerError::Gone).
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn remove(&mut self, generation: Generation) -> Result<(), BrokerError>;

    /// Adds a chunk. Ids rise from 0. One below [`CampaignState::next_chunk`] was published before, and
    /// this does nothing: whether it is still there, [`open_chunks`](Self::open_chunks) says.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn publish(
        &mut self,
        generation: Generation,
        id: ChunkId,
        payload: &[u8],
    ) -> Result<(), BrokerError>;

    /// Takes back a chunk, whoever owns it, with its result.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn withdraw(&mut self, generation: Generation, id: ChunkId) -> Result<(), BrokerError>;

    /// Claims at most one chunk: one that was given back, or a new one, or if there is none and `steals`,
    /// one whose lease of `lease` is over, of this worker as of any other. A chunk that has lost
    /// [`LOSSES_MAX`] owners is not given: it becomes a [`Delivery::Poison`] for the submitter. No new one
    /// is given while the [`Budget`] is exceeded.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn claim(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        steals: bool,
        lease: Duration,
    ) -> Result<Claimed, BrokerError>;

    /// Renews the leases of chunks. Returns those that the worker does not own any more: it drops them.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn heartbeat(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        held: &[Claim],
    ) -> Result<Vec<Claim>, BrokerError>;

    /// The chunks that the broker believes this worker owns: what it claimed though the reply was lost.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn held(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
    ) -> Result<Vec<(Claim, Vec<u8>)>, BrokerError>;

    /// Stores the result of a chunk, and ends the claim. A repeated call is recognised until the result is
    /// acknowledged; after that it returns [`Commit::NotYours`].
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn commit(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        claim: Claim,
        result: &[u8],
    ) -> Result<Commit, BrokerError>;

    /// Gives a chunk back unfinished, for any worker to claim. It does not count as lost. Does nothing if
    /// the worker does not own it.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn release(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        claim: Claim,
    ) -> Result<(), BrokerError>;

    /// The deliveries after `after`, the oldest first, and at most `octets_max` of results, but at least
    /// one. They stay until [`acknowledge`](Self::acknowledge). There may be more.
    ///
    /// A broker that has lost the last deliveries may give a later one a place before them. So after
    /// [`instance`](Self::instance) has changed, `after` must be `None`.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn deliveries(
        &mut self,
        generation: Generation,
        after: Option<&DeliveryId>,
        octets_max: usize,
    ) -> Result<Vec<(DeliveryId, Delivery)>, BrokerError>;

    /// Removes deliveries that the submitter has made durable. Those that are not there are passed over.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn acknowledge(
        &mut self,
        generation: Generation,
        deliveries: &[DeliveryId],
    ) -> Result<(), BrokerError>;

    /// The ids of all chunks that are published, claimed, or have a delivery that is not acknowledged, in
    /// ascending order.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn open_chunks(&mut self, generation: Generation) -> Result<Vec<ChunkId>, BrokerError>;

    /// The chunks that are published or claimed, in ascending order. One that is committed in the meantime
    /// may be missing; then it is among the [`deliveries`](Self::deliveries) that are read afterwards.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn published(&mut self, generation: Generation)
    -> Result<Vec<(ChunkId, Vec<u8>)>, BrokerError>;

    /// Announces that a worker is alive for `share_for`, with what it reports, and asks for a share of the
    /// caps of the campaign: at most one part of as many as there are live workers (or
    /// [`Budget::shares_max`], if that is less), and at most what the
    /// unexpired shares of the others leave. A share is granted for `share_for`. One that is followed by a
    /// smaller one counts until it expires, since the worker may not know of the smaller one. After
    /// [`instance`](Self::instance) has changed, no share is granted for `share_for`: the new process may not
    /// know of the last grants.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn renew(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        report: &[u8],
        share_for: Duration,
    ) -> Result<Renewal, BrokerError>;

    /// Announces that a worker leaves: it gives up its share. Its last report stays.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn leave(
        &mut self,
        generation: Generation,
        worker: &WorkerName,
        report: &[u8],
    ) -> Result<(), BrokerError>;

    /// The workers of the campaign with their last reports, by name. Also those that are gone, except the
    /// ones that went first when there are more than [`WORKERS_MAX`].
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn workers(&mut self, generation: Generation) -> Result<Vec<WorkerState>, BrokerError>;

    /// Waits until there may be something to claim since this connection last did so in vain, or for
    /// `timeout`. May end at any time before: it only saves calls.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn wait_for_chunk(
        &mut self,
        generation: Generation,
        timeout: Duration,
    ) -> Result<(), BrokerError>;

    /// Waits until there may be a delivery after `after`, or for `timeout`. May end at any time before: it
    /// only saves calls.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn wait_for_delivery(
        &mut self,
        generation: Generation,
        after: Option<&DeliveryId>,
        timeout: Duration,
    ) -> Result<(), BrokerError>;

    /// Names the process of the broker that this connection is to. When it is another one than before,
    /// leases may have run out while nobody could renew them.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn instance(&mut self) -> Result<String, BrokerError>;
}

/// How often the owner of a chunk may be lost until the chunk is taken for the reason.
pub const LOSSES_MAX: u64 = 3;

/// How many workers are remembered, if not more are alive.
pub const WORKERS_MAX: usize = 1024;

/// How much a campaign may take: memory in the broker, and parts of its caps.
///
/// The memory bounds claims, not chunks: the submitter bounds how many it publishes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Budget {
    /// The most octets of chunks and results together.
    pub octets: u64,
    /// How many octets the result of a chunk is expected to take at most. They are set aside for each
    /// chunk that is claimed.
    pub per_chunk: u64,
    /// The most workers that the caps are divided among, at least 1. Any others have no share: a cap of two
    /// targets at once cannot be divided among three.
    pub shares_max: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            octets: 256 << 20,
            per_chunk: 1 << 20,
            shares_max: WORKERS_MAX as u64,
        }
    }
}

/// The generation of a campaign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Generation(pub u64);

/// The number of a chunk, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ChunkId(pub u64);

/// The claim of a worker on a chunk. Each later claim on the same chunk has a greater epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Claim {
    /// The chunk.
    pub chunk: ChunkId,
    /// The number of the claim, from 1.
    pub epoch: u64,
}

/// The name of one incarnation of one worker process: no other process has it, nor this one later.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WorkerName(pub Box<str>);

/// The place of a delivery among all of a campaign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DeliveryId(pub Box<str>);

/// What workers shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Take chunks.
    Running,
    /// Take no more chunks, and give back what they hold: the campaign was cancelled.
    Cancelled,
}

/// A campaign, as the broker has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CampaignState {
    /// Its generation.
    pub generation: Generation,
    /// What workers shall do.
    pub phase: Phase,
    /// The id of the chunk to publish next.
    pub next_chunk: ChunkId,
    /// The memory that chunks take, in octets.
    pub chunk_octets: u64,
    /// The memory that results take, in octets.
    pub result_octets: u64,
    /// The memory that it may take.
    pub budget: Budget,
}

/// The result of [`Broker::claim`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// A chunk.
    Chunk {
        /// The claim.
        claim: Claim,
        /// The content of the chunk.
        payload: Vec<u8>,
    },
    /// There is none now.
    Nothing,
    /// There is a new one, but with its result the [`Budget`] would be exceeded: others must be committed
    /// or acknowledged first.
    Full,
    /// The campaign was cancelled.
    Cancelled,
}

/// The result of [`Broker::commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commit {
    /// The result is stored.
    Stored,
    /// It was stored by an earlier call of the same owner.
    AlreadyYours,
    /// The worker does not own the chunk any more. The result is dropped.
    NotYours,
}

/// What a submitter receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// The result of a chunk.
    Result {
        /// The claim of the worker.
        claim: Claim,
        /// The worker.
        worker: WorkerName,
        /// The result.
        result: Vec<u8>,
    },
    /// A chunk that has lost [`LOSSES_MAX`] owners.
    Poison {
        /// The chunk.
        chunk: ChunkId,
    },
}

impl Delivery {
    /// The chunk.
    pub fn chunk(&self) -> ChunkId {
        match self {
            Self::Result { claim, .. } => claim.chunk,
            Self::Poison { chunk } => *chunk,
        }
    }
}

/// The result of [`Broker::renew`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Renewal {
    /// The part of the caps that this worker may use, 0 to 1.
    pub share: f64,
    /// The number of live workers.
    pub workers: u64,
    /// What workers shall do.
    pub phase: Phase,
}

/// A worker, as the broker knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerState {
    /// Its name.
    pub name: WorkerName,
    /// Whether its last renewal has not expired.
    pub is_alive: bool,
    /// Its last report.
    pub report: Vec<u8>,
}

/// Why an operation failed.
#[derive(Debug, thiserror::Error)]
pub enum BrokerError {
    /// The broker does not have the campaign, or has it in another generation.
    #[error("the campaign is gone")]
    Gone,
    /// There is no connection, or it broke. Whether the operation took effect is not known.
    #[error("{0}")]
    Away(String),
    /// The broker cannot write now: it is out of memory, read-only, or loading. Nothing was changed.
    #[error("{0}")]
    Unwilling(String),
    /// It will not work later either: wrong password, no permission, wrong version.
    #[error("{0}")]
    Refused(String),
}
