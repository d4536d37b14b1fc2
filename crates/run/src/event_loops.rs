//! The event loops of a run, ready to be started.

use std::sync::Arc;

use canvass_engine::{
    CapShare, Channels, InboxSender, KnownWindows, LatestSample, LiveReport, MioNet, RunLimits,
    Shard, StopSignal, Waker,
};
use canvass_model::Outcome;
use crossbeam_channel::{Receiver, bounded};

use crate::error::StartError;
use crate::modules::RunModules;
use crate::plan::Plan;
use crate::system_names::{self, NameWorker};

/// The capacity of the channels, in batches: of jobs per loop, and of outcomes per loop.
const BATCHES_WAITING_MAX: usize = 4;

/// The event loops of a run and the ends of their channels.
pub(crate) struct EventLoops {
    pub shards: Vec<Shard<MioNet>>,
    /// The inbox of each loop. A loop ends when its inbox is dropped and its jobs are done.
    pub inboxes: Vec<InboxSender>,
    /// The outcomes of all loops.
    pub outcomes: Receiver<Vec<Outcome>>,
    /// The work of the threads that look up names for them.
    pub name_workers: Vec<NameWorker>,
    pub stop: Arc<StopSignal>,
    pub outbox_wakers: Vec<Arc<Waker>>,
    pub latest: Vec<Arc<LatestSample>>,
    pub live: Vec<Arc<LiveReport>>,
    /// The modules of all loops.
    pub modules: RunModules,
    /// The share of the caps that all loops have together.
    pub share: CapShare,
    pub known: KnownWindows,
}

impl EventLoops {
    pub(crate) fn new(plan: &Plan) -> Result<Self, StartError> {
        let count = plan.event_loops();
        let (outcome_sender, outcomes) = bounded(BATCHES_WAITING_MAX * count);
        let limits = RunLimits::new(&plan.config);
        let mut loops = Self {
            shards: Vec::new(),
            inboxes: Vec::new(),
            outcomes,
            name_workers: Vec::new(),
            stop: Arc::default(),
            outbox_wakers: Vec::new(),
            latest: Vec::new(),
            live: Vec::new(),
            modules: RunModules::of(plan),
            share: limits.share(),
            known: limits.known(),
        };
        let mut config = plan.config.clone();
        config.probing.later_modules = loops.modules.later();
        for module in &mut config.probing.modules {
            plan.attempts.apply(Arc::make_mut(module));
        }
        for _ in 0..count {
            let net = MioNet::new(plan.clock.zero).map_err(StartError::EventLoop)?;
            let waker = || Arc::new(Waker::new(Some(net.waker())));
            let (inbox_waker, outbox_waker) = (waker(), waker());
            let (job_sender, jobs) = bounded(BATCHES_WAITING_MAX);
            let latest = Arc::new(LatestSample::default());
            let live = Arc::new(LiveReport::default());
            let names = plan.system_names.then(|| {
                let targets_max = plan.config.jobs_max;
                let (service, workers) =
                    system_names::service(&outbox_waker, plan.clock.zero, targets_max);
                loops.name_workers.extend(workers);
                service
            });
            loops
                .inboxes
                .push(InboxSender::new(job_sender, Arc::clone(&inbox_waker)));
            loops.outbox_wakers.push(Arc::clone(&outbox_waker));
            loops.latest.push(Arc::clone(&latest));
            loops.live.push(Arc::clone(&live));
            let channels = Channels {
                jobs,
                outcomes: outcome_sender.clone(),
                inbox_waker,
                outbox_waker,
                stop: Arc::clone(&loops.stop),
                names,
                latest,
                live,
            };
            let shard = Shard::new(net, config.clone(), channels, &limits, rand::random());
            loops.shards.push(shard);
        }
        Ok(loops)
    }
}
