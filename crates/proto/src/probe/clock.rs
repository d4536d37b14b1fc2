//! How the time of a request was spent.

use std::time::Duration;

use canvass_model::{Phase, Phases, Time};

/// Splits the time since the first send into phases.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clock {
    pub(super) first_send: Option<Time>,
    mark: Time,
    phase: Option<Phase>,
    phases: Phases,
    /// Those since the last [`Self::take_leg`].
    leg: Phases,
}

impl Clock {
    /// Starts a phase. Before the first send, waiting is no phase.
    pub(super) fn turn(&mut self, now: Time, phase: Phase) {
        let now = self.settle(now);
        if self.first_send.is_none() {
            if phase == Phase::Wait {
                return;
            }
            self.first_send = Some(now);
            self.spend(Phase::Wait, Duration::ZERO);
        }
        self.spend(phase, Duration::ZERO);
        self.phase = Some(phase);
    }

    /// The present phase; `None` before the first send.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.phase
    }

    /// Counts the time until `now`, and returns `now`, or the last time reported if that is later:
    /// the clock never goes back.
    pub(super) fn settle(&mut self, now: Time) -> Time {
        let now = now.max(self.mark);
        let span = now.since(self.mark);
        if let Some(phase) = self.phase.filter(|_| !span.is_zero()) {
            self.spend(phase, span);
        }
        self.mark = now;
        now
    }

    pub(super) fn phases(&self) -> Phases {
        self.phases
    }

    /// The phases since the last call, up to the last [`Self::settle`].
    pub(super) fn take_leg(&mut self) -> Phases {
        std::mem::take(&mut self.leg)
    }

    fn spend(&mut self, phase: Phase, span: Duration) {
        self.phases.add(phase, span);
        self.leg.add(phase, span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_add_up_from_the_first_send_on() {
        let at = |ms: u64| Time::from_nanos(ms * 1_000_000);
        let mut clock = Clock::default();
        clock.turn(at(1), Phase::Wait);
        assert_eq!((clock.first_send, clock.phase()), (None, None));
        clock.turn(at(5), Phase::Connect);
        clock.turn(at(7), Phase::Wait);
        clock.turn(at(8), Phase::Connect);
        clock.turn(at(18), Phase::Transfer);
        clock.settle(at(20));
        let phases = clock.phases();
        assert_eq!(phases.total(), Some(Duration::from_millis(15)));
        assert_eq!(phases.span(Phase::Connect), Some(Duration::from_millis(12)));
        assert_eq!(phases.span(Phase::Wait), Some(Duration::from_millis(1)));
        assert_eq!(phases.span(Phase::Tls), None);
        assert_eq!(clock.take_leg(), phases);
        assert_eq!(clock.take_leg().total(), None);
    }
}
