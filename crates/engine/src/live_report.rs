//! The report of a shard on request.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use canvass_model::ShardReport;

/// The report of a shard on request, while it runs and after its end.
///
/// A report is made in the next turn of the shard, and only if somebody wants one.
#[derive(Debug, Default)]
pub struct LiveReport {
    is_wanted: AtomicBool,
    latest: Mutex<Latest>,
    published: Condvar,
}

#[derive(Debug, Default)]
struct Latest {
    /// The number of reports until now.
    number: u64,
    /// There will be no other.
    is_final: bool,
    report: ShardReport,
}

impl LiveReport {
    /// Asks for a report. The shard must be woken after this. Returns the number of the latest report, for
    /// [`wait`](Self::wait).
    pub fn request(&self) -> u64 {
        let number = self.latest().number;
        self.is_wanted.store(true, Ordering::SeqCst);
        number
    }

    /// Waits until there is a report after the one of this number, and until `until` at the latest.
    /// Returns the latest report, which is an earlier one if there was none in time.
    pub fn wait(&self, number: u64, until: Instant) -> ShardReport {
        let mut latest = self.latest();
        while latest.number == number && !latest.is_final {
            let left = until.saturating_duration_since(Instant::now());
            if left == Duration::ZERO {
                break;
            }
            let waited = self.published.wait_timeout(latest, left);
            (latest, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        latest.report.clone()
    }

    #[inline]
    pub(crate) fn is_wanted(&self) -> bool {
        self.is_wanted.load(Ordering::Relaxed)
    }

    pub(crate) fn publish(&self, report: ShardReport, is_final: bool) {
        self.is_wanted.store(false, Ordering::SeqCst);
        let mut latest = self.latest();
        latest.number += 1;
        latest.is_final = is_final;
        latest.report = report;
        self.published.notify_all();
    }

    fn latest(&self) -> MutexGuard<'_, Latest> {
        self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
