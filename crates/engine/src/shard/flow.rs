//! How fast messages come in.

use std::time::Duration;

use canvass_model::Time;

/// Messages a second from which on they are taken together.
const FAST_PER_SECOND: f64 = 20_000.0;
/// How long is slept so that messages come together. It is the most by which a time that is
/// measured can be late for it, and only while messages come fast.
pub(super) const REST: Duration = Duration::from_micros(100);
/// How long the past counts.
const MEMORY_S: f64 = 0.005;

/// The rate at which messages come in, over the last few milliseconds.
#[derive(Debug, Default)]
pub(super) struct Flow {
    per_second: f64,
    counted: Time,
}

impl Flow {
    pub(super) fn is_fast(&self) -> bool {
        self.per_second >= FAST_PER_SECOND
    }

    /// So many messages came since the last time.
    pub(super) fn count(&mut self, now: Time, messages: usize) {
        let span_s = now.since(self.counted).as_secs_f64().max(1e-9);
        self.counted = now;
        let weight = (span_s / MEMORY_S).min(1.0);
        self.per_second += (messages as f64 / span_s - self.per_second) * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_flow_is_known_in_milliseconds_and_forgotten_as_soon() {
        let mut flow = Flow::default();
        let mut now = Time::ZERO;
        for _ in 0..100 {
            now = now.plus_nanos(100_000);
            flow.count(now, 5);
        }
        assert!(flow.is_fast());
        flow.count(now.plus_nanos(10_000_000), 1);
        assert!(!flow.is_fast());
    }
}
