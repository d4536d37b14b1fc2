//! Items that become due at a given time.

use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

use canvass_model::Time;

/// Items by due time. Items that are due at the same time leave in the order they were added.
#[derive(Debug)]
pub(crate) struct TimerQueue<T> {
    heap: BinaryHeap<Reverse<Entry<T>>>,
    next_sequence: u64,
}

#[derive(Debug)]
struct Entry<T> {
    due: Time,
    sequence: u64,
    item: T,
}

impl<T> TimerQueue<T> {
    pub(crate) const fn new() -> Self {
        Self {
            heap: BinaryHeap::new(),
            next_sequence: 0,
        }
    }

    pub(crate) fn push(&mut self, due: Time, item: T) {
        self.heap.push(Reverse(Entry {
            due,
            sequence: self.next_sequence,
            item,
        }));
        self.next_sequence += 1;
    }

    pub(crate) fn len(&self) -> usize {
        self.heap.len()
    }

    pub(crate) fn next_due(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(entry)| entry.due)
    }

    /// The next item, if it is due.
    pub(crate) fn pop_due(&mut self, now: Time) -> Option<T> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.item)
    }
}

impl<T> Entry<T> {
    fn key(&self) -> (Time, u64) {
        (self.due, self.sequence)
    }
}

impl<T> PartialEq for Entry<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<T> Eq for Entry<T> {}

impl<T> PartialOrd for Entry<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Entry<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_leave_when_due_and_in_order() {
        let mut queue = TimerQueue::new();
        for (due, item) in [(30, 1), (15, 2), (30, 3), (15, 4)] {
            queue.push(Time::from_nanos(due), item);
        }
        assert_eq!(queue.next_due(), Some(Time::from_nanos(15)));
        let mut pop_all = |at| {
            let now = Time::from_nanos(at);
            std::iter::from_fn(|| queue.pop_due(now)).collect::<Vec<_>>()
        };
        assert_eq!(pop_all(14), []);
        assert_eq!(pop_all(15), [2, 4]);
        assert_eq!(pop_all(40), [1, 3]);
        assert_eq!(queue.next_due(), None);
    }
}
