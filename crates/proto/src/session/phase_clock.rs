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
        let now = self.not_before(now);
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

    /// `now`, or the last turn if that was later: a reply is dated by its arrival, and may be read
    /// only after another one.
    pub(super) fn not_before(&self, now: Time) -> Time {
        now.max(self.mark)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_add_up_though_a_reply_that_arrived_before_is_read_after() {
        let at = Time::from_nanos;
        let mut clock = PhaseClock::default();
        clock.turn(at(100), true);
        clock.turn(at(500), false);
        clock.turn(at(400), true);
        assert_eq!(clock.not_before(at(450)), at(500));
        clock.turn(at(700), false);
        assert_eq!(clock.phases().total(), Some(Duration::from_nanos(600)));
    }
}
