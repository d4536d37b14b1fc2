//! Ending a run early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canvass_engine::{StopSignal, Waker};
use canvass_queue::Ledger;

/// Stops a run from any thread. Cheap to clone. May outlive the run: stopping a run that has ended does
/// nothing.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<Stop>);

#[derive(Debug)]
struct Stop {
    stop_feeding: AtomicBool,
    ledger: Arc<Ledger>,
    loops: Arc<StopSignal>,
    outbox_wakers: Vec<Arc<Waker>>,
}

impl StopHandle {
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        loops: Arc<StopSignal>,
        outbox_wakers: Vec<Arc<Waker>>,
    ) -> Self {
        Self(Arc::new(Stop {
            stop_feeding: AtomicBool::new(false),
            ledger,
            loops,
            outbox_wakers,
        }))
    }

    /// Starts no more targets. Those under way are completed.
    pub fn drain(&self) {
        self.stop_feeding();
        self.0.loops.drain();
        self.wake();
    }

    /// Ends the targets under way now, each with an outcome.
    pub fn abort(&self) {
        self.stop_feeding();
        self.0.loops.abort();
        self.wake();
    }

    /// Whether the run was stopped, by a handle or after an error.
    pub fn is_stopping(&self) -> bool {
        self.0.stop_feeding.load(Ordering::SeqCst)
    }

    pub(crate) fn is_aborting(&self) -> bool {
        self.0.loops.is_aborting()
    }

    /// The flag that stops the feeder.
    pub(crate) fn feeder_flag(&self) -> &AtomicBool {
        &self.0.stop_feeding
    }

    /// Wakes event loops that wait for room in the channel of outcomes.
    pub(crate) fn outcomes_taken(&self) {
        for waker in &self.0.outbox_wakers {
            waker.wake_if_parked();
        }
    }

    fn stop_feeding(&self) {
        self.0.stop_feeding.store(true, Ordering::SeqCst);
        self.0.ledger.wake();
    }

    /// Wakes all event loops.
    pub(crate) fn wake(&self) {
        for waker in &self.0.outbox_wakers {
            waker.wake();
        }
    }
}
