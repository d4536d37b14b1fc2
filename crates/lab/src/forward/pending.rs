//! Queries on their way to the server, by the id they went with.
//!
//! No IO and no clock. An id is used again as late as memory allows, so that a late answer to
//! the query that had it before is rare; what it asked is compared all the same.

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::Time;

/// How long an answer is waited for: longer than any client asks, so that the client is the one
/// to give up.
pub(super) const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// Ids that are free before one of them is used again.
const REST_MIN: usize = 1024;

/// What is open at one socket or connection. No more can be than it has ids.
#[derive(Debug)]
pub(super) struct Pending<T> {
    slots: Vec<Slot<T>>,
    /// Ids that were used and are free, the one that rested longest first.
    free: VecDeque<u16>,
    /// The ends of the list of open slots, by age.
    oldest: Option<u16>,
    newest: Option<u16>,
    open_max: usize,
}

#[derive(Debug)]
struct Slot<T> {
    open: Option<Open<T>>,
    older: Option<u16>,
    newer: Option<u16>,
}

#[derive(Debug)]
struct Open<T> {
    since: Time,
    query: T,
}

impl<T> Pending<T> {
    /// Room for so many, at most 65,536. It takes memory as it is used.
    pub fn new(open_max: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: VecDeque::new(),
            oldest: None,
            newest: None,
            open_max,
        }
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether all ids are taken.
    pub fn is_full(&self) -> bool {
        self.len() >= self.open_max
    }

    /// Takes a query in and says which id it goes with; `None` when all are taken. Queries come
    /// in the order of their times.
    pub fn insert(&mut self, since: Time, query: T) -> Option<u16> {
        let fresh = self.slots.len() < self.open_max && self.free.len() < REST_MIN;
        let id = if fresh {
            self.slots.push(Slot {
                open: None,
                older: None,
                newer: None,
            });
            (self.slots.len() - 1) as u16
        } else {
            self.free.pop_front()?
        };
        let older = self.newest.replace(id);
        match older {
            Some(older) => self.slots[usize::from(older)].newer = Some(id),
            None => self.oldest = Some(id),
        }
        self.slots[usize::from(id)] = Slot {
            open: Some(Open { since, query }),
            older,
            newer: None,
        };
        Some(id)
    }

    /// What is open with this id.
    pub fn query(&self, id: u16) -> Option<&T> {
        let slot = self.slots.get(usize::from(id))?;
        slot.open.as_ref().map(|open| &open.query)
    }

    /// Ends what is open with this id.
    pub fn remove(&mut self, id: u16) -> Option<T> {
        let slot = self.slots.get_mut(usize::from(id))?;
        let open = slot.open.take()?;
        let (older, newer) = (slot.older, slot.newer);
        match older {
            Some(older) => self.slots[usize::from(older)].newer = newer,
            None => self.oldest = newer,
        }
        match newer {
            Some(newer) => self.slots[usize::from(newer)].older = older,
            None => self.newest = older,
        }
        self.free.push_back(id);
        Some(open.query)
    }

    /// Ends the oldest query, whatever its age.
    pub fn remove_oldest(&mut self) -> Option<T> {
        self.oldest.and_then(|id| self.remove(id))
    }

    /// Ends the oldest query if it was waited for long enough.
    pub fn remove_expired(&mut self, now: Time) -> Option<T> {
        if self.next_expiry()? > now {
            return None;
        }
        self.remove_oldest()
    }

    /// When the oldest query will have been waited for long enough.
    pub fn next_expiry(&self) -> Option<Time> {
        let slot = &self.slots[usize::from(self.oldest?)];
        slot.open.as_ref().map(|open| open.since + ANSWER_WAIT_MAX)
    }

    /// Everything open with its id, the oldest first.
    pub fn by_age(&self) -> impl Iterator<Item = (u16, &T)> {
        let mut next = self.oldest;
        std::iter::from_fn(move || {
            let id = next?;
            let slot = &self.slots[usize::from(id)];
            next = slot.newer;
            slot.open.as_ref().map(|open| (id, &open.query))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::HashMap;

    use proptest::prelude::*;

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    #[test]
    fn each_query_ends_once_and_by_its_own_id() {
        let mut pending = Pending::new(16);
        let first = pending.insert(at(0), "first").unwrap();
        let second = pending.insert(at(0), "second").unwrap();
        assert_ne!(first, second);
        assert_eq!(pending.query(second), Some(&"second"));
        assert_eq!(pending.remove(second), Some("second"));
        assert_eq!(
            (pending.remove(second), pending.query(second)),
            (None, None)
        );
        assert_eq!(pending.remove(9), None);
        assert_eq!(pending.len(), 1);
        assert_eq!(pending.remove(first), Some("first"));
        assert_eq!((pending.len(), pending.next_expiry()), (0, None));
    }

    #[test]
    fn a_full_table_takes_no_more() {
        let mut pending = Pending::new(2);
        let first = pending.insert(at(0), 1).unwrap();
        pending.insert(at(0), 2).unwrap();
        assert_eq!(pending.insert(at(0), 3), None);
        pending.remove(first);
        assert_eq!(pending.insert(at(0), 4), Some(first));
        assert_eq!(pending.insert(at(0), 5), None);
    }

    #[test]
    fn every_id_can_be_open_at_once() {
        let mut pending = Pending::new(1 << 16);
        let ids: Vec<u16> = (0..1 << 16)
            .map(|n| pending.insert(at(0), n).unwrap())
            .collect();
        assert!(ids.iter().copied().eq(0..=u16::MAX));
        assert_eq!(pending.insert(at(0), 0), None);
    }

    #[test]
    fn an_id_rests_before_it_is_used_again() {
        let mut pending = Pending::new(1 << 16);
        let ids: Vec<u16> = (0..2 * REST_MIN)
            .map(|n| {
                let id = pending.insert(at(0), n).unwrap();
                pending.remove(id);
                id
            })
            .collect();
        let again = ids[1..].iter().position(|id| *id == ids[0]);
        assert_eq!(again, Some(REST_MIN - 1));
        assert_eq!(pending.slots.len(), REST_MIN);
    }

    #[test]
    fn what_is_never_answered_expires_when_its_time_is_over() {
        let mut pending = Pending::new(16);
        pending.insert(at(0), "early").unwrap();
        let answered = pending.insert(at(1), "answered").unwrap();
        pending.insert(at(2), "late").unwrap();
        pending.remove(answered);
        assert_eq!(pending.next_expiry(), Some(at(10)));
        assert_eq!(pending.remove_expired(at(9)), None);
        assert_eq!(pending.remove_expired(at(11)), Some("early"));
        assert_eq!(pending.remove_expired(at(11)), None);
        assert_eq!(pending.next_expiry(), Some(at(12)));
        assert_eq!(pending.remove_expired(at(12)), Some("late"));
        assert_eq!(pending.remove_expired(at(99)), None);
    }

    proptest! {
        #[test]
        fn it_holds_what_a_plain_map_holds(steps in prop::collection::vec((any::<bool>(), 0u16..12), 1..200)) {
            let mut pending = Pending::new(8);
            let mut open: HashMap<u16, usize> = HashMap::new();
            for (step, (insert, id)) in steps.into_iter().enumerate() {
                if insert {
                    match pending.insert(at(step as u64), step) {
                        Some(id) => prop_assert_eq!(open.insert(id, step), None),
                        None => prop_assert_eq!(open.len(), 8),
                    }
                } else {
                    prop_assert_eq!(pending.remove(id), open.remove(&id));
                }
                prop_assert_eq!(pending.len(), open.len());
                let mut by_age: Vec<(u16, usize)> = open.iter().map(|(id, step)| (*id, *step)).collect();
                by_age.sort_unstable_by_key(|(_, step)| *step);
                let listed: Vec<(u16, usize)> = pending.by_age().map(|(id, step)| (id, *step)).collect();
                prop_assert_eq!(listed, by_age);
            }
        }
    }
}
