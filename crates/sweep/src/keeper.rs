//! The thread that keeps states in a file, and passes notices on once their states are kept.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};

use crate::notice::Notice;
use crate::sweep::Shared;

/// How often states are kept if nothing changes: what is lost then are rounds that count towards a
/// threshold.
const SAVE_INTERVAL: Duration = Duration::from_secs(5);
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
        loop {
            let first = self.notices.recv_timeout(SAVE_INTERVAL);
            let has_ended = matches!(first, Err(RecvTimeoutError::Disconnected));
            let more = self.notices.try_iter().take(NOTICES_MAX);
            let notices: Vec<Notice> = first.into_iter().chain(more).collect();
            let (states, alerts) = self.shared.states();
            if let Err(error) = states.write(&self.path) {
                let _ = self.errors.try_send(error);
            }
            self.shared.alerts.kept(alerts);
            for notice in notices {
                let _ = self.kept.send(notice);
            }
            if has_ended {
                return;
            }
        }
    }
}
