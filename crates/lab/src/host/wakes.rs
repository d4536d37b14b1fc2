//! What is to be done at which time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use canvass_model::Time;

use super::datagrams::HeldDatagram;

/// Something whose time comes.
pub(crate) enum Wake {
    /// A connection has something to say, if it is still this one.
    Connection { slot: usize, generation: u32 },
    /// There may be descriptors again to accept connections with.
    Accept,
    /// An answer leaves.
    Datagram(Box<HeldDatagram>),
}

/// All of them, by time; those of one time in the order they came.
#[derive(Default)]
pub(crate) struct Wakes {
    heap: BinaryHeap<Reverse<Entry>>,
    next_sequence: u64,
}

struct Entry {
    due: Time,
    sequence: u64,
    wake: Wake,
}

impl Wakes {
    pub fn push(&mut self, due: Time, wake: Wake) {
        let sequence = self.next_sequence;
        self.next_sequence += 1;
        self.heap.push(Reverse(Entry {
            due,
            sequence,
            wake,
        }));
    }

    pub fn len(&self) -> usize {
        self.heap.len()
    }

    pub fn next_due(&self) -> Option<Time> {
        self.heap.peek().map(|Reverse(entry)| entry.due)
    }

    pub fn pop_due(&mut self, now: Time) -> Option<Wake> {
        if self.next_due()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry.wake)
    }
}

impl Entry {
    fn key(&self) -> (Time, u64) {
        (self.due, self.sequence)
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wakes_come_when_due_and_in_order() {
        let mut wakes = Wakes::default();
        for (due, slot) in [(30, 1), (15, 2), (15, 3)] {
            wakes.push(
                Time::from_nanos(due),
                Wake::Connection {
                    slot,
                    generation: 0,
                },
            );
        }
        let mut pop = |at| match wakes.pop_due(Time::from_nanos(at)) {
            Some(Wake::Connection { slot, .. }) => Some(slot),
            _ => None,
        };
        assert_eq!(
            [pop(14), pop(15), pop(15), pop(15), pop(40)],
            [None, Some(2), Some(3), None, Some(1)]
        );
        assert_eq!(wakes.next_due(), None);
    }
}
