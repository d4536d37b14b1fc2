//! Outcomes by resolver.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use canvass_model::{Outcome, Verdict};

/// The maximum number of resolvers counted separately.
const RESOLVERS_MAX: usize = 1024;

/// The outcomes decided by the replies of one resolver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResolverCount {
    /// Outcomes that were answered.
    pub answered: u64,
    /// Outcomes that were negative.
    pub negative: u64,
    /// Outcomes that failed.
    pub failed: u64,
    /// The sum of service times.
    pub latency_sum: Duration,
    /// The longest service time.
    pub latency_max: Duration,
}

impl ResolverCount {
    /// All outcomes.
    pub fn total(&self) -> u64 {
        self.answered + self.negative + self.failed
    }
}

/// The outcomes by resolver.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResolverCounts {
    kept: BTreeMap<SocketAddr, ResolverCount>,
    others: u64,
}

impl ResolverCounts {
    /// Counts an outcome for its resolver, if it has one.
    pub fn record(&mut self, outcome: &Outcome) {
        let Some(resolver) = outcome.resolver else {
            return;
        };
        if self.kept.len() >= RESOLVERS_MAX && !self.kept.contains_key(&resolver) {
            self.others += 1;
            return;
        }
        let count = self.kept.entry(resolver).or_default();
        match outcome.verdict {
            Verdict::Answered => count.answered += 1,
            Verdict::Negative => count.negative += 1,
            Verdict::Failed => count.failed += 1,
        }
        let latency = outcome.latency().unwrap_or_default();
        count.latency_sum = count.latency_sum.saturating_add(latency);
        count.latency_max = count.latency_max.max(latency);
    }

    /// The resolvers that are counted separately, by address.
    pub fn kept(&self) -> impl ExactSizeIterator<Item = (SocketAddr, ResolverCount)> {
        self.kept.iter().map(|(&address, &count)| (address, count))
    }

    /// The outcomes of all other resolvers.
    pub fn others(&self) -> u64 {
        self.others
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    #[test]
    fn resolvers_beyond_the_limit_are_counted_together() {
        let mut counts = ResolverCounts::default();
        let mut outcome = fixture::ptr_answered();
        for port in 1..=1_030 {
            outcome.resolver = Some(([192, 0, 2, 1], port).into());
            counts.record(&outcome);
        }
        counts.record(&fixture::local_failure());
        assert_eq!(counts.kept().len(), 1024);
        assert_eq!(counts.others(), 6);
        outcome.resolver = Some(([192, 0, 2, 1], 1).into());
        counts.record(&outcome);
        let (_, first) = counts.kept().next().unwrap();
        assert_eq!(first.answered, 2);
        assert_eq!(first.latency_sum, outcome.latency().unwrap() * 2);
    }
}
