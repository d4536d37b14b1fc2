//! How the time of a session is divided into phases.

use std::time::Duration;

use canvass_model::{Phase, Phases, Time};

/// Divides the time since the first send into waiting and asking.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct PhaseClock {
    pub(super) first_send: Option<Time>,
    mark: Time,
    asking: bool,
    wait_ns: u64,
    dns_ns: u64,
}

impl PhaseClock {
    /// From `now` on the session is asking, or waiting.
    pub(super) fn turn(&mut self, now: Time, asking: bool) {
        if self.first_send.is_some() {
            let spent_ns = now.nanos_since(self.mark);
            *(if self.asking {
                &mut self.dns_ns
            } else {
                &mut self.wait_ns
            }) += spent_ns;
        } else if asking {
            self.first_send = Some(now);
        }
        self.mark = now;
        self.asking = asking;
    }

    pub(super) fn phases(&self) -> Phases {
        if self.first_send.is_none() {
            return Phases::default();
        }
        Phases::default()
            .with(Phase::Wait, Duration::from_nanos(self.wait_ns))
            .with(Phase::Dns, Duration::from_nanos(self.dns_ns))
    }
}
