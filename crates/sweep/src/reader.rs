//! Reading a sweep from another thread.

use std::sync::Arc;

use canvass_run::{RunReader, Snapshot};

use crate::sweep::Shared;
use crate::watch::Watch;

/// Reads a sweep, from any thread.
#[derive(Clone)]
pub struct SweepReader {
    pub(crate) shared: Arc<Shared>,
    pub(crate) rounds: RunReader,
    pub(crate) opinions: RunReader,
}

impl SweepReader {
    /// Calls `look` with the targets and their states. The sweep waits meanwhile, so copy what is
    /// needed and return.
    pub fn look<T>(&self, look: impl FnOnce(&Watch) -> T) -> T {
        self.shared.look(look)
    }

    /// Returns the current state of the run of the rounds.
    pub fn rounds(&self) -> Snapshot {
        self.rounds.snapshot()
    }

    /// Returns the current state of the run of the second opinions.
    pub fn opinions(&self) -> Snapshot {
        self.opinions.snapshot()
    }
}
