//! The rate at which messages are received.

use std::time::Duration;

use canvass_model::Time;

/// Messages per second from which on they are received in batches.
const FAST_PER_SECOND: f64 = 20_000.0;
/// How long to sleep so that messages collect. While messages are fast, a measured time can be
/// late by this much. On streams it is as long as queries are collected for a write.
const DATAGRAM_REST: Duration = Duration::from_micros(100);
const STREAM_REST: Duration = Duration::from_millis(1);
/// The span over which the rate is averaged.
const MEMORY_S: f64 = 0.005;

/// What one turn received.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Received {
    pub(super) messages: usize,
    pub(super) datagrams: usize,
}

/// The rate at which messages were received, over the last few milliseconds.
#[derive(Debug, Default)]
pub(super) struct MessageRate {
    per_second: f64,
    counted: Time,
    streams_only: bool,
}

impl MessageRate {
    /// How long to sleep before receiving more; `None` while messages are slow.
    pub(super) fn rest(&self) -> Option<Duration> {
        let rest = if self.streams_only {
            STREAM_REST
        } else {
            DATAGRAM_REST
        };
        (self.per_second >= FAST_PER_SECOND).then_some(rest)
    }

    /// Counts what was received since the last call.
    pub(super) fn count(&mut self, now: Time, received: Received) {
        let Received {
            messages,
            datagrams,
        } = received;
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
    fn a_high_rate_is_noticed_and_forgotten_in_milliseconds() {
        let mut rate = MessageRate::default();
        let mut now = Time::ZERO;
        for _ in 0..100 {
            now = now.plus_nanos(100_000);
            rate.count(
                now,
                Received {
                    messages: 5,
                    datagrams: 5,
                },
            );
        }
        assert_eq!(rate.rest(), Some(DATAGRAM_REST));
        rate.count(
            now,
            Received {
                messages: 5,
                datagrams: 0,
            },
        );
        assert_eq!(rate.rest(), Some(STREAM_REST));
        rate.count(
            now.plus_nanos(10_000_000),
            Received {
                messages: 1,
                datagrams: 1,
            },
        );
        assert_eq!(rate.rest(), None);
    }
}
