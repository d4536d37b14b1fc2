//! Being told to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use canvass_run::StopHandle;

use crate::exit::{Exit, Failure};
use crate::message::message;
use crate::signals::StopSignals;

/// Whether the comparison was told to stop, and by what.
#[derive(Clone, Default)]
pub(super) struct Stop {
    set: Arc<AtomicBool>,
    number: Arc<AtomicI32>,
}

impl Stop {
    /// Watches for signals from now on. The first lets `runs` finish what is
    /// under way, another ends the process: it may be in a call, or at a list, that does not end.
    pub(super) fn watch(runs: Vec<StopHandle>) -> Result<Self, Failure> {
        let stop = Self::default();
        let on_signal = stop.clone();
        StopSignals::catch()?.on_each(move |number| {
            on_signal.number.store(number, Ordering::Relaxed);
            if on_signal.set.swap(true, Ordering::Relaxed) {
                message("canvass: stopped at once, without a result");
                std::process::exit(Exit::Signal(number).code().into());
            }
            runs.iter().for_each(StopHandle::drain);
        })?;
        Ok(stop)
    }

    /// Whether it was told to stop.
    pub(super) fn is_set(&self) -> bool {
        self.set.load(Ordering::Relaxed)
    }

    /// What looks at it from another thread.
    pub(super) fn flag(&self) -> &Arc<AtomicBool> {
        &self.set
    }

    /// The signal that told it.
    pub(super) fn signal(&self) -> Option<i32> {
        let number = self.number.load(Ordering::Relaxed);
        (number != 0).then_some(number)
    }
}
