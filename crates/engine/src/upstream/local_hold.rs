//! A pause after the system of this machine refused to send to an upstream.

use std::time::Duration;

use canvass_model::Time;
use canvass_proto::LostCause;

/// The first pause. It doubles with each further refusal.
const HOLD_FIRST: Duration = Duration::from_millis(1);
/// The longest pause.
const HOLD_MAX: Duration = Duration::from_millis(100);

/// What the system of this machine refused on one lane since it last sent something there. That says
/// nothing of the upstream: neither its window nor its health take notice.
#[derive(Debug, Default)]
pub(super) struct LocalHold {
    until: Time,
    pause: Duration,
    fault: Option<LostCause>,
}

impl LocalHold {
    /// The system refused to send, or to open a socket. Returns when to try again.
    pub(super) fn on_fault(&mut self, now: Time, fault: LostCause) -> Time {
        self.pause = (self.pause * 2).clamp(HOLD_FIRST, HOLD_MAX);
        self.until = now + self.pause;
        self.fault = Some(fault);
        self.until
    }

    /// A query was sent.
    #[inline]
    pub(super) fn on_sent(&mut self) {
        if self.fault.is_some() {
            *self = Self::default();
        }
    }

    /// When to try again, if that is later than now.
    #[inline]
    pub(super) fn hold(&self, now: Time) -> Option<Time> {
        (self.until > now).then_some(self.until)
    }

    /// What was refused, if it was refused so often that the pause is the longest.
    pub(super) fn lasting_fault(&self) -> Option<LostCause> {
        self.fault.filter(|_| self.pause >= HOLD_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::Cause;

    #[test]
    fn pauses_grow_until_something_is_sent() {
        let fault = LostCause {
            cause: Cause::System,
            errno: None,
        };
        let mut hold = LocalHold::default();
        let mut now = Time::ZERO;
        let mut pauses_ms = Vec::new();
        for _ in 0..8 {
            assert_eq!(hold.lasting_fault(), None);
            let until = hold.on_fault(now, fault);
            assert_eq!(hold.hold(now), Some(until));
            assert_eq!(hold.hold(until), None);
            pauses_ms.push(until.since(now).as_millis());
            now = until;
        }
        assert_eq!(pauses_ms, [1, 2, 4, 8, 16, 32, 64, 100]);
        assert_eq!(hold.lasting_fault(), Some(fault));
        hold.on_sent();
        assert_eq!(hold.lasting_fault(), None);
        assert_eq!(hold.on_fault(now, fault).since(now), HOLD_FIRST);
    }
}
