//! A run whose jobs are done by workers: the counterpart of [`canvass_run::Run`].

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use canvass_queue::{Completed, Resumed, Source};
use canvass_report::Sink;
use canvass_run::{Continuation, Plan, PublishedRate, RateMeter, Report, RunError, Snapshot};
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};

use super::collect::Collection;
use super::dispatch::Dispatch;
use super::service::{Ended, Service, SharedState, cut_chunks};
use crate::broker::{Broker, BrokerError, Budget, Generation};
use crate::campaign::CampaignPlan;
use crate::chunker::Chunker;

/// What a submission needs besides its plan, source and sinks.
pub struct SubmissionSettings {
    /// What workers receive.
    pub campaign: CampaignPlan,
    /// How much memory the campaign may take in the broker.
    pub budget: Budget,
    /// Says what a person should know: the broker is away, a chunk was published again.
    pub notes: Box<dyn FnMut(String) + Send>,
}

/// A run whose jobs are done by workers.
///
/// Dropping it leaves the campaign as it is, for another submitter to take up.
pub struct Submission {
    shared: Arc<SharedState>,
    ended: Receiver<Ended>,
    end: Option<Ended>,
    started: Instant,
    wall_before: Duration,
    plan: Plan,
}

/// Ends a submission early, from any thread. Cheap to clone.
#[derive(Clone)]
pub struct SubmissionStop(Arc<SharedState>);

/// Why a submission could not be started, or ended early.
#[derive(Debug, thiserror::Error)]
pub enum SubmissionError {
    /// A part of the run failed: source, sinks, balance.
    #[error(transparent)]
    Run(RunError),
    /// The broker does not work with this campaign.
    #[error(transparent)]
    Broker(BrokerError),
    /// A job is done in part, as a run without workers leaves it.
    #[error(
        "{0} targets are done in part, which workers cannot complete; resume without workers first"
    )]
    Partial(usize),
    /// A thread cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
}

impl Submission {
    /// Begins a campaign, or takes up that of an earlier submitter with the same identity. `source` must
    /// leave out what earlier parts of the run have completed.
    ///
    /// # Errors
    /// The broker cannot be reached, has another campaign of this name, or refuses.
    pub fn start(
        plan: Plan,
        source: impl Source + 'static,
        sinks: Vec<Box<dyn Sink>>,
        before: Continuation,
        mut broker: Box<dyn Broker>,
        settings: SubmissionSettings,
    ) -> Result<Self, SubmissionError> {
        let completed = source.completed();
        if !completed.partial.is_empty() {
            return Err(SubmissionError::Partial(completed.partial.len()));
        }
        let earlier = before.tally.get().total();
        let total = source
            .remaining()
            .map(|targets| earlier.saturating_add(plan.outcomes_of(targets)));
        let rate = Arc::<PublishedRate>::default();
        let shared = Arc::new(SharedState {
            stop: AtomicBool::new(false),
            chunk_jobs: AtomicUsize::new(0),
            total,
            in_flight: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            tally: before.tally,
            latency: before.latency,
            rate: Arc::clone(&rate),
            loops: Mutex::default(),
        });
        let meter = RateMeter::new(Instant::now(), rate);
        let counters: [Box<dyn Sink>; 2] = [
            Box::new(shared.tally.clone()),
            Box::new(shared.latency.clone()),
        ];
        let sinks = sinks.into_iter().chain(counters).collect();
        let mut collection = Collection::new(plan.clone(), sinks, meter, settings.notes);
        let budget = Budget {
            shares_max: (1.0 / plan.caps().share_min()) as u64,
            ..settings.budget
        };
        let mut dispatch = Dispatch::new(
            settings.campaign,
            budget,
            Box::new(|| Generation(rand::random())),
        );
        let is_done = |seq: u64| is_done(&completed, seq);
        let out = dispatch
            .take_up(&mut *broker, &is_done, &mut collection)
            .map_err(SubmissionError::Broker)?;
        // What is out is given by nobody else.
        let completed_or_out = Completed {
            watermark: source.position().seq(),
            above: out,
            partial: Vec::new(),
        };
        let rest = Resumed::new(source, completed_or_out)
            .map_err(|error| SubmissionError::Run(RunError::Source(error)))?;
        let (cut, chunks) = bounded(1);
        let of_source = Arc::clone(&shared);
        let spawned = thread::Builder::new()
            .name("chunks".into())
            .spawn(move || cut_chunks(Chunker::new(rest), &of_source, &cut));
        spawned.map_err(SubmissionError::Thread)?;
        let service = Service::new(
            Arc::clone(&shared),
            broker,
            dispatch,
            collection,
            chunks,
            completed,
        );
        let (report, ended) = bounded(1);
        let spawned = thread::Builder::new()
            .name("submitter".into())
            .spawn(move || {
                // Nobody receives it if the submission was dropped.
                let _ = report.send(service.run());
            });
        spawned.map_err(SubmissionError::Thread)?;
        Ok(Self {
            shared,
            ended,
            end: None,
            started: Instant::now(),
            wall_before: before.wall,
            plan,
        })
    }

    /// The state of the run.
    pub fn snapshot(&self) -> Snapshot {
        let shared = &self.shared;
        Snapshot {
            at: self.plan.now(),
            total: shared.total,
            total_estimated: None,
            tally: shared.tally.get(),
            latency: shared.latency.get(),
            in_flight: shared.in_flight.load(Ordering::Relaxed),
            parked: 0,
            durable: shared.durable.load(Ordering::Relaxed),
            rate_per_second: shared.rate.per_second(),
            loops: shared
                .loops
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        }
    }

    /// A handle that ends the submission.
    pub fn stop_handle(&self) -> SubmissionStop {
        SubmissionStop(Arc::clone(&self.shared))
    }

    /// Waits until the submission has ended, at most for `timeout`. Returns whether it has ended.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        if self.end.is_none() {
            match self.ended.recv_timeout(timeout) {
                Ok(end) => self.end = Some(end),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => {}
            }
        }
        true
    }

    /// Waits until the submission has ended, and returns its result. An error that is not one of a run is
    /// returned beside it.
    pub fn join(mut self) -> (Report, Option<BrokerError>) {
        let end = self.end.take().or_else(|| self.ended.recv().ok());
        let end = end.unwrap_or_else(|| Ended {
            error: Some(SubmissionError::Run(RunError::Panicked {
                thread: "submitter".into(),
                message: "see above".into(),
            })),
            shards: Vec::new(),
            remaining: None,
            completed: Completed::default(),
            at: Instant::now(),
        });
        let (error, broker_error) = match end.error {
            None => (None, None),
            Some(SubmissionError::Run(error)) => (Some(error), None),
            Some(SubmissionError::Broker(error)) => (None, Some(error)),
            // They end a submission before it is started.
            Some(SubmissionError::Partial(_) | SubmissionError::Thread(_)) => (None, None),
        };
        let report = Report {
            tally: self.shared.tally.get(),
            latency: self.shared.latency.get(),
            shards: end.shards,
            wall: self.wall_before + (end.at - self.started),
            remaining: end.remaining,
            completed: end.completed,
            recheck: None,
            error,
        };
        (report, broker_error)
    }
}

impl SubmissionStop {
    /// Ends the submission soon. The campaign stays in the broker, and workers go on with what is out.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }
}

fn is_done(completed: &Completed, seq: u64) -> bool {
    seq < completed.watermark || completed.above.iter().any(|range| range.contains(&seq))
}
