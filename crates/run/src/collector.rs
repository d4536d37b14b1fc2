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

use crate::error::RunError;
use crate::judge::Judge;
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
    /// The error of the first sink that failed or panicked.
    pub failed: Option<RunError>,
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
    pub(crate) fn run(mut self) -> Result<(), RunError> {
        self.take_all();
        self.each_sink(|sink| sink.finish());
        match self.failed {
            Some(error) => Err(error),
            None => {
                self.acknowledger.acknowledge_all();
                Ok(())
            }
        }
    }

    fn take_all(&mut self) {
        let mut flushed = Instant::now();
        loop {
            match self.outcomes.recv_timeout(FLUSH_AFTER) {
                Ok(mut batch) => {
                    self.stop.outcomes_taken();
                    if let Some(judge) = &self.judge {
                        judge.judge(&mut batch);
                    }
                    self.each_sink(|sink| sink.record(&batch));
                    self.acknowledger.record(&batch);
                    self.rate.count(batch.len());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            // Checked after each batch too, not only after a timeout.
            let is_full = self.acknowledger.pending.len() >= UNDURABLE_MAX;
            if is_full || flushed.elapsed() >= FLUSH_AFTER {
                self.flush();
                while self.acknowledger.pending.len() >= UNDURABLE_MAX && !self.stop.is_aborting() {
                    thread::sleep(FLUSH_AFTER);
                    self.flush();
                }
                flushed = Instant::now();
                self.rate.tick(flushed);
            }
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
