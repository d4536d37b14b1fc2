//! The thread of a submission that serves its campaign.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use canvass_model::{Job, LoopSample, ShardReport};
use canvass_queue::{Completed, Source, SourceError};
use canvass_report::{LatencyRecorder, Tally};
use canvass_run::{PublishedRate, RunError, Shared};
use crossbeam_channel::{Receiver, Sender, TryRecvError};

use super::collect::Collection;
use super::dispatch::{Dispatch, Receiver as _};
use super::fleet::Fleet;
use super::submission::SubmissionError;
use crate::broker::{Broker, BrokerError, Phase};
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

/// What a submission and its threads share.
pub(super) struct SharedState {
    pub(super) stop: AtomicBool,
    /// Tells a source thread how large the next chunk may be.
    pub(super) chunk_jobs: AtomicUsize,
    pub(super) total: Option<u64>,
    pub(super) in_flight: AtomicU64,
    pub(super) durable: AtomicU64,
    pub(super) tally: Shared<Tally>,
    pub(super) latency: Shared<LatencyRecorder>,
    pub(super) rate: Arc<PublishedRate>,
    pub(super) loops: Mutex<Vec<LoopSample>>,
}

/// How a submission ended.
pub(super) struct Ended {
    pub(super) error: Option<SubmissionError>,
    pub(super) shards: Vec<ShardReport>,
    pub(super) remaining: Option<u64>,
    pub(super) completed: Completed,
    pub(super) at: Instant,
}

/// What the thread of the source gives.
pub(super) type Cut = Result<Option<Vec<Job>>, SourceError>;

/// The thread that serves a campaign.
pub(super) struct Service {
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

impl Service {
    pub(super) fn new(
        shared: Arc<SharedState>,
        broker: Box<dyn Broker>,
        dispatch: Dispatch,
        collection: Collection,
        chunks: Receiver<Cut>,
        completed: Completed,
    ) -> Self {
        Self {
            shared,
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
        }
    }

    /// Serves the campaign until it is complete, fails or is stopped.
    pub(super) fn run(mut self) -> Ended {
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
            for (worker, why) in self.fleet.learn(self.broker.workers(generation)?) {
                self.collection
                    .note(format!("worker {} has left: {why}", worker.0));
            }
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
pub(super) fn cut_chunks(
    mut chunker: Chunker<impl Source>,
    shared: &SharedState,
    chunks: &Sender<Cut>,
) {
    loop {
        let cut = chunker.next(shared.chunk_jobs.load(Ordering::Relaxed));
        let is_last = !matches!(cut, Ok(Some(_)));
        if chunks.send(cut).is_err() || is_last {
            return;
        }
    }
}
