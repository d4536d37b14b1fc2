//! How fast messages come in.

use std::time::Duration;

use canvass_model::Time;

/// Messages a second from which on they are taken together.
const FAST_PER_SECOND: f64 = 20_000.0;
/// How long is slept so that messages come together. It is the most by which a time that is
/// measured can be late for it, and only while messages come fast. On streams it is as long as
/// their queries are gathered.
const DATAGRAM_REST: Duration = Duration::from_micros(100);
const STREAM_REST: Duration = Duration::from_millis(1);
/// How long the past counts.
const MEMORY_S: f64 = 0.005;

/// What one turn took in.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Taken {
    pub(super) messages: usize,
    pub(super) datagrams: usize,
}

/// The rate at which messages come in, over the last few milliseconds.
#[derive(Debug, Default)]
pub(super) struct Flow {
    per_second: f64,
    counted: Time,
    streams_only: bool,
}

impl Flow {
    /// How long to sleep before looking for more; `None` while messages come one by one.
    pub(super) fn rest(&self) -> Option<Duration> {
        let rest = if self.streams_only {
            STREAM_REST
        } else {
            DATAGRAM_REST
        };
        (self.per_second >= FAST_PER_SECOND).then_some(rest)
    }

    /// So many messages came since the last time, so many of them as datagrams.
    pub(super) fn count(&mut self, now: Time, taken: Taken) {
        let Taken {
            messages,
            datagrams,
        } = taken;
        if messages > 0 {
            self.streams_only = datagrams == 0;
        }
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
            flow.count(
                now,
                Taken {
                    messages: 5,
                    datagrams: 5,
                },
            );
        }
        assert_eq!(flow.rest(), Some(DATAGRAM_REST));
        flow.count(
            now,
            Taken {
                messages: 5,
                datagrams: 0,
            },
        );
        assert_eq!(flow.rest(), Some(STREAM_REST));
        flow.count(
            now.plus_nanos(10_000_000),
            Taken {
                messages: 1,
                datagrams: 1,
            },
        );
        assert_eq!(flow.rest(), None);
    }
}
