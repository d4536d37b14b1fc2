//! The division of the caps among live workers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::{WORKERS_MAX, WorkerName, WorkerState};

/// The parts of a whole share.
const WHOLE: u64 = 1_000_000_000;

/// The workers and their shares.
#[derive(Clone, Debug, Default)]
pub(super) struct Shares {
    workers: BTreeMap<WorkerName, Worker>,
    /// Another process took over since the last renewal.
    was_taken_over: bool,
    /// When all grants of an earlier process must have expired.
    quiet_until: Duration,
}

#[derive(Clone, Debug)]
struct Worker {
    report: Arc<[u8]>,
    expiry: Duration,
    /// The parts of the whole that it was granted, and until when.
    grants: Vec<(u64, Duration)>,
}

impl Shares {
    /// Grants a share; returns it with the number of live workers.
    pub(super) fn renew(
        &mut self,
        worker: &WorkerName,
        report: &[u8],
        now: Duration,
        share_for: Duration,
        shares_max: u64,
    ) -> (f64, u64) {
        let expiry = now + share_for;
        if self.was_taken_over {
            self.was_taken_over = false;
            self.quiet_until = expiry;
            for other in self.workers.values_mut() {
                other.grants.clear();
                other.expiry = Duration::ZERO;
            }
        }
        for other in self.workers.values_mut() {
            other.grants.retain(|(_, until)| *until > now);
        }
        let reserved: u64 = (self.workers.iter())
            .filter(|(name, _)| *name != worker)
            .filter_map(|(_, other)| other.grants.iter().map(|(share, _)| *share).max())
            .sum();
        let own = self.workers.remove(worker).map(|own| own.grants);
        let mut own = Worker {
            report: report.into(),
            expiry,
            grants: own.unwrap_or_default(),
        };
        let others = self
            .workers
            .values()
            .filter(|other| other.expiry > now)
            .count() as u64;
        let live = others + u64::from(expiry > now);
        let share = if now < self.quiet_until {
            0
        } else {
            (WHOLE / live.min(shares_max).max(1)).min(WHOLE.saturating_sub(reserved))
        };
        own.grants.push((share, expiry));
        self.workers.insert(worker.clone(), own);
        self.forget(now);
        (share as f64 / WHOLE as f64, live)
    }

    /// Notes that another process took over, which may lack the last grants.
    pub(super) fn take_over(&mut self) {
        self.was_taken_over = true;
    }

    /// Takes back what a worker was granted.
    pub(super) fn leave(&mut self, worker: &WorkerName, report: &[u8], now: Duration) {
        let gone = Worker {
            report: report.into(),
            expiry: now,
            grants: Vec::new(),
        };
        self.workers.insert(worker.clone(), gone);
    }

    pub(super) fn workers(&self, now: Duration) -> Vec<WorkerState> {
        let state = |(name, worker): (&WorkerName, &Worker)| WorkerState {
            name: name.clone(),
            is_alive: worker.expiry > now,
            report: worker.report.to_vec(),
        };
        self.workers.iter().map(state).collect()
    }

    fn forget(&mut self, now: Duration) {
        while self.workers.len() > WORKERS_MAX {
            let first = self
                .workers
                .iter()
                .min_by_key(|(name, worker)| (worker.expiry, *name));
            match first {
                Some((name, worker)) if worker.expiry <= now => {
                    let name = name.clone();
                    self.workers.remove(&name);
                }
                _ => return,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARE_FOR: Duration = Duration::from_secs(2);

    fn worker(name: &str) -> WorkerName {
        WorkerName(name.into())
    }

    fn at(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    #[test]
    fn no_more_workers_have_a_share_than_it_can_be_divided_among() {
        let mut shares = Shares::default();
        let mut renew = |name, now| shares.renew(&worker(name), b"", at(now), SHARE_FOR, 2).0;
        for now in [0, 1000] {
            for name in ["a", "b", "c"] {
                renew(name, now);
            }
        }
        // The first grant, of everything, has expired.
        assert_eq!(
            ["b", "c", "a"].map(|name| renew(name, 2001)),
            [0.5, 0.0, 0.5]
        );
    }

    #[test]
    fn a_larger_share_counts_until_it_expires() {
        let mut shares = Shares::default();
        let mut renew = |name, now| shares.renew(&worker(name), b"", at(now), SHARE_FOR, 9);
        assert_eq!(renew("a", 0), (1.0, 1));
        assert_eq!(renew("b", 100), (0.0, 2));
        // The answer may get lost: then "a" uses all until 2000.
        assert_eq!(renew("a", 500), (0.5, 2));
        assert_eq!(renew("b", 600), (0.0, 2));
        assert_eq!(renew("b", 1999), (0.0, 2));
        assert_eq!(renew("b", 2000), (0.5, 2));
    }

    #[test]
    fn a_process_that_takes_over_waits_for_grants_it_may_not_know() {
        let mut shares = Shares::default();
        assert_eq!(
            shares.renew(&worker("a"), b"", at(0), SHARE_FOR, 9),
            (1.0, 1)
        );
        shares.take_over();
        let mut renew = |name, now| shares.renew(&worker(name), b"", at(now), SHARE_FOR, 9);
        assert_eq!(renew("b", 1), (0.0, 1));
        assert_eq!(renew("b", 1500), (0.0, 1));
        assert_eq!(renew("a", 2000), (0.0, 2));
        assert_eq!(renew("a", 2001), (0.5, 2));
    }

    #[test]
    fn who_leaves_gives_up_its_share() {
        let mut shares = Shares::default();
        shares.renew(&worker("a"), b"1", at(0), SHARE_FOR, 9);
        shares.leave(&worker("a"), b"2", at(1));
        assert_eq!(
            shares.renew(&worker("b"), b"", at(1), SHARE_FOR, 9),
            (1.0, 1)
        );
        let workers = shares.workers(at(1));
        assert_eq!(workers[0].report, b"2");
        assert_eq!([workers[0].is_alive, workers[1].is_alive], [false, true]);
    }
}
