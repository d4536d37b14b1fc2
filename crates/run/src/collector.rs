//! The thread that receives outcomes and passes them to the sinks.

use std::collections::VecDeque;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use canvass_model::Outcome;
use canvass_queue::{Ledger, Receipt};
use canvass_report::{Durable, Sink, SinkError};
use crossbeam_channel::{Receiver, RecvTimeoutError};

use crate::snapshot::RateMeter;
use crate::stop::StopHandle;

/// The interval at which sinks are flushed.
const FLUSH_AFTER: Duration = Duration::from_millis(100);
/// The maximum number of outcomes that are recorded but not durable. Then no more are received until
/// the sinks have caught up.
const UNDURABLE_MAX: usize = 1 << 18;

/// Receives outcomes until the last event loop has ended.
pub(crate) struct Collector {
    pub outcomes: Receiver<Vec<Outcome>>,
    pub stop: StopHandle,
    pub sinks: Vec<Box<dyn Sink>>,
    pub rate: RateMeter,
    pub acknowledger: Acknowledger,
}

/// Acknowledges outcomes once every sink has made them durable.
pub(crate) struct Acknowledger {
    ledger: Arc<Ledger>,
    acknowledged: u64,
    /// The receipts of the outcomes recorded after those, the oldest first.
    pending: VecDeque<Receipt>,
}

impl Collector {
    pub(crate) fn run(mut self) -> Result<(), SinkError> {
        let taken = self.take_all();
        // The sinks that have not failed are finished in any case.
        let mut finished = Ok(());
        for mut sink in std::mem::take(&mut self.sinks) {
            finished = finished.and(sink.finish());
        }
        taken.and(finished)?;
        self.acknowledger.acknowledge_all();
        Ok(())
    }

    fn take_all(&mut self) -> Result<(), SinkError> {
        let mut flushed = Instant::now();
        loop {
            match self.outcomes.recv_timeout(FLUSH_AFTER) {
                Ok(batch) => {
                    self.stop.outcomes_taken();
                    self.each_sink(|sink| sink.record(&batch))?;
                    self.acknowledger.record(&batch);
                    self.rate.count(batch.len());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            // Checked after each batch too, not only after a timeout.
            let is_full = self.acknowledger.pending.len() >= UNDURABLE_MAX;
            if is_full || flushed.elapsed() >= FLUSH_AFTER {
                self.flush()?;
                while self.acknowledger.pending.len() >= UNDURABLE_MAX && !self.stop.is_aborting() {
                    thread::sleep(FLUSH_AFTER);
                    self.flush()?;
                }
                flushed = Instant::now();
                self.rate.tick(flushed);
            }
        }
    }

    fn flush(&mut self) -> Result<(), SinkError> {
        let mut durable = self.acknowledger.recorded();
        self.each_sink(|sink| {
            if let Durable::First(count) = sink.flush()? {
                durable = durable.min(count);
            }
            Ok(())
        })?;
        self.acknowledger.acknowledge(durable);
        Ok(())
    }

    /// Calls each sink, up to the first that fails. That one is dropped.
    fn each_sink(
        &mut self,
        mut call: impl FnMut(&mut dyn Sink) -> Result<(), SinkError>,
    ) -> Result<(), SinkError> {
        for at in 0..self.sinks.len() {
            if let Err(error) = call(&mut *self.sinks[at]) {
                drop(self.sinks.remove(at));
                return Err(error);
            }
        }
        Ok(())
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
