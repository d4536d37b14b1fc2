//! The rate at which messages are received, and how long to rest so that several collect.
//!
//! A turn of the loop that serves one message costs several times what the message does: the thread
//! is put to sleep and woken, a timer is set, and caches are cold. So from some rate on it sleeps a
//! moment first. At high rates that is a fixed span. At middling ones it is a small part of the
//! shortest round trip, so that what it adds is small beside what is measured: only sends are later
//! for it, because datagrams are dated by their arrival.

use std::time::Duration;

use canvass_model::Time;

/// Messages per second from which on they are received in batches, however short the round trip.
const FAST_PER_SECOND: f64 = 20_000.0;
/// How long to sleep so that messages collect, while they are fast. On streams it is as long as
/// queries are collected for a write, and a measured time can be late by this much.
const DATAGRAM_REST: Duration = Duration::from_micros(100);
const STREAM_REST: Duration = Duration::from_millis(1);
/// The part of the shortest round trip that turns may be apart: of datagrams, and of streams, whose
/// answers are dated when they are read.
const DATAGRAM_TURNS_PER_TRIP: u64 = 50;
const STREAM_TURNS_PER_TRIP: u64 = 100;
/// The most that turns are apart for this.
const APART_MAX_NS: u64 = 1_000_000;
/// The most messages that shall collect, because what is sent in one turn reaches the peer as a
/// burst, and the fewest that make it worth while.
const COLLECTED_MAX: f64 = 16.0;
const COLLECTED_MIN: f64 = 1.0;
/// The span over which the rate is averaged.
const MEMORY_S: f64 = 0.005;
/// For how long a round trip is remembered, at least, and at most twice as long.
const TRIP_MEMORY: Duration = Duration::from_millis(500);

/// What one turn received.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Received {
    pub(super) messages: usize,
    pub(super) datagrams: usize,
}

/// How to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rest {
    /// For the first message, or until something is due.
    None,
    /// If nothing has been received, and nothing is due before: for this span.
    Idle(Duration),
    /// Until this time, whatever is received or due meanwhile.
    Until(Time),
}

/// The rate at which messages were received, over the last few milliseconds.
#[derive(Debug, Default)]
pub(super) struct MessageRate {
    per_second: f64,
    counted: Time,
    streams_only: bool,
    trips: ShortestTrip,
}

/// The shortest round trip of the last second or so.
#[derive(Debug)]
struct ShortestTrip {
    now_ns: u64,
    before_ns: u64,
    since: Time,
}

impl MessageRate {
    /// How to wait for more. The last turn began when messages were counted.
    pub(super) fn rest(&self) -> Rest {
        let idle = (self.per_second >= FAST_PER_SECOND).then_some(if self.streams_only {
            STREAM_REST
        } else {
            DATAGRAM_REST
        });
        match (self.apart(), idle) {
            (Some(apart), idle) if idle.is_none_or(|idle| apart > idle) => {
                Rest::Until(self.counted + apart)
            }
            (_, Some(idle)) => Rest::Idle(idle),
            (_, None) => Rest::None,
        }
    }

    /// How far apart turns shall begin: `None` if that is not worth while.
    fn apart(&self) -> Option<Duration> {
        let shortest_ns = self.trips.shortest_ns()?;
        let turns_per_trip = if self.streams_only {
            STREAM_TURNS_PER_TRIP
        } else {
            DATAGRAM_TURNS_PER_TRIP
        };
        let most_s = (shortest_ns / turns_per_trip).min(APART_MAX_NS) as f64 / 1e9;
        if self.per_second * most_s < COLLECTED_MIN {
            return None;
        }
        let apart_s = most_s.min(COLLECTED_MAX / self.per_second);
        Some(Duration::from_secs_f64(apart_s))
    }

    /// A query was answered after this round trip.
    #[inline]
    pub(super) fn on_round_trip(&mut self, round_trip_ns: u64) {
        self.trips.now_ns = self.trips.now_ns.min(round_trip_ns);
    }

    /// Counts what was received since the last call, in a turn that began at `now`.
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
        self.trips.forget(now);
    }
}

impl Default for ShortestTrip {
    fn default() -> Self {
        Self {
            now_ns: u64::MAX,
            before_ns: u64::MAX,
            since: Time::ZERO,
        }
    }
}

impl ShortestTrip {
    fn shortest_ns(&self) -> Option<u64> {
        Some(self.now_ns.min(self.before_ns)).filter(|shortest_ns| *shortest_ns < u64::MAX)
    }

    fn forget(&mut self, now: Time) {
        if now.since(self.since) >= TRIP_MEMORY {
            self.before_ns = std::mem::replace(&mut self.now_ns, u64::MAX);
            self.since = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: u64 = 1_000;
    const MS: u64 = 1_000_000;

    /// A second of turns `gap_ns` apart that each receive `messages`, after this round trip.
    fn rate_of(gap_ns: u64, received: Received, round_trip_ns: Option<u64>) -> (MessageRate, Time) {
        let mut rate = MessageRate::default();
        let mut now = Time::ZERO;
        while now < Time::from_nanos(1_000 * MS) {
            now = now.plus_nanos(gap_ns);
            round_trip_ns
                .into_iter()
                .for_each(|ns| rate.on_round_trip(ns));
            rate.count(now, received);
        }
        (rate, now)
    }

    fn datagrams(count: usize) -> Received {
        Received {
            messages: count,
            datagrams: count,
        }
    }

    #[test]
    fn a_high_rate_is_noticed_and_forgotten_in_milliseconds() {
        let (mut rate, now) = rate_of(100 * US, datagrams(5), None);
        assert_eq!(rate.rest(), Rest::Idle(DATAGRAM_REST));
        let streams = Received {
            messages: 5,
            datagrams: 0,
        };
        rate.count(now, streams);
        assert_eq!(rate.rest(), Rest::Idle(STREAM_REST));
        rate.count(now.plus_nanos(10 * MS), datagrams(1));
        assert_eq!(rate.rest(), Rest::None);
    }

    #[test]
    fn at_a_middling_rate_turns_are_a_fiftieth_of_the_round_trip_apart() {
        let rest_after = |per_second: u64, round_trip_ns: u64| {
            let (rate, now) = rate_of(1_000 * MS / per_second, datagrams(1), Some(round_trip_ns));
            match rate.rest() {
                Rest::Until(until) => until.since(now).as_micros(),
                Rest::Idle(_) => 1,
                Rest::None => 0,
            }
        };
        assert_eq!(rest_after(10_000, 20 * MS), 400);
        assert_eq!(rest_after(3_000, 20 * MS), 400);
        // Less than one message would collect.
        assert_eq!(rest_after(2_000, 20 * MS), 0);
        assert_eq!(rest_after(10_000, 4 * MS), 0);
        // Never longer than this, and never more than a small burst.
        assert_eq!(rest_after(10_000, 200 * MS), 1_000);
        assert_eq!(rest_after(64_000, 20 * MS), 250);
        assert_eq!(rest_after(200_000, 20 * MS), 1);
    }

    #[test]
    fn streams_rest_for_half_as_long() {
        let streams = Received {
            messages: 1,
            datagrams: 0,
        };
        let (rate, now) = rate_of(100 * US, streams, Some(20 * MS));
        assert_eq!(rate.rest(), Rest::Until(now.plus_nanos(200 * US)));
    }

    #[test]
    fn one_short_round_trip_counts_and_is_forgotten_in_a_second() {
        let (mut rate, mut now) = rate_of(100 * US, datagrams(1), Some(20 * MS));
        rate.on_round_trip(MS);
        assert_eq!(rate.rest(), Rest::None);
        for _ in 0..11_000 {
            now = now.plus_nanos(100 * US);
            rate.on_round_trip(20 * MS);
            rate.count(now, datagrams(1));
        }
        assert_eq!(rate.rest(), Rest::Until(now.plus_nanos(400 * US)));
    }
}
