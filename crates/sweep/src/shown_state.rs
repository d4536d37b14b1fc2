//! The state of a target as it is shown.

use crate::state::State;
use crate::watch::Watched;

/// The state of a target as it is shown: that it is in maintenance counts before what it is otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownState {
    /// Its state.
    Of(State),
    /// It is probed, and its changes cause no alerts.
    Maintenance,
}

impl ShownState {
    /// All of them, in the order in which they are shown.
    pub const ALL: [Self; 5] = [
        Self::Of(State::Unknown),
        Self::Of(State::Up),
        Self::Of(State::Down),
        Self::Of(State::Flapping),
        Self::Maintenance,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Of(state) => state.as_str(),
            Self::Maintenance => "maintenance",
        }
    }
}

impl Watched {
    /// Its state as it is shown.
    pub fn shown_state(&self) -> ShownState {
        if self.target.in_maintenance {
            ShownState::Maintenance
        } else {
            ShownState::Of(self.tracker.state())
        }
    }
}
