//! Results that wait until a worker has proven that it can reach anything.
//!
//! A worker whose resolvers are all dead fails each target that it asks about before it gives up. Another
//! worker may have better ones, so these failures must not be committed.

use std::time::{Duration, Instant};

use canvass_model::ShardReport;

use super::chunks::Packed;

/// How long a result waits. A run gives up after 10 s without any answer, so then it never does.
const WAIT_MAX: Duration = Duration::from_secs(15);

/// Results of a worker that has asked resolvers and seen no answer of anybody.
#[derive(Default)]
pub(crate) struct Unproven {
    is_proven: bool,
    waiting: Vec<(Instant, Packed)>,
}

impl Unproven {
    /// Adds results, and returns those that may be committed now. `reports` gives what the event loops
    /// count.
    pub(crate) fn pass(
        &mut self,
        results: Vec<Packed>,
        reports: impl FnOnce() -> Vec<ShardReport>,
        now: Instant,
    ) -> Vec<Packed> {
        self.is_proven |= results.iter().any(|one| !one.all_failed);
        let results = results.into_iter().map(|one| (now, one));
        self.waiting.extend(results);
        if self.waiting.is_empty() {
            return Vec::new();
        }
        let mut has_asked = false;
        if !self.is_proven {
            let reports = reports();
            let mut resolvers = reports.iter().flat_map(|report| &report.upstreams);
            has_asked = resolvers.clone().any(|resolver| resolver.sent > 0);
            self.is_proven = resolvers.any(|resolver| resolver.answered > 0);
        }
        let must_wait = has_asked && !self.is_proven;
        let passes = |since: Instant| !must_wait || now - since >= WAIT_MAX;
        let passed = self.waiting.extract_if(.., |(since, _)| passes(*since));
        passed.map(|(_, one)| one).collect()
    }

    /// Drops the result of a chunk.
    pub(crate) fn discard(&mut self, first: u64) {
        self.waiting.retain(|(_, one)| one.first != first);
    }
}

#[cfg(test)]
mod tests {
    use canvass_model::UpstreamReport;

    use super::*;

    fn reports(sent: u64, answered: u64) -> Vec<ShardReport> {
        let resolver = UpstreamReport {
            sent,
            answered,
            ..UpstreamReport::new("192.0.2.1:53".parse().unwrap())
        };
        vec![ShardReport {
            upstreams: vec![resolver],
            ..ShardReport::default()
        }]
    }

    fn result(first: u64, all_failed: bool) -> Vec<Packed> {
        vec![Packed {
            first,
            result: Vec::new(),
            all_failed,
        }]
    }

    fn firsts(results: Vec<Packed>) -> Vec<u64> {
        results.into_iter().map(|one| one.first).collect()
    }

    #[test]
    fn failures_wait_for_the_first_answer_and_not_for_ever() {
        let began = Instant::now();
        let unanswered = || reports(9, 0);
        let mut unproven = Unproven::default();
        assert!(unproven.pass(result(0, true), unanswered, began).is_empty());
        let later = began + WAIT_MAX / 2;
        assert!(unproven.pass(result(9, true), unanswered, later).is_empty());
        unproven.discard(9);
        assert!(unproven.pass(result(5, true), unanswered, later).is_empty());
        let passed = unproven.pass(Vec::new(), unanswered, began + WAIT_MAX);
        assert_eq!(firsts(passed), [0]);
        let passed = unproven.pass(result(7, true), || reports(9, 1), later);
        assert_eq!(firsts(passed), [5, 7]);
        let unread = || unreachable!("one answer is enough");
        assert_eq!(firsts(unproven.pass(result(8, true), unread, later)), [8]);
    }

    #[test]
    fn who_has_asked_no_resolver_or_was_answered_by_a_host_does_not_wait() {
        let now = Instant::now();
        let mut unproven = Unproven::default();
        let passed = unproven.pass(result(3, true), || reports(0, 0), now);
        assert_eq!(firsts(passed), [3]);
        assert!(
            unproven
                .pass(result(4, true), || reports(1, 0), now)
                .is_empty()
        );
        let passed = unproven.pass(result(5, false), || reports(1, 0), now);
        assert_eq!(firsts(passed), [4, 5]);
    }
}
