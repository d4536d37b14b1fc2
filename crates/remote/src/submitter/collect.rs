//! Gives the results of chunks to the sinks of a run.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use canvass_model::{Cause, Fault, Job, Outcome, Phase, Status};
use canvass_report::{Durable, Sink, SinkError};
use canvass_run::{Plan, RateMeter};

use super::dispatch::Receiver;
use super::fleet::Fleet;
use crate::broker::{BrokerError, LOSSES_MAX, WorkerName};
use crate::chunk::ChunkHeader;
use crate::chunker::ChunkSize;
use crate::result::ChunkResult;

/// How often sinks are flushed.
const FLUSH_INTERVAL: Duration = Duration::from_millis(100);

/// How long there may be no worker before that is said.
const DESERTED_AFTER: Duration = Duration::from_secs(10);

/// Gives the results of chunks to the sinks of a run.
pub(super) struct Collection {
    plan: Plan,
    sinks: Vec<Box<dyn Sink>>,
    /// The error of the first sink that failed. The others still receive what comes.
    failed: Option<SinkError>,
    received: u64,
    durable: u64,
    flushed: Instant,
    rate: RateMeter,
    size: ChunkSize,
    /// The number of outcomes received from each worker.
    by_worker: HashMap<WorkerName, u64>,
    notes: Box<dyn FnMut(String) + Send>,
    is_away: bool,
    /// Since when no worker takes part.
    deserted_since: Option<Instant>,
    /// Whether that was said.
    is_deserted: bool,
}

impl Collection {
    pub(super) fn new(
        plan: Plan,
        sinks: Vec<Box<dyn Sink>>,
        rate: RateMeter,
        notes: Box<dyn FnMut(String) + Send>,
    ) -> Self {
        Self {
            plan,
            sinks,
            failed: None,
            received: 0,
            durable: 0,
            flushed: Instant::now(),
            rate,
            size: ChunkSize::new(),
            by_worker: HashMap::new(),
            notes,
            is_away: false,
            deserted_since: None,
            is_deserted: false,
        }
    }

    /// The number of jobs of the next chunk.
    pub(super) fn chunk_jobs(&self) -> usize {
        self.size.jobs()
    }

    /// The outcomes received from each worker.
    pub(super) fn received_from(&self) -> &HashMap<WorkerName, u64> {
        &self.by_worker
    }

    pub(super) fn forget_but(&mut self, fleet: &Fleet) {
        self.size.retain(|worker| fleet.is_alive(worker));
    }

    /// The error of the first sink that failed, once.
    pub(super) fn failed(&mut self) -> Option<SinkError> {
        self.failed.take()
    }

    /// The number of outcomes that every sink has made durable, flushed if that is due.
    pub(super) fn durable(&mut self) -> u64 {
        if self.flushed.elapsed() >= FLUSH_INTERVAL {
            let mut durable = self.received;
            self.each_sink(|sink| {
                if let Durable::First(count) = sink.flush()? {
                    durable = durable.min(count);
                }
                Ok(())
            });
            // What a sink that failed has made durable is not known.
            if self.failed.is_none() {
                self.durable = durable;
            }
            self.flushed = Instant::now();
            self.rate.tick(self.flushed);
        }
        self.durable
    }

    /// Completes the outputs. Returns the error of the first one that failed.
    pub(super) fn finish(&mut self) -> Option<SinkError> {
        self.each_sink(|sink| sink.finish());
        self.failed.take()
    }

    /// Notes that the broker answers.
    pub(super) fn is_reachable(&mut self) {
        if std::mem::take(&mut self.is_away) {
            (self.notes)("it answers again".into());
        }
    }

    /// Notes that the broker does not answer, or cannot write.
    pub(super) fn is_away(&mut self, error: &BrokerError) {
        if !std::mem::replace(&mut self.is_away, true) {
            (self.notes)(format!("waiting: {error}"));
        }
    }

    /// Notes whether any worker takes part.
    pub(super) fn has_workers(&mut self, has_any: bool) {
        if has_any {
            self.deserted_since = None;
            if std::mem::take(&mut self.is_deserted) {
                (self.notes)("a worker takes part".into());
            }
            return;
        }
        let since = *self.deserted_since.get_or_insert_with(Instant::now);
        let is_deserted = since.elapsed() >= DESERTED_AFTER;
        if is_deserted && !std::mem::replace(&mut self.is_deserted, true) {
            (self.notes)("no worker takes part, so it waits for one; workers say why".into());
        }
    }

    fn each_sink(&mut self, mut call: impl FnMut(&mut dyn Sink) -> Result<(), SinkError>) {
        let failed = &mut self.failed;
        self.sinks.retain_mut(|sink| match call(&mut **sink) {
            Ok(()) => true,
            Err(error) => {
                failed.get_or_insert(error);
                false
            }
        });
    }
}

impl Receiver for Collection {
    fn result(
        &mut self,
        header: ChunkHeader,
        worker: &WorkerName,
        octets: &[u8],
    ) -> Result<(), String> {
        let (result, lines) = ChunkResult::decode(octets).map_err(|error| error.to_string())?;
        if result.header != header {
            return Err("it is the result of another chunk".into());
        }
        self.size.learn(
            worker,
            result.jobs_per_second,
            header.jobs.into(),
            lines.len(),
            octets.len(),
        );
        let part = result.into_part(lines, self.plan.now());
        let outcomes = part.outcomes();
        self.each_sink(|sink| sink.merge(&part));
        self.received += outcomes;
        self.rate.count(outcomes as usize);
        *self.by_worker.entry(worker.clone()).or_default() += outcomes;
        Ok(())
    }

    fn quarantined(&mut self, job: Job) {
        let outcomes = job.spec.outcomes();
        let target = canvass_report::target_name(&job.target);
        (self.notes)(format!(
            "{target} is given up: {LOSSES_MAX} workers were lost while they had it"
        ));
        let fault = Fault {
            phase: Phase::Wait,
            cause: Cause::Quarantined,
            message: format!("{LOSSES_MAX} workers were lost while they had this target").into(),
            errno: None,
        };
        let outcome = Outcome::unbegun(job, self.plan.now(), Status::Local, fault);
        let all: Vec<Outcome> = (0..outcomes).map(|_| outcome.clone()).collect();
        self.each_sink(|sink| sink.record(&all));
        self.received += outcomes;
    }

    fn received(&self) -> u64 {
        self.received
    }

    fn note(&mut self, text: String) {
        (self.notes)(text);
    }
}
