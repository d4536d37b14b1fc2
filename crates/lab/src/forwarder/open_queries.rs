//! Open queries by id.
//!
//! An id is reused as late as possible, so that a late answer to its last query is rare. The
//! question is compared in any case.

use std::collections::VecDeque;
use std::time::Duration;

use canvass_model::Time;

/// How long a query stays open: longer than any client waits, so that the client times out first.
pub(super) const ANSWER_WAIT_MAX: Duration = Duration::from_secs(10);
/// Ids that must be free before one of them is reused.
const FREE_IDS_MIN: usize = 1024;

/// The open queries of one socket or connection.
#[derive(Debug)]
pub(super) struct OpenQueries<T> {
    slots: Vec<Slot<T>>,
    /// Used ids that are free, the one that was freed first at the front.
    free: VecDeque<u16>,
    /// Both ends of the list of open slots, which is ordered by age.
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

impl<T> OpenQueries<T> {
    /// Has room for `open_max` queries, at most 65,536. Memory is allocated when it is needed.
    pub(super) fn new(open_max: usize) -> Self {
        Self {
            slots: Vec::new(),
            free: VecDeque::new(),
            oldest: None,
            newest: None,
            open_max,
        }
    }

    /// The number of open queries.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Whether no id is free.
    pub(super) fn is_full(&self) -> bool {
        self.len() >= self.open_max
    }

    /// Adds a query and returns its id; `None` if no id is free. Queries must be added in the order
    /// of their times.
    pub(super) fn insert(&mut self, since: Time, query: T) -> Option<u16> {
        let fresh = self.slots.len() < self.open_max && self.free.len() < FREE_IDS_MIN;
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

    /// The open query with an id.
    pub(super) fn query(&self, id: u16) -> Option<&T> {
        let slot = self.slots.get(usize::from(id))?;
        slot.open.as_ref().map(|open| &open.query)
    }

    /// Ends the query with an id.
    pub(super) fn remove(&mut self, id: u16) -> Option<T> {
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

    /// Ends the oldest query.
    pub(super) fn remove_oldest(&mut self) -> Option<T> {
        self.oldest.and_then(|id| self.remove(id))
    }

    /// Ends the oldest query if it has expired.
    pub(super) fn remove_expired(&mut self, now: Time) -> Option<T> {
        if self.next_expiry()? > now {
            return None;
        }
        self.remove_oldest()
    }

    /// When the oldest query expires.
    pub(super) fn next_expiry(&self) -> Option<Time> {
        let slot = &self.slots[usize::from(self.oldest?)];
        slot.open.as_ref().map(|open| open.since + ANSWER_WAIT_MAX)
    }

    /// The open queries with their ids, the oldest first.
    pub(super) fn by_age(&self) -> impl Iterator<Item = (u16, &T)> {
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
        let mut queries = OpenQueries::new(16);
        let first = queries.insert(at(0), "first").unwrap();
        let second = queries.insert(at(0), "second").unwrap();
        assert_ne!(first, second);
        assert_eq!(queries.query(second), Some(&"second"));
        assert_eq!(queries.remove(second), Some("second"));
        assert_eq!(
            (queries.remove(second), queries.query(second)),
            (None, None)
        );
        assert_eq!(queries.remove(9), None);
        assert_eq!(queries.len(), 1);
        assert_eq!(queries.remove(first), Some("first"));
        assert_eq!((queries.len(), queries.next_expiry()), (0, None));
    }

    #[test]
    fn a_full_table_takes_no_more() {
        let mut queries = OpenQueries::new(2);
        let first = queries.insert(at(0), 1).unwrap();
        queries.insert(at(0), 2).unwrap();
        assert_eq!(queries.insert(at(0), 3), None);
        queries.remove(first);
        assert_eq!(queries.insert(at(0), 4), Some(first));
        assert_eq!(queries.insert(at(0), 5), None);
    }

    #[test]
    fn every_id_can_be_open_at_once() {
        let mut queries = OpenQueries::new(1 << 16);
        let ids: Vec<u16> = (0..1 << 16)
            .map(|n| queries.insert(at(0), n).unwrap())
            .collect();
        assert!(ids.iter().copied().eq(0..=u16::MAX));
        assert_eq!(queries.insert(at(0), 0), None);
    }

    #[test]
    fn an_id_rests_before_it_is_used_again() {
        let mut queries = OpenQueries::new(1 << 16);
        let ids: Vec<u16> = (0..2 * FREE_IDS_MIN)
            .map(|n| {
                let id = queries.insert(at(0), n).unwrap();
                queries.remove(id);
                id
            })
            .collect();
        let again = ids[1..].iter().position(|id| *id == ids[0]);
        assert_eq!(again, Some(FREE_IDS_MIN - 1));
        assert_eq!(queries.slots.len(), FREE_IDS_MIN);
    }

    #[test]
    fn what_is_never_answered_expires_when_its_time_is_over() {
        let mut queries = OpenQueries::new(16);
        queries.insert(at(0), "early").unwrap();
        let answered = queries.insert(at(1), "answered").unwrap();
        queries.insert(at(2), "late").unwrap();
        queries.remove(answered);
        assert_eq!(queries.next_expiry(), Some(at(10)));
        assert_eq!(queries.remove_expired(at(9)), None);
        assert_eq!(queries.remove_expired(at(11)), Some("early"));
        assert_eq!(queries.remove_expired(at(11)), None);
        assert_eq!(queries.next_expiry(), Some(at(12)));
        assert_eq!(queries.remove_expired(at(12)), Some("late"));
        assert_eq!(queries.remove_expired(at(99)), None);
    }

    proptest! {
        #[test]
        fn it_holds_what_a_plain_map_holds(steps in prop::collection::vec((any::<bool>(), 0u16..12), 1..200)) {
            let mut queries = OpenQueries::new(8);
            let mut open: HashMap<u16, usize> = HashMap::new();
            for (step, (insert, id)) in steps.into_iter().enumerate() {
                if insert {
                    match queries.insert(at(step as u64), step) {
                        Some(id) => prop_assert_eq!(open.insert(id, step), None),
                        None => prop_assert_eq!(open.len(), 8),
                    }
                } else {
                    prop_assert_eq!(queries.remove(id), open.remove(&id));
                }
                prop_assert_eq!(queries.len(), open.len());
                let mut by_age: Vec<(u16, usize)> = open.iter().map(|(id, step)| (*id, *step)).collect();
                by_age.sort_unstable_by_key(|(_, step)| *step);
                let listed: Vec<(u16, usize)> = queries.by_age().map(|(id, step)| (id, *step)).collect();
                prop_assert_eq!(listed, by_age);
            }
        }
    }
}
