//! Replies that wait for their time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use canvass_model::Time;

use crate::report::Count;

/// Replies that may wait at once: three seconds of 300,000 a second.
pub(crate) const WAITING_MAX: usize = 1 << 20;

/// One reply that waits. `D` says where it is to go.
#[derive(Debug)]
pub(crate) struct Held<D> {
    /// When its query was read.
    pub received: Time,
    /// The delay it is to be given.
    pub asked: Duration,
    /// Where it goes.
    pub destination: D,
    /// What it counts as when it has left.
    pub count: Count,
    /// The message.
    pub message: Box<[u8]>,
}

/// Waiting replies by when they are due; those due at one time leave in the order they came.
#[derive(Debug)]
pub(crate) struct Schedule<D> {
    heap: BinaryHeap<Reverse<Entry<D>>>,
    next_sequence: u64,
    waiting_max: usize,
}

impl<D> Schedule<D> {
    pub fn new(waiting_max: usize) -> Self {
        Self {
            heap: BinaryHeap::new(),
            next_sequence: 0,
            waiting_max,
        }
    }

    /// Takes a reply in, or gives it back when too many wait.
    pub fn hold(&mut self, held: Held<D>) -> Result<(), Held<D>> {
        if self.heap.len() >= self.waiting_max {
            return Err(held);
        }
        let due = held.received + held.asked;
        self.heap.push(Reverse(Entry {
            due,
            sequence: self.next_sequence,
            held: Box::new(held),
        }));
        self.next_sequence += 1;
        Ok(())
    }

    /// When the next reply is due.
    pub fn next_due(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(entry)| entry.due)
    }

    /// The next reply, if it is due.
    pub fn pop_due(&mut self, now: Time) -> Option<Held<D>> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| *entry.held)
    }
}

/// The box keeps what the heap moves about small.
#[derive(Debug)]
struct Entry<D> {
    due: Time,
    sequence: u64,
    held: Box<Held<D>>,
}

impl<D> Entry<D> {
    fn key(&self) -> (Time, u64) {
        (self.due, self.sequence)
    }
}

impl<D> PartialEq for Entry<D> {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl<D> Eq for Entry<D> {}

impl<D> PartialOrd for Entry<D> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<D> Ord for Entry<D> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(received_ns: u64, asked_ns: u64, destination: u32) -> Held<u32> {
        Held {
            received: Time::from_nanos(received_ns),
            asked: Duration::from_nanos(asked_ns),
            destination,
            count: Count::Answered,
            message: Box::new([]),
        }
    }

    #[test]
    fn replies_leave_when_due_and_in_order() {
        let mut schedule = Schedule::new(10);
        for (received, asked, destination) in [(0, 30, 1), (5, 10, 2), (10, 20, 3), (0, 15, 4)] {
            schedule.hold(held(received, asked, destination)).unwrap();
        }
        assert_eq!(schedule.next_due(), Some(Time::from_nanos(15)));
        let mut leave = |at| {
            let now = Time::from_nanos(at);
            std::iter::from_fn(|| schedule.pop_due(now))
                .map(|held| held.destination)
                .collect::<Vec<_>>()
        };
        assert_eq!(leave(14), []);
        assert_eq!(leave(15), [2, 4]);
        assert_eq!(leave(30), [1, 3]);
    }

    #[test]
    fn no_more_wait_than_may() {
        let mut schedule = Schedule::new(1);
        assert!(schedule.hold(held(0, 1, 1)).is_ok());
        let returned = schedule.hold(held(0, 1, 2)).unwrap_err();
        assert_eq!(returned.destination, 2);
    }
}
