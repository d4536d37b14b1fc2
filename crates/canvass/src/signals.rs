//! The signals that end a run, as calls, and the one that stops it.

use std::io;
use std::process;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGTSTP, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::exit::{Exit, Failure};
use crate::screen;

/// SIGINT, SIGTERM and SIGHUP, which no longer end the process by themselves.
///
/// SIGHUP and SIGTSTP stay ignored if the process was started so, as by nohup(1). SIGINT does not: a script
/// starts every background job with SIGINT ignored, and must be able to end a run with `kill -INT`.
pub(crate) struct StopSignals(Arc<Mutex<Reaction>>);

/// What happens when a signal arrives.
enum Reaction {
    /// The process ends at once: no output has been begun.
    Exit,
    /// They are kept until there is a call for them.
    Keep(Vec<i32>),
    /// A call with the number of the signal.
    Call(Box<dyn FnMut(i32) + Send>),
}

impl StopSignals {
    /// Catches the signals from now on. They end the process at once until [`Self::keep`] or
    /// [`Self::on_each`] is called, also while it waits for the other end of a FIFO.
    ///
    /// Also catches SIGTSTP (Ctrl-Z), and erases the progress line before the process stops; and SIGXFSZ,
    /// and does nothing then: a write beyond the limit on the size of a file (`ulimit -f`) fails with EFBIG
    /// instead of ending the process.
    pub(crate) fn catch() -> Result<Self, Failure> {
        signal_hook::flag::register(SIGXFSZ, Arc::<AtomicBool>::default()).map_err(unwatched)?;
        let unless_ignored = [SIGHUP, SIGTSTP]
            .into_iter()
            .filter(|one| !was_ignored(*one));
        let caught = [SIGINT, SIGTERM].into_iter().chain(unless_ignored);
        let mut signals = Signals::new(caught).map_err(unwatched)?;
        let reaction = Arc::new(Mutex::new(Reaction::Exit));
        let shared = Arc::clone(&reaction);
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                for number in signals.forever() {
                    if number == SIGTSTP {
                        screen::leave_while(|| {
                            // It can only fail for a signal that is unknown.
                            let _ = emulate_default_handler(SIGTSTP);
                        });
                        continue;
                    }
                    match &mut *shared.lock().unwrap_or_else(PoisonError::into_inner) {
                        Reaction::Exit => process::exit(Exit::Signal(number).code().into()),
                        Reaction::Keep(kept) => kept.push(number),
                        Reaction::Call(act) => act(number),
                    }
                }
            })
            .map_err(unwatched)?;
        Ok(Self(reaction))
    }

    /// Keeps signals from now on, for [`Self::on_each`].
    pub(crate) fn keep(&self) {
        self.set(Reaction::Keep(Vec::new()));
    }

    /// Calls `act` with the number of each signal from now on, and of those that were kept.
    pub(crate) fn on_each(&self, mut act: impl FnMut(i32) + Send + 'static) {
        let mut reaction = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Reaction::Keep(kept) = &*reaction {
            kept.iter().for_each(|number| act(*number));
        }
        *reaction = Reaction::Call(Box::new(act));
    }

    fn set(&self, reaction: Reaction) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = reaction;
    }
}

/// Whether a signal is ignored by this process (proc_pid_status(5)).
fn was_ignored(signal: i32) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & (1 << (signal - 1)) != 0)
}

fn unwatched(error: io::Error) -> Failure {
    Failure::stopped(format!("cannot watch for signals: {error}"))
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::unbounded;
    use signal_hook::low_level::raise;

    use super::*;

    #[test]
    fn a_signal_that_is_kept_until_it_can_be_acted_on_is_not_lost() {
        let signals = StopSignals::catch().unwrap();
        signals.keep();
        raise(SIGINT).unwrap();
        let (sender, numbers) = unbounded();
        signals.on_each(move |number| sender.send(number).unwrap());
        assert_eq!(numbers.recv(), Ok(SIGINT));
        raise(SIGTERM).unwrap();
        assert_eq!(numbers.recv(), Ok(SIGTERM));
    }
}
