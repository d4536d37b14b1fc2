//! State for each server address.

use std::net::IpAddr;

use hashbrown::HashMap;

/// Server addresses with a stored state.
pub(super) const SERVERS_MAX: usize = 65_536;

/// State for each server address. That of an idle one is not kept, so there is no room for an
/// address only if [`SERVERS_MAX`] others are busy.
#[derive(Debug)]
pub(super) struct PerServer<T> {
    states: HashMap<IpAddr, T>,
}

impl<T: Default> PerServer<T> {
    pub(super) fn new() -> Self {
        Self {
            states: HashMap::new(),
        }
    }

    /// The state of `server`, which is new if it was not busy. `None` if there is no room.
    pub(super) fn get(
        &mut self,
        server: IpAddr,
        mut is_busy: impl FnMut(&T) -> bool,
    ) -> Option<&mut T> {
        if self.states.len() >= SERVERS_MAX && !self.states.contains_key(&server) {
            self.states.retain(|_, state| is_busy(state));
            if self.states.len() >= SERVERS_MAX {
                return None;
            }
        }
        Some(self.states.entry(server).or_default())
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.states.len()
    }
}
