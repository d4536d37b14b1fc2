//! The one thread that takes outcomes: lines, counts, histograms.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use canvass_model::{Outcome, Verdict};
use canvass_queue::{Ledger, Receipt};
use canvass_report::{
    IntervalLog, LatencyRecorder, LineSink, Sink, SinkError, Tally, Timeline, trace,
};
use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::bodies::Bodies;
use crate::say::say;
use crate::shards::Levers;

/// Lines wait no longer than this for others.
const FLUSH_AFTER: Duration = Duration::from_millis(100);

/// Counts that others may look at while the run goes on.
#[derive(Debug, Default)]
pub struct Counters {
    pub answered: AtomicU64,
    pub negative: AtomicU64,
    pub failed: AtomicU64,
}

/// Takes outcomes until there are no more.
pub struct Collector<W: Write> {
    pub outcomes: Receiver<Vec<Outcome>>,
    /// Told when room was made for more.
    pub levers: Levers,
    pub lines: LineSink<W>,
    pub latency: LatencyRecorder,
    pub intervals: Option<IntervalLog>,
    /// How the run goes over time, where somebody will want to see it.
    pub timeline: Option<Timeline>,
    /// Where bodies are kept.
    pub bodies: Option<Bodies>,
    /// Whether what happened to each target is shown.
    pub trace: bool,
    pub ledger: Arc<Ledger>,
    pub counters: Arc<Counters>,
}

/// What is left when there are no more.
pub struct Collected {
    pub tally: Tally,
    pub latency: LatencyRecorder,
    pub timeline: Option<Timeline>,
    /// Why it ended before the outcomes did.
    pub error: Option<CollectorError>,
}

/// Why outcomes are taken no more.
#[derive(Debug)]
pub enum CollectorError {
    /// A line or a latency could not be written.
    Sink(SinkError),
    /// A body could not be kept.
    Body(io::Error),
}

impl CollectorError {
    /// Whether the reader of the lines is gone, which ends the run quietly.
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::Sink(error) if error.is_closed())
    }
}

impl fmt::Display for CollectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sink(error) => error.fmt(f),
            Self::Body(error) => error.fmt(f),
        }
    }
}

impl From<SinkError> for CollectorError {
    fn from(error: SinkError) -> Self {
        Self::Sink(error)
    }
}

impl From<io::Error> for CollectorError {
    fn from(error: io::Error) -> Self {
        Self::Body(error)
    }
}

impl<W: Write + Send> Collector<W> {
    pub fn run(mut self) -> Collected {
        let mut tally = Tally::default();
        let error = self.take_all(&mut tally).err();
        Collected {
            tally,
            latency: self.latency,
            timeline: self.timeline,
            error,
        }
    }

    fn take_all(&mut self, tally: &mut Tally) -> Result<(), CollectorError> {
        let mut flushed = Instant::now();
        loop {
            match self.outcomes.recv_timeout(FLUSH_AFTER) {
                Ok(batch) => {
                    self.levers.outcomes_taken();
                    if let Some(bodies) = &self.bodies {
                        batch.iter().try_for_each(|outcome| bodies.keep(outcome))?;
                    }
                    self.lines.record(&batch)?;
                    if let Some(intervals) = &mut self.intervals {
                        intervals.record(&batch)?;
                    }
                    batch.iter().for_each(|one| self.latency.record(one));
                    tally.record_all(&batch);
                    if let Some(timeline) = &mut self.timeline {
                        batch.iter().for_each(|outcome| timeline.record(outcome));
                    }
                    if self.trace {
                        batch.iter().for_each(|outcome| say(trace(outcome)));
                    }
                    self.ledger.acknowledge(batch.iter().map(Receipt::of));
                    self.publish(tally);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            // Also while outcomes keep coming, but slowly.
            if flushed.elapsed() >= FLUSH_AFTER {
                self.lines.flush()?;
                if let Some(intervals) = &mut self.intervals {
                    intervals.flush()?;
                }
                flushed = Instant::now();
            }
        }
        self.lines.finish()?;
        match &mut self.intervals {
            Some(intervals) => Ok(intervals.finish()?),
            None => Ok(()),
        }
    }

    fn publish(&self, tally: &Tally) {
        for (verdict, counter) in [
            (Verdict::Answered, &self.counters.answered),
            (Verdict::Negative, &self.counters.negative),
            (Verdict::Failed, &self.counters.failed),
        ] {
            counter.store(tally.verdict(verdict), Ordering::Relaxed);
        }
    }
}
