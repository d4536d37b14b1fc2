//! SIGINT and SIGTERM as calls.

use std::io;
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Failure;

/// SIGINT and SIGTERM, which no longer end the process.
pub(crate) struct StopSignals(Signals);

impl StopSignals {
    /// Catches them from now on. Those that arrive before [`Self::on_each`] are kept for it.
    pub(crate) fn catch() -> Result<Self, Failure> {
        Signals::new([SIGINT, SIGTERM]).map(Self).map_err(unwatched)
    }

    /// Calls `act` with the number of each signal, on a thread of its own.
    pub(crate) fn on_each(mut self, act: impl Fn(i32) + Send + 'static) -> Result<(), Failure> {
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || self.0.forever().for_each(act))
            .map(drop)
            .map_err(unwatched)
    }
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
    fn a_signal_that_arrives_before_it_can_be_acted_on_is_not_lost() {
        let signals = StopSignals::catch().unwrap();
        raise(SIGINT).unwrap();
        let (sender, numbers) = unbounded();
        signals
            .on_each(move |number| sender.send(number).unwrap())
            .unwrap();
        assert_eq!(numbers.recv(), Ok(SIGINT));
        raise(SIGTERM).unwrap();
        assert_eq!(numbers.recv(), Ok(SIGTERM));
    }
}
