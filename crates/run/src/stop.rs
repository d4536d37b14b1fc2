//! Ending a run early.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use canvass_engine::{StopSignal, Waker};
use canvass_queue::Ledger;

/// Stops a run from any thread, a signal handler's for example. It is cheap to clone, and outlives
/// the run: stopping what has ended does nothing.
#[derive(Clone, Debug)]
pub struct StopHandle(Arc<Stop>);

#[derive(Debug)]
struct Stop {
    feeding: AtomicBool,
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
            feeding: AtomicBool::new(false),
            ledger,
            loops,
            outbox_wakers,
        }))
    }

    /// Starts no more targets. Those under way go on to their end.
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

    /// Whether the run was told to stop, or has decided to.
    pub fn is_stopping(&self) -> bool {
        self.0.feeding.load(Ordering::SeqCst)
    }

    pub(crate) fn is_aborting(&self) -> bool {
        self.0.loops.is_aborting()
    }

    /// What the feeder looks at.
    pub(crate) fn feeding(&self) -> &AtomicBool {
        &self.0.feeding
    }

    /// Outcomes were taken: there is room for more.
    pub(crate) fn outcomes_taken(&self) {
        for waker in &self.0.outbox_wakers {
            waker.wake_if_parked();
        }
    }

    fn stop_feeding(&self) {
        self.0.feeding.store(true, Ordering::SeqCst);
        self.0.ledger.wake();
    }

    fn wake(&self) {
        for waker in &self.0.outbox_wakers {
            waker.wake();
        }
    }
}
