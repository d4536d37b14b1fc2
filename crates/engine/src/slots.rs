//! The slots for targets under way, which the shards of a run share if the user has limited them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The slots that the shards of a run have taken.
#[derive(Debug, Default)]
pub(crate) struct SlotPool {
    taken: AtomicUsize,
}

/// The slots that one shard has taken.
#[derive(Debug)]
pub(crate) struct Slots {
    pool: Arc<SlotPool>,
    held: usize,
}

impl Slots {
    pub(crate) fn new(pool: Arc<SlotPool>) -> Self {
        Self { pool, held: 0 }
    }

    /// Whether there is a slot for another job, of which this shard has `jobs`. All shards may take
    /// `slots_max`.
    pub(crate) fn has_room(&mut self, jobs: usize, slots_max: usize) -> bool {
        // There may be fewer since they were taken.
        let is_within = || self.pool.taken.load(Ordering::Relaxed) <= slots_max;
        if jobs < self.held && is_within() {
            return true;
        }
        let next = |taken| (taken < slots_max).then_some(taken + 1);
        let is_taken = self
            .pool
            .taken
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
            .is_ok();
        self.held += usize::from(is_taken);
        is_taken
    }

    /// Gives back all slots but those of `jobs`.
    pub(crate) fn give_back(&mut self, jobs: usize) {
        if self.held > jobs {
            self.pool
                .taken
                .fetch_sub(self.held - jobs, Ordering::Relaxed);
            self.held = jobs;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_have_no_more_together_than_there_are() {
        let pool = Arc::new(SlotPool::default());
        let (mut one, mut other) = (Slots::new(Arc::clone(&pool)), Slots::new(pool));
        assert!(one.has_room(0, 3) && one.has_room(1, 3) && other.has_room(0, 3));
        assert!(!one.has_room(2, 3) && !other.has_room(1, 3));
        // One of its jobs has ended.
        assert!(one.has_room(1, 3) && !other.has_room(1, 3));
        one.give_back(1);
        assert!(!other.has_room(1, 2) && !other.has_room(0, 1));
        assert!(other.has_room(1, 3));
    }
}
