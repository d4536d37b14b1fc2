//! How many jobs went out, and how many came back.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts jobs that were fed and outcomes that were taken. It holds numbers, never work, and is
/// shared by the feeder and the collector.
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
    pub fn feed(&self, jobs: u64) {
        self.fed.fetch_add(jobs, Ordering::AcqRel);
    }

    /// Jobs that were fed came back untouched and are no part of the run: nobody was left to take
    /// them, or an interrupt came first.
    pub fn withdraw(&self, jobs: u64) {
        self.fed.fetch_sub(jobs, Ordering::AcqRel);
    }

    /// Outcomes were taken, and written where they belong.
    pub fn acknowledge(&self, outcomes: u64) {
        self.acknowledged.fetch_add(outcomes, Ordering::AcqRel);
    }

    /// Jobs that are part of the run: the `in` of its balance.
    pub fn fed(&self) -> u64 {
        self.fed.load(Ordering::Acquire)
    }

    /// Outcomes taken: what `answered + negative + failed` must come to.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// Jobs whose outcome is still to come; 0 at the end of a run whose balance holds.
    pub fn in_flight(&self) -> u64 {
        // What is read first can only be too small: every outcome counted was fed before.
        let acknowledged = self.acknowledged();
        self.fed().saturating_sub(acknowledged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fed_is_in_flight_until_it_is_acknowledged_or_withdrawn() {
        let ledger = Ledger::new();
        ledger.feed(512);
        ledger.feed(3);
        ledger.acknowledge(500);
        assert_eq!(ledger.in_flight(), 15);
        ledger.withdraw(5);
        ledger.acknowledge(10);
        assert_eq!((ledger.fed(), ledger.acknowledged()), (510, 510));
        assert_eq!(ledger.in_flight(), 0);
    }
}
