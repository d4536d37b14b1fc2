//! A run whose jobs are done by workers: the counterpart of [`canvass_run::Run`].

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use canvass_model::{Job, LoopSample, ShardReport};
use canvass_queue::{Completed, Resumed, Source, SourceError};
use canvass_report::{LatencyRecorder, Sink, Tally};
use canvass_run::{Continuation, Plan, RateMeter, Report, RunError, Shared, Snapshot};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, bounded};

use super::collect::Collection;
use super::dispatch::Dispatch;
use super::fleet::Fleet;
use crate::broker::{Broker, BrokerError, Budget, Generation, Phase};
use crate::campaign::CampaignPlan;
use crate::chunker::Chunker;

/// How long a submitter waits for the next delivery before it looks after other things.
const WAIT: Duration = Duration::from_millis(50);
/// How long it waits after the broker was away.
const AWAY_WAIT: Duration = Duration::from_millis(500);
/// How often it reads what the workers report.
const FLEET_INTERVAL: Duration = Duration::from_secs(1);
/// How long it waits at the end for the last reports of workers.
const LAST_REPORTS_WAIT: Duration = Duration::from_secs(3);
/// Chunks that are out or wait, at least, and for each live worker.
const OPEN_MIN: usize = 4;
const OPEN_PER_WORKER: usize = 4;
/// The maximum size of those chunks, in octets.
const OPEN_OCTETS_MAX: usize = 16 << 20;

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

struct SharedState {
    stop: AtomicBool,
    /// Tells a source thread how large the next chunk may be.
    chunk_jobs: AtomicUsize,
    total: Option<u64>,
    in_flight: AtomicU64,
    durable: AtomicU64,
    tally: Shared<Tally>,
    latency: Shared<LatencyRecorder>,
    rate: Arc<canvass_run::PublishedRate>,
    loops: Mutex<Vec<LoopSample>>,
}

struct Ended {
    error: Option<SubmissionError>,
    shards: Vec<ShardReport>,
    remaining: Option<u64>,
    completed: Completed,
    at: Instant,
}

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

/// What the thread of the source gives.
type Cut = Result<Option<Vec<Job>>, SourceError>;

/// The thread that serves a campaign.
struct Service {
    shared: Arc<SharedState>,
    broker: Box<dyn Broker>,
    dispatch: Dispatch,
    collection: Collection,
    fleet: Fleet,
    chunks: Receiver<Cut>,
    source_error: Option<SourceError>,
    has_more: bool,
    began: Instant,
    looked_at_fleet: Option<Instant>,
    completed: Completed,
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
        let rate = Arc::<canvass_run::PublishedRate>::default();
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
        let service = Service {
            shared: Arc::clone(&shared),
            broker,
            dispatch,
            collection,
            fleet: Fleet::default(),
            chunks,
            source_error: None,
            has_more: true,
            began: Instant::now(),
            looked_at_fleet: None,
            completed,
        };
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

impl Service {
    fn run(mut self) -> Ended {
        let error = self.serve().err();
        let is_complete = error.is_none() && !self.is_stopping();
        if is_complete {
            self.wait_for_last_reports();
        }
        let sink_error = self.collection.finish();
        let error =
            error.or_else(|| sink_error.map(|error| SubmissionError::Run(RunError::Sink(error))));
        if is_complete && error.is_none() {
            // Everything is durable. What is left in the broker holds no results.
            let _ = self.dispatch.remove(&mut *self.broker);
        }
        let total = self.shared.tally.get().total();
        Ended {
            error,
            shards: self.fleet.shards(total),
            remaining: match is_complete {
                true => None,
                false => self.shared.total.map(|all| all.saturating_sub(total)),
            },
            completed: self.completed,
            at: Instant::now(),
        }
    }

    fn is_stopping(&self) -> bool {
        self.shared.stop.load(Ordering::SeqCst)
    }

    fn serve(&mut self) -> Result<(), SubmissionError> {
        while !self.is_stopping() {
            self.take_chunks();
            if let Some(error) = self.collection.failed() {
                return Err(SubmissionError::Run(RunError::Sink(error)));
            }
            let durable = self.collection.durable();
            self.shared.durable.store(durable, Ordering::Relaxed);
            let now = self.began.elapsed();
            let stepped = self
                .dispatch
                .step(now, &mut *self.broker, durable, &mut self.collection)
                .and_then(|received| {
                    self.look_at_fleet()?;
                    Ok(received)
                });
            let in_flight = self.dispatch.open_outcomes();
            self.shared.in_flight.store(in_flight, Ordering::Relaxed);
            match stepped {
                Ok(_) if self.is_done() => {
                    return match self.source_error.take() {
                        None => Ok(()),
                        Some(error) => Err(SubmissionError::Run(RunError::Source(error))),
                    };
                }
                Ok(true) => self.collection.is_reachable(),
                Ok(false) => {
                    self.collection.is_reachable();
                    self.idle();
                }
                Err(error @ BrokerError::Refused(_)) => return Err(SubmissionError::Broker(error)),
                Err(error) => {
                    self.collection.is_away(&error);
                    thread::sleep(AWAY_WAIT);
                }
            }
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        !self.has_more && self.dispatch.is_done()
    }

    fn idle(&mut self) {
        let Some(generation) = self.dispatch.generation() else {
            return;
        };
        // An error shows again in the next step.
        let _ = self
            .broker
            .wait_for_delivery(generation, self.dispatch.cursor(), WAIT);
    }

    /// Takes chunks from the source while there is room for them.
    fn take_chunks(&mut self) {
        let open_max = (self.fleet.live() * OPEN_PER_WORKER).max(OPEN_MIN);
        let jobs = self.collection.chunk_jobs();
        self.shared.chunk_jobs.store(jobs, Ordering::Relaxed);
        while self.has_more
            && self.dispatch.open() < open_max
            && self.dispatch.open_octets() < OPEN_OCTETS_MAX
        {
            match self.chunks.try_recv() {
                Ok(Ok(Some(jobs))) => self.dispatch.add(&jobs),
                Ok(Ok(None)) | Err(TryRecvError::Disconnected) => self.has_more = false,
                Ok(Err(error)) => {
                    self.has_more = false;
                    self.source_error = Some(error);
                }
                Err(TryRecvError::Empty) => return,
            }
        }
    }

    fn look_at_fleet(&mut self) -> Result<(), BrokerError> {
        let is_due = self
            .looked_at_fleet
            .is_none_or(|looked| looked.elapsed() >= FLEET_INTERVAL);
        if let (true, Some(generation)) = (is_due, self.dispatch.generation()) {
            self.fleet.learn(self.broker.workers(generation)?);
            let state = self.broker.campaign()?;
            if state.is_some_and(|state| state.phase == Phase::Cancelled) {
                return Err(BrokerError::Refused("the campaign was cancelled".into()));
            }
            self.looked_at_fleet = Some(Instant::now());
            self.collection.forget_but(&self.fleet);
            self.collection.has_workers(self.fleet.live() > 0);
            let loops = self.fleet.loops();
            *self
                .shared
                .loops
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = loops;
        }
        Ok(())
    }

    /// Waits until the workers have reported what they did last, for the counts of resolvers.
    fn wait_for_last_reports(&mut self) {
        let until = Instant::now() + LAST_REPORTS_WAIT;
        while Instant::now() < until {
            self.looked_at_fleet = None;
            if self.look_at_fleet().is_err()
                || self.fleet.has_reported(self.collection.received_from())
            {
                return;
            }
            thread::sleep(WAIT);
        }
    }
}

/// Gives chunks until the source ends or nobody takes them.
fn cut_chunks(mut chunker: Chunker<impl Source>, shared: &SharedState, chunks: &Sender<Cut>) {
    loop {
        let cut = chunker.next(shared.chunk_jobs.load(Ordering::Relaxed));
        let is_last = !matches!(cut, Ok(Some(_)));
        if chunks.send(cut).is_err() || is_last {
            return;
        }
    }
}

fn is_done(completed: &Completed, seq: u64) -> bool {
    seq < completed.watermark || completed.above.iter().any(|range| range.contains(&seq))
}
