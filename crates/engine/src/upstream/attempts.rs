//! The queries of one socket that may still be answered, by id.

use canvass_model::Time;
use canvass_proto::{QuestionId, UpstreamId};
use hashbrown::HashMap;
use rand::RngExt;
use rand::rngs::StdRng;

use super::epoch::EpochId;
use crate::net::SocketId;
use crate::slab::TaskKey;

/// A table with fewer than one entry in so many places is made smaller.
const SPARSE: usize = 8;
/// The number of entries that a table always has room for.
const KEPT: usize = 64;

/// A query that may still be answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    pub(crate) task: TaskKey,
    pub(crate) question: QuestionId,
    pub(crate) sent: Time,
    pub(crate) epoch: EpochId,
    /// How many queries were in flight on its lane when it was sent, but for overdue ones.
    pub(crate) in_flight_before: u32,
    /// It was its job's first query.
    pub(crate) first: bool,
    /// It carried an OPT record.
    pub(crate) edns: bool,
    /// It has expired, and no longer counts as in flight.
    pub(crate) expired: bool,
}

/// The place of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AttemptKey {
    pub(crate) upstream: UpstreamId,
    pub(crate) socket: SocketId,
    pub(crate) id: u16,
}

/// The queries of one socket that may still be answered.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    by_id: HashMap<u16, Attempt>,
    /// The number of those that have expired.
    expired: usize,
}

impl Attempts {
    pub(crate) fn len(&self) -> usize {
        self.by_id.len()
    }

    /// The number of those that have not expired, and whose answers may all come at once.
    pub(crate) fn in_flight(&self) -> usize {
        self.by_id.len() - self.expired
    }

    /// One has expired. It can still be answered.
    pub(crate) fn expire(&mut self, id: u16) {
        if let Some(attempt) = self.by_id.get_mut(&id)
            && !attempt.expired
        {
            attempt.expired = true;
            self.expired += 1;
        }
    }

    /// Draws an id that no open query of this socket has.
    ///
    /// A socket never has more than a few thousand queries, so a free id is soon found.
    pub(crate) fn draw_id(&self, rng: &mut StdRng) -> u16 {
        loop {
            let id = rng.random();
            if !self.by_id.contains_key(&id) {
                return id;
            }
        }
    }

    pub(crate) fn insert(&mut self, id: u16, attempt: Attempt) {
        self.by_id.insert(id, attempt);
    }

    #[inline]
    pub(crate) fn by_id(&self, id: u16) -> Option<&Attempt> {
        self.by_id.get(&id)
    }

    pub(crate) fn remove(&mut self, id: u16) -> Option<Attempt> {
        let attempt = self.by_id.remove(&id)?;
        self.expired -= usize::from(attempt.expired);
        if self.by_id.capacity() / SPARSE > self.by_id.len().max(KEPT) {
            self.by_id.shrink_to(2 * self.by_id.len().max(KEPT));
        }
        Some(attempt)
    }

    /// Those that have not expired.
    pub(crate) fn unexpired(&self) -> impl Iterator<Item = &Attempt> {
        self.by_id.values().filter(|attempt| !attempt.expired)
    }

    /// Takes all of them out.
    pub(crate) fn drain(&mut self) -> Vec<(u16, Attempt)> {
        let mut all: Vec<_> = self.by_id.drain().collect();
        self.expired = 0;
        // In the order sent, so that a run can be replayed and the oldest is sent again first.
        all.sort_by_key(|(id, attempt)| (attempt.sent, *id));
        all
    }
}
