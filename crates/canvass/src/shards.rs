//! The event loops of a run, on threads of their own.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Instant;

use canvass_engine::{Channels, Config, Inbox, MioNet, Shard, StopSignal, Waker};
use canvass_model::{Outcome, ShardReport};
use crossbeam_channel::{Receiver, bounded};

use crate::exit::Failure;
use crate::system_names;

/// Batches of jobs that may wait for a shard, and batches of outcomes for whoever takes them.
const BATCHES_WAITING_MAX: usize = 4;

/// Event loops that run.
pub struct Shards {
    /// Where each takes its jobs. A shard ends when its inbox is dropped and all is done.
    pub inboxes: Vec<Inbox>,
    /// What came of the jobs of all.
    pub outcomes: Receiver<Vec<Outcome>>,
    /// What stops them, and wakes those that wait for room.
    pub levers: Levers,
}

/// What stops shards, and wakes them.
#[derive(Clone)]
pub struct Levers {
    control: Arc<StopSignal>,
    bells: Vec<Arc<Waker>>,
}

impl Levers {
    /// No more jobs are to be taken; those under way go on to their end.
    pub fn drain(&self) {
        self.control.drain();
        self.wake();
    }

    /// Jobs under way end now.
    pub fn abort(&self) {
        self.control.abort();
        self.wake();
    }

    /// Outcomes were taken: there is room for more.
    pub fn outcomes_taken(&self) {
        for bell in &self.bells {
            bell.wake_if_parked();
        }
    }

    fn wake(&self) {
        for bell in &self.bells {
            bell.wake();
        }
    }
}

impl Shards {
    /// Starts `count` loops. `ended` is told how each of them ended, on its own thread.
    pub fn start(
        config: &Config,
        count: usize,
        system_resolver: bool,
        began: Instant,
        ended: impl Fn(io::Result<ShardReport>) + Clone + Send + 'static,
    ) -> Result<Self, Failure> {
        let control = Arc::new(StopSignal::default());
        let (outcome_sender, outcomes) = bounded(BATCHES_WAITING_MAX * count);
        let mut inboxes = Vec::new();
        let mut bells = Vec::new();
        for number in 0..count {
            let (job_sender, jobs) = bounded(BATCHES_WAITING_MAX);
            let net = MioNet::new(began).map_err(|error| {
                Failure::stopped(format!("cannot begin an event loop: {error}"))
            })?;
            let inbox_waker = Arc::new(Waker::new(Some(net.waker())));
            let outbox_waker = Arc::new(Waker::new(Some(net.waker())));
            inboxes.push(Inbox::new(job_sender, Arc::clone(&inbox_waker)));
            bells.push(Arc::clone(&outbox_waker));
            let doors = Channels {
                jobs,
                outcomes: outcome_sender.clone(),
                inbox_waker,
                outbox_waker: Arc::clone(&outbox_waker),
                stop: Arc::clone(&control),
                names: system_resolver
                    .then(|| system_names::door(Arc::clone(&outbox_waker), began))
                    .transpose()?,
            };
            let shard = Shard::new(net, config.clone(), doors, rand::random());
            let ended = ended.clone();
            spawn(format!("shard {number}"), move || ended(shard.run()))?;
        }
        Ok(Self {
            inboxes,
            outcomes,
            levers: Levers { control, bells },
        })
    }
}

/// Starts a thread that nobody joins.
pub fn spawn(name: String, work: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    thread::Builder::new()
        .name(name)
        .spawn(work)
        .map(drop)
        .map_err(|error| Failure::stopped(format!("cannot start a thread: {error}")))
}
