//! The reports of several shards as one.

use std::collections::HashMap;

use super::{
    ConnectionReport, LaneVerdict, Losses, ShardReport, StreamFlaw, UpstreamReport, WindowReport,
};

impl ShardReport {
    /// Adds the report of another shard: counts are summed, resolvers are those of both, and samples are
    /// dropped, since those of different shards are of different times.
    ///
    /// The maxima of shards need not have been reached at the same moment, so the sum of what was in
    /// progress is an upper bound. Spans are the longest.
    pub fn merge(&mut self, other: &Self) {
        self.admitted += other.admitted;
        self.finished += other.finished;
        self.leaked += other.leaked;
        self.in_flight_max += other.in_flight_max;
        self.losses.add(&other.losses);
        self.local_faults.add(&other.local_faults);
        self.output_wait = self.output_wait.max(other.output_wait);
        self.stalls += other.stalls;
        self.stall_max = self.stall_max.max(other.stall_max);
        self.late_wakes.add(&other.late_wakes);
        self.turns.add(&other.turns);
        self.samples.clear();
        self.schedule_shift = self.schedule_shift.max(other.schedule_shift);
        self.schedule_is_awaited |= other.schedule_is_awaited;
        self.gave_up |= other.gave_up;
        self.blocked_by = self.blocked_by.or(other.blocked_by);
        self.merge_upstreams(&other.upstreams);
        self.connections.add(&other.connections);
    }

    fn merge_upstreams(&mut self, others: &[UpstreamReport]) {
        // Shards of a run have the same resolvers, in the same order but for those that jobs name.
        let mut places = HashMap::new();
        for (place, other) in others.iter().enumerate() {
            let mut known = self.upstreams.get_mut(place);
            if known
                .as_ref()
                .is_none_or(|one| one.address != other.address)
            {
                if places.is_empty() {
                    let addresses = self.upstreams.iter().map(|one| one.address);
                    places = addresses.zip(0..).collect();
                }
                let place = places.get(&other.address).copied();
                known = place.and_then(|place: usize| self.upstreams.get_mut(place));
            }
            match known {
                Some(known) => known.merge(other),
                None => {
                    places.insert(other.address, self.upstreams.len());
                    self.upstreams.push(other.clone());
                }
            }
        }
    }
}

impl UpstreamReport {
    /// Adds the report of another shard about the same resolver. Its health is the worst, and where
    /// shards have chosen different transports, the choice is that of the first.
    pub fn merge(&mut self, other: &Self) {
        let answers = (self.answered, other.answered);
        self.udp = merged(self.udp, other.udp, answers);
        self.tcp = merged(self.tcp, other.tcp, answers);
        self.health = self.health.max(other.health);
        self.benched += other.benched;
        self.sent += other.sent;
        self.answered += other.answered;
        self.timeouts += other.timeouts;
        self.late += other.late;
        self.refused += other.refused;
        self.servfail += other.servfail;
        self.lame += other.lame;
        self.truncated += other.truncated;
        self.mismatched += other.mismatched;
        self.errors += other.errors;
        self.connections += other.connections;
        self.queries_per_connection =
            least(self.queries_per_connection, other.queries_per_connection);
        self.lanes = match (self.lanes, other.lanes) {
            (Some(one), Some(other)) => Some(one.sum(&other).unwrap_or(one)),
            (one, other) => one.or(other),
        };
    }
}

fn least(one: Option<u32>, other: Option<u32>) -> Option<u32> {
    one.into_iter().chain(other).min()
}

fn merged(
    one: Option<WindowReport>,
    other: Option<WindowReport>,
    (answers, other_answers): (u64, u64),
) -> Option<WindowReport> {
    let Some(mut sum) = one else {
        return other;
    };
    if let Some(other) = other {
        sum.merge(answers, &other, other_answers);
    }
    Some(sum)
}

impl WindowReport {
    /// Adds the window of another shard, which has received `other_answers` answers, to that of one with
    /// `answers`. Rates and numbers in flight are added up. The median is the mean of the medians,
    /// weighted by answers, and the 99th percentile is the worst. A limit in flight that only one has
    /// found is what it found.
    pub fn merge(&mut self, answers: u64, other: &Self, other_answers: u64) {
        self.rate_per_second += other.rate_per_second;
        self.delivered_per_second += other.delivered_per_second;
        self.in_flight_max = self.in_flight_max.saturating_add(other.in_flight_max);
        self.plateau |= other.plateau;
        self.in_flight_limit = match (self.in_flight_limit, other.in_flight_limit) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        self.rtt_p99 = self.rtt_p99.max(other.rtt_p99);
        if answers + other_answers > 0 {
            let share = other_answers as f64 / (answers + other_answers) as f64;
            self.rtt_p50 = self.rtt_p50.mul_f64(1.0 - share) + other.rtt_p50.mul_f64(share);
        }
    }
}

impl LaneVerdict {
    /// Two choices of the same kind as one, with their rates added up. `None` if they differ.
    pub fn sum(&self, other: &Self) -> Option<Self> {
        use LaneVerdict::{Both, Datagrams, Streams};
        use StreamFlaw::{Closed, Fewer};
        match (*self, *other) {
            (
                Streams {
                    streams_per_second: streams,
                    both_per_second: both,
                },
                Streams {
                    streams_per_second,
                    both_per_second,
                },
            ) => Some(Streams {
                streams_per_second: streams + streams_per_second,
                both_per_second: both + both_per_second,
            }),
            (
                Both {
                    streams_per_second: streams,
                    both_per_second: both,
                },
                Both {
                    streams_per_second,
                    both_per_second,
                },
            ) => Some(Both {
                streams_per_second: streams + streams_per_second,
                both_per_second: both + both_per_second,
            }),
            (
                Datagrams(Fewer {
                    streams_per_second: streams,
                    both_per_second: both,
                }),
                Datagrams(Fewer {
                    streams_per_second,
                    both_per_second,
                }),
            ) => Some(Datagrams(Fewer {
                streams_per_second: streams + streams_per_second,
                both_per_second: both + both_per_second,
            })),
            (Datagrams(Closed { queries: few }), Datagrams(Closed { queries })) => {
                let queries = few.min(queries);
                Some(Datagrams(Closed { queries }))
            }
            (one, other) => (one == other).then_some(one),
        }
    }
}

impl Losses {
    /// Adds the losses of another shard.
    pub fn add(&mut self, other: &Self) {
        self.local_send_errors += other.local_send_errors;
        self.kernel_drops += other.kernel_drops;
        self.refused += other.refused;
        self.silence += other.silence;
        self.late_replies += other.late_replies;
        self.icmp += other.icmp;
        self.mismatched += other.mismatched;
    }
}

impl ConnectionReport {
    /// Adds the report of another shard. The maxima need not have been reached at the same moment, so
    /// their sum is an upper bound.
    pub fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.open_max += other.open_max;
        self.open_limit += other.open_limit;
        self.waited_for_descriptor += other.waited_for_descriptor;
        self.names_needed += other.names_needed;
        self.names_looked_up += other.names_looked_up;
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;
    use crate::{Errno, Health, LoopSample, Time};

    fn at(number: u8) -> SocketAddr {
        ([192, 0, 2, number], 53).into()
    }

    fn upstream(number: u8, sent: u64, health: Health) -> UpstreamReport {
        UpstreamReport {
            sent,
            answered: sent,
            health,
            ..UpstreamReport::new(at(number))
        }
    }

    #[test]
    fn resolvers_are_merged_by_address() {
        let mut all = ShardReport {
            upstreams: vec![upstream(1, 3, Health::Good), upstream(2, 4, Health::Good)],
            ..ShardReport::default()
        };
        all.merge(&ShardReport {
            upstreams: vec![
                upstream(1, 10, Health::Unused),
                upstream(3, 20, Health::Good),
                upstream(2, 30, Health::Dead),
            ],
            ..ShardReport::default()
        });
        let sums = all
            .upstreams
            .iter()
            .map(|one| (one.address, one.sent, one.health));
        let sums: Vec<_> = sums.collect();
        assert_eq!(
            sums,
            [
                (at(1), 13, Health::Good),
                (at(2), 34, Health::Dead),
                (at(3), 20, Health::Good)
            ]
        );
    }

    #[test]
    fn the_median_is_weighted_by_answers_and_the_worst_tail_stays() {
        let one = WindowReport {
            rate_per_second: 1000.0,
            in_flight_max: 20,
            in_flight_limit: Some(15),
            rtt_p50: Duration::from_millis(10),
            rtt_p99: Duration::from_millis(50),
            ..WindowReport::default()
        };
        let other = WindowReport {
            rate_per_second: 500.0,
            in_flight_max: 10,
            plateau: true,
            rtt_p50: Duration::from_millis(30),
            rtt_p99: Duration::from_millis(40),
            ..WindowReport::default()
        };
        let mut window = one;
        window.merge(0, &other, 0);
        assert_eq!(window.rtt_p50, Duration::from_millis(10));
        let mut window = one;
        window.merge(300, &other, 100);
        assert_eq!(window.rtt_p50, Duration::from_millis(15));
        assert_eq!(window.rtt_p99, Duration::from_millis(50));
        assert_eq!((window.rate_per_second, window.in_flight_max), (1500.0, 30));
        assert_eq!((window.plateau, window.in_flight_limit), (true, Some(15)));
    }

    #[test]
    fn choices_of_the_same_kind_are_added_up() {
        let streams = LaneVerdict::Streams {
            streams_per_second: 50.0,
            both_per_second: 51.0,
        };
        let twice = LaneVerdict::Streams {
            streams_per_second: 100.0,
            both_per_second: 102.0,
        };
        assert_eq!(streams.sum(&streams), Some(twice));
        let closed = |queries| LaneVerdict::Datagrams(StreamFlaw::Closed { queries });
        assert_eq!(closed(20).sum(&closed(1)), Some(closed(1)));
        assert_eq!(closed(20).sum(&streams), None);
    }

    prop_compose! {
        fn report()(
            counts in proptest::array::uniform8(0..1_000u64),
            micros in 0..10_000_000u64,
            upstreams in proptest::collection::vec((1..9u8, 0..1_000u64, 0..3usize), 0..6),
        ) -> ShardReport {
            let [admitted, finished, in_flight_max, stalls, refused, opened, at_ns, errno] = counts;
            let health = [Health::Good, Health::Lame, Health::Unproven];
            let mut report = ShardReport {
                admitted,
                finished,
                in_flight_max,
                stalls,
                stall_max: Duration::from_micros(micros),
                samples: vec![LoopSample { at: Time::from_nanos(at_ns), ..LoopSample::default() }],
                schedule_shift: (admitted % 2 == 0).then_some(Duration::from_nanos(micros)),
                blocked_by: (finished % 2 == 0).then_some(Errno(1)),
                losses: Losses { refused, ..Losses::default() },
                connections: ConnectionReport { opened, ..ConnectionReport::default() },
                ..ShardReport::default()
            };
            report.local_faults.count(Errno(errno as i32));
            report.turns.record(Duration::from_micros(micros));
            for (number, sent, healths) in upstreams {
                let window = WindowReport {
                    rate_per_second: sent as f64 / 3.0,
                    in_flight_limit: (sent % 2 == 0).then_some(sent as u32),
                    ..WindowReport::default()
                };
                let mut one = upstream(number, sent, health[healths]);
                one.udp = (sent % 3 == 0).then_some(window);
                one.lanes = (sent % 5 == 0).then_some(LaneVerdict::Datagrams(StreamFlaw::Late));
                let mut alone = ShardReport::default();
                alone.upstreams.push(one);
                report.merge_upstreams(&alone.upstreams);
            }
            report
        }
    }

    proptest! {
        #[test]
        fn a_report_is_read_back_as_it_was_saved(report in report()) {
            let saved = postcard::to_stdvec(&report).unwrap();
            prop_assert_eq!(postcard::from_bytes::<ShardReport>(&saved).unwrap(), report);
        }

        #[test]
        fn nothing_is_lost_in_a_sum(one in report(), other in report()) {
            let mut sum = one.clone();
            sum.merge(&other);
            let sent = |report: &ShardReport| report.upstreams.iter().map(|one| one.sent).sum::<u64>();
            prop_assert_eq!(sent(&sum), sent(&one) + sent(&other));
            prop_assert_eq!(sum.admitted, one.admitted + other.admitted);
            prop_assert_eq!(sum.turns.total(), 2);
            prop_assert_eq!(sum.local_faults.by_errno().iter().map(|(_, times)| times).sum::<u64>(), 2);
            prop_assert!(sum.samples.is_empty());
            let mut addresses: Vec<_> = sum.upstreams.iter().map(|one| one.address).collect();
            addresses.sort();
            let all = addresses.len();
            addresses.dedup();
            prop_assert_eq!(addresses.len(), all);
        }
    }
}
