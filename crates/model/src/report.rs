//! The report of a shard: what it has done, and what it has learned of resolvers.

mod lateness;
mod merge;

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{Errno, Time};
pub use lateness::LatenessHistogram;

/// The health of an upstream. Where shards find different ones, the greatest counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Health {
    /// No query was sent to it.
    #[default]
    Unused,
    /// It was asked, and never gave a usable answer.
    Unproven,
    /// It answers.
    Good,
    /// It does not recurse: it referred to other servers.
    Lame,
    /// It is not used: it stopped answering, or its port is closed.
    Dead,
    /// It is not used: it answers every query with an error.
    Lying,
}

/// The state of an upstream's window for one transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WindowReport {
    /// The sending rate, in queries per second.
    pub rate_per_second: f64,
    /// The rate of answers while the upstream was busy, per second.
    pub delivered_per_second: f64,
    /// The maximum number of queries it allowed in flight.
    pub in_flight_max: u32,
    /// Whether a limit of the peer (a plateau) was found.
    pub plateau: bool,
    /// The most queries in flight that the peer bears, if it has shown such a limit lately.
    pub in_flight_limit: Option<u32>,
    /// The median round-trip time.
    pub rtt_p50: Duration,
    /// The 99th percentile of the round-trip time, including late replies.
    pub rtt_p99: Duration,
}

/// Which transport takes the queries to a resolver that may go over either.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum LaneVerdict {
    /// Streams only: they deliver about what both transports deliver together, for less CPU.
    Streams {
        /// Answers per second by stream, with no datagrams beside it.
        streams_per_second: f64,
        /// Answers per second by stream and datagram together.
        both_per_second: f64,
    },
    /// Streams, and datagrams for what those cannot carry.
    Both {
        /// Answers per second by stream, with no datagrams beside it.
        streams_per_second: f64,
        /// Answers per second by stream and datagram together.
        both_per_second: f64,
    },
    /// Datagrams only.
    Datagrams(StreamFlaw),
}

/// What is wrong with the streams of a resolver.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum StreamFlaw {
    /// Connections fail.
    Refused,
    /// This machine cannot open connections or write to them.
    Local,
    /// Connections are closed after this number of queries.
    Closed {
        /// Queries that a connection answered.
        queries: u32,
    },
    /// Queries are not answered.
    Silent,
    /// Answers are errors.
    Errors,
    /// The octets cannot be divided into messages.
    Misframed,
    /// Answers take much longer than by datagram: the queries of a stream wait for each other.
    Late,
    /// Few answers per second, compared with both transports together.
    Fewer {
        /// Answers per second by stream.
        streams_per_second: f64,
        /// Answers per second by stream and datagram together.
        both_per_second: f64,
    },
}

/// The counters of a resolver in one shard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct UpstreamReport {
    /// The address.
    #[serde(with = "crate::saved")]
    pub address: SocketAddr,
    /// The health.
    pub health: Health,
    /// How often it was benched.
    pub benched: u64,
    /// Queries sent over any transport.
    pub sent: u64,
    /// Answers that were accepted.
    pub answered: u64,
    /// Attempts that timed out.
    pub timeouts: u64,
    /// Answers after the timeout.
    pub late: u64,
    /// Answers REFUSED.
    pub refused: u64,
    /// Answers SERVFAIL.
    pub servfail: u64,
    /// Referrals and other answers of a server that does not recurse.
    pub lame: u64,
    /// Truncated answers.
    pub truncated: u64,
    /// Datagrams that were dropped because they are malformed or have a wrong id or question.
    pub mismatched: u64,
    /// Errors of its sockets (closed port, no route).
    pub errors: u64,
    /// TCP connections opened.
    pub connections: u64,
    /// The number of queries per connection, if it has a limit.
    pub queries_per_connection: Option<u32>,
    /// The window for UDP.
    pub udp: Option<WindowReport>,
    /// The window for TCP.
    pub tcp: Option<WindowReport>,
    /// The transport that was chosen; `None` if streams were not tried to the end.
    pub lanes: Option<LaneVerdict>,
}

impl UpstreamReport {
    /// A resolver that no query was sent to.
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
            lame: 0,
            truncated: 0,
            mismatched: 0,
            errors: 0,
            connections: 0,
            queries_per_connection: None,
            udp: None,
            tcp: None,
            lanes: None,
        }
    }
}

/// Where packets were lost, as far as it is known here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Losses {
    /// Sends that the system of this machine refused, and sockets that it did not open.
    pub local_send_errors: u64,
    /// Datagrams that the kernel dropped because a receive buffer was full.
    pub kernel_drops: u64,
    /// Refused by a resolver.
    pub refused: u64,
    /// Queries that were never answered, and whose answers the kernel cannot have dropped.
    pub silence: u64,
    /// Answers after the timeout.
    pub late_replies: u64,
    /// Queries by datagram that ended because an ICMP error was received, or because there is no route.
    pub icmp: u64,
    /// Messages that were dropped because they are malformed or have a wrong id or question.
    pub mismatched: u64,
}

/// How often a system call for a socket failed for a reason on this machine, by its error. What was to
/// be sent then is sent later.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalFaults(Vec<(Errno, u64)>);

impl LocalFaults {
    /// Counts an error.
    pub fn count(&mut self, errno: Errno) {
        self.add_times(errno, 1);
    }

    /// Adds the counts of another shard.
    pub fn add(&mut self, other: &Self) {
        for (errno, times) in &other.0 {
            self.add_times(*errno, *times);
        }
    }

    fn add_times(&mut self, errno: Errno, times: u64) {
        match self.0.iter_mut().find(|(known, _)| *known == errno) {
            Some((_, count)) => *count += times,
            None => self.0.push((errno, times)),
        }
    }

    /// Each error with how often it was returned, the most frequent first.
    pub fn by_errno(&self) -> Vec<(Errno, u64)> {
        let mut all = self.0.clone();
        all.sort_unstable_by_key(|(errno, times)| (std::cmp::Reverse(*times), *errno));
        all
    }
}

/// The resources that probes of hosts used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectionReport {
    /// Sockets opened.
    pub opened: u64,
    /// The maximum number of open sockets.
    pub open_max: u64,
    /// The limit of open sockets.
    pub open_limit: u64,
    /// How often a probe had to wait for a descriptor or a local port.
    pub waited_for_descriptor: u64,
    /// How often the addresses of a name were needed.
    pub names_needed: u64,
    /// How often they had to be looked up.
    pub names_looked_up: u64,
}

/// Samples that a shard keeps. When there are more, every second one is dropped.
pub const LOOP_SAMPLES_MAX: usize = 256;

/// The state of an event loop at one time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LoopSample {
    /// The time.
    pub at: Time,
    /// The rate that the windows of all resolvers allow, in queries per second.
    pub rate_per_second: f64,
    /// The number of queries that they allow in flight.
    pub window: u64,
    /// Jobs in progress.
    pub in_flight: u64,
}

/// The report of a shard, during a run or at its end, or of several together
/// ([`merge`](Self::merge)).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShardReport {
    /// Jobs admitted.
    pub admitted: u64,
    /// Outcomes delivered.
    pub finished: u64,
    /// Jobs, timers, ids and permits that were not released at the end. Always zero, also during the
    /// run.
    pub leaked: u64,
    /// The maximum number of jobs in progress.
    pub in_flight_max: u64,
    /// Where packets were lost.
    pub losses: Losses,
    /// What this machine's system refused.
    pub local_faults: LocalFaults,
    /// How long finished jobs waited, and no others were admitted, since the outputs were not written
    /// as fast.
    pub output_wait: Duration,
    /// How often this process was delayed for too long to trust its timers.
    pub stalls: u64,
    /// The longest such delay.
    pub stall_max: Duration,
    /// How late the event loop woke from timed waits.
    pub late_wakes: LatenessHistogram,
    /// How long the event loop did not read its sockets.
    pub turns: LatenessHistogram,
    /// Its state over time, at most [`LOOP_SAMPLES_MAX`] samples. None during the run.
    pub samples: Vec<LoopSample>,
    /// How much later than planned its schedule of targets began. `None` without a schedule, and if
    /// it had not begun when the targets were used up.
    pub schedule_shift: Option<Duration>,
    /// There is a schedule, and it had not begun when the targets were used up.
    pub schedule_is_awaited: bool,
    /// The run was given up because no upstream answered, or none could be asked.
    pub gave_up: bool,
    /// If it was given up since this machine's system refused to send queries: its last error.
    pub blocked_by: Option<Errno>,
    /// The resolvers, in the order of the configuration.
    pub upstreams: Vec<UpstreamReport>,
    /// The resources that probes of hosts used.
    pub connections: ConnectionReport,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_faults_are_summed_by_error() {
        let (full, denied) = (Errno(105), Errno(1));
        let mut faults = LocalFaults::default();
        faults.count(full);
        let mut other = LocalFaults::default();
        other.count(denied);
        other.count(denied);
        other.count(full);
        faults.add(&other);
        assert_eq!(faults.by_errno(), [(denied, 2), (full, 2)]);
    }
}
