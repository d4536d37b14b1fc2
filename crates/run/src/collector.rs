//! The thread that receives outcomes and passes them to the sinks.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use canvass_model::Outcome;
use canvass_queue::{Ledger, Receipt};
use canvass_report::{Durable, Sink, SinkError};
use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::continuation::Joiner;
use crate::error::RunError;
use crate::judge::Judge;
use crate::recheck::{LastPass, is_parked};
use crate::snapshot::RateMeter;
use crate::stop::StopHandle;
use crate::threads::Thread;

/// The interval at which sinks are flushed.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// The maximum number of outcomes that are recorded but not durable. Then no more are received until
/// the sinks have caught up.
const UNDURABLE_MAX: usize = 1 << 18;

/// Receives outcomes until the last event loop has ended.
pub(crate) struct Collector {
    pub outcomes: Receiver<Vec<Outcome>>,
    pub stop: StopHandle,
    pub judge: Option<Arc<dyn Judge>>,
    pub sinks: Vec<Box<dyn Sink>>,
    pub rate: RateMeter,
    pub acknowledger: Acknowledger,
    pub joiner: Joiner,
    /// What follows at the end, if outcomes that failed are parked.
    pub last_pass: Option<LastPass>,
    /// When the sinks were last flushed.
    pub flushed: Instant,
    /// The error of the first sink that failed or panicked.
    pub failed: Option<RunError>,
}

/// How collecting ended.
#[derive(Default)]
pub(crate) struct Collected {
    /// The number of outcomes that were left out.
    pub withheld: u64,
    /// The error of the first sink that failed or panicked.
    pub error: Option<RunError>,
}

/// Acknowledges outcomes once every sink has made them durable.
pub(crate) struct Acknowledger {
    ledger: Arc<Ledger>,
    acknowledged: u64,
    /// The receipts of the outcomes recorded after those, the oldest first.
    pending: VecDeque<Receipt>,
}

impl Collector {
    /// Passes every outcome to the sinks, and finishes them. A sink that fails ends the run; the
    /// others still receive the outcomes that arrive until its end.
    pub(crate) fn run(mut self) -> Collected {
        self.take_all();
        self.end_parking();
        self.each_sink(|sink| sink.finish());
        if self.failed.is_none() {
            self.acknowledger.acknowledge_all();
        }
        Collected {
            withheld: self.joiner.withheld(),
            error: self.failed,
        }
    }

    fn take_all(&mut self) {
        loop {
            match self.outcomes.recv_timeout(FLUSH_AFTER) {
                Ok(mut batch) => {
                    self.stop.outcomes_taken();
                    self.joiner.join(&mut batch);
                    if let Some(judge) = &self.judge {
                        judge.judge(&mut batch);
                    }
                    if self.last_pass.is_some() {
                        self.park(&mut batch);
                    }
                    self.each_sink(|sink| sink.record(&batch));
                    self.acknowledger.record(&batch);
                    self.rate.count(batch.len());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            self.flush_if_due();
        }
    }

    /// Takes the outcomes that are to be asked again out of a batch, and parks them.
    fn park(&mut self, batch: &mut Vec<Outcome>) {
        let parked: Vec<Outcome> = batch.extract_if(.., |outcome| is_parked(outcome)).collect();
        if !parked.is_empty() {
            self.each_sink(|sink| sink.park(&parked));
            self.acknowledger.record(&parked);
            self.rate.count(parked.len());
        }
    }

    /// Records outcomes that were parked.
    pub(crate) fn record_parked(&mut self, outcomes: &[Outcome]) {
        self.each_sink(|sink| sink.record_parked(outcomes));
    }

    /// Has what is parked asked again and recorded, if this run parks.
    fn end_parking(&mut self) {
        if let Some(last_pass) = self.last_pass.take()
            && let Err(error) = last_pass.run(self)
        {
            self.failed.get_or_insert(RunError::Sink(error));
            self.stop.abort();
        }
    }

    /// Flushes the sinks if that is due. Waits while too much is not durable.
    pub(crate) fn flush_if_due(&mut self) {
        // Checked after each batch too, not only after a timeout.
        let is_full = self.acknowledger.pending.len() >= UNDURABLE_MAX;
        if is_full || self.flushed.elapsed() >= FLUSH_AFTER {
            self.flush();
            while self.acknowledger.pending.len() >= UNDURABLE_MAX && !self.stop.is_aborting() {
                thread::sleep(FLUSH_AFTER);
                self.flush();
            }
            self.flushed = Instant::now();
            self.rate.tick(self.flushed);
        }
    }

    fn flush(&mut self) {
        let mut durable = self.acknowledger.recorded();
        self.each_sink(|sink| {
            if let Durable::First(count) = sink.flush()? {
                durable = durable.min(count);
            }
            Ok(())
        });
        // What the failed sink has made durable is not known.
        if self.failed.is_none() {
            self.acknowledger.acknowledge(durable);
        }
    }

    /// Calls each sink. One that fails or panics is dropped, and the run is aborted.
    fn each_sink(&mut self, mut call: impl FnMut(&mut dyn Sink) -> Result<(), SinkError>) {
        let (failed, stop) = (&mut self.failed, &self.stop);
        self.sinks.retain_mut(|sink| {
            let error = match catch_unwind(AssertUnwindSafe(|| call(&mut **sink))) {
                Ok(Ok(())) => return true,
                Ok(Err(error)) => RunError::Sink(error),
                Err(panic) => RunError::panicked(Thread::Collector, &*panic),
            };
            failed.get_or_insert(error);
            stop.abort();
            false
        });
    }
}

impl Acknowledger {
    pub(crate) fn new(ledger: Arc<Ledger>) -> Self {
        Self {
            ledger,
            acknowledged: 0,
            pending: VecDeque::new(),
        }
    }

    fn recorded(&self) -> u64 {
        self.acknowledged + self.pending.len() as u64
    }

    fn record(&mut self, outcomes: &[Outcome]) {
        self.pending.extend(outcomes.iter().map(Receipt::of));
    }

    /// Acknowledges the first `durable` outcomes of the run.
    fn acknowledge(&mut self, durable: u64) {
        let more = durable.saturating_sub(self.acknowledged);
        let receipts = self.pending.drain(..more as usize);
        self.ledger.acknowledge(receipts);
        self.acknowledged += more;
    }

    fn acknowledge_all(&mut self) {
        self.acknowledge(self.recorded());
    }
}
