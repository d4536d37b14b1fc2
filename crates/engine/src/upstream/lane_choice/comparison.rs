//! What the two lanes of an upstream deliver, in intervals.

use std::time::Duration;

use canvass_model::Time;

use crate::upstream::resolver::STREAM_SLACK;

/// The shortest interval over which lanes are compared, and how many usual round trips it has.
const INTERVAL_MIN: Duration = Duration::from_millis(50);
const INTERVAL_ROUND_TRIPS: u32 = 4;
/// Fewer answers in an interval say nothing.
const INTERVAL_ANSWERS_MIN: u64 = 64;
/// A lane is still on its way up if it delivers more than the interval before by this factor.
const GROWTH: f64 = 1.15;
/// Intervals without growth after which a lane has reached what it can deliver.
const STEADY_INTERVALS: u32 = 3;

/// What lanes deliver, in intervals.
#[derive(Debug)]
pub(super) struct Comparison {
    began: Time,
    pub(super) look_at: Time,
    /// The counts of answers, by datagram and by stream, when the interval began.
    delivered: [u64; 2],
    /// Intervals that have ended.
    pub(super) intervals: u32,
    /// Queries in flight on streams: twice what they deliver in a round trip, so that a lane that
    /// is not known cannot pile up more at the server than it answers.
    pub(super) in_flight_max: u32,
    /// Intervals in a row in which the stream lane did not deliver more than before.
    steady: u32,
    /// What streams, and both lanes, delivered in the last interval.
    pub(super) streams_per_second: f64,
    pub(super) both_per_second: f64,
    /// What both delivered in the interval before, and the sum of that over all intervals.
    both_before: f64,
    both_sum: f64,
}

impl Comparison {
    /// Begins at `now`; a round trip by datagram takes `usual`.
    pub(super) fn new(now: Time, usual: Duration, delivered: [u64; 2], in_flight_max: u32) -> Self {
        Self {
            began: now,
            look_at: now + interval(usual),
            delivered,
            intervals: 0,
            in_flight_max,
            steady: 0,
            streams_per_second: 0.0,
            both_per_second: 0.0,
            both_before: 0.0,
            both_sum: 0.0,
        }
    }

    /// Ends the interval, unless too little was delivered in it to compare. Returns whether it
    /// ended. A round trip by datagram takes `usual` now.
    pub(super) fn measure(&mut self, now: Time, delivered: [u64; 2], usual: Duration) -> bool {
        let [datagrams, streams] = [0, 1].map(|lane| delivered[lane] - self.delivered[lane]);
        self.look_at = now + interval(usual);
        if datagrams + streams < INTERVAL_ANSWERS_MIN {
            return false;
        }
        let span_s = now.since(self.began).as_secs_f64().max(1e-6);
        let streams_per_second = streams as f64 / span_s;
        let grows = streams_per_second > self.streams_per_second * GROWTH;
        self.steady = if grows { 0 } else { self.steady + 1 };
        let twice = 2.0 * streams_per_second * (usual + STREAM_SLACK).as_secs_f64();
        self.in_flight_max = self.in_flight_max.max(twice as u32);
        self.streams_per_second = streams_per_second;
        self.both_before = self.both_per_second;
        self.both_per_second = (datagrams + streams) as f64 / span_s;
        self.both_sum += self.both_per_second;
        self.began = now;
        self.delivered = delivered;
        self.intervals += 1;
        true
    }

    /// Whether streams have reached what they can deliver.
    pub(super) fn is_steady(&self) -> bool {
        self.steady >= STEADY_INTERVALS
    }

    /// Whether both lanes together may still be on their way up.
    pub(super) fn may_grow(&self) -> bool {
        self.intervals < 2 || self.both_per_second > self.both_before * GROWTH
    }

    /// What both lanes delivered in all intervals: a single one may hold the answers of a queue
    /// that was built before it.
    pub(super) fn both_on_average(&self) -> f64 {
        self.both_sum / f64::from(self.intervals.max(1))
    }
}

fn interval(usual: Duration) -> Duration {
    (usual * INTERVAL_ROUND_TRIPS).max(INTERVAL_MIN)
}
