//! How many outcomes are to come, and how many came.

use std::sync::atomic::{AtomicU64, Ordering};

use canvass_model::Job;

/// Counts the outcomes of jobs that were fed, and those that were taken. It holds numbers, never
/// work, and is shared by the feeder and the collector.
#[derive(Debug, Default)]
pub struct Ledger {
    fed: AtomicU64,
    acknowledged: AtomicU64,
}

impl Ledger {
    /// Nothing fed, nothing acknowledged.
    pub fn new() -> Self {
        Self::default()
    }

    /// Jobs go out. To be said before they do, so that no outcome can come first.
    pub fn feed(&self, jobs: &[Job]) {
        self.fed.fetch_add(outcomes_of(jobs), Ordering::AcqRel);
    }

    /// Jobs that were fed came back untouched and are no part of the run: nobody was left to take
    /// them, or an interrupt came first.
    pub fn withdraw(&self, jobs: &[Job]) {
        self.fed.fetch_sub(outcomes_of(jobs), Ordering::AcqRel);
    }

    /// Outcomes were taken, and written where they belong.
    pub fn acknowledge(&self, outcomes: u64) {
        self.acknowledged.fetch_add(outcomes, Ordering::AcqRel);
    }

    /// Outcomes of the jobs that are part of the run, one for each time a job is to be repeated:
    /// the `in` of its balance.
    pub fn fed(&self) -> u64 {
        self.fed.load(Ordering::Acquire)
    }

    /// Outcomes taken: what `answered + negative + failed` must come to.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Outcomes that are still to come; 0 at the end of a run whose balance holds.
    pub fn in_flight(&self) -> u64 {
        // What is read first can only be too small: every outcome counted was fed before.
        let acknowledged = self.acknowledged();
        self.fed().saturating_sub(acknowledged)
    }
}

/// How many outcomes these jobs have.
fn outcomes_of(jobs: &[Job]) -> u64 {
    jobs.iter().map(|job| job.spec.outcomes()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::{ModuleId, ProbeSpec, Target};
    use std::num::NonZeroU32;

    fn jobs(count: u64, requests: u32) -> Vec<Job> {
        (0..count)
            .map(|seq| Job {
                seq,
                line: None,
                target: Target::Invalid {
                    given: "".into(),
                    reason: "".into(),
                },
                spec: ProbeSpec::Http {
                    module: ModuleId(0),
                    requests: NonZeroU32::new(requests).unwrap(),
                },
                due: None,
                resolver: None,
            })
            .collect()
    }

    #[test]
    fn what_is_fed_is_in_flight_until_it_is_acknowledged_or_withdrawn() {
        let ledger = Ledger::new();
        ledger.feed(&jobs(512, 1));
        ledger.feed(&jobs(3, 1));
        ledger.acknowledge(500);
        assert_eq!(ledger.in_flight(), 15);
        ledger.withdraw(&jobs(5, 1));
        ledger.acknowledge(10);
        assert_eq!((ledger.fed(), ledger.acknowledged()), (510, 510));
        assert_eq!(ledger.in_flight(), 0);
    }

    #[test]
    fn a_job_counts_once_for_each_of_its_outcomes() {
        let ledger = Ledger::new();
        ledger.feed(&jobs(10, 100));
        ledger.feed(&jobs(1, u32::MAX));
        ledger.withdraw(&jobs(1, u32::MAX));
        ledger.withdraw(&jobs(4, 100));
        ledger.acknowledge(599);
        assert_eq!((ledger.fed(), ledger.in_flight()), (600, 1));
    }
}
