//! Each resolver of a run over all shards: queries, answers, losses and its state at the end. The
//! summary and the page decide which of them are shown.

mod lanes;
mod rows;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::SocketAddr;

use canvass_model::{Health, ShardReport, UpstreamReport, WindowReport};

use crate::human::count;
pub(crate) use rows::{HEADING, Style};

/// One resolver: what the shards report of it.
pub(crate) struct Resolver<'a> {
    pub(crate) address: SocketAddr,
    reports: Vec<&'a UpstreamReport>,
}

/// The state of a resolver at the end, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ResolverState {
    /// A shard benched it because it returned errors only.
    Lying,
    /// A shard benched it because it did not reply.
    Dead,
    /// It was found not to recurse.
    Lame,
    /// It was asked, and no shard had a usable answer from it.
    Unproven,
    /// It was benched for a while.
    Recovered,
    /// No shard asked it.
    Unused,
    /// It was never benched.
    Good,
}

/// All resolvers, those with most queries first. Equally busy ones are in the order of their reports.
pub(crate) fn busiest_first(shards: &[ShardReport]) -> Vec<Resolver<'_>> {
    let mut places = HashMap::new();
    let mut resolvers: Vec<Resolver<'_>> = Vec::new();
    for report in shards.iter().flat_map(|shard| &shard.upstreams) {
        let place = *places.entry(report.address).or_insert(resolvers.len());
        if place == resolvers.len() {
            resolvers.push(Resolver {
                address: report.address,
                reports: Vec::new(),
            });
        }
        resolvers[place].reports.push(report);
    }
    resolvers.sort_by_cached_key(|resolver| Reverse(resolver.sum(|one| one.sent)));
    resolvers
}

impl Resolver<'_> {
    /// The sum of a count over all shards.
    pub(crate) fn sum(&self, count: fn(&UpstreamReport) -> u64) -> u64 {
        self.reports.iter().map(|report| count(report)).sum()
    }

    /// Its windows for one transport as one; `None` if no shard used that.
    fn window(&self, of: fn(&UpstreamReport) -> Option<&WindowReport>) -> Option<WindowReport> {
        let mut windows = self
            .reports
            .iter()
            .filter_map(|report| Some((*of(report)?, report.answered)));
        let (mut sum, mut answers) = windows.next()?;
        for (window, others) in windows {
            sum.merge(answers, &window, others);
            answers += others;
        }
        Some(sum)
    }

    /// The number of shards at whose end it was in this state.
    fn shards_with(&self, health: Health) -> usize {
        let reports = self.reports.iter();
        reports.filter(|report| report.health == health).count()
    }

    /// Its state at the end.
    pub(crate) fn state(&self) -> ResolverState {
        if self.shards_with(Health::Lying) > 0 {
            ResolverState::Lying
        } else if self.shards_with(Health::Dead) > 0 {
            ResolverState::Dead
        } else if self.shards_with(Health::Lame) > 0 {
            ResolverState::Lame
        } else if self.shards_with(Health::Unused) == self.reports.len() {
            ResolverState::Unused
        } else if self.shards_with(Health::Good) == 0 {
            ResolverState::Unproven
        } else if self.sum(|one| one.benched) > 0 {
            ResolverState::Recovered
        } else {
            ResolverState::Good
        }
    }

    /// Whether it was asked and is of no use.
    pub(crate) fn is_bad(&self) -> bool {
        matches!(
            self.state(),
            ResolverState::Lying
                | ResolverState::Dead
                | ResolverState::Lame
                | ResolverState::Unproven
        )
    }

    /// Its state as text, with how often it was benched.
    pub(crate) fn state_text(&self) -> String {
        let state = match self.state() {
            ResolverState::Lying => self.in_shards("lying", Health::Lying),
            ResolverState::Dead => self.in_shards("dead", Health::Dead),
            ResolverState::Lame => "does not recurse".to_owned(),
            ResolverState::Unproven => "no usable answer".to_owned(),
            ResolverState::Recovered => "good again".to_owned(),
            ResolverState::Unused => "unused".to_owned(),
            ResolverState::Good => "good".to_owned(),
        };
        match self.sum(|one| one.benched) {
            0 => state,
            times => format!("benched {}: {state}", count(times, "time", "times")),
        }
    }

    fn in_shards(&self, state: &str, health: Health) -> String {
        match (self.shards_with(health), self.reports.len()) {
            (some, all) if some == all => state.to_owned(),
            (some, all) => format!("{state} in {some} of {all} shards"),
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
        let mut second = upstream(1, 4, Health::Dead);
        second.benched = 2;
        let shards = [
            shard(vec![
                first,
                upstream(2, 5, Health::Good),
                upstream(3, 5, Health::Good),
            ]),
            shard(vec![second]),
        ];
        let resolvers = busiest_first(&shards);
        let actual: Vec<_> = resolvers
            .iter()
            .map(|resolver| (resolver.address.to_string(), resolver.sum(|one| one.sent)))
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
        assert_eq!(merged.sum(|one| one.refused), 1);
        assert_eq!(
            merged.state_text(),
            "benched 2 times: dead in 1 of 2 shards"
        );
    }

    #[test]
    fn every_state_has_a_text() {
        let mut recovered = upstream(4, 2, Health::Good);
        recovered.benched = 1;
        let shards = [shard(vec![
            upstream(1, 5, Health::Good),
            upstream(2, 4, Health::Lying),
            upstream(3, 3, Health::Dead),
            recovered,
            upstream(5, 0, Health::Unused),
            upstream(6, 1, Health::Lame),
            upstream(7, 1, Health::Unproven),
        ])];
        let resolvers = busiest_first(&shards);
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
                (ResolverState::Lame, "does not recurse"),
                (ResolverState::Unproven, "no usable answer"),
                (ResolverState::Unused, "unused"),
            ]
            .map(|(state, text)| (state, text.to_owned()))
        );
    }
}
