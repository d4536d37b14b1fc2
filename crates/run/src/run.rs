//! A run: starts its threads, and collects how they ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use canvass_engine::{KnownWindow, KnownWindows};
use canvass_model::ShardReport;
use canvass_proto::{ModuleKind, Timeouts};
use canvass_queue::{Completed, Ended, Feeder, FeederEnd, Ledger, Source};
use canvass_report::{LatencyRecorder, RecheckCounts, Sink, Tally, balance};
use crossbeam_channel::{Receiver, RecvTimeoutError, unbounded};

use crate::collector::{Acknowledger, Collected, Collector};
use crate::continuation::{Continuation, Joiner, adjust};
use crate::error::{RunError, StartError};
use crate::event_loops::EventLoops;
use crate::modules::RunModules;
use crate::plan::Plan;
use crate::recheck::{LastPass, Recheck, Spill};
use crate::share::ShareHandle;
use crate::snapshot::{RateMeter, RunReader, Snapshot};
use crate::stop::StopHandle;
use crate::threads::{End, Thread, Threads};

/// The maximum number of jobs in a batch.
const JOB_BATCH_MAX: usize = 512;
/// The maximum part of a schedule ([`PlanBuilder::rate`](crate::PlanBuilder::rate)) in one batch, in
/// seconds: a batch goes to one event loop, which must not receive the work of a long time at once
/// while others have none. A loop that is alone receives all of it, and then what counts is that the
/// feeder is woken for each batch.
const BATCH_SPAN_S: f64 = 0.001;
const LONE_BATCH_SPAN_S: f64 = 0.02;

/// A plan that is executed, on its own threads.
///
/// Dropping it aborts the run without waiting for its end.
pub struct Run {
    reader: RunReader,
    modules: RunModules,
    share: ShareHandle,
    known: KnownWindows,
    stop: StopHandle,
    ends: Receiver<End>,
    /// How long earlier parts of the run took.
    wall_before: Duration,
    /// Whether outcomes are counted here.
    is_counted: bool,
    progress: Progress,
}

/// How the threads that have ended did so.
#[derive(Default)]
struct Progress {
    loops_left: usize,
    shards: Vec<ShardReport>,
    collected: Option<Collected>,
    feeder: Option<FeederEnd>,
    /// The error of the first thread that failed or panicked: others may have failed because of it.
    failed: Option<RunError>,
    /// When the last event loop ended.
    loops_ended: Option<Instant>,
    wall: Option<Duration>,
}

/// The result of a run.
pub struct Report {
    /// The counts of outcomes by verdict, status and cause.
    pub tally: Arc<Tally>,
    /// The latency histograms.
    pub latency: Arc<LatencyRecorder>,
    /// The report of each event loop, with the windows of its resolvers. The numbers of targets of the
    /// first one include those of earlier parts of the run.
    pub shards: Vec<ShardReport>,
    /// The duration of the run, with its earlier parts.
    pub wall: Duration,
    /// The number of outcomes missing because the run was stopped, if the length of the list is known.
    pub remaining: Option<u64>,
    /// The targets that are done, by sequence number. Needed to resume the run.
    pub completed: Completed,
    /// How failed targets were asked again, if the run does that.
    pub recheck: Option<RecheckCounts>,
    /// Why the run failed or ended early. A run that was stopped by its [`StopHandle`] has no error.
    pub error: Option<RunError>,
}

impl Report {
    /// The number of targets that the event loops have started, also in earlier parts of the run.
    pub fn admitted(&self) -> u64 {
        self.shards.iter().map(|shard| shard.admitted).sum()
    }

    /// Returns the report, or the error if there is one.
    ///
    /// # Errors
    /// Those of [`error`](Self::error).
    pub fn into_result(self) -> Result<Self, RunError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self),
        }
    }
}

impl Run {
    /// Starts a run over the jobs of `source`. Every outcome is passed to all `sinks`, in their order.
    ///
    /// # Errors
    /// An event loop cannot be created, or a thread cannot be started.
    pub fn start(
        plan: Plan,
        source: impl Source + 'static,
        sinks: Vec<Box<dyn Sink>>,
    ) -> Result<Self, StartError> {
        Self::go_on(plan, source, sinks, Continuation::default(), None)
    }

    /// Starts a run that goes on from what was counted before. With `recheck`, what fails is asked again at
    /// the end; if its spill is not part of a sink, pass it in `sinks` too.
    ///
    /// # Errors
    /// As for [`start`](Self::start).
    pub fn go_on(
        plan: Plan,
        source: impl Source + 'static,
        mut sinks: Vec<Box<dyn Sink>>,
        before: Continuation,
        recheck: Option<Recheck>,
    ) -> Result<Self, StartError> {
        let EventLoops {
            shards,
            inboxes,
            outcomes,
            name_workers,
            stop,
            outbox_wakers,
            latest,
            live,
            modules,
            share,
            known,
        } = EventLoops::new(&plan)?;
        let (ended, ends) = unbounded();
        let completed = source.completed();
        let ledger = Arc::new(Ledger::after(&completed));
        let spill = recheck.as_ref().map(|recheck| recheck.spill.clone());
        let parked = spill.as_ref().map_or(0, Spill::parked);
        let earlier = before.tally.get().total() + parked;
        let in_part: u64 = completed.partial.iter().map(|(_, outcomes)| outcomes).sum();
        let stop = StopHandle::new(Arc::clone(&ledger), stop, outbox_wakers);
        // If a thread cannot be started, dropping this stops the threads started before it.
        let run = Self {
            reader: RunReader {
                clock: plan.clock,
                total: source
                    .remaining()
                    .map(|targets| plan.outcomes_of(targets).saturating_sub(in_part))
                    .map(|outcomes| earlier.saturating_add(outcomes)),
                list: source.list_progress(),
                outcomes_per_target: plan.outcomes_of(1),
                earlier,
                ledger: Arc::clone(&ledger),
                tally: before.tally,
                latency: before.latency,
                spill,
                rate: Arc::default(),
                latest: latest.into(),
                live: live.into(),
                stop: stop.clone(),
            },
            modules,
            share: ShareHandle::new(share, plan.clock, stop.clone()),
            known,
            stop: stop.clone(),
            ends,
            wall_before: before.wall,
            is_counted: !before.is_counted_by_sink,
            progress: Progress {
                loops_left: shards.len(),
                ..Progress::default()
            },
        };
        if run.is_counted {
            sinks.push(Box::new(run.reader.tally.clone()));
            sinks.push(Box::new(run.reader.latency.clone()));
        }

        let threads = Threads { stop, ended };
        for (number, worker) in name_workers.into_iter().enumerate() {
            threads.spawn(Thread::Names(number), worker, |worker| {
                worker.run();
                End::Names
            })?;
        }
        for (number, shard) in shards.into_iter().enumerate() {
            let work = move |(): &()| End::EventLoop(Box::new(shard.run()));
            threads.spawn(Thread::EventLoop(number), (), work)?;
        }
        let collector = Collector {
            outcomes,
            stop: run.stop.clone(),
            judge: plan.judge.as_ref().map(|judge| Arc::clone(&judge.0)),
            sinks,
            rate: RateMeter::new(Instant::now(), Arc::clone(&run.reader.rate)),
            acknowledger: Acknowledger::new(Arc::clone(&ledger)),
            joiner: Joiner::new(before.is_resumable, &completed),
            last_pass: recheck.map(|recheck| LastPass {
                recheck,
                plan: plan.clone().gentle(),
            }),
            flushed: Instant::now(),
            failed: None,
        };
        let work = move |(): &()| End::Collector(collector.run());
        threads.spawn(Thread::Collector, (), work)?;
        let feeder = Feeder {
            source,
            rate_per_second: plan.rate_per_second,
            start: plan.now(),
            batch_jobs_max: plan.rate_per_second.map_or(JOB_BATCH_MAX, |rate| {
                let is_lone = plan.event_loops.get() == 1;
                let span_s = if is_lone {
                    LONE_BATCH_SPAN_S
                } else {
                    BATCH_SPAN_S
                };
                ((rate * span_s) as usize).clamp(1, JOB_BATCH_MAX)
            }),
            shards: plan.event_loops,
            ledger,
        };
        let stop = run.stop.clone();
        // Dropping the inboxes ends the loops. `spawn` reports the end of the feeder before that.
        threads.spawn(Thread::Feeder, inboxes, move |inboxes| {
            let mut deliver = |number: usize, jobs| inboxes[number].put(jobs);
            End::Feeder(feeder.run(&mut deliver, stop.feeder_flag()))
        })?;
        Ok(run)
    }

    /// Returns the current state of the run.
    pub fn snapshot(&self) -> Snapshot {
        self.reader.snapshot()
    }

    /// Returns the current report of each event loop ([`RunReader::reports`]).
    pub fn reports(&self) -> Vec<ShardReport> {
        self.reader.reports()
    }

    /// Returns a handle that reads the state of the run from any thread, also after its end.
    pub fn reader(&self) -> RunReader {
        self.reader.clone()
    }

    /// Adds settings for probes of hosts, behind all that the run has, in its plan and since. Jobs that
    /// the source gives from now on may refer to them. Which connections they open is as in the first
    /// module of the plan; a run without any takes none.
    pub fn add_modules(&self, modules: impl IntoIterator<Item = (ModuleKind, Timeouts)>) {
        self.modules.add(modules);
    }

    /// Sets the share of its caps that the run may use, 0 to 1 ([`ShareHandle::set`]).
    pub fn set_share(&self, share: f64) {
        self.share.set(share);
    }

    /// Returns a handle that sets the share of its caps from any thread.
    pub fn share_handle(&self) -> ShareHandle {
        self.share.clone()
    }

    /// Sets what is known of the limits of resolvers, in place of all that was known before: this run's
    /// part of them, if others ask the same resolvers.
    ///
    /// A resolver that was not asked yet is asked at that rate from the start; without anything known, the
    /// rate doubles until answers are missing. If the known rate of a resolver changes, its window is
    /// lowered to it once. After that it finds out by itself whether the resolver bears more. A limit in
    /// flight holds for 30 s after the last call that had it, and a lower one may be found meanwhile.
    pub fn set_known(&self, known: impl IntoIterator<Item = KnownWindow>) {
        self.known.set(known);
    }

    /// Returns a handle that stops the run from any thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.stop.clone()
    }

    /// Starts no more targets. Those under way are completed.
    pub fn drain(&self) {
        self.stop.drain();
    }

    /// Ends the targets under way now, each with an outcome.
    pub fn abort(&self) {
        self.stop.abort();
    }

    /// Waits until the run has ended, at most for `timeout`. Returns whether it has ended.
    pub fn wait(&mut self, timeout: Duration) -> bool {
        let until = Instant::now() + timeout;
        while !self.has_ended() {
            match self.ends.recv_deadline(until) {
                Ok(end) => self.note(end),
                Err(RecvTimeoutError::Timeout) => return false,
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        true
    }

    /// Waits until the run has ended, and returns its result. Does not wait for the feeder, which may be
    /// blocked in reading its source.
    pub fn join(mut self) -> Report {
        while !self.has_ended() {
            match self.ends.recv() {
                Ok(end) => self.note(end),
                Err(_) => break,
            }
        }
        while let Ok(end) = self.ends.try_recv() {
            self.note(end);
        }
        let mut progress = std::mem::take(&mut self.progress);
        let withheld = progress.collected.as_ref().map_or(0, |all| all.withheld);
        adjust(&mut progress.shards, self.reader.earlier, withheld);
        let admitted: u64 = progress.shards.iter().map(|shard| shard.admitted).sum();
        let remaining = self
            .reader
            .total
            .map(|total| total.saturating_sub(admitted));
        let tally = self.reader.tally.get();
        Report {
            latency: self.reader.latency.get(),
            wall: self.wall_before
                + progress
                    .wall
                    .unwrap_or_else(|| self.reader.clock.began.elapsed()),
            remaining: remaining.filter(|_| self.stop.is_stopping()),
            completed: self.reader.ledger.completed(),
            recheck: self.reader.spill.as_ref().map(Spill::counts),
            shards: progress.shards.clone(),
            error: self.error(progress, &tally),
            tally,
        }
    }

    fn has_ended(&self) -> bool {
        self.progress.loops_left == 0 && self.progress.collected.is_some()
    }

    fn note(&mut self, end: End) {
        let progress = &mut self.progress;
        match end {
            End::Feeder(end) => progress.feeder = Some(end),
            End::EventLoop(ended) => {
                progress.loops_left -= 1;
                match *ended {
                    Ok(report) => progress.shards.push(report),
                    Err(error) => {
                        progress.failed.get_or_insert(RunError::EventLoop(error));
                    }
                }
            }
            End::Collector(ended) => progress.collected = Some(ended),
            End::Names => {}
            End::Panicked(thread, error) => {
                progress.failed.get_or_insert(error);
                match thread {
                    Thread::EventLoop(_) => progress.loops_left -= 1,
                    Thread::Collector => progress.collected = Some(Collected::default()),
                    Thread::Feeder | Thread::Names(_) => {}
                }
            }
        }
        let now = Instant::now();
        if self.progress.loops_left == 0 {
            self.progress.loops_ended.get_or_insert(now);
        }
        if self.has_ended() && self.progress.wall.is_none() {
            self.progress.wall = Some(now - self.reader.clock.began);
            // What was left then waited for the outputs only.
            let since = self.progress.loops_ended.unwrap_or(now);
            for shard in &mut self.progress.shards {
                shard.output_wait += now - since;
            }
        }
    }

    /// Returns the error that is the cause of the others.
    fn error(&self, progress: Progress, tally: &Tally) -> Option<RunError> {
        if progress.failed.is_some() {
            return progress.failed;
        }
        if let Some(error) = progress.collected.and_then(|collected| collected.error) {
            return Some(error);
        }
        if self.is_counted
            && let Err(error) = balance(tally, &progress.shards)
        {
            return Some(RunError::Balance(error));
        }
        if let Some(errno) = progress.shards.iter().find_map(|shard| shard.blocked_by) {
            return Some(RunError::Blocked(errno));
        }
        if progress.shards.iter().any(|shard| shard.gave_up) {
            return Some(RunError::GaveUp);
        }
        if let Some(FeederEnd {
            ended: Ended::Failed(error),
            ..
        }) = progress.feeder
        {
            return Some(RunError::Source(error));
        }
        match self.reader.ledger.in_flight() {
            0 => None,
            _ if self.stop.is_stopping() => None,
            targets => Some(RunError::Lost { targets }),
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.stop.abort();
    }
}
