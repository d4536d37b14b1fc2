//! Writes checkpoints on a thread of its own.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::disk::{Disk, DiskError};
use crate::record::{Progress, Record};
use crate::store::Store;

/// The least time from one checkpoint to the next.
pub const INTERVAL_MIN: Duration = Duration::from_millis(200);
/// A checkpoint that takes some time is followed by the next one after this many times that, so that
/// a slow disk has time for the lines too.
const INTERVAL_SHARE: u32 = 4;

/// Writes the records of a run, on a thread of its own. Dropping it waits for the record that is being
/// written.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    next: Option<Work>,
    is_busy: bool,
    is_closed: bool,
    /// When the next checkpoint may be taken.
    due: Instant,
    /// The number that was given with the latest checkpoint that is durable.
    durable: u64,
    failed: Option<Arc<DiskError>>,
}

/// What the thread does next.
enum Work {
    Checkpoint(Box<dyn FnOnce() -> Progress + Send>, u64),
    Finish(u8),
}

impl Writer {
    /// Starts the thread. `record` is the latest one in `store`.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start<D: Disk + Send + 'static>(store: Store<D>, record: Record) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                next: None,
                is_busy: false,
                is_closed: false,
                due: Instant::now() + INTERVAL_MIN,
                durable: 0,
                failed: None,
            }),
            changed: Condvar::new(),
        });
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("journal".into())
            .spawn(move || of_thread.work(store, record))?;
        Ok(Self {
            shared,
            thread: Some(thread),
        })
    }

    /// Whether a checkpoint should be taken now.
    pub fn is_due(&self) -> bool {
        let state = self.shared.lock();
        state.is_idle() && Instant::now() >= state.due
    }

    /// The number given with the latest checkpoint that is durable.
    ///
    /// # Errors
    /// A checkpoint could not be written. No further one is.
    pub fn durable(&self) -> Result<u64, Arc<DiskError>> {
        self.shared.lock().durable()
    }

    /// Writes a checkpoint, as soon as one that is being written is done. `progress` is called on the
    /// thread, and everything it counts on must have been written to the outputs. Replaces a checkpoint
    /// that is not begun yet.
    pub fn checkpoint(&self, count: u64, progress: impl FnOnce() -> Progress + Send + 'static) {
        self.submit(Work::Checkpoint(Box::new(progress), count));
    }

    /// Waits until the last checkpoint is durable. Returns its number.
    ///
    /// # Errors
    /// As for [`durable`](Self::durable).
    pub fn wait(&self) -> Result<u64, Arc<DiskError>> {
        let mut state = self.shared.lock();
        while !state.is_idle() {
            let woken = self.shared.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.durable()
    }

    /// Records that the run is complete and ends with this exit status, and waits until that is durable.
    ///
    /// # Errors
    /// As for [`durable`](Self::durable).
    pub fn finish(&self, exit_status: u8) -> Result<(), Arc<DiskError>> {
        self.wait()?;
        self.submit(Work::Finish(exit_status));
        self.wait().map(drop)
    }

    fn submit(&self, work: Work) {
        let mut state = self.shared.lock();
        if state.failed.is_none() {
            state.next = Some(work);
            self.shared.changed.notify_all();
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has left the journal as after a crash.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The thread: ends when the writer is dropped, or after the first failure.
    fn work<D: Disk>(&self, mut store: Store<D>, mut record: Record) {
        while let Some(work) = self.next() {
            let count = match work {
                Work::Checkpoint(progress, count) => {
                    record.progress = progress();
                    Some(count)
                }
                Work::Finish(exit_status) => {
                    record.finished = Some(exit_status);
                    None
                }
            };
            let began = Instant::now();
            let committed = store.commit(&mut record);
            let mut state = self.lock();
            state.is_busy = false;
            state.due = began + interval(began.elapsed());
            let is_failed = committed.is_err();
            match committed {
                Ok(()) => state.durable = count.unwrap_or(state.durable),
                Err(error) => {
                    state.failed = Some(Arc::new(error));
                    state.next = None;
                }
            }
            self.changed.notify_all();
            if is_failed {
                return;
            }
        }
    }

    fn next(&self) -> Option<Work> {
        let mut state = self.lock();
        loop {
            if let Some(work) = state.next.take() {
                state.is_busy = true;
                return Some(work);
            }
            if state.is_closed {
                return None;
            }
            let woken = self.changed.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    fn is_idle(&self) -> bool {
        self.next.is_none() && !self.is_busy
    }

    fn durable(&self) -> Result<u64, Arc<DiskError>> {
        match &self.failed {
            None => Ok(self.durable),
            Some(error) => Err(Arc::clone(error)),
        }
    }
}

/// The time from the beginning of a checkpoint that took `took` to the next one.
fn interval(took: Duration) -> Duration {
    INTERVAL_MIN.max(took.saturating_mul(INTERVAL_SHARE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::record;
    use crate::{FileDisk, Store};

    #[test]
    fn a_slow_disk_has_checkpoints_less_often() {
        let of = |took_ms| interval(Duration::from_millis(took_ms)).as_millis();
        assert_eq!([of(0), of(50), of(51), of(1000)], [200, 200, 204, 4000]);
    }

    #[test]
    fn checkpoints_and_the_end_are_on_the_disk_when_they_were_waited_for() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.journal");
        let (mut store, _) = Store::load(FileDisk::lock(&path).unwrap()).unwrap();
        let mut first = record(0);
        store.begin(&mut first).unwrap();
        let writer = Writer::start(store, first).unwrap();
        for count in 1..=3 {
            let progress = Progress {
                elapsed_ns: count,
                ..Progress::default()
            };
            writer.checkpoint(count, move || progress);
            assert_eq!(writer.wait().unwrap(), count);
        }
        writer.finish(1).unwrap();
        assert_eq!(writer.durable().unwrap(), 3);
        drop(writer);
        let (_, loaded) = Store::load(FileDisk::lock(&path).unwrap()).unwrap();
        let record = loaded.record.unwrap();
        assert_eq!((record.progress.elapsed_ns, record.finished), (3, Some(1)));
        assert_eq!(record.generation, 5);
    }
}
