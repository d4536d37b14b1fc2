//! What a shard has to say about itself when the run is over.

use std::net::SocketAddr;
use std::time::Duration;

use crate::Time;

/// How an upstream stood at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Health {
    /// Nothing was ever sent to it.
    #[default]
    Unused,
    /// It answers.
    Good,
    /// It is left alone: it went silent, or closed its port.
    Dead,
    /// It is left alone: it answers everything with an error.
    Lying,
}

/// What one upstream's window learned on one transport.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WindowReport {
    /// The sending rate it settled on, queries a second.
    pub rate_per_second: f64,
    /// The rate at which answers came while it was busy, a second.
    pub delivered_per_second: f64,
    /// The most it allowed in flight.
    pub in_flight_max: u32,
    /// Whether the peer showed a limit (a plateau), or we never reached one.
    pub plateau: bool,
    /// The median of the round trip.
    pub rtt_p50: Duration,
    /// The 99th percentile of the round trip, late replies included.
    pub rtt_p99: Duration,
}

/// What one resolver did for one shard.
#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamReport {
    /// Where it is.
    pub address: SocketAddr,
    /// How it stood at the end.
    pub health: Health,
    /// How often it was benched.
    pub benched: u64,
    /// Queries sent to it, by any transport.
    pub sent: u64,
    /// Answers that counted.
    pub answered: u64,
    /// Attempts that ran out of time.
    pub timeouts: u64,
    /// Answers that came after their attempt had run out of time.
    pub late: u64,
    /// Answers REFUSED.
    pub refused: u64,
    /// Answers SERVFAIL.
    pub servfail: u64,
    /// Answers that did not fit a datagram.
    pub truncated: u64,
    /// Messages with a wrong id or question, or no message at all, dropped.
    pub mismatched: u64,
    /// Errors of the system for its sockets (a closed port, no route).
    pub errors: u64,
    /// Stream connections opened.
    pub connections: u64,
    /// How many queries one of its connections takes, where it showed a limit.
    pub queries_per_connection: Option<u32>,
    /// What was learned over UDP.
    pub udp: Option<WindowReport>,
    /// What was learned over TCP.
    pub tcp: Option<WindowReport>,
}

impl UpstreamReport {
    /// A resolver that nothing was sent to yet.
    pub fn new(address: SocketAddr) -> Self {
        Self {
            address,
            health: Health::Unused,
            benched: 0,
            sent: 0,
            answered: 0,
            timeouts: 0,
            late: 0,
            refused: 0,
            servfail: 0,
            truncated: 0,
            mismatched: 0,
            errors: 0,
            connections: 0,
            queries_per_connection: None,
            udp: None,
            tcp: None,
        }
    }
}

/// Where packets were lost, as far as this side can tell.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Losses {
    /// The system would not send.
    pub local_send_errors: u64,
    /// The kernel dropped what arrived, since a socket's buffer was full.
    pub kernel_drops: u64,
    /// A resolver refused.
    pub refused: u64,
    /// Nothing came back, ever.
    pub silence: u64,
    /// The answer came after its attempt had run out of time.
    pub late_replies: u64,
}

/// What probes of hosts took of the system, and of the resolvers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ConnectionReport {
    /// Sockets opened.
    pub opened: u64,
    /// The most open at once.
    pub open_max: u64,
    /// The most that were allowed to be open at once.
    pub open_limit: u64,
    /// How often a probe had to wait since no descriptor or local port was left.
    pub waited_for_descriptor: u64,
    /// Times a host's name was needed.
    pub names_needed: u64,
    /// Of these, how often it had to be looked up.
    pub names_looked_up: u64,
}

/// How late a loop was, counted in classes that double: 1 µs, 2 µs, 4 µs, up to half an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatenessHistogram {
    /// How often it was late by less than 2 to the power of the place, in microseconds, and by no
    /// less than that of the place before.
    counts: [u64; LAG_CLASSES],
    max: Duration,
}

/// Classes of [`LatenessHistogram`].
const LAG_CLASSES: usize = 32;

impl LatenessHistogram {
    /// Counts one.
    #[inline]
    pub fn record(&mut self, lag: Duration) {
        let micros = u64::try_from(lag.as_micros()).unwrap_or(u64::MAX);
        let class = (u64::BITS - micros.leading_zeros()) as usize;
        self.counts[class.min(LAG_CLASSES - 1)] += 1;
        self.max = self.max.max(lag);
    }

    /// Adds what another loop counted.
    pub fn add(&mut self, other: &Self) {
        for (count, added) in self.counts.iter_mut().zip(other.counts) {
            *count += added;
        }
        self.max = self.max.max(other.max);
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// What the share `quantile` (0 to 1) did not exceed, to the end of its class; `None` where
    /// nothing was counted.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let total = self.total();
        let rank = ((total as f64 * quantile).ceil() as u64).clamp(1, total.max(1));
        let mut below = 0;
        let class = self.counts.iter().position(|&count| {
            below += count;
            below >= rank && count > 0
        })?;
        Some(Duration::from_micros(1 << class).min(self.max))
    }
}

/// The most samples a shard keeps: when there are more, every second one goes.
pub const LOOP_SAMPLES_MAX: usize = 256;

/// How a loop stood at a moment: what its windows allow, and what is out.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LoopSample {
    /// When.
    pub at: Time,
    /// Queries a second that the windows of all resolvers allow together.
    pub rate_per_second: f64,
    /// Queries that they allow in flight together.
    pub window: u64,
    /// Jobs under way.
    pub in_flight: u64,
}

/// What a shard has to say when it is done.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ShardReport {
    /// Jobs taken.
    pub admitted: u64,
    /// Outcomes handed over.
    pub finished: u64,
    /// Jobs, timers, ids and permits that were not given back when all was done: always none.
    pub leaked: u64,
    /// The most jobs under way at once.
    pub in_flight_max: u64,
    /// Where packets were lost.
    pub losses: Losses,
    /// How often this process was held up for longer than a timer can bear.
    pub stalls: u64,
    /// The longest such hold-up.
    pub stall_max: Duration,
    /// How late the loop woke when it slept until a set time.
    pub late_wakes: LatenessHistogram,
    /// How long the loop was away from its sockets at a time.
    pub turns: LatenessHistogram,
    /// How it stood over time, at most [`LOOP_SAMPLES_MAX`] times.
    pub samples: Vec<LoopSample>,
    /// The run was given up since no upstream answered any more.
    pub gave_up: bool,
    /// Every resolver, in the order given.
    pub upstreams: Vec<UpstreamReport>,
    /// What probes of hosts took.
    pub connections: ConnectionReport,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_of_lags_is_the_end_of_its_class() {
        let mut lags = LatenessHistogram::default();
        assert_eq!(lags.quantile(0.5), None);
        for micros in [0, 1, 3, 3, 900] {
            lags.record(Duration::from_micros(micros));
        }
        for (quantile, micros) in [(0.0, 1), (0.2, 1), (0.4, 2), (0.5, 4), (0.8, 4), (1.0, 900)] {
            let expected = Duration::from_micros(micros);
            assert_eq!(lags.quantile(quantile), Some(expected), "{quantile}");
        }
        let mut sum = LatenessHistogram::default();
        sum.record(Duration::MAX);
        sum.add(&lags);
        assert_eq!((sum.total(), sum.max()), (6, Duration::MAX));
    }
}
