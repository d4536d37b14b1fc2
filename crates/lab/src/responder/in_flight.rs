//! A limit on the questions that each server address holds at once, as that of a forwarder.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;
use std::num::NonZeroU32;

use canvass_model::Time;
use hashbrown::HashMap;

use super::per_server::PerServer;
use crate::name_fate::QuestionKey;

/// The questions that are held.
#[derive(Debug)]
pub(super) struct InFlight {
    cap: usize,
    held: PerServer<Held>,
}

/// The questions of one server address.
#[derive(Debug, Default)]
struct Held {
    ends: HashMap<QuestionKey, Time>,
    by_end: BinaryHeap<Reverse<(Time, QuestionKey)>>,
}

/// How a query is received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Admission {
    /// There is room for it.
    New,
    /// Its question is held until this time: it takes no room, and is answered with the first one.
    Joins(Time),
    /// There is no room for it.
    Full,
}

impl InFlight {
    pub(super) fn new(cap: NonZeroU32) -> Self {
        Self {
            cap: cap.get() as usize,
            held: PerServer::new(),
        }
    }

    pub(super) fn admit(&mut self, now: Time, server: IpAddr, question: QuestionKey) -> Admission {
        let cap = self.cap;
        let Some(held) = self.held_by(now, server) else {
            return Admission::Full;
        };
        while let Some(&Reverse((end, ended))) = held.by_end.peek()
            && end <= now
        {
            held.by_end.pop();
            held.ends.remove(&ended);
        }
        match held.ends.get(&question) {
            Some(end) => Admission::Joins(*end),
            None if held.ends.len() < cap => Admission::New,
            None => Admission::Full,
        }
    }

    /// Has `server` hold a question that is new to it until `end`.
    pub(super) fn hold(&mut self, now: Time, server: IpAddr, question: QuestionKey, end: Time) {
        if let Some(held) = self.held_by(now, server) {
            held.ends.insert(question, end);
            held.by_end.push(Reverse((end, question)));
        }
    }

    fn held_by(&mut self, now: Time, server: IpAddr) -> Option<&mut Held> {
        let is_busy = |held: &Held| held.ends.values().any(|end| *end > now);
        self.held.get(server, is_busy)
    }
}
