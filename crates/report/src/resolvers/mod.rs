//! Each resolver of a run over all shards: queries, answers, losses and its state at the end. The
//! summary and the page decide which of them are shown.

mod rows;
mod window;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::SocketAddr;

use canvass_model::{Health, ShardReport, UpstreamReport};

use crate::human::count;
pub(crate) use rows::{HEADING, Style};
use window::Window;

/// One resolver, over all shards.
pub(crate) struct Resolver {
    /// Its address.
    pub(crate) address: SocketAddr,
    /// Queries that were sent to it.
    pub(crate) sent: u64,
    /// Queries with a usable answer.
    answered: u64,
    /// Queries that timed out.
    timeouts: u64,
    /// Answers to queries that had timed out.
    late: u64,
    /// Answers with REFUSED.
    pub(crate) refused: u64,
    /// Answers with SERVFAIL.
    pub(crate) servfail: u64,
    /// Answers with the TC bit (RFC 1035 §4.1.1).
    pub(crate) truncated: u64,
    /// Replies that match no query.
    pub(crate) mismatched: u64,
    /// Errors of its sockets.
    pub(crate) errors: u64,
    /// The fewest queries after which it closed a connection.
    pub(crate) queries_per_connection: Option<u32>,
    benched: u64,
    shards: u64,
    dead_in: u64,
    lying_in: u64,
    unused_in: u64,
    udp: Option<Window>,
    tcp: Option<Window>,
}

/// The state of a resolver at the end, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResolverState {
    /// A shard benched it because it returned errors only.
    Lying,
    /// A shard benched it because it did not reply.
    Dead,
    /// It was benched for a while.
    Recovered,
    /// No shard asked it.
    Unused,
    /// It was never benched.
    Good,
}

/// All resolvers, those with most queries first. Equally busy ones are in the order of their reports.
pub(crate) fn busiest_first(shards: &[ShardReport]) -> Vec<Resolver> {
    let mut places = HashMap::new();
    let mut resolvers: Vec<Resolver> = Vec::new();
    for report in shards.iter().flat_map(|shard| &shard.upstreams) {
        let place = *places.entry(report.address).or_insert(resolvers.len());
        if place == resolvers.len() {
            resolvers.push(Resolver::new(report.address));
        }
        resolvers[place].add(report);
    }
    resolvers.sort_by_key(|resolver| Reverse(resolver.sent));
    resolvers
}

impl Resolver {
    fn new(address: SocketAddr) -> Self {
        Self {
            address,
            sent: 0,
            answered: 0,
            timeouts: 0,
            late: 0,
            refused: 0,
            servfail: 0,
            truncated: 0,
            mismatched: 0,
            errors: 0,
            queries_per_connection: None,
            benched: 0,
            shards: 0,
            dead_in: 0,
            lying_in: 0,
            unused_in: 0,
            udp: None,
            tcp: None,
        }
    }

    fn add(&mut self, report: &UpstreamReport) {
        self.shards += 1;
        match report.health {
            Health::Unused => self.unused_in += 1,
            Health::Good => {}
            Health::Dead => self.dead_in += 1,
            Health::Lying => self.lying_in += 1,
        }
        self.benched += report.benched;
        self.sent += report.sent;
        self.answered += report.answered;
        self.timeouts += report.timeouts;
        self.late += report.late;
        self.refused += report.refused;
        self.servfail += report.servfail;
        self.truncated += report.truncated;
        self.mismatched += report.mismatched;
        self.errors += report.errors;
        self.queries_per_connection = self
            .queries_per_connection
            .into_iter()
            .chain(report.queries_per_connection)
            .min();
        for (sum, window) in [(&mut self.udp, &report.udp), (&mut self.tcp, &report.tcp)] {
            if let Some(window) = window {
                sum.get_or_insert_default().add(window, report.answered);
            }
        }
    }

    /// Its state at the end.
    pub(crate) fn state(&self) -> ResolverState {
        if self.lying_in > 0 {
            ResolverState::Lying
        } else if self.dead_in > 0 {
            ResolverState::Dead
        } else if self.unused_in == self.shards {
            ResolverState::Unused
        } else if self.benched > 0 {
            ResolverState::Recovered
        } else {
            ResolverState::Good
        }
    }

    /// Its state as text, with how often it was benched.
    fn state_text(&self) -> String {
        let state = match self.state() {
            ResolverState::Lying => self.in_shards("lying", self.lying_in),
            ResolverState::Dead => self.in_shards("dead", self.dead_in),
            ResolverState::Recovered => "good again".to_owned(),
            ResolverState::Unused => "unused".to_owned(),
            ResolverState::Good => "good".to_owned(),
        };
        if self.benched > 0 {
            format!("benched {}: {state}", count(self.benched, "time", "times"))
        } else {
            state
        }
    }

    fn in_shards(&self, state: &str, shards: u64) -> String {
        if shards == self.shards {
            state.to_owned()
        } else {
            format!("{state} in {shards} of {} shards", self.shards)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn upstream(number: u8, sent: u64, health: Health) -> UpstreamReport {
        UpstreamReport {
            health,
            sent,
            ..UpstreamReport::new(([192, 0, 2, number], 53).into())
        }
    }

    fn shard(upstreams: Vec<UpstreamReport>) -> ShardReport {
        ShardReport {
            upstreams,
            ..ShardReport::default()
        }
    }

    #[test]
    fn shards_are_added_up_by_address_and_the_busiest_lead() {
        let mut first = upstream(1, 3, Health::Good);
        first.refused = 1;
        first.queries_per_connection = Some(100);
        let mut second = upstream(1, 4, Health::Dead);
        second.benched = 2;
        second.queries_per_connection = Some(40);
        let resolvers = busiest_first(&[
            shard(vec![
                first,
                upstream(2, 5, Health::Good),
                upstream(3, 5, Health::Good),
            ]),
            shard(vec![second]),
        ]);
        let actual: Vec<_> = resolvers
            .iter()
            .map(|resolver| (resolver.address.to_string(), resolver.sent))
            .collect();
        assert_eq!(
            actual,
            [
                ("192.0.2.1:53", 7),
                ("192.0.2.2:53", 5),
                ("192.0.2.3:53", 5)
            ]
            .map(|(address, sent)| (address.to_owned(), sent))
        );
        let merged = &resolvers[0];
        assert_eq!(
            (merged.refused, merged.queries_per_connection),
            (1, Some(40))
        );
        assert_eq!(
            merged.state_text(),
            "benched 2 times: dead in 1 of 2 shards"
        );
    }

    #[test]
    fn every_state_has_a_text() {
        let mut recovered = upstream(4, 2, Health::Good);
        recovered.benched = 1;
        let resolvers = busiest_first(&[shard(vec![
            upstream(1, 5, Health::Good),
            upstream(2, 4, Health::Lying),
            upstream(3, 3, Health::Dead),
            recovered,
            upstream(5, 0, Health::Unused),
        ])]);
        let actual: Vec<_> = resolvers
            .iter()
            .map(|resolver| (resolver.state(), resolver.state_text()))
            .collect();
        assert_eq!(
            actual,
            [
                (ResolverState::Good, "good"),
                (ResolverState::Lying, "lying"),
                (ResolverState::Dead, "dead"),
                (ResolverState::Recovered, "benched 1 time: good again"),
                (ResolverState::Unused, "unused"),
            ]
            .map(|(state, text)| (state, text.to_owned()))
        );
    }
}
