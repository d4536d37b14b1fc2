//! Reading a sweep from another thread.

use std::sync::Arc;

use canvass_run::{RunReader, Snapshot};

use crate::alerts::{Silence, SilenceScope, Silences, SilencesError};
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

    /// The silences, also those that are over.
    pub fn silences(&self) -> Silences {
        self.shared.alerts.silences()
    }

    /// Whether the sweep keeps its states, and can keep silences with them.
    pub fn keeps_silences(&self) -> bool {
        self.shared.alerts.keeps_silences()
    }

    /// Adds a silence, in the file that `canvass sweep silence` changes too.
    ///
    /// # Errors
    /// The file cannot be read or written, or there is none.
    pub fn silence(&self, silence: Silence) -> Result<(), SilencesError> {
        self.shared
            .alerts
            .change_silences(|silences| silences.add(silence))
    }

    /// Ends the silence of a scope. Returns whether there was one.
    ///
    /// # Errors
    /// As for [`Self::silence`].
    pub fn end_silence(&self, scope: &SilenceScope) -> Result<bool, SilencesError> {
        self.shared
            .alerts
            .change_silences(|silences| silences.remove(scope))
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
