//! Signals during a comparison.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use canvass_run::StopHandle;
use signal_hook::consts::SIGHUP;

use crate::exit::Exit;
use crate::message::{message, message_if_free};
use crate::screen;
use crate::signals::StopSignals;

/// Whether a signal was received, and which.
#[derive(Clone, Default)]
pub(super) struct Interrupt {
    set: Arc<AtomicBool>,
    number: Arc<AtomicI32>,
}

impl Interrupt {
    /// Watches for signals from now on. The first drains `runs`, the second ends the process, which may
    /// be blocked in a call of libc or in reading the list. A second SIGHUP does nothing: when a
    /// terminal is closed, both its shell and the system may send one.
    /// With `notice`, the first one is answered with a message.
    pub(super) fn watch(signals: &StopSignals, runs: Vec<StopHandle>, notice: bool) -> Self {
        let interrupt = Self::default();
        let on_signal = interrupt.clone();
        signals.on_each(move |number| {
            if number == SIGHUP && on_signal.is_set() {
                return;
            }
            screen::expect_echo();
            on_signal.number.store(number, Ordering::Relaxed);
            if on_signal.set.swap(true, Ordering::Relaxed) {
                message("canvass: stopped at once, without a result");
                std::process::exit(Exit::Signal(number).code().into());
            }
            runs.iter().for_each(StopHandle::drain);
            if notice {
                message_if_free("stopping; Ctrl-C again to end without a result");
            }
        });
        interrupt
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
