//! The one place that names the engine: Redis, and what `canvass_remote` runs on it.

#![expect(dead_code, reason = "filled in together with the client of Redis")]

use std::convert::Infallible;
use std::io;
use std::ops::Range;
use std::time::Duration;

use canvass_queue::Source;
use canvass_remote::redis::Directory;
use canvass_remote::{Broker, BrokerError, CampaignName, Generation, WorkerName};
use canvass_report::{Columns, Format, LineFilter, Sink};
use canvass_run::{Continuation, Plan, Report, Snapshot};
use ipnet::IpNet;

use super::redis_url::Redis;

/// Says what a person should know.
pub(crate) type Notes = Box<dyn FnMut(String) + Send>;

/// The campaigns of a Redis.
pub(crate) trait Campaigns {
    /// What could be lost, as Redis is set.
    fn warnings(&self) -> Vec<String>;

    /// The names of all campaigns.
    ///
    /// # Errors
    /// See [`BrokerError`].
    fn names(&mut self) -> Result<Vec<CampaignName>, BrokerError>;

    /// A campaign, which need not exist. It has a connection of its own.
    fn open(&self, name: &CampaignName) -> Box<dyn Broker>;
}

impl Campaigns for Directory {
    fn warnings(&self) -> Vec<String> {
        let warnings = Self::warnings(self).iter();
        warnings.map(ToString::to_string).collect()
    }

    fn names(&mut self) -> Result<Vec<CampaignName>, BrokerError> {
        self.campaigns()
    }

    fn open(&self, name: &CampaignName) -> Box<dyn Broker> {
        Box::new(Self::open(self, name))
    }
}

/// Connects.
///
/// # Errors
/// Redis is away, or cannot carry campaigns.
pub(crate) fn connect(redis: &Redis) -> Result<Box<dyn Campaigns>, BrokerError> {
    Ok(Box::new(redis.server().connect()?))
}

/// The plan of a campaign, as its submitter gave it to [`Submission::start`].
///
/// # Errors
/// See [`BrokerError`].
pub(crate) fn plan_of(
    broker: &mut dyn Broker,
    generation: Generation,
) -> Result<Vec<u8>, BrokerError> {
    let octets = broker.plan(generation)?;
    let identified: Result<(String, Vec<u8>), _> = postcard::from_bytes(&octets);
    Ok(identified.map(|(_, plan)| plan).unwrap_or_default())
}

/// What a submission needs besides its plan, source and sinks.
pub(crate) struct SubmissionSettings {
    /// What tells this campaign from any other one. A submitter that comes back has the same.
    pub identity: String,
    /// What workers receive.
    pub plan: Vec<u8>,
    /// The memory that results may take in Redis, in octets.
    pub memory_octets: u64,
    pub notes: Notes,
}

/// A run whose targets are probed by workers.
pub(crate) struct Submission(Infallible);

/// Ends a submission early.
#[derive(Clone)]
pub(crate) struct SubmissionStop(Infallible);

impl Submission {
    /// Begins a campaign, or takes up that of an earlier submitter with the same identity.
    ///
    /// # Errors
    /// The campaign cannot be begun.
    pub(crate) fn start(
        _plan: Plan,
        _source: Box<dyn Source>,
        _sinks: Vec<Box<dyn Sink>>,
        _before: Continuation,
        _broker: Box<dyn Broker>,
        _settings: SubmissionSettings,
    ) -> Result<Self, BrokerError> {
        Err(BrokerError::Refused("this build cannot submit".into()))
    }

    pub(crate) fn wait(&mut self, _timeout: Duration) -> bool {
        match self.0 {}
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        match self.0 {}
    }

    pub(crate) fn stop_handle(&self) -> SubmissionStop {
        match self.0 {}
    }

    /// Its result, and what Redis has refused.
    pub(crate) fn join(self) -> (Report, Option<BrokerError>) {
        match self.0 {}
    }
}

impl SubmissionStop {
    /// The campaign stays, and workers go on with what was published.
    pub(crate) fn stop(&self) {
        match self.0 {}
    }
}

/// Keeps the lines of a chunk, of which the numbers of its targets and of its lines are given, and returns
/// what is committed in their place.
pub(crate) type KeepLines = Box<dyn FnMut(Range<u64>, u64, &[u8]) -> io::Result<Vec<u8>> + Send>;

/// What a worker needs besides its plan and its broker.
pub(crate) struct WorkerSettings {
    pub name: WorkerName,
    pub format: Format,
    pub columns: Columns,
    /// Which outcomes have a line; all of them without it.
    pub filter: Option<LineFilter>,
    /// The part of the caps of its plan to use, of the share that is granted.
    pub share: Box<dyn Fn(f64) -> f64 + Send>,
    /// What it may send to; nothing else. All of it without any.
    pub allow: Vec<IpNet>,
    /// What is committed in place of the lines of a chunk, if they stay here: see [`KeepLines`].
    pub keep: Option<KeepLines>,
    /// How long to stay if there is nothing to claim.
    pub idle_max: Duration,
    /// How long to wait for Redis at the end.
    pub drain_max: Duration,
    pub notes: Notes,
}

/// How a worker ended.
#[derive(Debug)]
pub(crate) enum WorkEnd {
    /// It was stopped, or the campaign was cancelled.
    Ended,
    /// There was nothing to claim for some time.
    Idle,
    /// The campaign is complete or gone.
    Gone,
    /// Redis refuses to work with this worker.
    Refused(BrokerError),
    /// Its run ended: no resolver answers, or this machine cannot send.
    Failed(String),
}

/// A worker of one campaign.
pub(crate) struct Worker(Infallible);

/// Ends a worker early.
#[derive(Clone)]
pub(crate) struct WorkerStop(Infallible);

impl Worker {
    /// Joins a campaign.
    ///
    /// # Errors
    /// The run cannot be started.
    pub(crate) fn start(
        _plan: Plan,
        _broker: Box<dyn Broker>,
        _generation: Generation,
        _settings: WorkerSettings,
    ) -> Result<Self, BrokerError> {
        Err(BrokerError::Refused("this build cannot work".into()))
    }

    pub(crate) fn stop_handle(&self) -> WorkerStop {
        match self.0 {}
    }

    pub(crate) fn wait(&mut self, _timeout: Duration) -> bool {
        match self.0 {}
    }

    pub(crate) fn join(self) -> WorkEnd {
        match self.0 {}
    }
}

impl WorkerStop {
    /// Claims no more, completes what is held, and leaves.
    pub(crate) fn drain(&self) {
        match self.0 {}
    }

    /// Gives back what is held, and leaves.
    pub(crate) fn abort(&self) {
        match self.0 {}
    }
}
