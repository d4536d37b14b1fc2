//! A limit on the queries that each server address holds at once, as that of a forwarder.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;
use std::num::NonZeroU32;

use canvass_model::Time;

use super::per_server::PerServer;

/// The queries that are held, by the time at which each is let go.
#[derive(Debug)]
pub(super) struct InFlight {
    cap: usize,
    ends: PerServer<BinaryHeap<Reverse<Time>>>,
}

impl InFlight {
    pub(super) fn new(cap: NonZeroU32) -> Self {
        Self {
            cap: cap.get() as usize,
            ends: PerServer::new(),
        }
    }

    /// Whether `server` can take another query.
    pub(super) fn has_room(&mut self, now: Time, server: IpAddr) -> bool {
        let Some(ends) = self.ends_of(now, server) else {
            return false;
        };
        while ends.peek().is_some_and(|Reverse(end)| *end <= now) {
            ends.pop();
        }
        ends.len() < self.cap
    }

    /// Has `server`, which has room, hold a query until `end`.
    pub(super) fn hold(&mut self, now: Time, server: IpAddr, end: Time) {
        if let Some(ends) = self.ends_of(now, server) {
            ends.push(Reverse(end));
        }
    }

    fn ends_of(&mut self, now: Time, server: IpAddr) -> Option<&mut BinaryHeap<Reverse<Time>>> {
        let is_held = |Reverse(end): &Reverse<Time>| *end > now;
        self.ends.get(server, |ends| ends.iter().any(is_held))
    }
}
