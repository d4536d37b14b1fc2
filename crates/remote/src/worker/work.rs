//! A worker of one campaign, on its own threads.

use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use canvass_model::{LoopSample, ShardReport};
use canvass_run::{Continuation, Plan, Run, RunError, ShareHandle, StartError};
use crossbeam_channel::{Receiver, bounded};

use super::chunks::{Chunks, LineSettings, Packer};
use super::contact::Contact;
use super::holder::{Executor, Holder, Next, Timing};
use super::known::known;
use super::report::WorkerReport;
use super::unproven::Unproven;
use crate::broker::{Broker, BrokerError, Generation, WorkerName, WorkerState};
use crate::chunk::ChunkJobs;

/// How long a worker waits for a chunk to end before it looks after its leases.
const WAIT: Duration = Duration::from_millis(20);
/// How long it waits for a chunk to be published, if it holds none.
const IDLE_WAIT: Duration = Duration::from_millis(100);
/// How long it waits after the broker was away.
const AWAY_WAIT: Duration = Duration::from_millis(250);

/// What a worker needs besides its plan and its broker.
pub struct WorkerSettings {
    /// The name of this incarnation.
    pub name: WorkerName,
    /// How long what is granted to it lasts.
    pub timing: Timing,
    /// The contact of this process with the broker.
    pub contact: Contact,
    /// How lines look, and where they go.
    pub lines: LineSettings,
    /// The part of the caps of its plan to use, of the share that is granted.
    pub share: Box<dyn Fn(f64) -> f64 + Send>,
    /// How long to stay if there is nothing to claim; `None` for as long as there is the campaign.
    pub idle_max: Option<Duration>,
    /// How long to wait for the broker after [`WorkerStop::drain`].
    pub drain_max: Duration,
    /// Says what a person should know: the broker is away.
    pub notes: Box<dyn FnMut(String) + Send>,
}

/// A worker of one campaign.
pub struct Worker {
    stop: WorkerStop,
    ended: Receiver<WorkEnd>,
    end: Option<WorkEnd>,
}

/// Ends a worker, from any thread. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct WorkerStop(Arc<AtomicU8>);

const DRAINING: u8 = 1;
const ABORTING: u8 = 2;

/// How a worker ended.
#[derive(Debug)]
pub enum WorkEnd {
    /// It was drained, or the campaign was cancelled.
    Ended,
    /// There was nothing to claim for the time that was set.
    Idle,
    /// The campaign is complete or gone.
    Gone,
    /// The broker refuses to work with this worker.
    Refused(BrokerError),
    /// The run of this worker ended: no resolver answers, or this machine cannot send.
    Failed(String),
}

/// Executes chunks in a run.
struct RunExecutor {
    run: Run,
    chunks: Chunks,
    packer: Packer,
    unproven: Unproven,
    share: ShareHandle,
    limit_share: Box<dyn Fn(f64) -> f64 + Send>,
    /// The least share with which it can begin anything.
    share_min: f64,
    /// Why lines cannot be kept.
    failed: Option<io::Error>,
}

struct Service {
    broker: Box<dyn Broker>,
    holder: Holder,
    contact: Contact,
    executor: RunExecutor,
    idle_max: Option<Duration>,
    drain_max: Duration,
    notes: Box<dyn FnMut(String) + Send>,
    stop: WorkerStop,
    draining_since: Option<Instant>,
    /// Since when there was nothing to claim.
    idle_since: Option<Instant>,
    is_away: bool,
}

impl Worker {
    /// Joins a campaign.
    ///
    /// # Errors
    /// The run cannot be started.
    pub fn start(
        plan: Plan,
        broker: Box<dyn Broker>,
        generation: Generation,
        settings: WorkerSettings,
    ) -> Result<Self, StartError> {
        let chunks = Chunks::new();
        let before = Continuation {
            is_resumable: true,
            // Its sink does, by chunk.
            is_counted_by_sink: true,
            ..Continuation::default()
        };
        let WorkerSettings {
            name,
            timing,
            contact,
            lines,
            share: limit_share,
            idle_max,
            drain_max,
            notes,
        } = settings;
        let format = lines.format.lines(lines.columns, plan.epoch());
        let sink = chunks.sink(format, lines.filter);
        let share_min = plan.caps().share_min();
        // A time on a schedule would count while there is no chunk. Caps hold all the same.
        let plan = plan.unscheduled();
        let run = Run::go_on(plan, chunks.source(), vec![Box::new(sink)], before, None)?;
        let share = run.share_handle();
        let stop = WorkerStop::default();
        let service = Service {
            broker,
            holder: Holder::new(generation, name, timing, contact.clone()),
            contact,
            executor: RunExecutor {
                run,
                chunks,
                packer: Packer::new(lines.keep, lines.packing),
                unproven: Unproven::default(),
                share,
                limit_share,
                share_min,
                failed: None,
            },
            idle_max,
            drain_max,
            notes,
            stop: stop.clone(),
            draining_since: None,
            idle_since: None,
            is_away: false,
        };
        let (report, ended) = bounded(1);
        thread::Builder::new()
            .name("worker".into())
            .spawn(move || {
                // Nobody receives it if the worker was dropped.
                let _ = report.send(service.run());
            })
            .map_err(StartError::Thread)?;
        Ok(Self {
            stop,
            ended,
            end: None,
        })
    }

    /// A handle that ends the worker.
    pub fn stop_handle(&self) -> WorkerStop {
        self.stop.clone()
    }

    /// Waits until the worker has ended, at most for `timeout`. Returns whether it has ended.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        if self.end.is_none() {
            self.end = self.ended.recv_timeout(timeout).ok();
        }
        self.end.is_some()
    }

    /// Waits until the worker has ended, and returns how.
    pub fn join(mut self) -> WorkEnd {
        let end = self.end.take().or_else(|| self.ended.recv().ok());
        end.unwrap_or_else(|| WorkEnd::Failed("its thread panicked".into()))
    }
}

impl WorkerStop {
    /// Claims no more chunks, completes those that are held, and leaves.
    pub fn drain(&self) {
        self.0.fetch_max(DRAINING, Ordering::SeqCst);
    }

    /// Gives back what is held, and leaves.
    pub fn abort(&self) {
        self.0.fetch_max(ABORTING, Ordering::SeqCst);
    }

    fn level(&self) -> u8 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Service {
    fn run(mut self) -> WorkEnd {
        let end = self.work();
        let has_run_ended = self.executor.run.wait(Duration::ZERO);
        if !matches!(end, WorkEnd::Gone) {
            // If the broker does not answer, the leases run out.
            let _ = self.holder.give_back(&mut *self.broker, &mut self.executor);
        }
        let mut report = self.executor.worker_report(self.holder.committed());
        let RunExecutor { run, chunks, .. } = self.executor;
        chunks.close();
        run.abort();
        let end = match run.join().error {
            Some(error) if has_run_ended => WorkEnd::Failed(why(error)),
            _ => end,
        };
        if !matches!(end, WorkEnd::Gone) {
            if let WorkEnd::Failed(why) = &end {
                report.failed = Some(why.clone());
            }
            let (generation, name) = (self.holder.generation(), self.holder.name());
            let _ = self.broker.leave(generation, name, &report.encode());
        }
        end
    }

    fn work(&mut self) -> WorkEnd {
        loop {
            match self.stop.level() {
                ABORTING => return WorkEnd::Ended,
                DRAINING => {
                    self.holder.drain();
                    let since = *self.draining_since.get_or_insert_with(Instant::now);
                    if since.elapsed() > self.drain_max {
                        return WorkEnd::Ended;
                    }
                }
                _ => {}
            }
            if self.executor.run.wait(Duration::ZERO) {
                return WorkEnd::Failed("its run has ended".into());
            }
            if let Some(error) = self.executor.failed.take() {
                return WorkEnd::Failed(format!("cannot keep lines: {error}"));
            }
            let now = self.contact.now();
            let stepped = self.holder.step(now, &mut *self.broker, &mut self.executor);
            if stepped.is_ok() && std::mem::take(&mut self.is_away) {
                (self.notes)("it answers again".into());
            }
            match stepped {
                Ok(Next::Busy) => self.idle_since = None,
                Ok(Next::Full) => {
                    self.idle_since = None;
                    self.executor.chunks.wait(WAIT);
                }
                Ok(Next::Waiting) => self.executor.chunks.wait(IDLE_WAIT),
                Ok(Next::Idle) if self.holder.held() > 0 => {
                    self.idle_since = None;
                    self.executor.chunks.wait(WAIT);
                }
                Ok(Next::Idle) => {
                    let since = *self.idle_since.get_or_insert_with(Instant::now);
                    let idle_max = self.idle_max;
                    if idle_max.is_some_and(|max| since.elapsed() >= max) {
                        return WorkEnd::Idle;
                    }
                    self.wait_for_chunk();
                }
                Ok(Next::Ended) => return WorkEnd::Ended,
                Err(BrokerError::Gone) => return WorkEnd::Gone,
                Err(error @ BrokerError::Refused(_)) => return WorkEnd::Refused(error),
                Err(error) => {
                    if !std::mem::replace(&mut self.is_away, true) {
                        (self.notes)(format!("waiting: {error}"));
                    }
                    self.executor.chunks.wait(AWAY_WAIT);
                }
            }
        }
    }

    fn wait_for_chunk(&mut self) {
        let generation = self.holder.generation();
        // An error shows again in the next step.
        let _ = self.broker.wait_for_chunk(generation, IDLE_WAIT);
    }
}

/// Why the run of a worker has ended. Others do what it leaves.
fn why(error: RunError) -> String {
    match error {
        RunError::GaveUp => "no resolver answers any more".into(),
        RunError::Blocked(errno) => format!("this machine cannot send queries ({errno})"),
        error => error.to_string(),
    }
}

impl RunExecutor {
    fn worker_report(&self, committed: u64) -> WorkerReport {
        let mut sample = LoopSample::default();
        for one in self.run.snapshot().loops {
            sample.at = sample.at.max(one.at);
            sample.rate_per_second += one.rate_per_second;
            sample.window += one.window;
            sample.in_flight += one.in_flight;
        }
        let mut shard = ShardReport::default();
        for report in self.run.reports() {
            shard.merge(&report);
        }
        WorkerReport {
            committed,
            sample,
            shard,
            failed: None,
        }
    }
}

impl Executor for RunExecutor {
    fn has_room(&self) -> bool {
        self.chunks.has_room()
    }

    fn is_busy_with(&self, jobs: Range<u64>) -> bool {
        self.chunks.is_busy_with(&jobs)
    }

    fn begin(&mut self, jobs: ChunkJobs) {
        self.chunks.begin(jobs);
    }

    fn discard(&mut self, first: u64) {
        self.chunks.discard(first);
        self.unproven.discard(first);
    }

    fn finished(&mut self) -> Vec<(u64, Vec<u8>)> {
        let finished = self
            .chunks
            .finished(&mut self.packer)
            .unwrap_or_else(|error| {
                self.failed = Some(error);
                Vec::new()
            });
        let reports = || {
            // Asks the event loops for newer ones.
            self.run.snapshot();
            self.run.reports()
        };
        let passed = self.unproven.pass(finished, reports, Instant::now());
        let results = passed.into_iter().map(|one| (one.first, one.result));
        results.collect()
    }

    fn set_share(&mut self, share: f64) -> bool {
        let share = (self.limit_share)(share);
        self.share.set(share);
        share >= self.share_min
    }

    fn meet(&mut self, workers: &[WorkerState]) {
        self.run.set_known(known(workers));
    }

    fn report(&mut self, committed: u64) -> Vec<u8> {
        self.worker_report(committed).encode()
    }
}
