//! SIGINT and SIGTERM during a comparison.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use canvass_run::StopHandle;

use crate::exit::{Exit, Failure};
use crate::message::message;
use crate::signals::StopSignals;

/// Whether a signal was received, and which.
#[derive(Clone, Default)]
pub(super) struct Interrupt {
    set: Arc<AtomicBool>,
    number: Arc<AtomicI32>,
}

impl Interrupt {
    /// Watches for signals from now on. The first drains `runs`, the second ends the process, which may
    /// be blocked in a call of libc or in reading the list.
    pub(super) fn watch(runs: Vec<StopHandle>) -> Result<Self, Failure> {
        let interrupt = Self::default();
        let on_signal = interrupt.clone();
        StopSignals::catch()?.on_each(move |number| {
            on_signal.number.store(number, Ordering::Relaxed);
            if on_signal.set.swap(true, Ordering::Relaxed) {
                message("canvass: stopped at once, without a result");
                std::process::exit(Exit::Signal(number).code().into());
            }
            runs.iter().for_each(StopHandle::drain);
        })?;
        Ok(interrupt)
    }

    /// Whether a signal was received.
    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    /// The flag, for checking it from another thread.
    pub(super) fn flag(&self) -> &Arc<AtomicBool> {
        &self.set
    }

    /// The number of the signal.
    pub(super) fn signal(&self) -> Option<i32> {
        let number = self.number.load(Ordering::Relaxed);
        (number != 0).then_some(number)
    }
}
