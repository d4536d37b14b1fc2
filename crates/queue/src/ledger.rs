//! Which jobs are under way, and which are durably done.

use std::collections::{HashMap, VecDeque};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use canvass_model::{Job, Outcome};

/// How far the feeder may be ahead of the oldest job that is not done. Each job in between takes a
/// bit of memory, 8 MiB at most.
pub const LEDGER_SPAN_MAX: u64 = 1 << 26;

/// Keeps account of the jobs of a run: how many outcomes are pending, and which jobs are done, so
/// that the run can be resumed. Holds sequence numbers only, no jobs. Shared by the feeder, the
/// collector and the run's snapshots.
#[derive(Debug)]
pub struct Ledger {
    fed: AtomicU64,
    acknowledged: AtomicU64,
    done: Mutex<Done>,
    /// Notified when the watermark rises, or when a feeder that waits must check its stop flag.
    changed: Condvar,
}

/// One outcome to acknowledge: its job, and how many outcomes that job has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    seq: u64,
    of: u64,
}

impl Receipt {
    #[cfg(test)]
    pub(crate) fn new(seq: u64, of: u64) -> Self {
        Self { seq, of }
    }

    /// The receipt of an outcome.
    pub fn of(outcome: &Outcome) -> Self {
        Self {
            seq: outcome.job.seq,
            of: outcome.job.spec.outcomes(),
        }
    }
}

/// The jobs of a run that are done: all of their outcomes are durable.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Completed {
    /// Every job with a sequence number below this is done.
    pub watermark: u64,
    /// The jobs above the watermark that are done, in order.
    pub above: Vec<Range<u64>>,
    /// The jobs of which some outcomes are durable and others are not, in order: each with the number
    /// of those that are.
    pub partial: Vec<(u64, u64)>,
}

impl Completed {
    /// All jobs before `seq`, and no others.
    pub fn before(seq: u64) -> Self {
        Self {
            watermark: seq,
            ..Self::default()
        }
    }
}

/// The jobs that are done: a watermark, and a bit for each job above it.
#[derive(Debug)]
struct Done {
    watermark: u64,
    /// A bit per job. The first word contains the watermark's bit.
    words: VecDeque<u64>,
    /// The number of durable outcomes, for jobs that have several and some of them already.
    partial: HashMap<u64, u64>,
}

impl Ledger {
    /// Creates the ledger of a run that goes on after these jobs. Their outcomes are not counted.
    pub fn after(completed: &Completed) -> Self {
        let mut done = Done {
            watermark: completed.watermark,
            words: VecDeque::new(),
            partial: completed.partial.iter().copied().collect(),
        };
        for seq in completed.above.iter().cloned().flatten() {
            done.mark(seq);
        }
        Self {
            fed: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            done: Mutex::new(done),
            changed: Condvar::new(),
        }
    }

    /// Blocks until a job with this sequence number is less than [`LEDGER_SPAN_MAX`] ahead of the
    /// oldest one that is not done. Returns `false` if `stop` was set before, which is checked
    /// again after [`wake`](Self::wake).
    pub(crate) fn wait_for_room(&self, seq: u64, stop: &AtomicBool) -> bool {
        let mut done = self.lock();
        while !stop.load(Ordering::SeqCst) {
            if seq.saturating_sub(done.watermark) < LEDGER_SPAN_MAX {
                return true;
            }
            let woken = self.changed.wait(done);
            done = woken.unwrap_or_else(PoisonError::into_inner);
        }
        false
    }

    /// Makes a blocked feeder check its stop flag.
    pub fn wake(&self) {
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Counts jobs. Call it before they are delivered, so that no outcome can come first.
    pub fn feed(&self, jobs: &[Job]) {
        self.fed.fetch_add(outcomes_of(jobs), Ordering::AcqRel);
    }

    /// Removes jobs that were fed and will not run: no shard took them, or the run was interrupted
    /// first.
    pub fn withdraw(&self, jobs: &[Job]) {
        self.fed.fetch_sub(outcomes_of(jobs), Ordering::AcqRel);
    }

    /// Counts outcomes that are now durable.
    pub fn acknowledge(&self, receipts: impl IntoIterator<Item = Receipt>) {
        let mut done = self.lock();
        let before = done.watermark;
        let mut outcomes = 0;
        for receipt in receipts {
            outcomes += 1;
            done.acknowledge(receipt);
        }
        done.raise_watermark();
        self.acknowledged.fetch_add(outcomes, Ordering::AcqRel);
        if done.watermark > before {
            self.changed.notify_all();
        }
    }

    /// Notes that all outcomes of these jobs are durable, which were not fed.
    pub fn mark(&self, jobs: Range<u64>) {
        let mut done = self.lock();
        jobs.for_each(|seq| done.mark(seq));
        done.raise_watermark();
    }

    /// The number of outcomes of all jobs fed, one for each repetition of a job: the `in` of the
    /// balance.
    pub fn fed(&self) -> u64 {
        self.fed.load(Ordering::Acquire)
    }

    /// The number of durable outcomes, which must equal `answered + negative + failed`.
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Acquire)
    }

    /// The number of outcomes that are not durable yet: 0 at the end of a run whose balance holds.
    pub fn in_flight(&self) -> u64 {
        // Read first, so that it cannot exceed `fed`: every outcome counted was fed before.
        let acknowledged = self.acknowledged();
        self.fed().saturating_sub(acknowledged)
    }

    /// Returns the jobs that are done.
    pub fn completed(&self) -> Completed {
        self.lock().completed()
    }

    fn lock(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::after(&Completed::default())
    }
}

impl Done {
    fn acknowledge(&mut self, Receipt { seq, of }: Receipt) {
        if of > 1 {
            let durable = self.partial.entry(seq).or_default();
            *durable += 1;
            if *durable < of {
                return;
            }
            self.partial.remove(&seq);
        }
        self.mark(seq);
    }

    /// Marks a job as done.
    fn mark(&mut self, seq: u64) {
        if seq < self.watermark {
            return;
        }
        let (word, bit) = self.place_of(seq);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        self.words[word] |= bit;
    }

    /// The index of the word and the bit of a job at or above the watermark.
    fn place_of(&self, seq: u64) -> (usize, u64) {
        let base = self.watermark & !63;
        let offset = seq - base;
        ((offset / 64) as usize, 1 << (offset % 64))
    }

    /// Raises the watermark over all done jobs that follow it without a gap.
    fn raise_watermark(&mut self) {
        while let Some(word) = self.words.front() {
            let passed = self.watermark % 64;
            let run = u64::from((word >> passed).trailing_ones());
            self.watermark += run;
            if passed + run < 64 {
                return;
            }
            self.words.pop_front();
        }
    }

    fn completed(&self) -> Completed {
        let base = self.watermark & !63;
        let mut above: Vec<Range<u64>> = Vec::new();
        for (first, word) in (base..).step_by(64).zip(&self.words) {
            let mut left = *word;
            while left != 0 {
                let skipped = u64::from(left.trailing_zeros());
                let run = u64::from((left >> skipped).trailing_ones());
                left &= !((u64::MAX >> (64 - run)) << skipped);
                let done = first + skipped..first + skipped + run;
                match above.last_mut() {
                    Some(last) if last.end == done.start => last.end = done.end,
                    _ => above.push(done),
                }
            }
        }
        // Bits below the watermark stay in the first word until all of its jobs are done.
        above.retain_mut(|done| {
            done.start = done.start.max(self.watermark);
            !done.is_empty()
        });
        let mut partial: Vec<_> = self.partial.iter().map(|(&seq, &of)| (seq, of)).collect();
        partial.sort_unstable();
        Completed {
            watermark: self.watermark,
            above,
            partial,
        }
    }
}

/// The number of outcomes of these jobs.
fn outcomes_of(jobs: &[Job]) -> u64 {
    jobs.iter().map(|job| job.spec.outcomes()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use canvass_model::{ModuleId, ProbeSpec, Target};
    use proptest::prelude::*;
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

    fn done(seqs: impl IntoIterator<Item = u64>) -> impl IntoIterator<Item = Receipt> {
        seqs.into_iter().map(|seq| Receipt { seq, of: 1 })
    }

    #[test]
    fn what_is_fed_is_in_flight_until_it_is_acknowledged_or_withdrawn() {
        let ledger = Ledger::default();
        ledger.feed(&jobs(512, 1));
        ledger.feed(&jobs(3, 1));
        ledger.acknowledge(done(0..500));
        assert_eq!(ledger.in_flight(), 15);
        ledger.withdraw(&jobs(5, 1));
        ledger.acknowledge(done(500..510));
        assert_eq!((ledger.fed(), ledger.acknowledged()), (510, 510));
        assert_eq!(ledger.in_flight(), 0);
    }

    #[test]
    fn a_job_counts_once_for_each_of_its_outcomes_and_is_done_with_the_last() {
        let ledger = Ledger::default();
        ledger.feed(&jobs(10, 100));
        ledger.feed(&jobs(1, u32::MAX));
        ledger.withdraw(&jobs(1, u32::MAX));
        ledger.withdraw(&jobs(4, 100));
        let receipts = (0..6).flat_map(|seq| [Receipt { seq, of: 100 }; 100]);
        ledger.acknowledge(receipts.skip(1));
        assert_eq!((ledger.fed(), ledger.in_flight()), (600, 1));
        let expected = Completed {
            watermark: 0,
            above: std::iter::once(1..6).collect(),
            partial: vec![(0, 99)],
        };
        assert_eq!(ledger.completed(), expected);
        ledger.acknowledge([Receipt { seq: 0, of: 100 }]);
        assert_eq!((ledger.completed().watermark, ledger.in_flight()), (6, 0));
        assert!(ledger.lock().partial.is_empty());
    }

    #[test]
    fn a_job_that_was_done_in_part_is_done_with_what_was_missing() {
        let before = Completed {
            watermark: 3,
            above: std::iter::once(4..6).collect(),
            partial: vec![(3, 7)],
        };
        let ledger = Ledger::after(&before);
        assert_eq!(ledger.completed(), before);
        let receipts = [Receipt { seq: 3, of: 10 }; 3];
        ledger.acknowledge(receipts[..2].iter().copied());
        assert_eq!(ledger.completed().partial, [(3, 9)]);
        ledger.acknowledge(receipts[2..].iter().copied());
        assert_eq!(ledger.completed(), Completed::before(6));
        assert_eq!(ledger.acknowledged(), 3);
    }

    #[test]
    fn a_job_far_ahead_waits_for_the_oldest_one_or_for_the_end() {
        let ledger = Ledger::after(&Completed::before(7));
        let stop = AtomicBool::new(false);
        let far = 7 + LEDGER_SPAN_MAX;
        assert!(ledger.wait_for_room(far - 1, &stop));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| ledger.wait_for_room(far, &stop));
            ledger.acknowledge(done([7]));
            assert!(waiting.join().unwrap());
            let waiting = scope.spawn(|| ledger.wait_for_room(far + 1, &stop));
            stop.store(true, Ordering::SeqCst);
            ledger.wake();
            assert!(!waiting.join().unwrap());
        });
    }

    proptest! {
        #[test]
        fn the_watermark_and_what_is_above_it_are_what_was_acknowledged(
            first in 0..200_u64,
            order in Just((0..400_u64).collect::<Vec<_>>()).prop_shuffle(),
            count in 0..400_usize,
            step in 1..50_usize,
        ) {
            let ledger = Ledger::after(&Completed::before(first));
            let acknowledged: Vec<u64> = order[..count].iter().map(|at| first + at).collect();
            for some in acknowledged.chunks(step) {
                ledger.acknowledge(done(some.iter().copied()));
            }
            let completed = ledger.completed();
            let mut expected = acknowledged;
            expected.sort_unstable();
            let all: Vec<u64> = (first..completed.watermark)
                .chain(completed.above.iter().cloned().flatten())
                .collect();
            prop_assert_eq!(all, expected);
            // There is a gap at the watermark, and between any two that follow.
            let ends = std::iter::once(completed.watermark)
                .chain(completed.above.iter().map(|done| done.end));
            prop_assert!(ends.zip(&completed.above).all(|(end, next)| end < next.start));
            prop_assert!(ledger.lock().words.len() <= 400 / 64 + 2);
            // A run that is resumed goes on from there.
            let resumed = Ledger::after(&completed);
            prop_assert_eq!(resumed.completed(), completed);
            resumed.acknowledge(done(order[count..].iter().map(|at| first + at)));
            prop_assert_eq!(resumed.completed(), Completed::before(first + 400));
        }
    }
}
