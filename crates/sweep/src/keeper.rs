//! The thread that keeps states in a file, and passes notices on once their states are kept.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::notice::Notice;
use crate::sweep::Shared;

/// How often states are kept if nothing changes: what is lost then are rounds that count towards a
/// threshold.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);
/// The rest after a write, as a multiple of the time that it took: every write is of all states, and
/// while many targets change one after the other, that must not take a core.
const REST_TIMES: u32 = 9;
/// The longest rest: changes are reported after it.
const REST_MAX: Duration = Duration::from_secs(1);
/// The maximum number of notices that wait for one file to be written.
const NOTICES_MAX: usize = 4_096;

/// Keeps states in a file.
pub(crate) struct Keeper {
    pub(crate) shared: Arc<Shared>,
    pub(crate) path: PathBuf,
    pub(crate) notices: Receiver<Notice>,
    pub(crate) kept: Sender<Notice>,
    /// Receives the error of each write that failed.
    pub(crate) errors: Sender<io::Error>,
}

impl Keeper {
    /// Runs until the sweep has ended. A notice is passed on even if its state could not be kept, and
    /// so are its alerts.
    pub(crate) fn run(self) {
        let mut rests_until = Instant::now();
        loop {
            let (notices, has_ended) = self.next(rests_until);
            let began = Instant::now();
            let (states, alerts) = self.shared.states();
            if let Err(error) = states.write(&self.path) {
                let _ = self.errors.try_send(error);
            }
            self.shared.alerts.kept(alerts);
            let rest = (began.elapsed() * REST_TIMES).min(REST_MAX);
            rests_until = Instant::now() + rest;
            for notice in notices {
                let _ = self.kept.send(notice);
            }
            if has_ended {
                return;
            }
        }
    }

    /// Waits for a notice, or until the states are kept without one, and then until `rests_until`.
    /// Returns the notices, and whether the sweep has ended.
    fn next(&self, rests_until: Instant) -> (Vec<Notice>, bool) {
        let mut notices = Vec::new();
        let mut received = self.notices.recv_timeout(SAVE_INTERVAL);
        while let Ok(notice) = received {
            notices.push(notice);
            if notices.len() == NOTICES_MAX {
                return (notices, false);
            }
            // Also after that time, what is there already is taken.
            received = self.notices.recv_deadline(rests_until);
        }
        (notices, received == Err(RecvTimeoutError::Disconnected))
    }
}
