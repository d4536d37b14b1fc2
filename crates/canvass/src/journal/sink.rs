//! A sink that passes outcomes to the outputs of a run, and records in its journal what they have.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use canvass_journal::{Done, Output, Parked, Partial, Progress, Writer};
use canvass_model::Outcome;
use canvass_queue::{Ledger, Receipt};
use canvass_report::{Durable, LatencyRecorder, Part, Sink, SinkError, Tally};
use canvass_run::{Completed, Shared, Spill, SpillState};

use super::end::sink_error;
use super::list::ListTracker;
use crate::cpu_time::process_cpu_time;
use crate::lines::Checkpoint;

/// All outputs of a run, with its journal.
pub(crate) struct JournalSink {
    pub outputs: Vec<JournaledOutput>,
    /// That of them which has what the others do not have yet.
    pub spill: Option<Spill>,
    /// What the outputs have, durable or not.
    pub recorded: Ledger,
    /// The number of outcomes that this part of the run has recorded.
    pub count: u64,
    /// Whether the outputs have more than the latest checkpoint.
    pub is_changed: bool,
    pub writer: Arc<Writer>,
    pub counts: Counts,
    pub tracker: Option<ListTracker>,
    pub time: TimeSpent,
}

/// An output whose length is recorded.
pub(crate) struct JournaledOutput {
    flag: &'static str,
    path: String,
    octets: Arc<AtomicU64>,
    sink: Box<dyn Checkpoint>,
}

/// The counts of a run, which other sinks keep.
pub(crate) struct Counts {
    pub tally: Shared<Tally>,
    pub latency: Shared<LatencyRecorder>,
}

/// The time that a run takes, over all its parts.
#[derive(Clone, Copy)]
pub(crate) struct TimeSpent {
    pub wall_before: Duration,
    pub cpu_before: Duration,
    pub began: Instant,
}

impl JournalSink {
    /// Notes that the outputs have these outcomes.
    fn take(&mut self, outcomes: &[Outcome]) {
        self.recorded.acknowledge(outcomes.iter().map(Receipt::of));
        self.count += outcomes.len() as u64;
        self.is_changed = true;
    }

    /// Writes a checkpoint. It is not durable yet.
    fn checkpoint(&mut self) -> Result<(), SinkError> {
        for output in &mut self.outputs {
            output.sink.checkpoint()?;
        }
        let outputs = self.outputs.iter().map(JournaledOutput::recorded).collect();
        let parked = self.spill.as_ref().map(parked).unwrap_or_default();
        let completed = self.recorded.completed();
        // All sinks have the same outcomes whenever one of them is flushed.
        let (tally, latency) = (self.counts.tally.get(), self.counts.latency.get());
        let list = self.tracker.as_ref().map(ListTracker::so_far);
        let time = self.time;
        self.is_changed = false;
        self.writer.checkpoint(self.count, move || Progress {
            done: done(completed),
            outputs,
            parked,
            list,
            elapsed_ns: nanos(time.wall_before + time.began.elapsed()),
            cpu_ns: nanos(time.cpu_before + process_cpu_time()),
            counts: serde_json::to_value((&*tally, &*latency))
                .expect("counts have nothing that JSON lacks"),
        });
        Ok(())
    }
}

impl Sink for JournalSink {
    fn record(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        for output in &mut self.outputs {
            output.sink.record(outcomes)?;
        }
        self.take(outcomes);
        Ok(())
    }

    fn park(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        for output in &mut self.outputs {
            output.sink.park(outcomes)?;
        }
        self.take(outcomes);
        Ok(())
    }

    fn record_parked(&mut self, outcomes: &[Outcome]) -> Result<(), SinkError> {
        for output in &mut self.outputs {
            output.sink.record_parked(outcomes)?;
        }
        self.is_changed = true;
        Ok(())
    }

    fn merge(&mut self, part: &Part) -> Result<(), SinkError> {
        for output in &mut self.outputs {
            output.sink.merge(part)?;
        }
        self.recorded.mark(part.first..part.first + part.jobs);
        self.count += part.outcomes();
        self.is_changed = true;
        Ok(())
    }

    fn flush(&mut self) -> Result<Durable, SinkError> {
        let durable = self.writer.durable().map_err(|error| sink_error(&error))?;
        if self.is_changed && self.writer.is_due() {
            self.checkpoint()?;
        } else {
            for output in &mut self.outputs {
                output.sink.flush()?;
            }
        }
        Ok(Durable::First(durable))
    }

    fn finish(&mut self) -> Result<(), SinkError> {
        for output in &mut self.outputs {
            output.sink.finish()?;
        }
        self.checkpoint()?;
        self.writer.wait().map_err(|error| sink_error(&error))?;
        Ok(())
    }
}

impl JournaledOutput {
    pub(crate) fn new(
        flag: &'static str,
        path: &Path,
        octets: Arc<AtomicU64>,
        sink: Box<dyn Checkpoint>,
    ) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        Self {
            flag,
            path: path.display().to_string(),
            octets,
            sink,
        }
    }

    fn recorded(&self) -> Output {
        Output {
            flag: self.flag.to_owned(),
            path: self.path.clone(),
            octets: self.octets.load(Ordering::Relaxed),
        }
    }
}

fn done(completed: Completed) -> Done {
    let partial = completed.partial.into_iter();
    Done {
        watermark: completed.watermark,
        above: completed.above,
        partial: partial
            .map(|(seq, outcomes)| Partial { seq, outcomes })
            .collect(),
    }
}

fn parked(spill: &Spill) -> Parked {
    let SpillState {
        recorded_octets,
        counts,
    } = spill.state();
    Parked {
        recorded_octets,
        failed: counts.failed,
        asked: counts.asked,
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
